"""Bands beside texts and pictures on a simulated device: deadlines, room for long units, admission."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.scheduling.ticket import State
from antiphon_engines.scheduling.unit_choice import HELD_LONG, HOLD
from antiphon_engines.settings import Policy
from support.simulation import DIVISIBLE, Simulation, affine, by_unit

CHECKED = settings(derandomize=True, deadline=None, max_examples=25)


@given(
    frame=st.floats(0.001, 0.02),
    denoise=st.floats(0.01, 0.6),
    decode=st.floats(0.005, 0.04),
    prefill=st.floats(0.02, 0.4),
    bands=st.integers(1, 2),
    writers=st.integers(0, 4),
    painters=st.integers(0, 3),
)
@CHECKED
def test_feasible_deadlines_are_met_and_everybody_gets_on(
    frame, denoise, decode, prefill, bands, writers, painters
) -> None:
    cost = by_unit(affine(decode / 2, decode / 2, prefill), frame=frame, denoise=denoise)
    simulation = Simulation(cost)
    for number in range(writers):
        simulation.submit(f"writer{number}", tokens=1000, prefill=1)
    for number in range(painters):
        simulation.paint(f"painter{number}", steps=1000)
    simulation.run(8.0)  # every unit has been measured once
    players = [simulation.play("band", wait=1.0) for _ in range(bands)]
    before = {ticket.number: ticket.outputs for ticket in simulation.tickets()}
    if writers:
        simulation.submit("late", tokens=1000, prefill=1)
    simulation.run(25.0)
    assert max(simulation.late) <= 1e-9
    assert min(ticket.outputs for ticket in players) >= 20 * (25.0 - 1.5)
    assert all(ticket.outputs > before.get(ticket.number, 0) for ticket in simulation.tickets())


def test_first_come_first_served_is_late_where_deadlines_are_not() -> None:
    late = {}
    for order in ("deadline", "fifo"):
        simulation = Simulation(by_unit(affine(), frame=0.01, denoise=0.3), policy=Policy(order=order))
        simulation.paint("ann", steps=1000)
        simulation.submit("bob", tokens=10_000)
        simulation.run(2.0)
        simulation.play("band")
        simulation.run(10.0)
        late[order] = sum(seconds > 0 for seconds in simulation.late) / len(simulation.late)
        # The others get on alike.
        assert sum(batch.unit == "denoise" for _, batch in simulation.history) > 15
    assert late["deadline"] == 0
    assert late["fifo"] > 0.3


def test_a_unit_that_outlasts_the_windows_is_bridged_and_nothing_else_is() -> None:
    simulation = Simulation(by_unit(affine(), frame=0.01, denoise=0.5))
    simulation.play("band")
    simulation.submit("bob", tokens=10_000)
    simulation.run(3.0)
    assert max(simulation.early) <= 0, "nobody asked the band to play ahead"
    simulation.paint("ann", steps=100)
    simulation.run(8.0)  # measured a few times: the first estimates are on the safe side
    simulation.late.clear()
    simulation.early.clear()
    simulation.run(10.0)
    assert max(simulation.late) <= 0
    assert 0 < max(simulation.early) < 0.8
    steps = [end for end, batch in simulation.history if batch.unit == "denoise"]
    assert len(steps) > 10
    held = [batch.reason for _, batch in simulation.history]
    assert "ahead" in held


def test_a_band_that_does_not_get_ahead_is_not_asked_without_end() -> None:
    simulation = Simulation(by_unit(affine(), frame=0.01, denoise=0.5))
    simulation.paint("ann", steps=100)
    simulation.run(3.0)
    ticket = simulation.play("band")
    simulation.run(0.3)
    work = simulation._work[ticket.number]
    original = simulation._advance

    def stuck(other, seconds):
        if other is not ticket:
            return original(other, seconds)
        if simulation.early[-1] > 0:
            return 0  # made nothing: it was not time yet
        return original(other, seconds)

    simulation._advance = stuck
    simulation.run(5.0)
    assert work.made > 50
    early = [batch for _, batch in simulation.history if batch.reason == "ahead"]
    assert 0 < len(early) < 120


def test_a_long_prompt_is_read_in_pieces_that_fit() -> None:
    simulation = Simulation(by_unit(affine(0.01, 0.005), frame=0.015), policy=Policy(max_unit=0.1))
    simulation.play("band")
    bob = simulation.submit("bob", tokens=2000)
    simulation.run(2.0)
    ann = simulation.submit("ann", long=5.0, tokens=5)
    before = simulation.now
    while ann.number not in simulation.ended:
        simulation.step()
    assert max(simulation.late) <= 0
    pieces = [batch.budget for _, batch in simulation.history if batch.unit == DIVISIBLE]
    assert max(piece for piece in pieces if piece is not None) <= 0.1
    assert max(gap for gap in simulation.gaps(bob)) < 0.2
    # Two shares and the band: 5 s of work take 5 / (0.7 / 2), not more.
    assert simulation.now - before < 16.0


def test_without_a_band_no_piece_is_longer_than_the_policy_says_either() -> None:
    simulation = Simulation(affine(0.0, 0.04), policy=Policy(max_unit=0.1))
    simulation.submit("eve", tokens=2)
    simulation.drain()  # the time of one run alone is known
    ann = simulation.submit("ann", long=1.0, tokens=2)
    for _ in range(6):
        simulation.submit("bob", tokens=400)
    simulation.run(20.0)
    assert ann.state is State.DONE
    recent = simulation.history[-100:]
    assert max(len(batch.tickets) for _, batch in recent) == 2, "3 would take 0.12 s"


def test_a_unit_that_cannot_run_beside_a_band_is_given_up_with_a_reason() -> None:
    simulation = Simulation(by_unit(affine(), frame=0.01, denoise=3.0))
    picture = simulation.paint("ann", steps=3)
    while picture.outputs < 1:
        simulation.step()
    simulation.play("band")
    began = simulation.now
    simulation.run(HELD_LONG + 3.0)
    assert simulation.failed == {
        picture.number: "one step of it takes 3.0 s here, too long while a band plays"
    }
    assert max(simulation.late) <= 0
    assert simulation.now - began >= HELD_LONG
    alone = Simulation(by_unit(affine(), denoise=3.0))
    alone.paint("ann", steps=8)
    alone.drain()
    assert alone.failed == {}


def test_a_second_band_waits_where_the_device_has_no_room_for_it() -> None:
    simulation = Simulation(by_unit(affine(), frame=0.03))
    first = simulation.play("ann", frames=200)
    simulation.run(3.0)
    second = simulation.play("bob", frames=20)
    simulation.run(1.0)
    assert second.state is State.WAITING
    [(ticket, estimate)] = simulation.scheduler.estimates(simulation.now)
    assert (ticket, estimate.position, estimate.seconds) == (second, 1, 0.0)
    simulation.run(12.0)
    assert first.state is State.DONE
    assert second.state is State.DONE
    assert max(simulation.late) <= 0


def test_two_bands_play_where_there_is_room() -> None:
    simulation = Simulation(by_unit(affine(), frame=0.015))
    simulation.play("ann")
    simulation.run(3.0)
    second = simulation.play("bob")
    simulation.run(0.1)
    assert second.state is State.ACTIVE


def test_a_band_that_this_machine_cannot_keep_up_with_is_refused_in_words() -> None:
    simulation = Simulation(by_unit(affine(), frame=0.06))
    simulation.play("ann", frames=60)
    simulation.run(4.0)
    second = simulation.play("bob")
    simulation.run(4.0)
    assert second.state is State.FAILED
    assert simulation.failed[second.number] == (
        "this machine needs 1.20 s to play 1 s of music; try again later"
    )


def test_expected_starts_reckon_with_the_band() -> None:
    simulation = Simulation(by_unit(affine(prefill=0.05), frame=0.02), 4, 4)
    simulation.submit("before", tokens=2, prefill=1)  # measured alone, so that the others go in step
    simulation.drain()
    for turn in range(40):
        simulation.submit(f"p{turn % 8}", tokens=30, prefill=2)
    for _ in range(100):
        simulation.step()
    simulation.play("band")
    simulation.run(3.0)
    asked_at = simulation.now
    expected = {
        ticket.number: estimate.seconds for ticket, estimate in simulation.scheduler.estimates(asked_at)
    }
    assert len(expected) > 8
    while not expected.keys() <= simulation.started.keys():
        simulation.step()
    for number, seconds in expected.items():
        assert seconds == pytest.approx(simulation.started[number] - asked_at, rel=0.2, abs=0.5)


def test_a_held_unit_waits_only_so_long() -> None:
    simulation = Simulation(by_unit(affine(), frame=0.01, denoise=0.4))
    simulation.play("band")
    picture = simulation.paint("ann", steps=30)
    while picture.outputs < 12:
        simulation.step()
    # Held for HOLD, then the frames that bridge it, then the step itself.
    assert max(simulation.gaps(picture)[-4:]) < HOLD + 0.2 + 0.4


@pytest.mark.parametrize("ahead", [0.1, 0.2, 0.35])
@pytest.mark.parametrize("denoise", [0.3, 0.5, 1.0])
def test_the_device_does_not_idle_for_a_band_that_is_ahead(ahead: float, denoise: float) -> None:
    simulation = Simulation(by_unit(affine(), frame=0.01, denoise=denoise))
    simulation.paint("ann", steps=1000)
    simulation.run(5 * denoise)
    simulation.play("band", ahead=ahead)
    simulation.run(30.0)  # the estimates have settled
    before, began = len(simulation.history), simulation.now
    simulation.run(30.0)
    recent = [batch for _, batch in simulation.history[before:]]
    busy = sum(simulation.cost(batch.unit, len(batch.tickets)) for batch in recent)
    assert busy >= 0.75 * (simulation.now - began)
    assert max(simulation.late) <= 0
