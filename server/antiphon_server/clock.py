"""Time as the rooms see it; tests pass a virtual one."""

from __future__ import annotations

import time
from typing import Protocol


class Clock(Protocol):
    def monotonic(self) -> float:
        """Seconds that never go back, for intervals."""
        ...

    def unix_ms(self) -> int:
        """Wall clock, milliseconds since 1970, for what people read and what is stored."""
        ...


class SystemClock:
    def monotonic(self) -> float:
        return time.monotonic()

    def unix_ms(self) -> int:
        return time.time_ns() // 1_000_000
