"""The server's clock, as far as a client can tell (the web client has the same estimate in `connection/clock.ts`).

Each answered ping gives an offset that is wrong by at most half of its way there and back, and more likely right the
quicker it was: a message that waited in a queue waited on one of the two ways only. So the estimate is the median of
the quickest quarter of the last samples. Old samples go, so that clocks may drift."""

from __future__ import annotations

import math
from collections import deque
from statistics import median
from typing import Final

SAMPLES: Final = 31
QUICK: Final = 4
"""One in so many samples counts."""


class ServerClock:
    """All times are milliseconds; ours may begin anywhere, as long as it is steady."""

    def __init__(self) -> None:
        self._samples: deque[tuple[float, float]] = deque(maxlen=SAMPLES)
        """(way there and back, offset)"""
        self._old = False

    def add(self, sent_ms: float, server_ms: float, received_ms: float) -> None:
        """A ping that left at `sent_ms` was answered at `server_ms` of the server's clock."""
        if self._old:
            self._samples.clear()
        self._old = False
        self._samples.append((received_ms - sent_ms, server_ms - (sent_ms + received_ms) / 2))

    def renew(self) -> None:
        """A new connection, perhaps to another process: the old estimate holds until the first sample."""
        self._old = True

    @property
    def count(self) -> int:
        """Samples that are held."""
        return len(self._samples)

    @property
    def offset(self) -> float:
        """The server's clock minus ours; 0 before the first sample."""
        return median([offset for _, offset in self._quickest()] or [0.0])

    @property
    def trip(self) -> float:
        """There and back, of the samples that count."""
        return median([trip for trip, _ in self._quickest()] or [0.0])

    def _quickest(self) -> list[tuple[float, float]]:
        return sorted(self._samples)[: math.ceil(len(self._samples) / QUICK)]
