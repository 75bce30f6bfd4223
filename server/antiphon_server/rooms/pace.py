"""Long work on the event loop, in slices: the work yields between its parts after a slice."""

from __future__ import annotations

import asyncio
import time
from typing import Final

SLICE: Final = 0.005
"""Seconds of work between two rests."""


class Pace:
    def __init__(self) -> None:
        self._started = time.perf_counter()

    async def rest(self) -> None:
        """Let everything else have its turn, if a slice is over."""
        if time.perf_counter() - self._started >= SLICE:
            await asyncio.sleep(0)
            self._started = time.perf_counter()
