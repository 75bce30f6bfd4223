"""Python's collector of cyclic garbage, at moments of our choice.

It looks at every object that may be part of a cycle while the event loop stands still: 40 to 300 ms beside a large room
with every fourth that is added. So the objects of the start are left out for good, the collector of old objects no
longer runs by itself, and it is run here at a pace that follows from its cost.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable
from typing import Final

_YOUNG: Final = (2000, 10)
"""New objects, and collections of them, after which the young ones are looked at: some milliseconds at most."""
_NEVER: Final = 2**30
_LEAST: Final = 2.0
_SHARE: Final = 0.005
"""Of the loop's time that it may take."""
_GROWTH: Final = 2.0
"""Times as many blocks of memory as after the last time: it cannot wait."""


class Collector:
    """`clock` gives seconds."""

    def __init__(self, clock: Callable[[], float] = time.perf_counter) -> None:
        self._clock = clock
        self._next = clock()
        self._blocks = sys.getallocatedblocks()

    def begin(self) -> None:
        """All that there is stays for the life of the process."""
        gc.collect()
        gc.freeze()
        gc.set_threshold(*_YOUNG, _NEVER)
        self._blocks = sys.getallocatedblocks()

    def tick(self) -> bool:
        """Called once a second: collect, if it is time. Returns whether it did."""
        started = self._clock()
        if started < self._next and sys.getallocatedblocks() < _GROWTH * self._blocks:
            return False
        gc.collect()
        ended = self._clock()
        self._next = ended + max(_LEAST, (ended - started) / _SHARE)
        self._blocks = sys.getallocatedblocks()
        return True

    async def run(self) -> None:
        """Until cancelled."""
        thresholds = gc.get_threshold()
        self.begin()
        try:
            while True:
                await asyncio.sleep(1.0)
                self.tick()
        finally:
            gc.set_threshold(*thresholds)
            gc.unfreeze()
