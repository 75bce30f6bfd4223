"""Order -> plan, in this process. Imports torch; `background` runs it in another one."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from antiphon_engines.backends import tensorrt_build, tensorrt_module
from antiphon_engines.backends.export import export
from antiphon_engines.backends.networks import loading
from antiphon_engines.backends.order import Order
from antiphon_engines.backends.plan import Plan, PlanKey, model_name
from antiphon_engines.backends.store import PlanRefused, PlanStore, note_progress

logger = logging.getLogger(__name__)
Progress: TypeAlias = Callable[[str, float], None]
"""Called with a stage ("wait", "export", "build") and its fraction, 0 to 1."""


def find(store: PlanStore, key: PlanKey) -> Plan | None:
    """The plan, if it is there and sound. One that is not is dropped, with a line in the log."""
    try:
        return store.find(key)
    except PlanRefused as error:
        logger.warning("%s; it will be built again", error.message)
        store.drop(key.name)
        return None


def build(store: PlanStore, order: Order, tell: Progress = lambda stage, fraction: None) -> Plan:
    """The plan of an order: the one that is there, or a new one. Waits for another process that builds the same.

    Raises EngineUnavailable with one line.
    """
    key = order.key()
    if plan := find(store, key):
        return plan
    tell("wait", 0.0)
    with store.locked(key) as lock:
        if plan := find(store, key):
            return plan

        def note(stage: str, fraction: float) -> None:
            note_progress(lock, stage, fraction)
            tell(stage, fraction)

        _make(store, order, key, note)
    if plan := store.find(key):
        return plan
    raise PlanRefused(f"the plan {key.name} vanished as soon as it had been made")


def _make(store: PlanStore, order: Order, key: PlanKey, tell: Progress) -> None:
    if order.backend == "onnxruntime":
        tell("export", 0.0)
        with store.put(key) as folder:
            export(loading.load(order), folder)
        tell("export", 1.0)
        return
    source = build(store, order.exported(), tell)
    module = tensorrt_module.load("tensorrt" if order.backend == "tensorrt" else "tensorrt_rtx")
    tell("build", 0.0)
    with store.put(key) as folder:
        tensorrt_build.build(
            module,
            source.model,
            folder / model_name(order.backend),
            order.signature,
            device=order.device,
            refittable=order.refittable,
            timing_cache=_timing_cache(store, order),
            tell=lambda fraction: tell("build", fraction),
        )


def _timing_cache(store: PlanStore, order: Order) -> Path | None:
    return store.folder / f".timing-{order.device}.cache" if order.backend == "tensorrt" else None
