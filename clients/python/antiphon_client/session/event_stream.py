"""Streams of events of a room: each reader has a bounded queue of its own."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Generic, TypeVar
from weakref import WeakSet

from antiphon_client.errors import ClientError

T = TypeVar("T")


class EventStream(Generic[T]):
    """The stream of one reader: iterate it. When its buffer is full the oldest items are dropped and counted."""

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
        """Append an item; the oldest is dropped when the buffer is full."""
        self.dropped += len(self._items) == self._items.maxlen
        self._items.append(item)
        self._news.set()

    def keep(self, holds: Callable[[T], bool]) -> None:
        """Drop buffered items that `holds` is false for."""
        self._items = deque(filter(holds, self._items), self._items.maxlen)

    def on_failure(self, failure: ClientError) -> None:
        """Raise `failure` to the reader once the buffer is empty."""
        self._failure = failure
        self._news.set()


class EventStreams(Generic[T]):
    """All readers of one kind, held by weak references."""

    def __init__(self, bound: int) -> None:
        self._bound = bound
        self._streams: WeakSet[EventStream[T]] = WeakSet()

    def open(self) -> EventStream[T]:
        """A stream for a new reader, from now on."""
        stream: EventStream[T] = EventStream(self._bound)
        self._streams.add(stream)
        return stream

    def put(self, item: T) -> None:
        """Append an item to every stream."""
        for stream in self._streams:
            stream.put(item)

    def keep(self, holds: Callable[[T], bool]) -> None:
        """Drop buffered items that `holds` is false for, in every stream."""
        for stream in self._streams:
            stream.keep(holds)

    def on_failure(self, failure: ClientError) -> None:
        """End every stream with `failure`."""
        for stream in self._streams:
            stream.on_failure(failure)
