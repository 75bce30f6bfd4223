"""A run that fills a gap: it reads the left side as a prompt, then tries words against the right side."""

from __future__ import annotations

import numpy as np

from antiphon_engines.api import Done, Failed, Fills, InvalidRequest, Output, Piece, TextRequest
from antiphon_engines.text.fill.search import Bounds, Search, Trial
from antiphon_engines.text.fill.sides import Sides, fits, sides, word_count
from antiphon_engines.text.generation import TextJob
from antiphon_engines.text.model import Logits
from antiphon_engines.text.prompts import Prompt
from antiphon_engines.text.sampling import Row, log_totals
from antiphon_engines.text.tokenizer import Tokenizer
from antiphon_proto.errors import ErrorCode


def prompt(request: TextRequest, tokenizer: Tokenizer) -> Prompt:
    """The left side as plain text: a chat template would begin an answer instead of going on. Raises InvalidRequest
    when there is nothing on either side."""
    if not request.before.strip() and not request.after.strip():
        raise InvalidRequest("there is nothing on either side of the gap")
    ids = [*tokenizer.start_ids, *tokenizer.encode(sides(request.before, request.after).before)]
    return Prompt(ids or tokenizer.encode("\n"))


class FillJob(TextJob):
    """After its prompt its unit is "score": one trial, or a piece of it. `kept` is the length of its row without the
    trial that is under way, `feed` what is still to be read of that."""

    def __init__(
        self,
        request: TextRequest,
        tokenizer: Tokenizer,
        prompt: Prompt,
        *,
        row: int,
        read: int,
        seed: int,
        bounds: Bounds,
    ) -> None:
        super().__init__(request, tokenizer, prompt, row=row, read=read, seed=seed)
        self._spaced = tokenizer.spaced
        self._sides: Sides = sides(request.before, request.after)
        self._after = tokenizer.encode(self._sides.after)[: bounds.after] if self._sides.after else []
        self._search = Search(
            bounds,
            request.params,
            seed=seed,
            words=word_count(request.selection),
            decode=tokenizer.decode,
            fits=lambda words: fits(words, self._sides.before, self._sides.after, request.selection),
            never=tokenizer.end_ids,
        )
        self.kept = len(prompt.ids)
        self.feed: list[int] = []
        self._trial: Trial | None = None
        self._own = 0
        """Tokens of the trial that are read anew."""
        self._held: tuple[int, ...] = ()
        self._answers: list[Logits] = []

    @property
    def piece(self) -> Piece | None:
        """Both a prompt and a trial are read in chunks of any length."""
        return Piece()

    @property
    def repeats(self) -> bool:
        return False

    @property
    def begun(self) -> bool:
        """A part of the trial stands in the row already."""
        return bool(self._answers)

    def receive(self, logits: Row, log_total: float, *, full: bool) -> list[Output]:
        """The model's answer to the left side."""
        if not np.isfinite(log_total):
            return [Failed(ErrorCode.ENGINE_FAILED, "the model gave numbers that are not finite")]
        spaced = self._sides.spaced
        allowed = None
        if spaced is not None:
            allowed = np.zeros(len(logits), np.bool_)
            known = self._spaced[: len(logits)]
            allowed[: len(known)] = known if spaced else ~known
        self._search.begin(logits, log_total, allowed)
        self.unit = "score"
        return self._go_on()

    def fed(self, count: int, logits: Logits) -> list[Output]:
        """So many tokens of `feed` were read; `logits` are the answers to them."""
        del self.feed[:count]
        self._answers.append(logits)
        trial = self._trial
        if self.feed or trial is None:
            return []
        answers = np.concatenate(self._answers)
        totals = log_totals(answers)
        if not np.isfinite(totals).all():
            return [Failed(ErrorCode.ENGINE_FAILED, "the model gave numbers that are not finite")]
        at = self._own - 1
        known = self._after[: len(answers) - at]
        after = [float(answers[at + place, token] - totals[at + place]) for place, token in enumerate(known)]
        hopeless = self._search.hopeless(trial, after)
        if not hopeless and len(known) < len(self._after):
            self.feed = self._after[len(known) - 1 : -1]
            return []
        whole = after if len(known) == len(self._after) else None
        changed = self._search.tried(trial, whole, answers[at], float(totals[at]))
        self._held = trial.tokens
        self.kept = len(self.prompt.ids) + len(trial.tokens)
        outputs: list[Output] = [Fills(self._search.best())] if changed else []
        return [*outputs, *self._go_on()]

    def _go_on(self) -> list[Output]:
        self._trial = trial = self._search.next()
        if trial is None:
            return [Done("end")]
        shared = len(self._held) if trial.tokens[: len(self._held)] == self._held else 0
        self.kept = len(self.prompt.ids) + shared
        self._own = len(trial.tokens) - shared
        # The first token of the right side tells of most words that they do not fit.
        self.feed = [*trial.tokens[shared:], *self._after[:-1][:1]]
        self._answers = []
        return []
