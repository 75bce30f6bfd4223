"""A few places for costly work, shared fairly between those who ask: by turns of key (an address), with bounds."""

from __future__ import annotations

import asyncio
from collections import Counter, OrderedDict, deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from antiphon_proto.errors import AntiphonError


class FairQueue:
    """`places` at once, of one key at most all but one of them, so that the next asker finds one. `waiting` may wait,
    of one key half of them; beyond it `full` is raised."""

    def __init__(self, places: int, waiting: int, full: AntiphonError) -> None:
        self._free = places
        self._most = max(1, places - 1)
        self._bound = waiting
        self._own_bound = max(1, waiting // 2)
        self._full = full
        self._running: Counter[str] = Counter()
        self._queues: OrderedDict[str, deque[asyncio.Future[None]]] = OrderedDict()
        """Who is first has its turn next."""
        self.waiting = 0

    @asynccontextmanager
    async def place(self, key: str) -> AsyncIterator[None]:
        """A place, as long as it is needed. Raises the error for a full queue."""
        if self._free and self._running[key] < self._most and not self._queues.get(key):
            self._take(key)
        else:
            await self._wait(key)
        try:
            yield
        finally:
            self._release(key)

    async def _wait(self, key: str) -> None:
        queue = self._queues.get(key)
        if self.waiting >= self._bound or len(queue or ()) >= self._own_bound:
            raise type(self._full)(self._full.message)
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        if queue is None:
            queue = self._queues[key] = deque()
        queue.append(future)
        self.waiting += 1
        try:
            await future
        except asyncio.CancelledError:
            if future.done() and not future.cancelled():
                self._release(key)  # the place came at the moment in which the asker went
            else:
                self._forget(key, future)
            raise

    def _take(self, key: str) -> None:
        self._free -= 1
        self._running[key] += 1

    def _release(self, key: str) -> None:
        self._free += 1
        self._running[key] -= 1
        if not self._running[key]:
            del self._running[key]
        for other, queue in self._queues.items():
            if self._running[other] >= self._most:
                continue
            # Of those who have gone some do not know it yet.
            future = next((each for each in queue if not each.done()), None)
            if future is not None:
                self._forget(other, future)
                if other in self._queues:
                    self._queues.move_to_end(other)
                self._take(other)
                future.set_result(None)
                return

    def _forget(self, key: str, future: asyncio.Future[None]) -> None:
        queue = self._queues[key]
        queue.remove(future)
        self.waiting -= 1
        if not queue:
            del self._queues[key]
