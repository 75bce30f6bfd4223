"""The contents of a device's memory, of all engines of a worker: everything within the budget, else the parts used
last. Imports no runtime."""

from __future__ import annotations

import threading
from collections import OrderedDict
from typing import Protocol


class Resident(Protocol):
    """Something that can leave the device's memory and come back. Both are idempotent."""

    nbytes: int

    def load(self) -> None: ...

    def unload(self) -> None: ...


class Residency:
    """`budget` is in bytes; 0 means no bound. A part in use stays, even where it alone is larger than the budget.

    Parts that cannot leave (a cache of keys and values, weights whose addresses compiled code knows) are `hold`: it
    counts, and the others make room for it."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self.turn = threading.RLock()
        """Held while something here is computing, so that nobody else's wish to load takes it away meanwhile."""
        self._loaded: OrderedDict[int, Resident] = OrderedDict()
        self._held: dict[int, int] = {}

    @property
    def used(self) -> int:
        """Bytes of everything that is there."""
        return sum(each.nbytes for each in self._loaded.values()) + sum(self._held.values())

    def use(self, resident: Resident) -> None:
        """Call it before every use: `resident` is loaded then, and the most recently used."""
        with self.turn:
            if id(resident) not in self._loaded:
                self._make_room(resident.nbytes)
                resident.load()
                self._loaded[id(resident)] = resident
            self._loaded.move_to_end(id(resident))

    def hold(self, owner: object, nbytes: int) -> None:
        """`owner` takes so much now, until it is forgotten."""
        with self.turn:
            self._held.pop(id(owner), None)
            self._make_room(nbytes)
            self._held[id(owner)] = nbytes

    def forget(self, owner: object) -> None:
        """It will not be used again; its owner frees it."""
        with self.turn:
            self._loaded.pop(id(owner), None)
            self._held.pop(id(owner), None)

    def _make_room(self, wanted: int) -> None:
        while self._budget and self._loaded and self.used + wanted > self._budget:
            _, oldest = self._loaded.popitem(last=False)
            oldest.unload()
