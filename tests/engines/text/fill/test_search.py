"""The search over scripted probabilities: ordered by both sides, bounded, reproducible."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.text.fill.search import Bounds, Search, Trial
from antiphon_engines.text.sampling import log_totals
from antiphon_proto.params import FILLS, TextParams

WORDS = ["", *(f" {letter}" for letter in "abcdefghijklmnopqrst")]


OTHERWISE = -9.0


def decode(ids: Sequence[int]) -> str:
    return "".join(WORDS[one] for one in ids)


def search(words: int = 1, *, first: int = 12, strands: int = 2, seed: int = 1) -> Search:
    return Search(
        Bounds(first=first, strands=strands, after=3),
        TextParams(),
        seed=seed,
        words=words,
        decode=decode,
        fits=lambda text: bool(text),
        never=frozenset({0}),
    )


def run(one: Search, logits: np.ndarray, after: dict[int, float]) -> tuple[tuple[str, ...], list[Trial]]:
    one.begin(logits, float(log_totals(logits[None])[0]), None)
    trials: list[Trial] = []
    while (trial := one.next()) is not None:
        trials.append(trial)
        one.tried(
            trial, [after.get(trial.tokens[-1], -9.0), -1.0, -1.0], logits, float(log_totals(logits[None])[0])
        )
        assert len(trials) < 500
    return one.best(), trials


def test_the_right_side_decides_among_likely_words() -> None:
    logits = np.arange(21, dtype=np.float32) / 4
    best, _ = run(search(strands=0), logits, {14: -0.1})
    # It is less likely from the left than six others, and the only one that the right side goes on with.
    assert best[0] == "n"
    assert len(best) == FILLS


def test_a_passage_is_filled_with_about_as_many_words() -> None:
    logits = np.zeros(21, np.float32)
    logits[3] = 6
    best, trials = run(search(words=6), logits, {})
    assert max(len(trial.tokens) for trial in trials) >= 6
    assert len(best[0].split()) in (5, 6, 7)


def test_a_word_that_cannot_win_is_given_up() -> None:
    logits = np.linspace(-30, 10, 21, dtype=np.float32)
    one = search()
    one.begin(logits, float(log_totals(logits[None])[0]), None)
    for _ in range(FILLS):
        trial = one.next()
        assert trial is not None
        one.tried(trial, [-0.1, -0.1, -0.1], logits, float(log_totals(logits[None])[0]))
    assert one.hopeless(Trial((1,), -40.0), [-0.1])
    assert not one.hopeless(Trial((20,), -0.1), [-0.1])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.floats(-20, 20, width=32), min_size=21, max_size=21),
    st.integers(1, 60),
    st.integers(0, 2**53 - 1),
)
def test_a_search_ends_and_repeats_itself(scores: list[float], words: int, seed: int) -> None:
    logits = np.array(scores, np.float32)
    first = run(search(words, seed=seed), logits, {3: -0.5})
    assert first == run(search(words, seed=seed), logits, {3: -0.5})
    assert len(first[0]) <= FILLS
    assert all(0 not in trial.tokens for trial in first[1])
