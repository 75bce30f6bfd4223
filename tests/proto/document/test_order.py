from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_proto.document.order import DIGITS, LONG, key_between, keys_between

# The same table stands in clients/web/test/canvas/order.test.ts.
TABLE = [
    ("", "", "V"),
    ("V", "", "W"),
    ("y", "", "z01"),
    ("z0z", "", "z11"),
    ("zyz", "", "zz0001"),
    ("z", "", "z01"),
    ("", "V", "U"),
    ("", "1", "0zz"),
    ("", "011", "00zzzz"),
    ("", "Vx", "V"),
    ("V", "W", "VV"),
    ("V", "VV", "VF"),
    ("V", "V1", "V0V"),
    ("V", "V01", "V00V"),
    ("Vz", "W", "VzV"),
    ("z" * 64, "", "z" * 64 + "00000001"),
]
keys = st.text(DIGITS, min_size=1, max_size=70).filter(lambda key: not key.endswith("0"))


@pytest.mark.parametrize(("low", "high", "between"), TABLE)
def test_keys_are_these(low: str, high: str, between: str) -> None:
    assert key_between(low, high) == between


@given(keys, keys)
def test_one_fits_between_any_two(one: str, other: str) -> None:
    low, high = sorted((one, other))
    if low != high:
        made = key_between(low, high)
        assert low < made < high
        assert not made.endswith("0")
    for key in (one, other):
        assert key_between("", key) < key < key_between(key)


def test_what_leaves_no_room_is_told() -> None:
    for low, high in (("V", "V"), ("b", "a"), ("", "0"), ("V", "V0"), ("", "00")):
        with pytest.raises(ValueError, match="no order key"):
            key_between(low, high)


@pytest.mark.parametrize("start", ["V", "z" * 63 + "y", "0001"])
def test_a_hundred_thousand_at_either_end_stay_short(start: str) -> None:
    low = high = start
    for _ in range(100_000):
        above, below = key_between(high), key_between("", low)
        assert above > high
        assert below < low
        high, low = above, below
    assert max(len(low), len(high)) <= len(start) + 12


def test_a_hundred_thousand_at_random_places_stay_short() -> None:
    draw = random.Random(7)
    order = [key_between()]
    for _ in range(100_000):
        at = draw.randrange(len(order) + 1)
        order.insert(at, key_between(order[at - 1] if at else "", order[at] if at < len(order) else ""))
    assert order == sorted(set(order))
    assert max(map(len, order)) <= LONG


def test_many_fit_between_two_at_once() -> None:
    for low, high in (("", ""), ("V", ""), ("", "V"), ("V", "W"), ("V", "V1")):
        made = keys_between(low, high, 1000)
        assert made == sorted(set(made))
        assert len(made) == 1000
        assert made[0] > low
        assert not high or made[-1] < high
        assert max(map(len, made)) <= 8
