"""Puts faster runners into an image model's seats: at once where their plans are ready, later where they are built."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends import background, build, choices, opening, runtimes
from antiphon_engines.backends.build_process import Said
from antiphon_engines.backends.checkpoint import Checkpoint
from antiphon_engines.backends.order import Order
from antiphon_engines.backends.plan import Lora, Part, Plan
from antiphon_engines.backends.seat import Seat
from antiphon_engines.backends.signatures import Bounds
from antiphon_engines.backends.store import PlanStore

logger = logging.getLogger(__name__)
PLANS = "plans"
"""Folder of the cache."""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the settings ask for; `small` as in :func:`choices.planned`."""

    cache_dir: Path
    checkpoint: Checkpoint
    backends: Mapping[Part, choices.BackendChoice]
    bounds: Bounds
    architecture: str
    """Of the GPU that the model lies on; empty on a CPU."""
    threads: int
    small: bool
    loras: tuple[Lora, ...] = ()


class Acceleration:
    """Owns the background build; `close` ends it. Torch serves whatever does not come about, and the log says why."""

    def __init__(
        self, wishes: Wishes, seats: Mapping[Part, Seat], changed: Callable[[], None] = lambda: None
    ) -> None:
        """Opens what is ready. `changed` is called, on another thread, when a runner has taken over later."""
        self._wishes = wishes
        self._seats = seats
        self._changed = changed
        self._store = PlanStore(wishes.cache_dir / PLANS)
        self._builder: background.Builder | None = None
        self._lock = threading.Lock()
        self._closed = False
        orders = [order for part in seats if (order := self._order(part)) is not None]
        self._missing = [order for order in orders if not self._ready(order)]

    def start(self) -> None:
        """Begin to build what is missing."""
        with self._lock:
            if self._missing and not self._closed:
                logger.info(
                    "building %s", ", ".join(f"{each.part} for {each.backend}" for each in self._missing)
                )
                self._builder = background.Builder(self._store.folder, self._missing, self._hear)

    def wait(self) -> None:
        """Until the build is over, well or not."""
        if self._builder is not None:
            self._builder.wait()

    def close(self) -> None:
        with self._lock:
            self._closed = True
        if self._builder is not None:
            self._builder.close()

    def _order(self, part: Part) -> Order | None:
        wishes, precision = self._wishes, self._seats[part].fallback.network.precision
        backend = choices.planned(wishes.backends[part], cuda=bool(wishes.architecture), small=wishes.small)
        if backend == "torch" or part not in wishes.checkpoint.parts:
            return None
        found = runtimes.availability(backend, wishes.architecture)
        if not (found.runs and found.builds):
            logger.warning("the %s stays on torch: %s %s. %s", part, backend, found.reason, found.remedy)
            return None
        refittable = backend.startswith("tensorrt")
        device = "any" if backend == "onnxruntime" else wishes.architecture
        return Order(
            wishes.checkpoint, part, backend, precision, device, wishes.bounds, wishes.loras, refittable
        )

    def _ready(self, order: Order) -> bool:
        """Whether nothing has to be built for an order: its runner sits, or never will."""
        try:
            plan = build.find(self._store, order.key())
            if plan is None:
                return False
            self._seat(order, plan)
        except EngineUnavailable as error:
            logger.warning("the %s stays on torch: %s", order.part, error.message)
        return True

    def _seat(self, order: Order, plan: Plan) -> None:
        wishes = self._wishes
        runner = opening.open_plan(
            plan, order.signature, cuda=bool(wishes.architecture), threads=wishes.threads
        )
        off = self._seats[order.part].offer(runner)
        logger.info("the %s runs on %s; error against torch %.1g", order.part, order.backend, off)

    def _hear(self, order: Order, said: Said) -> None:
        match said.event:
            case "progress":
                logger.debug("%s: %s %.0f %%", order.part, said.message, 100 * said.fraction)
            case "failed":
                logger.warning("the %s stays on torch: %s", order.part, said.message)
            case "done" if not self._closed and self._ready(order):
                self._changed()
