from __future__ import annotations

import pytest
from msgspec.structs import replace

from antiphon_engines.api import Done, EngineUnavailable, TextRequest, Token
from antiphon_engines.worker.handover import Handover
from support.drive import Result, run_to_end, step
from support.fake_engine import FakeEngine, fake_info, request


def test_what_began_ends_on_its_own_engine_and_what_is_new_takes_the_latest() -> None:
    first, second = FakeEngine(), FakeEngine()
    engines = Handover(first)
    old = Result(engines.admit(request(tokens=5)))
    step(engines, [old])
    engines.take_over(second)
    assert engines.info is second.info
    new = Result(engines.admit(request(tokens=2)))
    step(engines, [old, new])
    assert (len(first.jobs), len(second.jobs)) == (1, 1)
    assert not first.closed
    run_to_end(engines, [old, new])
    assert [old.text, new.text] == ["w0 w1 w2 w3 w4 ", "w0 w1 "]
    assert first.closed, "its last run is over"
    assert not second.closed


def test_an_idle_engine_is_closed_at_once_and_all_are_in_the_end() -> None:
    first, second, third = FakeEngine(), FakeEngine(), FakeEngine()
    engines = Handover(first)
    engines.take_over(second)
    assert first.closed
    job = engines.admit(request(tokens=3))
    engines.take_over(third)
    assert not second.closed
    engines.close()
    assert second.closed
    assert third.closed
    engines.release(job)  # nobody's any more, and no error


def test_an_engine_steps_no_more_than_it_can() -> None:
    small = FakeEngine(fake_info(4, 2))
    engines = Handover(small)
    old = [engines.admit(request()) for _ in range(3)]
    engines.take_over(FakeEngine())
    new = engines.admit(request())
    outputs = engines.step([old[0], new, old[1], old[2]])
    assert [len(ids) for _, ids in small.steps] == [2, 1]
    assert all(isinstance(one, Token | Done) for produced in outputs for one in produced)
    assert len(outputs) == 4


def named(name: str) -> FakeEngine:
    engine = FakeEngine()
    engine.info = replace(engine.info, name=name)
    return engine


def asking(model: str) -> TextRequest:
    return replace(request(tokens=3), model=model)


def test_an_engine_that_stays_takes_the_runs_that_name_it() -> None:
    quick, better = named("quick"), named("better")
    engines = Handover(quick)
    assert engines.info.beside == ()
    engines.take_over(better, beside=1)
    assert (engines.info.name, engines.info.beside) == ("better", ("quick",))
    assert not quick.closed
    results = [Result(engines.admit(asking(model))) for model in ("", "quick", "better")]
    assert (len(quick.jobs), len(better.jobs)) == (1, 2)
    assert engines.admits(asking("quick")) is quick
    run_to_end(engines, results)
    assert [result.text for result in results] == ["w0 w1 w2 "] * 3
    assert not quick.closed
    engines.close()
    assert quick.closed
    assert better.closed


def test_no_more_stay_than_may_and_none_of_them_twice() -> None:
    one, two, three, again = named("one"), named("two"), named("three"), named("two")
    engines = Handover(one)
    engines.take_over(two, beside=2)
    engines.take_over(three, beside=1)
    assert engines.info.beside == ("two",)
    assert one.closed
    job = engines.admit(asking("two"))
    engines.take_over(again, beside=1)  # the same model, loaded anew
    assert engines.info.beside == ("three",)
    assert not two.closed, "a run is under way on it"
    assert engines.admits(asking("two")) is again
    engines.release(job)
    assert two.closed


@pytest.mark.parametrize("model", ["one", "never"])
def test_a_model_that_has_left_is_refused(model: str) -> None:
    engines = Handover(named("one"))
    engines.take_over(named("two"))
    with pytest.raises(EngineUnavailable, match=f"{model} no longer serves here"):
        engines.admit(asking(model))
