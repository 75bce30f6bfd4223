"""A store that measures another one."""

from __future__ import annotations

import time
from collections.abc import Sequence

from prometheus_client import Histogram

from antiphon_server.store.api import (
    Change,
    Committed,
    Entry,
    EntryHead,
    JamEntry,
    RoomRecord,
    RoomStore,
    Snapshot,
    Standing,
    StorageUnavailable,
    StoredRoom,
)
from antiphon_server.store.ledger import Leaf, TileHash


class MeteredStore:
    """A store that also measures how long a change takes to be on disk."""

    def __init__(self, store: RoomStore, durable: Histogram) -> None:
        self._store = store
        self._durable = durable

    @property
    def problem(self) -> StorageUnavailable | None:
        return self._store.problem

    async def open(self) -> None:
        await self._store.open()

    async def close(self) -> None:
        await self._store.close()

    async def create(self, record: RoomRecord, contents: Sequence[Change] = ()) -> None:
        await self._store.create(record, contents)

    async def load(self, room: str) -> StoredRoom | None:
        return await self._store.load(room)

    def put(self, room: str, changes: Sequence[Change], committed: Committed | None = None) -> None:
        queued = time.perf_counter()

        def done(problem: StorageUnavailable | None) -> None:
            if problem is None:
                self._durable.observe(time.perf_counter() - queued)
            if committed is not None:
                committed(problem)

        self._store.put(room, changes, done)

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
