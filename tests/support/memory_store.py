"""A RoomStore in memory that commits when it is told to, and can refuse or lose like a disk."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec.structs import replace

from antiphon_proto.errors import Conflict
from antiphon_server.store.api import (
    SPARSE,
    Change,
    Committed,
    Entry,
    EntryHead,
    Forgotten,
    JamEntry,
    JamTrim,
    MemberRecord,
    Quarantined,
    RoomRecord,
    RunRecord,
    RunTokens,
    Snapshot,
    Standing,
    StorageUnavailable,
    StoredRoom,
    TokensGone,
)
from antiphon_server.store.ledger import (
    Leaf,
    Salt,
    SaltGone,
    SignedCheckpoint,
    StoredLedger,
    TileHash,
    completed,
    last_tiles,
)


class MemoryStore:
    """`auto`: every `put` is on disk at once. Otherwise it waits for `commit`; `crash` loses waiting writes."""

    def __init__(self, *, auto: bool = True) -> None:
        self.auto = auto
        self.problem: StorageUnavailable | None = None
        self.loads = 0
        self._rooms: dict[str, StoredRoom] = {}
        self._jams: dict[str, dict[int, JamEntry]] = {}
        self._entries: dict[str, dict[int, Entry]] = {}
        self._snapshots: dict[str, list[Snapshot]] = {}
        self._ledgers: dict[str, MemoryLedger] = {}
        self._queue: list[tuple[str, tuple[Change, ...], Committed | None]] = []

    async def open(self) -> None: ...

    async def close(self) -> None:
        self.commit()

    async def create(self, record: RoomRecord, contents: Sequence[Change] = ()) -> None:
        if record.id in self._rooms:
            raise Conflict("taken")
        if self.problem is not None:
            raise self.problem
        self._rooms[record.id] = StoredRoom(record, None, (), (), ())
        for change in contents:
            self._write(record.id, change)

    async def load(self, room: str) -> StoredRoom | None:
        self.loads += 1
        self.commit()
        return self.stored(room)

    def stored(self, room: str) -> StoredRoom | None:
        """The entries on disk."""
        found = self._rooms.get(room)
        entries = sorted(self._jams.get(room, {}).values(), key=lambda entry: entry.seq)
        return found and replace(
            found,
            jam=tuple((entry.seq, len(entry.body)) for entry in entries),
            jam_ms=max((entry.to_ms for entry in entries), default=0),
            ledger=self.ledger(room).stored(),
        )

    def put(self, room: str, changes: Sequence[Change], committed: Committed | None = None) -> None:
        if self.problem is not None:
            raise self.problem
        self._queue.append((room, tuple(changes), committed))
        if self.auto:
            self.commit()

    @property
    def waiting(self) -> int:
        """Groups that are not on disk yet."""
        return len(self._queue)

    def commit(self) -> None:
        queue, self._queue = self._queue, []
        for room, changes, committed in queue:
            for change in changes:
                self._write(room, change)
            if committed is not None:
                committed(None)

    def _write(self, room: str, change: Change) -> None:
        self._keep_jam(room, change)
        self.ledger(room).add(change)
        self._rooms[room] = _with(self._rooms[room], change)
        if isinstance(change, Entry):
            self._entries.setdefault(room, {})[change.seq] = change
        elif isinstance(change, Snapshot):
            self._snapshots[room] = _thinned([*self._snapshots.get(room, ()), change])

    def _keep_jam(self, room: str, change: Change) -> None:
        kept = self._jams.setdefault(room, {})
        if isinstance(change, JamEntry):
            kept[change.seq] = change
        elif isinstance(change, JamTrim):
            self._jams[room] = {seq: entry for seq, entry in kept.items() if seq >= change.first}

    async def jam(
        self, room: str, *, after: int = 0, from_ms: int = 0, to_ms: int | None = None, limit: int = 1000
    ) -> tuple[JamEntry, ...]:
        await self.flush()
        entries = sorted(self._jams.get(room, {}).values(), key=lambda entry: entry.seq)
        until = math.inf if to_ms is None else to_ms
        found = [one for one in entries if one.seq > after and one.to_ms > from_ms and one.from_ms < until]
        return tuple(found[:limit])

    def ledger(self, room: str) -> MemoryLedger:
        return self._ledgers.setdefault(room, MemoryLedger())

    async def leaves(self, room: str, first: int, limit: int) -> tuple[Leaf, ...]:
        await self.flush()
        return tuple(one for number, one in sorted(self.ledger(room).leaves.items()) if number >= first)[
            :limit
        ]

    async def tile_hashes(self, room: str, level: int, first: int, limit: int) -> tuple[TileHash, ...]:
        await self.flush()
        found = sorted(self.ledger(room).tiles.items())
        return tuple(one for (at, number), one in found if at == level and number >= first)[:limit]

    def crash(self) -> None:
        """Uncommitted writes are gone, and nobody hears of it."""
        self._queue.clear()

    async def flush(self) -> None:
        if self.problem is not None:
            raise self.problem
        self.commit()

    async def standing(self, rooms: Sequence[str]) -> dict[str, Standing]:
        found = {}
        for room in rooms:
            if (stored := self.stored(room)) is not None:
                last = (
                    stored.entries[-1].seq
                    if stored.entries
                    else stored.snapshot.seq
                    if stored.snapshot
                    else 0
                )
                found[room] = Standing(stored.record, last)
        return found

    async def history(self, room: str, after: int, limit: int) -> tuple[Entry, ...]:
        return self._between(room, after, 2**53)[:limit]

    async def heads(self, room: str, after: int, before: int, limit: int) -> tuple[EntryHead, ...]:
        found = self._between(room, after, before)[-limit:]
        return tuple(EntryHead(e.seq, e.author, e.at_ms, e.run, len(e.update)) for e in found)

    async def snapshot_at(self, room: str, seq: int) -> Snapshot | None:
        self.commit()
        return next((one for one in reversed(self._snapshots.get(room, [])) if one.seq <= seq), None)

    def _between(self, room: str, after: int, before: int) -> tuple[Entry, ...]:
        self.commit()
        entries = sorted(self._entries.get(room, {}).items())
        return tuple(entry for seq, entry in entries if after < seq < before)


class MemoryLedger:
    def __init__(self) -> None:
        self.leaves: dict[int, Leaf] = {}
        self.tiles: dict[tuple[int, int], TileHash] = {}
        self.checkpoints: dict[int, SignedCheckpoint] = {}
        self.salts: dict[str, bytes] = {}

    def add(self, change: Change) -> None:
        match change:
            case Leaf():
                self.leaves.setdefault(change.number, change)
            case TileHash():
                self.tiles.setdefault((change.level, change.number), change)
            case SignedCheckpoint():
                self.checkpoints.setdefault(change.size, change)
            case Salt(person, salt):
                self.salts.setdefault(person, salt)
            case SaltGone(person):
                self.salts.pop(person, None)

    def stored(self) -> StoredLedger:
        size = max(self.leaves, default=-1) + 1
        tails = []
        for level, first, width in last_tiles(size):
            hashes = {number: one.hash for (at, number), one in self.tiles.items() if at == level}
            if not level:
                hashes = {number: one.hash for number, one in self.leaves.items()}
            tails.append(completed(first, width, hashes))
        newest = self.checkpoints[max(self.checkpoints)] if self.checkpoints else None
        return StoredLedger(size, tuple(tails), newest, dict(self.salts))


def _thinned(snapshots: list[Snapshot]) -> list[Snapshot]:
    """The newest, and of the older ones the first of every `SPARSE` entries."""
    kept: dict[int, Snapshot] = {}
    for one in snapshots[:-1]:
        kept.setdefault(one.seq // SPARSE, one)
    return [*kept.values(), snapshots[-1]]


def _with(room: StoredRoom, change: Change) -> StoredRoom:
    record, snapshot, entries, members, runs = (
        room.record,
        room.snapshot,
        room.entries,
        {member.id: member for member in room.members},
        {run.info.id: run for run in room.runs},
    )
    tokens = {one.run: one for one in room.tokens}
    match change:
        case RoomRecord():
            record = change
        case Entry():
            entries = tuple(sorted((*entries, change), key=lambda entry: entry.seq))
        case MemberRecord():
            members[change.id] = change
        case Forgotten(member):
            members.pop(member, None)
        case RunRecord():
            runs[change.info.id] = change
        case RunTokens(run):
            tokens[run] = change
        case TokensGone(run):
            tokens.pop(run, None)
        case Quarantined(seq, kind):
            kept = replace(change, body=b"")
            snapshot = None if kind == "snapshot" and snapshot and snapshot.seq == seq else snapshot
            return replace(room, snapshot=snapshot, aside=(*room.aside, kept))
        case Snapshot():
            snapshot = change
            entries = tuple(entry for entry in entries if entry.seq > change.seq)
    return replace(
        room,
        record=record,
        snapshot=snapshot,
        entries=entries,
        members=tuple(members.values()),
        runs=tuple(runs.values()),
        tokens=tuple(tokens.values()),
    )
