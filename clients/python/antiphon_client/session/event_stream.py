"""What streams out of a room, for whoever wants to follow it: each reader has a bounded queue of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakSet

from antiphon_client.errors import ClientError

T = TypeVar("T")


class EventStream(Generic[T]):
    """One reader's: iterate it, for ever. What it does not read in time is dropped, oldest first, and counted."""

    def __init__(self, bound: int) -> None:
        self.dropped = 0
        self._items: deque[T] = deque(maxlen=bound)
        self._news = asyncio.Event()
        self._failure: ClientError | None = None

    def __aiter__(self) -> EventStream[T]:
        return self

    async def __anext__(self) -> T:
        while not self._items:
            if self._failure is not None:
                raise self._failure
            self._news.clear()
            await self._news.wait()
        return self._items.popleft()

    def put(self, item: T) -> None:
        self.dropped += len(self._items) == self._items.maxlen
        self._items.append(item)
        self._news.set()

    def keep(self, holds: Callable[[T], bool]) -> None:
        """What waits and does not hold any more goes."""
        self._items = deque(filter(holds, self._items), self._items.maxlen)

    def on_failure(self, failure: ClientError) -> None:
        self._failure = failure
        self._news.set()


class EventStreams(Generic[T]):
    """All readers of one kind; a reader that nobody holds any more is forgotten."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._streams: WeakSet[EventStream[T]] = WeakSet()

    def open(self) -> EventStream[T]:
        stream: EventStream[T] = EventStream(self._bound)
        self._streams.add(stream)
        return stream

    def put(self, item: T) -> None:
        for stream in self._streams:
            stream.put(item)

    def keep(self, holds: Callable[[T], bool]) -> None:
        for stream in self._streams:
            stream.keep(holds)

    def on_failure(self, failure: ClientError) -> None:
        for stream in self._streams:
            stream.on_failure(failure)
