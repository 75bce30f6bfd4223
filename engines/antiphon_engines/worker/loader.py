"""Engines are loaded beside the worker's loop, one after another, on a thread of their own."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Sequence
from typing import Final, Protocol

from antiphon_engines.api import Absent, Engine, EngineUnavailable, Later, Modality
from antiphon_engines.worker.inbox import Joined, Missing, Retold

logger = logging.getLogger(__name__)
_BOUND: Final = 16
"""Models that may wait to be loaded; beyond it a further one is refused."""
Make = Callable[[Modality, str], Later | Absent]


class Ear(Protocol):
    """Where the loop hears from other threads."""

    def put(self, news: Joined | Missing | Retold) -> None: ...


class Loader:
    """`make` says how another model of a modality is made, from its spec."""

    def __init__(self, ear: Ear, make: Make | None) -> None:
        self._ear = ear
        self._make = make
        self._queue: queue.Queue[tuple[Later, str]] = queue.Queue(_BOUND)
        self._thread = threading.Thread(target=self._work, name="loader", daemon=True)

    def start(self, wanted: Sequence[Later]) -> None:
        """Load the engines that join the worker later; everything else is served meanwhile."""
        for each in wanted:
            self._queue.put((each, ""))
        self._thread.start()

    def load(self, modality: Modality, spec: str) -> Absent | None:
        """Begin to load another model; news of it come with its spec. Returns why that cannot be, or None."""
        if self._make is None:
            return Absent(modality, spec, "this worker knows one model only")
        try:
            made = self._make(modality, spec)
        except EngineUnavailable as error:
            return Absent(modality, spec, error.message)
        if isinstance(made, Absent):
            return made
        try:
            self._queue.put_nowait((made, spec))
        except queue.Full:
            return Absent(modality, spec, "too many models are being loaded; try again later")
        return None

    def follow(self, engine: Engine) -> None:
        """Have the loop look when the engine says that its account of itself has changed."""
        if (listen := getattr(engine, "listen", None)) is not None:
            listen(lambda: self._ear.put(Retold()))

    def _work(self) -> None:
        while True:
            each, spec = self._queue.get()
            try:
                engine = each.build()
                self.follow(engine)
                self._ear.put(Joined(engine, spec))
            except EngineUnavailable as error:
                logger.warning("%s cannot be loaded: %s", each.name, error)
                self._ear.put(Missing(Absent(each.modality, each.name, error.message), spec))
            except Exception as error:
                logger.exception("%s cannot be loaded", each.name)
                reason = f"loading failed: {type(error).__name__}: {str(error)[:200]}"
                self._ear.put(Missing(Absent(each.modality, each.name, reason), spec))
