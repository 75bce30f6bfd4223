"""A store that notes how far each room is durable, and reports lost entries at start."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from antiphon_server.store.api import (
    Change,
    Committed,
    Entry,
    EntryHead,
    JamEntry,
    Loss,
    RoomRecord,
    RoomStore,
    Snapshot,
    Standing,
    StorageUnavailable,
    StoredRoom,
)
from antiphon_server.store.ledger import Leaf, TileHash
from antiphon_server.store.marks import Marks

log = logging.getLogger(__name__)

_TOLD = 20
"""Rooms that have a line of their own in the log; the others are counted."""


class RoomLost(StorageUnavailable):
    """The room was durable once, and the database does not have it."""


class Damage(Struct, frozen=True):
    """`until`: the last entry that was durable once. `found`: the last one that is there; None: the room is not."""

    room: str
    until: int
    found: int | None

    def __str__(self) -> str:
        if self.found is None:
            return f"room {self.room} is missing from the database; it had {self.until} entries"
        return (
            f"room {self.room} lacks entries {self.found + 1} to {self.until}, which were durable: "
            f"its database was damaged or replaced"
        )


def compare(marks: dict[str, int], found: dict[str, Standing]) -> list[Damage]:
    """The entries that the marks promise and the store lacks."""
    damage = []
    for room, until in sorted(marks.items()):
        standing = found.get(room)
        if standing is None or standing.seq < until:
            damage.append(Damage(room, until, None if standing is None else standing.seq))
    return damage


class MarkedStore:
    def __init__(self, store: RoomStore, marks: Marks, unix_ms: Callable[[], int]) -> None:
        self._store = store
        self._marks = marks
        self._unix_ms = unix_ms
        self.damage: list[Damage] = []
        """Entries that were missing at start."""

    @property
    def problem(self) -> StorageUnavailable | None:
        return self._store.problem

    async def open(self) -> None:
        await self._store.open()
        known = dict(self._marks.known)
        found = await self._store.standing(list(known))
        self.damage = compare(known, found)
        for number, one in enumerate(self.damage):
            if number < _TOLD:
                log.error("DAMAGE: %s", one)
            if one.found is not None:
                self._record(found[one.room].record, one)
        if len(self.damage) > _TOLD:
            log.error("DAMAGE: and %d rooms more; `antiphon doctor` names them", len(self.damage) - _TOLD)

    def _record(self, record: RoomRecord, damage: Damage) -> None:
        """Note the loss in the room's history; the mark is reset to the newest entry."""
        assert damage.found is not None
        loss = Loss(damage.found, damage.until, self._unix_ms())

        def kept(problem: StorageUnavailable | None) -> None:
            if problem is None:
                assert damage.found is not None
                self._marks.note(damage.room, damage.found)

        try:
            self._store.put(record.id, [replace(record, losses=(*record.losses, loss))], kept)
        except StorageUnavailable as error:
            log.error("the history of room %s cannot say so now: %s", record.id, error)

    async def close(self) -> None:
        await self._store.close()

    async def create(self, record: RoomRecord, contents: Sequence[Change] = ()) -> None:
        await self._store.create(record, contents)
        self._marks.note(record.id, _newest(contents) or 0)

    async def load(self, room: str) -> StoredRoom | None:
        stored = await self._store.load(room)
        if stored is None and room in self._marks.known:
            raise RoomLost(
                "this room was kept here, and the server's database does not have it any more; ask its operator"
            )
        return stored

    def put(self, room: str, changes: Sequence[Change], committed: Committed | None = None) -> None:
        newest = _newest(changes)

        def done(problem: StorageUnavailable | None) -> None:
            if problem is None and newest is not None and newest > self._marks.known.get(room, -1):
                self._marks.note(room, newest)
            if committed is not None:
                committed(problem)

        self._store.put(room, changes, done if newest is not None else committed)

    async def flush(self) -> None:
        await self._store.flush()

    async def standing(self, rooms: Sequence[str]) -> dict[str, Standing]:
        return await self._store.standing(rooms)

    async def history(self, room: str, after: int, limit: int) -> tuple[Entry, ...]:
        return await self._store.history(room, after, limit)

    async def jam(
        self, room: str, *, after: int = 0, from_ms: int = 0, to_ms: int | None = None, limit: int = 1000
    ) -> tuple[JamEntry, ...]:
        return await self._store.jam(room, after=after, from_ms=from_ms, to_ms=to_ms, limit=limit)

    async def heads(self, room: str, after: int, before: int, limit: int) -> tuple[EntryHead, ...]:
        return await self._store.heads(room, after, before, limit)

    async def leaves(self, room: str, first: int, limit: int) -> tuple[Leaf, ...]:
        return await self._store.leaves(room, first, limit)

    async def tile_hashes(self, room: str, level: int, first: int, limit: int) -> tuple[TileHash, ...]:
        return await self._store.tile_hashes(room, level, first, limit)

    async def snapshot_at(self, room: str, seq: int) -> Snapshot | None:
        return await self._store.snapshot_at(room, seq)


def _newest(changes: Sequence[Change]) -> int | None:
    """The highest entry among them."""
    return max((one.seq for one in changes if isinstance(one, Entry | Snapshot)), default=None)
