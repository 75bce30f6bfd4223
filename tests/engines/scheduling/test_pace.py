"""Paces and rates under load, on a simulated device."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.scheduling import pace
from antiphon_engines.scheduling.ticket import State
from antiphon_engines.settings import Policy
from support.simulation import Simulation, affine, by_unit

CHECKED = settings(derandomize=True, deadline=None, max_examples=25)
POLICY = Policy(tokens_per_second=10.0, previews_per_second=4.0)


def outputs_per_second(simulation: Simulation, share: str, seconds: float) -> float:
    before = len(simulation.history)
    simulation.run(seconds)
    recent = simulation.history[before:]
    return sum(ticket.share == share for _, batch in recent for ticket in batch.tickets) / seconds


def test_a_text_keeps_its_pace_beside_pictures_that_would_take_all() -> None:
    simulation = Simulation(by_unit(affine(0.01, 0.005), denoise=0.08), policy=POLICY)
    writer = simulation.submit("ann", tokens=10_000)
    for painter in "bcd":
        simulation.paint(painter, steps=10_000)
    simulation.run(5.0)
    assert outputs_per_second(simulation, "ann", 10.0) >= 8
    # A step under way has to end, and one more may come before hers.
    assert max(simulation.gaps(writer)[-80:]) <= 0.1 + 2 * 0.08 + 0.015


def test_alone_a_text_runs_as_fast_as_it_can() -> None:
    simulation = Simulation(affine(0.01, 0.01), policy=POLICY)
    simulation.submit("ann", tokens=10_000)
    assert outputs_per_second(simulation, "ann", 5.0) > 48


def test_a_stream_that_is_ahead_yields_to_one_that_is_behind() -> None:
    """Prompt chunks and tokens are no batch: whose turn it is is decided at each."""
    simulation = Simulation(affine(0.02, 0.01, prefill=0.05), policy=POLICY)
    ann = simulation.submit("ann", tokens=10_000)
    simulation.run(5.0)
    simulation.submit("bob", tokens=10, prefill=40)
    before = len(simulation.history)
    simulation.run(2.0)
    assert max(simulation.gaps(ann)[-10:]) <= 0.1 + 0.05 + 0.03
    assert any(batch.unit == "prefill" for _, batch in simulation.history[before : before + 3])


def test_under_overload_pictures_thin_out_before_the_text_does() -> None:
    """One text wants 60 % of the device at its pace. An equal part would be a quarter."""
    simulation = Simulation(by_unit(affine(0.03, 0.03), denoise=0.06), policy=POLICY, max_batch=1)
    simulation.submit("ann", tokens=10_000)
    for painter in "bcd":
        simulation.paint(painter, steps=10_000)
    simulation.run(10.0)
    texts = outputs_per_second(simulation, "ann", 30.0)
    assert 0.25 / 0.06 * 1.4 < texts <= 11
    for painter in "bcd":
        # Thinned by MOST at the most: each is left a quarter of ann's.
        assert outputs_per_second(simulation, painter, 10.0) >= texts / pace.MOST * 0.9
    assert simulation.scheduler.thinned, "and those who watch can be told"


def test_where_there_is_room_nothing_is_thinned() -> None:
    assert pace.thinning(None, POLICY) == 1.0
    assert pace.thinning(0.1, POLICY) == 1.0
    assert pace.thinning(0.15, POLICY) == 1.0
    assert pace.thinning(0.165, POLICY) == pytest.approx(1.8)
    assert pace.thinning(100.0, POLICY) == pace.MOST
    simulation = Simulation(by_unit(affine(0.02, 0.005), denoise=0.02), policy=POLICY)
    simulation.submit("ann", tokens=10_000)
    simulation.paint("bob", steps=10_000)
    simulation.run(10.0)
    assert not simulation.scheduler.thinned


@given(st.lists(st.floats(1.0, pace.MOST), min_size=1, max_size=60))
@settings(derandomize=True, deadline=None, max_examples=60)
def test_what_is_told_of_thinning_does_not_flicker(course: list[float]) -> None:
    told, at = False, 1.0
    for thinned in course:
        before, told = told, pace.is_noticeable(thinned, told)
        assert told or thinned < pace.NOTICEABLE
        if told != before:
            # From one change to the next it has really become more, or less.
            assert abs(thinned - at) > pace.NOTICEABLE * (1 - pace.CALM) - 1e-9
            at = thinned


def test_what_nobody_watches_comes_last_but_it_comes() -> None:
    simulation = Simulation(by_unit(affine(0.02, 0.01), denoise=0.05), policy=POLICY)
    simulation.submit("ann", tokens=10_000)
    simulation.paint("bob", steps=10_000)
    unwatched = simulation.paint("eve", steps=10, watched=False)
    simulation.run(12.0)
    alone = [batch for _, batch in simulation.history if batch.tickets == (unwatched,)]
    assert unwatched.outputs >= 3
    assert max(simulation.gaps(unwatched)) <= pace.BACKGROUND + 0.2
    assert unwatched.outputs <= 8
    assert {batch.reason for batch in alone} <= {"behind", "background"}


def test_on_an_idle_device_what_nobody_watches_runs_at_once() -> None:
    simulation = Simulation(by_unit(affine(), denoise=0.05), policy=POLICY)
    simulation.paint("eve", steps=10, watched=False)
    began = simulation.now
    simulation.drain()
    assert simulation.now - began < 0.51


def test_a_first_preview_comes_soon_on_a_busy_device() -> None:
    simulation = Simulation(by_unit(affine(0.01, 0.005), denoise=0.06), policy=POLICY)
    for writer in "abc":
        simulation.submit(writer, tokens=10_000)
    simulation.paint("dan", steps=10_000)
    simulation.run(5.0)
    newcomer = simulation.paint("eve", steps=8)
    asked_at = simulation.now
    while not newcomer.outputs:
        simulation.step()
    assert newcomer.output_at - asked_at <= 0.4


@given(
    arrivals=st.lists(
        st.tuples(
            st.sampled_from("abcdef"),
            st.sampled_from(["text", "picture", "unwatched", "band"]),
            st.integers(1, 30),
            st.sampled_from([0.1, 1.0, 10.0]),
            st.integers(0, 10),
        ),
        max_size=40,
    ),
    denoise=st.floats(0.01, 0.5),
)
@CHECKED
def test_nothing_starves_whatever_it_is(arrivals, denoise) -> None:
    simulation = Simulation(by_unit(affine(), denoise=denoise, frame=0.01), 4, 4)
    tickets = []
    for share, kind, length, weight, steps in arrivals:
        if kind == "text":
            tickets.append(simulation.submit(share, tokens=length, prefill=2, weight=weight))
        elif kind == "band":
            tickets.append(simulation.play(share, frames=length))
        else:
            tickets.append(simulation.paint(share, steps=length, watched=kind == "picture", weight=weight))
        for _ in range(steps):
            simulation.step()
    simulation.drain()
    assert simulation.failed == {}
    assert all(ticket.state is State.DONE for ticket in tickets)


def test_a_flood_of_texts_leaves_a_painter_a_part() -> None:
    simulation = Simulation(by_unit(affine(0.02, 0.02), denoise=0.05), policy=POLICY)
    for _ in range(6):
        simulation.submit("bob", tokens=10_000)
    simulation.paint("ann", steps=10_000)
    simulation.run(40.0)
    seconds = Counter[str]()
    for _, batch in simulation.history[-300:]:
        seconds[batch.unit] += 0.05 if batch.unit == "denoise" else 0.02 + 0.02 * len(batch.tickets)
    # Thinned fourfold against one share: a fifth.
    assert seconds["denoise"] / seconds.total() >= 0.19
