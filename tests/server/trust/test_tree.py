"""The tree against RFC 6962 written out word for word."""

from __future__ import annotations

import hashlib
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_server.store.ledger import TILE, last_tiles
from antiphon_server.trust.tree import EMPTY, Tree, leaf_hash


def sha(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def mth(leaves: list[bytes]) -> bytes:
    """RFC 6962, 2.1."""
    if not leaves:
        return sha(b"")
    if len(leaves) == 1:
        return sha(b"\0" + leaves[0])
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return sha(b"\1" + mth(leaves[:k]) + mth(leaves[k:]))


@given(st.lists(st.binary(max_size=40), max_size=70))
def test_the_root_is_that_of_the_rfc(leaves: list[bytes]) -> None:
    tree = Tree()
    assert tree.root() == EMPTY == mth([])
    for size, leaf in enumerate(leaves, 1):
        tree.append(leaf_hash(leaf))
        assert tree.root() == mth(leaves[:size])


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 3 * TILE), st.integers(0, 20))
def test_a_tree_goes_on_where_it_stopped(size: int, more: int) -> None:
    levels: dict[int, list[bytes]] = {0: []}
    tree = Tree()

    def add(to: Tree, number: int) -> None:
        levels[0].append(leaf_hash(b"%d" % number))
        for level, at, one in to.append(levels[0][-1]):
            assert at == len(levels.setdefault(level, []))
            levels[level].append(one)

    for number in range(size):
        add(tree, number)
    tails = [levels[level][first : first + width] for level, first, width in last_tiles(size)]
    other = Tree.resumed(size, tails)
    assert other.root() == tree.root()
    for number in range(size, size + more):
        add(other, number)
    assert other.root() == mth([b"%d" % number for number in range(size + more)])


def test_a_large_tree_completes_tiles_of_both_levels() -> None:
    tree = Tree()
    made = [one for _ in range(TILE * TILE) for one in tree.append(bytes(32))]
    assert [(level, number) for level, number, _ in made if level == 2] == [(2, 0)]
    assert [number for level, number, _ in made if level == 1] == list(range(TILE))
    assert made[-1][2] == tree.root()


@pytest.mark.parametrize("size", [0, 1, TILE, TILE + 1, TILE**2 + TILE + 1])
def test_last_tiles_are_those_that_are_not_full(size: int) -> None:
    found = last_tiles(size)
    assert sum(width * TILE**level for level, _, width in found) == size
    assert all(first % TILE == 0 and width < TILE for _, first, width in found)
    assert all(above[0] == below[0] + 1 for below, above in pairwise(found))
