"""The search for words that fit into a gap. No model here: it is told how likely tokens are.

First the likeliest tokens after the left side stand for themselves, each together with the beginning of the right side:
so they are ordered by both sides. The best of them are then grown, a token at a time, and each length is tried against
the right side again: where it goes on well, the words end. A drawn token depends on the seed and its place only.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Final

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from antiphon_engines.text.fill.sides import word_count
from antiphon_engines.text.sampling import Row, choose
from antiphon_proto.params import FILLS, TextParams

A_WORD: Final = 3.0
"""What each word counts for, up to as many as were taken out: about what a word costs in log-probability."""
_OF_ONE: Final = 2
"""Lengths of the same words that are offered, at most."""
_FOLLOWED: Final = 20


class Bounds(Struct, frozen=True):
    """How far a search goes: first tokens that are tried, strands that are grown, tokens of the right side that are
    looked at."""

    first: int = 48
    strands: int = 4
    after: int = 8

    @property
    def longest(self) -> int:
        """Tokens of a row that a search needs behind the left side."""
        return MAX_TOKENS + self.after


MAX_WORDS: Final = 40
MAX_TOKENS: Final = 2 * MAX_WORDS
FEW: Final = Bounds(first=16, strands=2, after=5)
"""For a model that takes a tenth of a second for a token."""


class Trial(Struct, frozen=True):
    """Tokens to be followed by the right side; `strand` numbers those that grow out of the same beginning."""

    tokens: tuple[int, ...]
    own: float
    """Log-probability after the left side alone."""
    strand: int = -1


class Found(Struct, frozen=True):
    text: str
    score: float
    strand: int


class Search:
    """`words`: as many as were taken out, at least one. `fits` says whether words may be offered."""

    def __init__(
        self,
        bounds: Bounds,
        params: TextParams,
        *,
        seed: int,
        words: int,
        decode: Callable[[Sequence[int]], str],
        fits: Callable[[str], bool],
        never: frozenset[int],
    ) -> None:
        self._bounds = bounds
        self._params = params
        self._seed = seed
        self._words = max(1, min(words, MAX_WORDS))
        self._decode = decode
        self._fits = fits
        self._never = never
        self._first: list[Trial] = []
        self._rounds: list[tuple[float, Trial, Row]] = []
        self._strands: list[Trial] = []
        self._growing = False
        self._found: dict[str, Found] = {}
        self._draws = 0
        self._rest: list[float] = []
        """By how much of the right side is known: the best log-probability of the rest so far."""

    @property
    def _tokens(self) -> int:
        """Of the longest strand. Some words are several tokens; the gap may take two words more than stood there."""
        return min(MAX_TOKENS, self._words + self._words // 2 + 3)

    def begin(self, logits: Row, total: float, allowed: NDArray[np.bool_] | None) -> None:
        """The model's answer to the left side; `allowed` says which tokens may come first."""
        scores = logits.copy()
        if allowed is not None:
            scores[: len(allowed)][~allowed[: len(scores)]] = -np.inf
        scores[[token for token in self._never if token < len(scores)]] = -np.inf
        # Of a longer passage the first tokens are only beginnings.
        count = self._bounds.first if self._words < 3 else 3 * self._bounds.strands
        for token in np.argsort(-scores, kind="stable")[: 4 * count]:
            text = self._decode([int(token)])
            if not np.isfinite(scores[token]) or len(self._first) == count:
                break
            if any(letter.isalnum() for letter in text):
                self._first.append(Trial((int(token),), float(logits[token] - total)))

    def next(self) -> Trial | None:
        """What to try now; None when the search is over."""
        if self._first and self.hopeless(self._first[0], ()):
            self._first.clear()  # the others are less likely still
        if self._first:
            return self._first.pop(0)
        if not self._growing:
            self._growing = True
            self._plant()
        return self._strands.pop(0) if self._strands else None

    def hopeless(self, trial: Trial, after: Sequence[float]) -> bool:
        """Whether a trial will hardly come among the best, `after` being the log-probabilities of the right side's
        first tokens: not even if the others are as likely as they ever were (the first one certain)."""
        best = self._ranked()
        if len(best) < FILLS:
            return False
        words = min(word_count(self._decode(trial.tokens)), self._words)
        rest = self._rest[len(after)] if 0 < len(after) < len(self._rest) else 0.0
        return trial.own + sum(after) + rest + A_WORD * words < best[-1].score

    def tried(self, trial: Trial, after: Sequence[float] | None, logits: Row, total: float) -> bool:
        """`after` are the log-probabilities of the right side's tokens behind the trial, None where it was given up;
        `logits` are the answer to the trial. Whether the list changed."""
        text = self._decode(trial.tokens).strip()
        before = self.best()
        words = word_count(text)
        over = max(0, words - self._words - 1)
        score = -np.inf
        if after is not None:
            score = trial.own + sum(after) + A_WORD * (min(words, self._words) - over)
            rests = [sum(after[known:]) for known in range(len(after) + 1)]
            self._rest = [max(pair) for pair in zip(self._rest or rests, rests, strict=True)]
        known = self._found.get(text.casefold())
        if after is not None and words and self._fits(text) and (known is None or score > known.score):
            self._found[text.casefold()] = Found(text, score, trial.strand)
        if trial.strand < 0:
            self._rounds.append((score, trial, logits.copy()))
            self._rounds.sort(key=lambda one: -one[0])
            del self._rounds[self._bounds.strands :]
        else:
            self._grow(trial, logits, total)
        return self.best() != before

    def best(self) -> tuple[str, ...]:
        """The best so far, at most `FILLS`; few of them differ in their ends only."""
        return tuple(one.text for one in self._ranked())

    def _ranked(self) -> list[Found]:
        chosen: list[Found] = []
        for one in sorted(self._found.values(), key=lambda one: (-one.score, one.text)):
            alike = sum(one.strand >= 0 and other.strand == one.strand for other in chosen)
            if alike < _OF_ONE:
                chosen.append(one)
            if len(chosen) == FILLS:
                break
        return chosen

    def _plant(self) -> None:
        for number, (_, trial, logits) in enumerate(self._rounds):
            total = float(np.log(np.exp(logits - logits.max()).sum(dtype=np.float64)) + logits.max())
            self._grow(Trial(trial.tokens, trial.own, number), logits, total)
        self._rounds.clear()

    def _grow(self, trial: Trial, logits: Row, total: float) -> None:
        if len(trial.tokens) >= self._tokens:
            return
        params = TextParams(
            temperature=min(self._params.temperature, 0.9),
            top_k=_FOLLOWED,
            repetition_penalty=1.0,
            alternatives=0,
        )
        self._draws += 1
        choice = choose(logits, total, params, seed=self._seed, index=self._draws)
        if choice.token in self._never or "\n" in self._decode([choice.token]):
            return
        grown = Trial((*trial.tokens, choice.token), trial.own + choice.logprob, trial.strand)
        # Strand by strand: what a strand has read stays in the row.
        self._strands.insert(0, grown)
