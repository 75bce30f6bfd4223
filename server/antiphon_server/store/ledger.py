"""A store's part of a room's ledger (`antiphon_server.trust`): leaves, hashes of full tiles, checkpoints, salts."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

STEP: Final = 8
"""Levels of the tree between two levels of tiles (C2SP tlog-tiles)."""
TILE: Final = 1 << STEP
"""Hashes of a full tile."""


class Leaf(Struct, frozen=True):
    """`number` rises by one per room, from 0. `hash` is the leaf's in the tree (RFC 6962)."""

    number: int
    body: bytes
    hash: bytes


class TileHash(Struct, frozen=True):
    """The root of a full tile of level `level` - 1: the hash with this number of level `level`, from 1."""

    level: int
    number: int
    hash: bytes


class SignedCheckpoint(Struct, frozen=True):
    """The note that signs the first `size` leaves."""

    size: int
    note: str


class Salt(Struct, frozen=True):
    """By which a person's commitments can be opened. `person`: a member's id; empty: nobody's."""

    person: str
    salt: bytes


class SaltGone(Struct, frozen=True):
    """Nothing of this person's can be opened any more."""

    person: str


class StoredLedger(Struct, frozen=True):
    """The state to go on with a ledger of `size` leaves. `tails`: of each level of tiles, from the leaves up, the
    hashes of its last tile when that is not full; 32 zero bytes stand for one that is missing."""

    size: int = 0
    tails: tuple[tuple[bytes, ...], ...] = ()
    checkpoint: SignedCheckpoint | None = None
    """The newest."""
    salts: dict[str, bytes] = {}


MISSING: Final = bytes(32)


def last_tiles(size: int) -> list[tuple[int, int, int]]:
    """(level, first hash, width) of the last tile of each level in a tree of `size` leaves; a full one has width 0."""
    found = []
    level = 0
    while size:
        found.append((level, size - size % TILE, size % TILE))
        size //= TILE
        level += 1
    return found


def completed(first: int, width: int, found: dict[int, bytes]) -> tuple[bytes, ...]:
    """The hashes of a tile, in order."""
    return tuple(found.get(number, MISSING) for number in range(first, first + width))
