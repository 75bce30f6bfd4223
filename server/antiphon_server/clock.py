"""Time as the rooms see it; tests pass a virtual one."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    """The clocks of the server; tests have a virtual one."""

    def monotonic(self) -> float:
        """Seconds that never go back, for intervals."""
        ...

    def server_ms(self) -> float:
        """The clients' time in milliseconds: Unix time when the process began, and steady since."""
        ...

    def unix_ms(self) -> int:
        """Wall clock, milliseconds since 1970, for people and for the store."""
        ...


class SystemClock:
    """`server_ms` runs with `monotonic`, which all processes of the machine share: a wall clock that is set would
    move every beat of a jam."""

    def __init__(self) -> None:
        self._began = time.time() - time.monotonic()

    def server_ms(self) -> float:
        """As in :class:`Clock`."""
        return (self._began + time.monotonic()) * 1000

    def monotonic(self) -> float:
        """As in :class:`Clock`."""
        return time.monotonic()

    def unix_ms(self) -> int:
        """As in :class:`Clock`."""
        return time.time_ns() // 1_000_000
