"""Order -> plan, in this process. Imports torch; `background` runs it in another one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from antiphon_engines.backends.building import tensorrt_build
from antiphon_engines.backends.building.export import export
from antiphon_engines.backends.networks import loading
from antiphon_engines.backends.plans import tensorrt_module
from antiphon_engines.backends.plans.order import Order
from antiphon_engines.backends.plans.plan import Plan, PlanKey, model_name
from antiphon_engines.backends.plans.plan_store import PlanRefused, PlanStore, note_progress

Progress: TypeAlias = Callable[[str, float], None]
"""Called with a stage ("wait", "export", "build") and its fraction, 0 to 1."""


def build(store: PlanStore, order: Order, tell: Progress = lambda stage, fraction: None) -> Plan:
    """The plan of an order: the one that is there, or a new one. Waits for another process that builds the same.

    Raises EngineUnavailable with one line.
    """
    key = order.key()
    if plan := store.sound(key):
        return plan
    tell("wait", 0.0)
    with store.locked(key) as lock:
        if plan := store.sound(key):
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
