"""Bounds unfinished messages: their bytes for the whole server and per address, and their time.

A connection that brings its address over its share is closed; where all addresses together hold too much, the oldest
message of the address that holds most is dropped.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Final, Protocol

_SHARES: Final = 4
"""One address may hold a fourth of the whole."""


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """The part of an event loop that deadlines need."""

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Timer: ...


class Part:
    """One connection's. `drop(reason)` frees its bytes and closes it."""

    def __init__(self, unfinished: Unfinished, address: str, drop: Callable[[str], None]) -> None:
        self.address = address
        self.size = 0
        self._unfinished = unfinished
        self._drop = drop
        self._timer: Timer | None = None

    def hold(self, size: int, seconds: float) -> None:
        """The connection holds so many bytes now; they are dropped `seconds` after the first of them came."""
        if size == self.size:
            return
        if size and not self.size:
            self._timer = self._unfinished.clock.call_later(
                seconds, lambda: self.drop("a fragmented message took too long")
            )
        elif not size and self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._unfinished.changed(self, size)

    def drop(self, reason: str) -> None:
        self._unfinished.dropped += 1
        self.end()
        self._drop(reason)

    def end(self) -> None:
        """Release all held bytes."""
        self.hold(0, 0.0)


class Unfinished:
    """At most `bound` bytes, but always room for one message of `largest` bytes of each of a few addresses."""

    def __init__(self, bound: int, largest: int, clock: Clock) -> None:
        self.clock = clock
        self.size = 0
        self.dropped = 0
        self._bound = max(bound, _SHARES * largest)
        self._addresses: Counter[str] = Counter()
        self._parts: dict[Part, None] = {}
        """In the order in which they began."""

    def part(self, address: str, drop: Callable[[str], None]) -> Part:
        return Part(self, address, drop)

    def changed(self, part: Part, size: int) -> None:
        """Called by the part."""
        self.size += size - part.size
        self._addresses[part.address] += size - part.size
        part.size = size
        if size:
            self._parts.setdefault(part)
            self._enforce(part)
            return
        self._parts.pop(part, None)
        if not self._addresses[part.address]:
            del self._addresses[part.address]

    def _enforce(self, part: Part) -> None:
        if self._addresses[part.address] > self._bound // _SHARES:
            part.drop("too much of unfinished messages comes from this address")
        while self.size > self._bound:
            most, _ = self._addresses.most_common(1)[0]
            oldest = next(one for one in self._parts if one.address == most)
            oldest.drop("the server holds too many unfinished messages")
