"""Brings back what rooms were: replays their entries in a thread of its own, and keeps what it brought back last."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from antiphon_engines.api import QueueFull
from antiphon_proto.errors import NotFound
from antiphon_server.moments import Moment, replayed
from antiphon_server.room_limits import RoomLimits
from antiphon_server.store.api import RoomStore, StorageUnavailable

T = TypeVar("T")
_KEPT = 16
"""Moments that are kept, so that scrubbing costs only what lies between two of them."""
_KEPT_BYTES = 64 * 1024 * 1024


class Archive:
    """One thread, since documents belong to one; at most `waiting` requests wait for it, others are refused."""

    def __init__(self, store: RoomStore, limits: RoomLimits, waiting: int = 16) -> None:
        self._store = store
        self._limits = limits
        self._bound = waiting
        self._waiting = 0
        self._thread = ThreadPoolExecutor(1, "archive")
        self._kept: OrderedDict[tuple[str, int], Moment] = OrderedDict()

    async def moment(self, room: str, seq: int) -> Moment:
        """The room after entry `seq`. Raises NotFound (no such entry), QueueFull or StorageUnavailable."""
        if (known := self._kept.get((room, seq))) is not None:
            self._kept.move_to_end((room, seq))
            return known
        return await self.work(lambda: self._bring_back(room, seq))

    async def work(self, do: Callable[[], Coroutine[None, None, T]]) -> T:
        """Do something that costs as much as going back does, if there is room for it. Raises QueueFull."""
        if self._waiting >= self._bound:
            raise QueueFull("too much of the past is asked for at once; try again in a moment")
        self._waiting += 1
        try:
            return await do()
        finally:
            self._waiting -= 1

    async def run(self, call: Callable[[], T]) -> T:
        """Call something in the thread."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, call)

    async def close(self) -> None:
        await asyncio.to_thread(self._thread.shutdown)

    async def _bring_back(self, room: str, seq: int) -> Moment:
        base = await self._store.snapshot_at(room, seq)
        nearest = max((at for name, at in self._kept if name == room and at <= seq), default=-1)
        if nearest >= 0 and (base is None or nearest > base.seq):
            base = self._kept[room, nearest].snapshot
        after = base.seq if base else 0
        entries = await self._store.history(room, after, seq - after) if seq > after else ()
        if seq != after and (not entries or entries[-1].seq != seq):
            raise NotFound("the history of this room has no such entry")
        try:
            moment = await self.run(lambda: replayed(self._limits, base, entries))
        except Exception as error:
            raise StorageUnavailable(f"the history of this room cannot be read: {error}") from error
        self._keep(room, moment)
        return moment

    def _keep(self, room: str, moment: Moment) -> None:
        self._kept[room, moment.seq] = moment
        size = sum(len(one.snapshot.state) for one in self._kept.values())
        while len(self._kept) > 1 and (len(self._kept) > _KEPT or size > _KEPT_BYTES):
            _, gone = self._kept.popitem(last=False)
            size -= len(gone.snapshot.state)
