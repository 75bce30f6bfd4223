"""The interface of the engines that a room uses."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from antiphon_engines.api import PlayedNote, Request
from antiphon_engines.api import Steer as EngineSteer
from antiphon_engines.ipc.events import RunEvent


class Engine(Protocol):
    """The part of `EngineHost` that a room needs."""

    def submit(
        self,
        run: str,
        epoch: int,
        *,
        share: str,
        request: Request,
        sink: Callable[[RunEvent], None],
        weight: float = 1.0,
    ) -> None: ...

    def steer(self, run: str, change: EngineSteer, epoch: int = 0) -> None: ...

    def push(self, run: str, notes: Sequence[PlayedNote]) -> None: ...

    def cancel(self, run: str) -> None: ...
