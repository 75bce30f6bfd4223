"""The run-length list against one owner per byte."""

from __future__ import annotations

import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_server.document.authorship import Authorship, Owner, Span

OWNERS = [Owner("ann"), Owner("bo"), Owner("ai", "r1"), Owner("ai", "r2")]
STEPS = st.lists(
    st.tuples(st.booleans(), st.integers(0, 60), st.integers(1, 7), st.sampled_from(OWNERS)), max_size=80
)


def _flat(spans: list[Span]) -> list[Owner]:
    return [span.owner for span in spans for _ in range(span.length)]


@given(STEPS)
@settings(deadline=None, derandomize=True, max_examples=150)
def test_agrees_with_one_owner_per_byte(steps: list[tuple[bool, int, int, Owner]]) -> None:
    authorship, oracle = Authorship(), list[Owner]()
    for insert, at, length, owner in steps:
        at = min(at, len(oracle))
        if insert:
            authorship.insert(at, length, owner)
            oracle[at:at] = [owner] * length
        else:
            gone = authorship.delete(at, length)
            assert _flat(gone) == oracle[at : at + length]
            del oracle[at : at + length]
    spans = list(authorship.spans())
    assert _flat(spans) == oracle
    assert all(a.owner != b.owner for a, b in zip(spans, spans[1:], strict=False))
    assert authorship.length == len(oracle)
    assert _flat(list(authorship.spans(5, 17))) == oracle[5:17]
    marked = {i for start, end in authorship.ranges("r1") for i in range(start, end)}
    assert marked == {i for i, owner in enumerate(oracle) if owner.run == "r1"}
    assert authorship.shares() == {
        name: count for name in ("ann", "bo", "ai") if (count := sum(o.author == name for o in oracle))
    }
    assert list(Authorship.restore(authorship.serialise()).spans()) == spans


def test_many_spans_over_many_blocks() -> None:
    chance = random.Random(7)
    authorship, oracle = Authorship(), list[Owner]()
    for step in range(3000):
        at = chance.randint(0, len(oracle))
        owner = OWNERS[step % 4]
        authorship.insert(at, 2, owner)
        oracle[at:at] = [owner] * 2
    for _ in range(500):
        at = chance.randint(0, len(oracle) - 9)
        authorship.delete(at, 9)
        del oracle[at : at + 9]
    assert _flat(list(authorship.spans())) == oracle


def test_a_large_deletion_crosses_blocks() -> None:
    authorship = Authorship(Span(1, OWNERS[i % 2]) for i in range(2000))
    assert len(_flat(authorship.delete(100, 1700))) == 1700
    assert authorship.length == 300


def test_neighbours_of_one_owner_are_one_span() -> None:
    authorship = Authorship([Span(3, OWNERS[0]), Span(2, OWNERS[2]), Span(4, OWNERS[0])])
    authorship.delete(3, 2)
    assert list(authorship.spans()) == [Span(7, OWNERS[0])]


def test_what_is_not_a_list_is_refused() -> None:
    with pytest.raises(ValueError, match="."):
        Authorship.restore(b"\x93\x01\x02\x03")
