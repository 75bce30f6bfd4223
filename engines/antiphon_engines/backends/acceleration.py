"""Puts faster runners into a model's slots: at once where their plans are ready, later where they are built."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from antiphon_engines.api import Building, EngineUnavailable
from antiphon_engines.backends.building import background
from antiphon_engines.backends.building.build_process import Said
from antiphon_engines.backends.plans.order import Order
from antiphon_engines.backends.plans.plan import Part, Plan
from antiphon_engines.backends.plans.plan_store import PlanStore
from antiphon_engines.backends.plans.planning import CannotRun, Wishes
from antiphon_engines.backends.runners import opening
from antiphon_engines.backends.runners.parked import Parked
from antiphon_engines.backends.runners.runner import Runner
from antiphon_engines.backends.slot import Slot

logger = logging.getLogger(__name__)

NICENESS: Final = 10
"""Of a build: people are being served meanwhile."""
_NOTICEABLE: Final = 0.05
"""Of a stage of a build: smaller steps are not told."""


class Acceleration:
    """Owns the background build; `close` ends it. Where a build fails, torch serves and the log says why."""

    def __init__(
        self,
        folder: Path,
        wishes: Wishes,
        slots: Mapping[Part, Slot],
        *,
        threads: int,
    ) -> None:
        """Opens the plans of `folder` that are ready. `threads` are those of one call."""
        self._wishes = wishes
        self._slots = slots
        self._threads = threads
        self._store = PlanStore(folder)
        self._builder: background.Builder | None = None
        self._lock = threading.Lock()
        self._closed = False
        self._building: dict[Part, Building] = {}
        self._changed: Callable[[], None] | None = None
        orders = [order for part in slots if (order := self._order(part)) is not None]
        self._missing = {self._to_build(order): order for order in orders if not self._ready(order)}

    def start(self) -> None:
        """Begin to build the missing plans."""
        with self._lock:
            if self._missing and not self._closed:
                logger.info(
                    "building %s", ", ".join(f"{each.part} for {each.backend}" for each in self._missing)
                )
                self._builder = background.Builder(
                    self._store.folder, tuple(self._missing), self._on_build_event, niceness=NICENESS
                )

    @property
    def building(self) -> tuple[Building, ...]:
        """The plans that are being built now, with their progress."""
        return tuple(self._building.values())

    def listen(self, changed: Callable[[], None]) -> None:
        """Have `changed` called, on a thread of this object's, when a plan is noticeably further or takes over."""
        self._changed = changed

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
        try:
            return self._wishes.order(part, self._slots[part].precision)
        except CannotRun as error:
            logger.warning("the %s stays on torch: %s", part, error.message)
            return None

    def _ready(self, order: Order) -> bool:
        """Whether nothing has to be built for an order: its runner sits, or never will."""
        try:
            if plan := self._store.sound(order.key()):
                self._install(order, plan)
                return True
            return self._refitted(order)
        except EngineUnavailable as error:
            logger.warning("the %s stays on torch: %s", order.part, error.message)
        return True

    def _bare(self, order: Order) -> Plan | None:
        """The engine of the same network without adapters, if it is there and can take theirs."""
        if not (order.refittable and order.loras):
            return None
        return self._store.sound(replace(order, loras=()).key())

    def _to_build(self, order: Order) -> Order:
        """Where an engine can take the adapters' weights, only their ONNX file is wanting."""
        return order.exported() if self._bare(order) is not None else order

    def _refitted(self, order: Order) -> bool:
        """Give the adapters' weights to an engine that was built without them: seconds instead of a build."""
        engine = self._bare(order)
        source = self._store.sound(order.exported().key()) if engine is not None else None
        if engine is None or source is None:
            return False
        self._install(order, engine, source)
        return True

    def _install(self, order: Order, plan: Plan, weights: Plan | None = None) -> None:
        """Let the plan's runner take over, with the weights of another plan where those are given."""

        def opened() -> Runner:
            runner = opening.open_plan(
                plan, order.signature, cuda=bool(self._wishes.architecture), threads=self._threads
            )
            if weights is not None:
                opening.refit(runner, weights)
            return runner

        runner = Parked(opened)
        off = self._slots[order.part].offer(runner)
        logger.info("the %s runs on %s; error against torch %.1g", order.part, order.backend, off)

    def _on_build_event(self, built: Order, said: Said) -> None:
        order = self._missing[built]
        match said.event:
            case "progress":
                logger.debug("%s: %s %.0f %%", order.part, said.message, 100 * said.fraction)
                known = self._building.get(order.part)
                if known is not None and abs(said.fraction - known.fraction) < _NOTICEABLE:
                    return
                self._building[order.part] = Building(order.part, order.backend, round(said.fraction, 3))
            case "failed":
                logger.warning("the %s stays on torch: %s", order.part, said.message)
                self._building.pop(order.part, None)
            case "done" if not self._closed:
                self._ready(order)
                self._building.pop(order.part, None)
        if self._changed is not None and not self._closed:
            self._changed()
