"""A RoomStore in memory that commits when it is told to, and can refuse or lose like a disk."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon_proto.errors import Conflict
from antiphon_server.store.api import (
    Change,
    Committed,
    Entry,
    Forgotten,
    MemberRecord,
    RoomRecord,
    RunRecord,
    Snapshot,
    StorageUnavailable,
    StoredRoom,
)


class MemoryStore:
    """`auto`: every `put` is on disk at once. Otherwise it waits for `commit`; `crash` loses what waits."""

    def __init__(self, *, auto: bool = True) -> None:
        self.auto = auto
        self.problem: StorageUnavailable | None = None
        self.loads = 0
        self._rooms: dict[str, StoredRoom] = {}
        self._queue: list[tuple[str, tuple[Change, ...], Committed | None]] = []

    async def open(self) -> None: ...

    async def close(self) -> None:
        self.commit()

    async def create(self, record: RoomRecord) -> None:
        if record.id in self._rooms:
            raise Conflict("taken")
        if self.problem is not None:
            raise self.problem
        self._rooms[record.id] = StoredRoom(record, None, (), (), ())

    async def load(self, room: str) -> StoredRoom | None:
        self.loads += 1
        self.commit()
        return self.stored(room)

    def stored(self, room: str) -> StoredRoom | None:
        """What is on disk."""
        return self._rooms.get(room)

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
                self._rooms[room] = _with(self._rooms[room], change)
            if committed is not None:
                committed(None)

    def crash(self) -> None:
        """What was not committed is gone, and nobody hears of it."""
        self._queue.clear()

    async def flush(self) -> None:
        if self.problem is not None:
            raise self.problem
        self.commit()

    async def history(self, room: str, after: int, limit: int) -> tuple[Entry, ...]:
        return tuple(entry for entry in self._rooms[room].entries if entry.seq > after)[:limit]


def _with(room: StoredRoom, change: Change) -> StoredRoom:
    record, snapshot, entries, members, runs = (
        room.record,
        room.snapshot,
        room.entries,
        {member.id: member for member in room.members},
        {run.info.id: run for run in room.runs},
    )
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
        case Snapshot():
            snapshot = change
            entries = tuple(entry for entry in entries if entry.seq > change.seq)
    return StoredRoom(record, snapshot, entries, tuple(members.values()), tuple(runs.values()))
