"""Units that pause, on a simulated device: bounded pieces, batches that stay together, deadlines, shares, cancels."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.scheduling.batching import Fairness
from antiphon_engines.scheduling.ticket import State
from antiphon_engines.scheduling.unit_choice import BEGUN, HELD_LONG, SHORTEST
from antiphon_engines.settings import Policy
from support.simulation import Simulation, affine, by_unit

CHECKED = settings(derandomize=True, deadline=None, max_examples=25)


@given(
    frame=st.floats(0.001, 0.015),
    denoise=st.floats(0.05, 8.0),
    piece=st.floats(0.001, 0.06),
    bands=st.integers(1, 2),
    writers=st.integers(0, 3),
    painters=st.integers(1, 4),
)
@CHECKED
def test_deadlines_hold_beside_steps_longer_than_any_window(
    frame, denoise, piece, bands, writers, painters
) -> None:
    simulation = Simulation(by_unit(affine(), frame=frame, denoise=denoise), pieces={"denoise": piece})
    for number in range(writers):
        simulation.submit(f"writer{number}", tokens=100_000)
    pictures = [simulation.paint(f"painter{number}", steps=1000) for number in range(painters)]
    players = [simulation.play("band", wait=1.0) for _ in range(bands)]
    simulation.run(30.0)
    assert max(simulation.late) <= 1e-9
    assert min(ticket.outputs for ticket in players) >= 20 * (30.0 - 1.5)
    assert all(ticket.stepped_at > ticket.started_at for ticket in simulation.tickets()), "somebody starved"
    # A picture gets on although no step of it fits between two frames: by as much as the device has left.
    spent = sum(seconds for unit, seconds in simulation.spent if unit == "denoise")
    assert spent >= 30.0 * (1 - bands * frame / 0.05) / (writers + painters + 1) * 0.7
    assert sum(ticket.outputs for ticket in pictures) >= int(spent / denoise / painters) - painters - BEGUN


@given(denoise=st.floats(0.2, 5.0), piece=st.floats(0.001, 0.05), most=st.sampled_from((0.06, 0.1, 0.25)))
@CHECKED
def test_no_piece_is_longer_than_the_policy_says(denoise: float, piece: float, most: float) -> None:
    cost = by_unit(affine(), denoise=denoise)
    simulation = Simulation(cost, policy=Policy(max_unit=most), pieces={"denoise": piece})
    pictures = [simulation.paint(f"painter{number}", steps=2) for number in range(3)]
    writer = simulation.submit("writer", tokens=200)
    simulation.run(6.0)
    assert max(seconds for _, seconds in simulation.spent) <= most + 1e-9
    assert max(simulation.gaps(writer)) <= 3 * most + 0.1
    simulation.drain()
    assert all(ticket.state is State.DONE for ticket in pictures)
    whole = sum(seconds for unit, seconds in simulation.spent if unit == "denoise")
    assert whole == pytest.approx(3 * 2 * denoise), "the pieces of a step are that step"


def test_what_began_together_goes_on_together() -> None:
    """The simulation itself asserts that a call goes on with all of its runs and with nobody else."""
    simulation = Simulation(
        lambda unit, size: 1.0 + 0.01 * size if unit == "denoise" else 0.03, pieces={"denoise": 0.02}
    )
    pictures = [simulation.paint(name, steps=8) for name in ("ann", "bob")]
    simulation.submit("writer", tokens=10_000)
    simulation.run(6.0)
    before = len(simulation.history)
    late = simulation.paint("eve", steps=6)
    simulation.run(4.0)
    assert all(ticket.state is State.ACTIVE for ticket in (*pictures, late))
    batches = {batch.tickets for _, batch in simulation.history[before:] if batch.unit == "denoise"}
    assert tuple(pictures) in batches
    assert (late,) in batches, "who comes in the middle of a step has one of their own"


@given(
    weights=st.lists(st.sampled_from((0.5, 1.0, 2.0)), min_size=2, max_size=3), denoise=st.floats(0.3, 1.5)
)
@settings(derandomize=True, deadline=None, max_examples=12)
def test_shares_keep_their_weights_when_steps_pause(weights: list[float], denoise: float) -> None:
    simulation = Simulation(
        by_unit(affine(), denoise=denoise),
        pieces={"denoise": 0.04},
        fairness=Fairness(ride=-1.0),
        policy=Policy(previews_per_second=0.01, tokens_per_second=0.01),
    )
    for number, weight in enumerate(weights):
        simulation.paint(f"p{number}", steps=100_000, weight=weight)
    simulation.submit("writer", tokens=1_000_000)
    simulation.run(60.0)  # everything has been measured
    before = dict(simulation.charged)
    simulation.run(100 * sum(weights) * denoise)
    charged = {name: simulation.charged[name] - before[name] for name in before}
    each = charged["writer"]
    for number, weight in enumerate(weights):
        assert charged[f"p{number}"] / weight == pytest.approx(each, rel=0.05)


def test_few_steps_are_begun_at_once_and_prompts_do_not_wait_for_them() -> None:
    simulation = Simulation(by_unit(affine(), denoise=2.0), pieces={"denoise": 0.08})
    pictures = [simulation.paint(f"painter{number}", steps=2) for number in range(BEGUN + 2)]
    prompt = simulation.submit("writer", long=1.0, tokens=10_000)
    most = 0
    while not all(ticket.state is State.DONE for ticket in pictures):
        simulation.step()
        if simulation.now < 105.0:
            open_calls = {job.call.number for job in simulation._work.values() if job.call is not None}
            most = max(most, len(open_calls))
    assert most == BEGUN
    assert prompt.outputs > 50
    assert {ticket.state for ticket in pictures} == {State.DONE}


def test_a_cancelled_step_frees_its_place_at_once_and_the_others_go_on() -> None:
    simulation = Simulation(lambda unit, size: 2.0 if unit == "denoise" else 0.03, pieces={"denoise": 0.04})
    first, second = simulation.paint("ann", steps=2), simulation.paint("bob", steps=2)
    simulation.run(9.0)  # measured, and the second step of both has begun in one batch
    third = simulation.paint("eve", steps=2)
    while not (simulation._work.get(third.number) and simulation._work[third.number].call):
        simulation.step()
    simulation.scheduler.cancel(third.number)
    del simulation._work[third.number]
    fourth = simulation.paint("eve", steps=1)
    simulation.drain()
    assert {ticket.state for ticket in (first, second, fourth)} == {State.DONE}
    assert third.state is State.CANCELLED
    assert third.begun.seconds > 0
    known = simulation.scheduler.costs.estimate("image", "denoise", 1)
    assert known == pytest.approx(2.0), "what was left standing is not taken for a short step"


def test_a_piece_that_no_window_leaves_room_for_is_bridged_or_given_up() -> None:
    simulation = Simulation(by_unit(affine(), frame=0.01, denoise=4.0), pieces={"denoise": 0.4})
    picture = simulation.paint("ann", steps=20)
    simulation.run(9.0)
    simulation.play("band", wait=1.0)
    simulation.run(30.0)
    assert picture.outputs >= 6
    assert max(simulation.late) <= 1e-9
    assert "ahead" in {batch.reason for _, batch in simulation.history}
    hopeless = Simulation(by_unit(affine(), frame=0.01, denoise=9.0), pieces={"denoise": 3.0})
    hopeless.play("band")
    hopeless.run(1.0)
    refused = hopeless.paint("ann", steps=20)
    hopeless.run(HELD_LONG + 5.0)
    assert refused.state is State.FAILED
    assert max(hopeless.late) <= 1e-9


def test_pieces_are_worth_their_while() -> None:
    simulation = Simulation(by_unit(affine(), frame=0.01, denoise=2.0), pieces={"denoise": 0.001})
    simulation.play("band")
    simulation.paint("ann", steps=50)
    simulation.run(20.0)
    pieces = [seconds for unit, seconds in simulation.spent if unit == "denoise"]
    short = sum(seconds < SHORTEST - 0.001 for seconds in pieces)
    assert short <= len(pieces) / 10, "only the last one of a step is short"
