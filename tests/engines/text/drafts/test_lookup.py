"""Guessed words: where they come from, and that they change nothing but the number of steps."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.api import Done, TextRequest
from antiphon_engines.text.drafts.lookup import KEY, Confidence, draft
from antiphon_engines.text.engine import TextEngine
from antiphon_engines.text.model import Logits
from antiphon_proto.params import TextParams
from support.drive import Result, run, step
from support.toy_model import END, VOCABULARY, ToyModel, ToyTokenizer

PASSAGE = "the old mill by the river had stood empty for as long as Mira could remember. "


class Copyist(ToyModel):
    """Writes the passage as likely as not, with a word of its own now and then."""

    def _logits(self, row: int) -> Logits:
        logits, source = super()._logits(row), PASSAGE.encode()
        place = len(self.held(row)) - self._prompt[row]
        if place % 23 and place < len(source):
            logits[source[place]] += 8
        return logits


def engine(drafts: tuple[int, int], model: type[ToyModel] = Copyist) -> tuple[TextEngine, ToyModel]:
    toy = model(rows=3, context=1024, drafts=drafts)
    return TextEngine(toy, ToyTokenizer(), max_jobs=2, max_batch=2, chunk=32, idle_chunk=256), toy


def rewrite(seed: int, *, temperature: float = 0.7, max_tokens: int = 60, **params: object) -> TextRequest:
    return TextRequest(
        "rewrite",
        "",
        selection=PASSAGE,
        params=TextParams(max_tokens=max_tokens, seed=seed, temperature=temperature, **params),
    )


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**53 - 1),
    temperature=st.sampled_from([0.0, 0.3, 0.7, 1.2]),
    top_p=st.sampled_from([0.5, 0.95, 1.0]),
    penalty=st.sampled_from([1.0, 1.1]),
    max_tokens=st.integers(1, 80),
    bounds=st.sampled_from([(1, 3), (2, 8), (5, 15)]),
)
def test_the_text_of_a_seed_is_the_same_with_and_without_drafts(
    seed: int, temperature: float, top_p: float, penalty: float, max_tokens: int, bounds: tuple[int, int]
) -> None:
    """Greedy or not; tokens, probabilities and the end."""
    order = rewrite(
        seed, temperature=temperature, top_p=top_p, repetition_penalty=penalty, max_tokens=max_tokens
    )
    (plain, _), (drafting, _) = engine((0, 0)), engine(bounds)
    [one], [other] = run(plain, order), run(drafting, order)
    assert one.tokens == other.tokens
    assert one.end == other.end


def test_drafts_save_steps() -> None:
    (plain, slow), (drafting, quick) = engine((0, 0)), engine((2, 8))
    order = rewrite(1, temperature=0.0, repetition_penalty=1.0, max_tokens=60)
    run(plain, order), run(drafting, order)
    assert len(quick.calls) < 0.6 * len(slow.calls)
    assert any(lengths[0] > 1 for _, lengths in quick.calls[3:])


def test_a_text_that_repeats_nothing_is_not_guessed_at() -> None:
    drafting, toy = engine((2, 8))
    run(drafting, TextRequest("continue", PASSAGE * 2, params=TextParams(max_tokens=30, temperature=0.0)))
    assert all(lengths == (1,) for _, lengths in toy.calls[1:])


def test_rows_hold_what_was_written_and_no_guesses() -> None:
    drafting, toy = engine((2, 8))
    result = Result(drafting.admit(rewrite(4)))
    while result.end is None:
        step(drafting, [result])
        job: Any = result.job
        held = toy.held(job.row)
        assert (job.prompt.ids + job.written)[: len(held)] == held


class Table(ToyModel):
    """Six tokens whose logits follow from the token before them."""

    logits = np.random.default_rng(5).normal(0, 1.5, (6, 6)).astype(np.float32)
    first = ord("a")

    def _logits(self, row: int) -> Logits:
        logits = np.full(VOCABULARY, -np.inf, np.float32)
        last = self.held(row)[-1] - self.first
        logits[self.first : self.first + 6] = self.logits[last if 0 <= last < 6 else 0]
        return logits


@pytest.mark.parametrize("guess", range(6))
def test_every_probability_is_that_of_the_model(guess: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Exactly, over six tokens and two places, whatever was guessed: the draws that give a pair of tokens are those
    between borders whose distance is the model's probability. Each interval is tried at both of its ends."""
    temperature = 0.8
    weights = np.exp(Table.logits.astype(np.float64) / temperature)
    exact = weights / weights.sum(axis=1, keepdims=True)
    start = int(exact[0].argmax())

    def ends(last: int, token: int) -> tuple[float, float]:
        """The draws that give the token: the likeliest tokens lie first."""
        order = list(np.argsort(-exact[last], kind="stable"))
        below = float(exact[last][order[: order.index(token)]].sum())
        return below + 1e-6, below + float(exact[last, token]) - 1e-6

    draws: dict[int, float] = {}
    monkeypatch.setattr("antiphon_engines.text.sampling.uniform", lambda seed, index: draws[index])
    monkeypatch.setattr(
        "antiphon_engines.text.drafts.lookup.draft", lambda source, written, most, key: [Table.first + guess]
    )
    drafting, toy = engine((1, 1), Table)
    params = TextParams(
        max_tokens=3, temperature=temperature, top_p=1.0, min_p=0.0, top_k=0, repetition_penalty=1.0
    )
    order = TextRequest("rewrite", "", selection="a", params=params)
    for token, second in itertools.product(range(6), repeat=2):
        for one, other in itertools.product(ends(start, token), ends(token, second)):
            draws = {0: 1e-9, 1: one, 2: other}
            [result] = run(drafting, order)
            assert [info.token_id - Table.first for info in result.tokens] == [start, token, second]
    assert any(lengths == (2,) for _, lengths in toy.calls)


def test_words_are_found_behind_the_latest_place_that_agrees() -> None:
    source = [1, 2, 3, 4, 50, 51, 9, 1, 2, 3, 4, 60, 61]
    assert draft(source, [7, 1, 2, 3, 4], 5) == [60, 61]
    assert draft(source, [7, 1, 2, 3, 4], 1) == [60]
    assert draft(source, [2, 3, 5, 4], 5) == []
    assert draft(source, [3, 4], 5) == []
    assert draft([], [1, 2, 3, 4], 5) == []


def test_guesses_that_do_not_pay_make_it_cautious() -> None:
    confidence = Confidence()
    confidence.learn(0, 5)
    assert confidence.key == 2 * KEY
    for _ in range(9):
        confidence.learn(0, 5)
    assert confidence.key == 64
    for _ in range(9):
        confidence.learn(5, 5)
    assert confidence.key == KEY


def test_a_run_ends_inside_a_guess() -> None:
    """At an end of the text, at its last token, and at a stop string."""

    class Ending(Copyist):
        def _logits(self, row: int) -> Logits:
            logits = super()._logits(row)
            if self.held(row)[-5:] == list(b"empty"):
                logits[END] = 200
            return logits

    def end(order: TextRequest, kind: type[ToyModel]) -> Sequence[Done]:
        both = [run(engine(bounds, kind)[0], order)[0] for bounds in ((0, 0), (2, 8))]
        assert both[0].tokens == both[1].tokens
        return [result.done for result in both]

    order = rewrite(1, temperature=0.0, repetition_penalty=1.0, max_tokens=120)
    assert VOCABULARY > END
    assert len(set(end(order, Ending))) == 1
    assert len(set(end(rewrite(1, temperature=0.0, max_tokens=60, stop=("stood",)), Copyist))) == 1
