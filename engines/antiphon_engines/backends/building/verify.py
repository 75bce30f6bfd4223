"""Plans against torch: the largest error of each, on this machine. Imports torch."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from msgspec import Struct

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.networks import loading
from antiphon_engines.backends.plans import runtimes
from antiphon_engines.backends.plans.order import Order
from antiphon_engines.backends.plans.plan import BackendName, Part
from antiphon_engines.backends.plans.plan_store import PlanStore
from antiphon_engines.backends.runners import opening
from antiphon_engines.backends.runners.torch_runner import TorchRunner
from antiphon_engines.backends.slot import TOLERANCE, error


class Verdict(Struct, frozen=True):
    """`error` is a part of the largest value of torch's own answer; None where nothing could be run."""

    part: Part
    backend: BackendName
    ran: BackendName
    """The runner: an engine for another machine is verified through the ONNX file that it was made of."""
    error: float | None
    allowed: float
    note: str = ""

    @property
    def good(self) -> bool:
        return self.error is not None and self.error <= self.allowed


def verify(
    store: PlanStore,
    orders: Sequence[Order],
    architecture: str,
    threads: int,
    tell: Callable[[Verdict], None],
) -> bool:
    """Tell the verdict on every order's plan; returns whether all are good."""
    torch.set_num_threads(threads)
    good = True
    for order in orders:
        verdict = _verdict(store, order, architecture, threads)
        tell(verdict)
        good = good and verdict.good
    return good


def _verdict(store: PlanStore, order: Order, architecture: str, threads: int) -> Verdict:
    allowed = TOLERANCE[order.precision]
    found, note, tried = runtimes.availability(order.backend, architecture), "", order
    if not found.runs:
        tried, note = order.exported(), f"{order.backend} {found.reason}"
    try:
        plan = store.find(tried.key())
        if plan is None:
            return Verdict(order.part, order.backend, tried.backend, None, allowed, "not built yet")
        cuda = bool(architecture) and tried.backend != "onnxruntime"
        runner = opening.open_plan(plan, tried.signature, cuda=cuda, threads=threads)
        reference = TorchRunner(loading.load(tried, "cuda" if cuda else "cpu"))
        off = error(runner, reference)
        runner.close()
    except EngineUnavailable as failure:
        return Verdict(order.part, order.backend, tried.backend, None, allowed, failure.message)
    return Verdict(order.part, order.backend, tried.backend, off, allowed, note)
