"""One run of the text engine: its streaming state from prompt to last token."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from antiphon_engines.api import Done, Failed, Output, Piece, TextRequest, Token, Window
from antiphon_engines.text.answer_filter import AnswerFilter
from antiphon_engines.text.detokenize import Detokenizer
from antiphon_engines.text.drafts.lookup import Confidence
from antiphon_engines.text.prompts import Prompt
from antiphon_engines.text.sampling import Choice, Row, choose
from antiphon_engines.text.stop_filter import StopFilter
from antiphon_engines.text.tokenizer import Tokenizer
from antiphon_proto.errors import ErrorCode
from antiphon_proto.messages import Alternative, TokenInfo


class TextJob:
    """`row` is its place in the arena; `read` counts the prompt tokens that are in it."""

    window: Window | None = None

    def __init__(
        self, request: TextRequest, tokenizer: Tokenizer, prompt: Prompt, *, row: int, read: int, seed: int
    ) -> None:
        self.request = request
        self.prompt = prompt
        self.unit: str = "prefill"
        self.row = row
        self.read = read
        self.written: list[int] = []
        self.confidence = Confidence()
        self._seed = seed
        self._tokenizer = tokenizer
        self._detokenizer = Detokenizer(tokenizer, prompt.ids)
        self._shape = _shape(prompt)
        self._stops = StopFilter(request.params.stop)
        self._space = prompt.space
        self._recent = list(prompt.ids[-prompt.looks_back :])

    @property
    def piece(self) -> Piece | None:
        """A prompt is read in chunks of any length."""
        return Piece() if self.unit == "prefill" else None

    @property
    def latest(self) -> int:
        return self.written[-1]

    @property
    def repeats(self) -> bool:
        """Whether most of the answer may be words of its prompt: it rewrites a passage."""
        return bool(self.request.selection.strip())

    def prompt_again(self, prompt: Prompt, read: int) -> None:
        """Another prompt, which ends in the text written so far; `read` tokens of it are in the row."""
        self.prompt = prompt
        self.read = read
        self.unit = "prefill"
        if not self.written:
            self._detokenizer = Detokenizer(self._tokenizer, prompt.ids)
            self._space = prompt.space
            self._shape = _shape(prompt)

    def receive(self, logits: Row, log_total: float, *, full: bool) -> list[Output]:
        """Take the next token from the model's answer. `full` says that no further token fits into the row."""
        if not np.isfinite(log_total):
            return [Failed(ErrorCode.ENGINE_FAILED, "the model gave numbers that are not finite")]
        params = self.request.params
        choice = choose(
            logits,
            log_total,
            params,
            seed=self._seed,
            index=len(self.written),
            seen=self._recent,
            allowed=self._allowed(len(logits)),
        )
        if choice.token in self._tokenizer.end_ids:
            return [*self._last(), Done("end")]
        self.written.append(choice.token)
        self._recent = [*self._recent[1 - self.prompt.looks_back :], choice.token]
        shaped, ended = self._shape.push(self._info(choice))
        outputs, stopped = self._stop(shaped)
        if stopped:
            return [*outputs, Done("stop_string")]
        if ended:
            return [*outputs, *self._tokens(self._stops.flush()), Done("end")]
        if len(self.written) >= params.max_tokens or full:
            return [*outputs, *self._last(), Done("length")]
        return outputs

    def _stop(self, infos: list[TokenInfo]) -> tuple[list[Output], bool]:
        """The text to send of the shaped tokens, and whether a stop string of the request has ended the run."""
        outputs: list[Output] = []
        for info in infos:
            passed, stopped = self._stops.push(info)
            outputs += self._tokens(passed)
            if stopped:
                return outputs, True
        return outputs, False

    def _last(self) -> list[Output]:
        """The text that was held back, at the end of the run."""
        outputs, stopped = self._stop(self._shape.flush())
        return outputs if stopped else [*outputs, *self._tokens(self._stops.flush())]

    def _allowed(self, size: int) -> NDArray[np.bool_] | None:
        """Only the first token is constrained: a run writes something, and goes on from the spaces before it."""
        if self.written:
            return None
        allowed = np.ones(size, np.bool_)
        if self._space:
            allowed[:] = False
            allowed[: len(self._tokenizer.spaced)] = self._tokenizer.spaced[:size]
        allowed[[token for token in self._tokenizer.end_ids if token < size]] = False
        return allowed

    def _info(self, choice: Choice) -> TokenInfo:
        text = self._detokenizer.push(choice.token)
        if self._space and text:
            text, self._space = text.removeprefix(" "), False
        return TokenInfo(
            index=len(self.written) - 1,
            text=text[:1024],
            token_id=choice.token,
            logprob=choice.logprob,
            alternatives=tuple(
                Alternative(text=self._tokenizer.decode([token])[:256], logprob=logprob)
                for token, logprob in choice.rivals
            ),
        )

    @staticmethod
    def _tokens(infos: list[TokenInfo]) -> list[Output]:
        return [Token(info) for info in infos]


def _shape(prompt: Prompt) -> AnswerFilter:
    return AnswerFilter(opens=prompt.opens, stops=prompt.stops, tidy=prompt.tidy, before=prompt.before)
