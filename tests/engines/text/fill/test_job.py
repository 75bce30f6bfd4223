"""Filling a gap through the engine: pieces, neighbours, prefixes, and what is refused."""

from __future__ import annotations

import pytest

from antiphon_engines.api import Done, Failed, Fills, InvalidRequest, Output, TextRequest
from antiphon_engines.text.engine import TextEngine
from antiphon_engines.text.fill.search import Bounds
from antiphon_engines.text.generation import TextJob
from antiphon_proto.params import TextParams, TextSteer
from support.toy_model import ToyModel, ToyTokenizer

SMALL = Bounds(first=8, strands=2, after=4)


def make(model: ToyModel) -> TextEngine:
    return TextEngine(
        model, ToyTokenizer(), max_jobs=4, max_batch=4, chunk=16, idle_chunk=32, drafts=False, fills=SMALL
    )


def gap(before: str = "The cat (", after: str = ") the mat.", selection: str = "") -> TextRequest:
    return TextRequest("fill", before, after, selection, params=TextParams(seed=3))


def finish(engine: TextEngine, job: TextJob) -> tuple[tuple[str, ...], Output, int]:
    found: tuple[str, ...] = ()
    for count in range(1, 2000):
        for output in engine.step([job])[0]:
            if isinstance(output, Fills):
                found = output.texts
            if isinstance(output, Done | Failed):
                engine.release(job)
                return found, output, count
    raise AssertionError("it never ended")


def test_words_are_found_and_the_row_is_given_back() -> None:
    model = ToyModel()
    engine = make(model)
    job = engine.admit(gap())
    found, end, _ = finish(engine, job)
    assert end == Done("end")
    assert 0 < len(found) <= 6
    assert all(text == text.strip() and "\n" not in text for text in found)
    # Only the left side stays, for the next gap or try.
    assert model.length(job.row) == len("The cat (")


def test_pieces_and_neighbours_change_nothing() -> None:
    alone = finish(engine := make(ToyModel()), engine.admit(gap()))[0]
    engine = make(ToyModel())
    engine._per_token = 1.0
    engine.budget(4.0)
    job = engine.admit(gap())
    writer = engine.admit(TextRequest("continue", "Other words ", params=TextParams(seed=1, max_tokens=400)))
    found: tuple[str, ...] = ()
    over = False
    while not over:
        if writer in engine._jobs:
            for output in engine.step([writer])[0]:
                if isinstance(output, Done):
                    engine.release(writer)
        for output in engine.step([job])[0]:
            if isinstance(output, Fills):
                found = output.texts
            over = over or isinstance(output, Done | Failed)
    assert found == alone


def test_a_gap_is_read_again_from_the_cache() -> None:
    model = ToyModel()
    engine = make(model)
    first = finish(engine, engine.admit(gap("A long beginning of a story that is read once (")))[0]
    before = model.tokens
    again = engine.admit(gap("A long beginning of a story that is read once ("))
    assert again.read > 16
    assert finish(engine, again)[0] == first
    assert model.tokens > before


def test_both_sides_empty_steering_and_numbers_that_are_none() -> None:
    engine = make(ToyModel())
    with pytest.raises(InvalidRequest):
        engine.admit(gap(" \n", "\n "))
    job = engine.admit(gap("", " the mat."))
    with pytest.raises(InvalidRequest):
        engine.steer(job, TextSteer(max_tokens=3))
    assert finish(engine, job)[1] == Done("end")
    poisoned = finish(engine, engine.admit(gap("The ☠ cat (")))[1]
    assert isinstance(poisoned, Failed)


def test_a_short_context_is_enough_or_refused() -> None:
    engine = make(ToyModel(context=128))
    assert finish(engine, engine.admit(gap("x " * 3000, " y" * 3000)))[1] == Done("end")
    with pytest.raises(InvalidRequest):
        make(ToyModel(context=64)).admit(gap())
