"""Delays between restarts."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.host.backoff import Backoff


def test_delays_double_up_to_the_cap() -> None:
    backoff = Backoff(first=0.5, cap=5.0, healthy_after=60.0)
    assert [backoff.died(0.0) for _ in range(6)] == [0.5, 1.0, 2.0, 4.0, 5.0, 5.0]
    assert backoff.failures == 6


def test_a_healthy_life_makes_earlier_crashes_forgotten() -> None:
    backoff = Backoff(first=0.5, cap=5.0, healthy_after=60.0)
    for _ in range(5):
        backoff.died(59.9)
    assert backoff.died(60.0) == 0.5
    assert backoff.died(1.0) == 1.0


@given(lives=st.lists(st.floats(0, 1e9), max_size=50), first=st.floats(0.001, 10), cap=st.floats(0.001, 1e6))
@settings(derandomize=True, deadline=None)
def test_a_delay_is_never_over_the_cap(lives: list[float], first: float, cap: float) -> None:
    backoff = Backoff(first, cap, healthy_after=60.0)
    assert all(0 < backoff.died(life) <= cap for life in lives)


def test_years_of_crashing_do_not_overflow() -> None:
    backoff = Backoff(0.5, 30.0, 60.0)
    delays = {backoff.died(0.0) for _ in range(5000)}
    assert max(delays) == pytest.approx(30.0)
