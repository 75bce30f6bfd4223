"""Which networks lie in a device's memory: within the budget all, beyond it those that were used last."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Protocol

import torch

from antiphon_engines.backends.plan import BackendName
from antiphon_engines.backends.runner import Runner, Tensors


class Resident(Protocol):
    """Something that can leave the device's memory and come back. Both are idempotent."""

    nbytes: int

    def load(self) -> None: ...

    def unload(self) -> None: ...


class Residency:
    """`budget` is in bytes; 0 means no bound. What is used stays, even where it alone is larger than the budget."""

    def __init__(self, budget: int) -> None:
        self._budget = budget
        self._lock = threading.Lock()
        self._loaded: OrderedDict[int, Resident] = OrderedDict()

    @property
    def used(self) -> int:
        """Bytes of everything that is loaded."""
        return sum(each.nbytes for each in self._loaded.values())

    def use(self, resident: Resident) -> None:
        """Call it before every use: `resident` is loaded then, and the most recently used."""
        with self._lock:
            if id(resident) not in self._loaded:
                self._make_room(resident.nbytes)
                resident.load()
                self._loaded[id(resident)] = resident
            self._loaded.move_to_end(id(resident))

    def forget(self, resident: Resident) -> None:
        """It will not be used again; its owner frees it."""
        with self._lock:
            self._loaded.pop(id(resident), None)

    def _make_room(self, wanted: int) -> None:
        while self._budget and self._loaded and self.used + wanted > self._budget:
            _, oldest = self._loaded.popitem(last=False)
            oldest.unload()


class Parked:
    """A plan's runner that leaves the memory and is opened anew from its plan when it is wanted again."""

    def __init__(self, open_again: Callable[[], Runner]) -> None:
        self._open = open_again
        self._runner: Runner | None = open_again()
        self.backend: BackendName = self._runner.backend
        self.signature = self._runner.signature
        self.nbytes = self._runner.nbytes

    def __call__(self, tensors: Tensors) -> dict[str, torch.Tensor]:
        self.load()
        assert self._runner is not None
        return self._runner(tensors)

    def load(self) -> None:
        """Raises EngineUnavailable when the plan is no longer what it was."""
        if self._runner is None:
            self._runner = self._open()

    def unload(self) -> None:
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    close = unload
