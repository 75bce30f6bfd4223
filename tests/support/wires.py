"""A transport and a clock that tests turn by hand."""

from __future__ import annotations

import heapq
import itertools
from collections.abc import Callable


class FakeTimer:
    def __init__(self, callback: Callable[[], None]) -> None:
        self.callback: Callable[[], None] | None = callback

    def cancel(self) -> None:
        self.callback = None


class VirtualClock:
    """`time` and `call_later` of an event loop; `advance` runs due calls."""

    def __init__(self) -> None:
        self.now = 0.0
        self._due: list[tuple[float, int, FakeTimer]] = []
        self._order = itertools.count()

    def time(self) -> float:
        return self.now

    def call_later(self, delay: float, callback: Callable[[], None], /) -> FakeTimer:
        timer = FakeTimer(callback)
        heapq.heappush(self._due, (self.now + delay, next(self._order), timer))
        return timer

    def advance(self, seconds: float) -> None:
        end = self.now + seconds
        while self._due and self._due[0][0] <= end:
            self.now, _, timer = heapq.heappop(self._due)
            if timer.callback is not None:
                timer.callback()
        self.now = end

    @property
    def pending(self) -> int:
        """Timers that would still run."""
        return sum(timer.callback is not None for _, _, timer in self._due)


class FakeWire:
    """A transport whose peer takes `read(n)` bytes when the test says so."""

    def __init__(self) -> None:
        self.unread = bytearray()
        self.received = bytearray()
        self.aborted = False

    def write(self, data: bytes) -> None:
        self.unread += data

    def waiting(self) -> int:
        return len(self.unread)

    def abort(self) -> None:
        self.aborted = True

    def read(self, size: int | None = None) -> None:
        size = len(self.unread) if size is None else size
        self.received += self.unread[:size]
        del self.unread[:size]
