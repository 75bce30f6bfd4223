"""Time that passes only when a test says so."""

from __future__ import annotations


class VirtualClock:
    """Implements `antiphon_server.clock.Clock`."""

    def __init__(self) -> None:
        self.now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def unix_ms(self) -> int:
        return 1_790_000_000_000 + int(self.now * 1000)

    def server_ms(self) -> float:
        return 1_790_000_000_000.0 + self.now * 1000

    def advance(self, seconds: float) -> None:
        self.now += seconds
