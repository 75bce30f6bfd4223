"""Restores past states of rooms: helper processes replay their entries, and the last results are cached."""

from __future__ import annotations

from collections import OrderedDict

import msgspec
from msgspec import Struct

from antiphon_proto.errors import NotFound
from antiphon_server.history.past_state import PastState
from antiphon_server.room_limits import RoomLimits
from antiphon_server.store.api import RoomStore, Snapshot, StorageUnavailable
from antiphon_server.work.jobs import Answer, Compare, Job, Made, Replay, Replayed, Show
from antiphon_server.work.pool import CannotWork, Pool

_KEPT = 16
"""Cached states, so that scrubbing replays only the entries between two of them."""
_KEPT_BYTES = 64 * 1024 * 1024


class Past(Struct, frozen=True):
    """A moment of a room, packed as it came from a helper process: most of it the gateway never looks at. `room` and
    `address` are who it is about and who asked."""

    room: str
    address: str
    packed: bytes
    snapshot: Snapshot
    people: frozenset[str]
    runs: frozenset[str]

    @property
    def seq(self) -> int:
        return self.snapshot.seq

    def moment(self) -> PastState:
        """Unpacked; costs a millisecond or more per MB."""
        return msgspec.msgpack.decode(self.packed, type=PastState)


class Archive:
    def __init__(self, store: RoomStore, limits: RoomLimits, pool: Pool) -> None:
        self._store = store
        self._limits = limits
        self._pool = pool
        self._kept: OrderedDict[tuple[str, int], Past] = OrderedDict()

    async def past(self, room: str, seq: int, address: str = "") -> Past:
        """The room after entry `seq`. Raises NotFound (no such entry), QueueFull, CannotWork or StorageUnavailable."""
        if (known := self._kept.get((room, seq))) is not None:
            self._kept.move_to_end((room, seq))
            return msgspec.structs.replace(known, address=address)
        return await self._bring_back(room, seq, address)

    async def shown(self, past: Past) -> bytes:
        """The answer to `GET .../history/{seq}`, JSON. Raises QueueFull or CannotWork."""
        return await self._made(Show(past.packed), past.address)

    async def compared(self, first: Past, second: Past) -> bytes:
        """The answer to `GET .../compare`, JSON. Raises QueueFull or CannotWork."""
        return await self._made(Compare(first.packed, second.packed), second.address)

    async def _made(self, job: Job, address: str) -> bytes:
        answer: Answer = await self._pool.run(job, address)
        assert isinstance(answer, Made)
        return answer.data

    async def _bring_back(self, room: str, seq: int, address: str) -> Past:
        base = await self._store.snapshot_at(room, seq)
        nearest = max((at for name, at in self._kept if name == room and at <= seq), default=-1)
        if nearest >= 0 and (base is None or nearest > base.seq):
            base = self._kept[room, nearest].snapshot
        after = base.seq if base else 0
        entries = await self._store.history(room, after, seq - after) if seq > after else ()
        if seq != after and (not entries or entries[-1].seq != seq):
            raise NotFound("the history of this room has no such entry")
        limits = self._limits
        job = Replay(limits.max_update, limits.max_items, limits.max_document, base, tuple(entries))
        try:
            answer = await self._pool.run(job, address)
        except CannotWork as error:
            raise StorageUnavailable(f"the history of this room cannot be read: {error}") from error
        assert isinstance(answer, Replayed)
        past = Past(room, address, answer.moment, answer.snapshot, answer.people, answer.runs)
        self._keep(past)
        return past

    def _keep(self, past: Past) -> None:
        self._kept[past.room, past.seq] = past
        size = sum(_size(one) for one in self._kept.values())
        while len(self._kept) > 1 and (len(self._kept) > _KEPT or size > _KEPT_BYTES):
            _, gone = self._kept.popitem(last=False)
            size -= _size(gone)


def _size(past: Past) -> int:
    return len(past.packed) + len(past.snapshot.state)
