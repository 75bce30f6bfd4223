from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from antiphon_server.limits import Limits
from antiphon_server.token_bucket import Buckets, TokenBucket
from support.wires import VirtualClock


def test_a_bucket_allows_its_burst_and_then_its_rate() -> None:
    clock = VirtualClock()
    bucket = TokenBucket(2.0, 3, clock.time)
    assert [bucket.allow() for _ in range(4)] == [True, True, True, False]
    clock.advance(0.5)
    assert [bucket.allow() for _ in range(2)] == [True, False]
    clock.advance(100)
    assert [bucket.allow() for _ in range(4)] == [True, True, True, False]


def test_a_charge_on_credit_says_how_long_to_wait() -> None:
    clock = VirtualClock()
    bucket = TokenBucket(10.0, 5, clock.time)
    assert bucket.charge(5) == 0
    assert bucket.charge(1) == pytest.approx(0.1)
    clock.advance(0.1)
    assert bucket.charge(1) == pytest.approx(0.1)


@settings(derandomize=True, deadline=None, max_examples=100)
@given(st.lists(st.tuples(st.floats(0, 2), st.integers(1, 5)), max_size=50))
def test_whoever_waits_as_told_never_goes_over_the_rate(steps: list[tuple[float, int]]) -> None:
    clock = VirtualClock()
    bucket = TokenBucket(4.0, 6, clock.time)
    spent = 0
    for pause, cost in steps:
        clock.advance(pause)
        clock.advance(bucket.charge(cost))
        spent += cost
        assert spent <= 6 + 4.0 * clock.time() + 1e-6


def test_buckets_are_kept_per_key_and_for_a_bounded_number_of_keys() -> None:
    clock = VirtualClock()
    buckets = Buckets(1.0, 1, clock.time, size=2)
    assert buckets.allow("a")
    assert not buckets.allow("a")
    assert buckets.allow("b")
    assert buckets.allow("c")  # "a" was used longest ago and is forgotten
    assert not buckets.allow("c")
    assert buckets.allow("a")


def test_limits_are_frozen_and_checked() -> None:
    limits = Limits()
    with pytest.raises(ValidationError):
        limits.max_update = 5
    with pytest.raises(ValidationError, match="max_update"):
        Limits(max_update=0)
    with pytest.raises(ValidationError, match="max_updates"):
        Limits.model_validate({"max_updates": 5000})
