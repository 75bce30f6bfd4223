"""The Merkle tree of a ledger (RFC 6962): only its right edge is held, so a tree of any size costs some hashes."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Final

from antiphon_server.store.ledger import STEP

EMPTY: Final = hashlib.sha256(b"").digest()


def leaf_hash(entry: bytes) -> bytes:
    return hashlib.sha256(b"\0" + entry).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    return hashlib.sha256(b"\1" + left + right).digest()


class Tree:
    """`append` returns the hashes of the tiles that it completes."""

    __slots__ = ("_edge", "size")

    def __init__(self) -> None:
        self.size = 0
        """Leaves."""
        self._edge: list[tuple[int, bytes]] = []
        """(height, hash) of the complete subtrees, the largest first."""

    @classmethod
    def resumed(cls, size: int, tails: Sequence[Iterable[bytes]]) -> Tree:
        """A tree of `size` leaves. `tails`: of each level of tiles, from the leaves up, the hashes of its last tile,
        when that is not full."""
        tree = cls()
        tree.size = size
        for level in range(len(tails) - 1, -1, -1):
            for one in tails[level]:
                tree._push(level * STEP, one)
        return tree

    def append(self, leaf: bytes) -> list[tuple[int, int, bytes]]:
        """Returns (level, number, hash) of each tile of `level` - 1 that is complete now."""
        self.size += 1
        return [
            (height // STEP, (self.size >> height) - 1, made)
            for height, made in self._push(0, leaf)
            if height % STEP == 0
        ]

    def root(self) -> bytes:
        if not self._edge:
            return EMPTY
        found = self._edge[-1][1]
        for _, left in reversed(self._edge[:-1]):
            found = node_hash(left, found)
        return found

    def copy(self) -> Tree:
        other = Tree()
        other.size, other._edge = self.size, self._edge[:]
        return other

    def _push(self, height: int, one: bytes) -> list[tuple[int, bytes]]:
        """Returns the subtrees that became complete."""
        made = []
        while self._edge and self._edge[-1][0] == height:
            one = node_hash(self._edge.pop()[1], one)
            height += 1
            made.append((height, one))
        self._edge.append((height, one))
        return made
