"""The estimate of the server's clock, under jitter and drift, in time that the test makes."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_client import ServerClock


def ping(clock: ServerClock, now: float, offset: float, there: float, back: float) -> float:
    """A ping that leaves at `now` of our clock; returns when its answer came."""
    clock.add(now, now + there + offset, now + there + back)
    return now + there + back


def test_a_steady_way_gives_the_offset_itself() -> None:
    clock = ServerClock()
    assert (clock.offset, clock.trip, clock.count) == (0.0, 0.0, 0)
    for number in range(5):
        ping(clock, 100.0 * number, 5000.0, 20.0, 20.0)
    assert clock.offset == pytest.approx(5000.0)
    assert clock.trip == pytest.approx(40.0)


def test_what_waited_on_the_way_does_not_count() -> None:
    clock = ServerClock()
    for number in range(20):
        stuck = 400.0 if number % 2 else 0.0
        ping(clock, 1000.0 * number, -250.0, 10.0, 10.0 + stuck)
    assert clock.offset == pytest.approx(-250.0)


def test_another_server_is_believed_from_its_first_answer_on() -> None:
    clock = ServerClock()
    for number in range(31):
        ping(clock, 100.0 * number, 5000.0, 1.0, 1.0)
    clock.renew()
    assert clock.offset == pytest.approx(5000.0)
    ping(clock, 10_000.0, 9.0, 5.0, 5.0)
    assert (clock.offset, clock.count) == (pytest.approx(9.0), 1)


@settings(deadline=None, max_examples=60)
@given(
    seed=st.integers(0, 2**32 - 1),
    offset=st.floats(-1e9, 1e9),
    base=st.floats(0.2, 60.0),
    jitter=st.floats(0.0, 50.0),
    skew=st.floats(-0.0003, 0.0003),
)
def test_under_jitter_and_drift_it_stays_within_a_few_milliseconds(
    seed: int, offset: float, base: float, jitter: float, skew: float
) -> None:
    """Queues on both ways (exponential, independent), and a clock that runs up to 300 ppm too fast or slow, pinged
    every 3 seconds for ten minutes."""
    dice = random.Random(seed)
    clock, now = ServerClock(), 0.0
    for _ in range(200):
        there, back = (base + (dice.expovariate(1 / jitter) if jitter else 0.0) for _ in range(2))
        true = offset + skew * now
        ping(clock, now, true, there, back)
        now += 3000.0
    error = abs(clock.offset - (offset + skew * now))
    # Half the round trip of the quickest pings, plus the drift of the clocks while the samples are held.
    assert error <= 0.75 * jitter + abs(skew) * 3000.0 * 31 + 1e-3
