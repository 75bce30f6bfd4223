"""Plan -> runner: the one place that knows which class runs which plan."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol, cast

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.plans.plan import Plan
from antiphon_engines.backends.plans.signature import Signature
from antiphon_engines.backends.runners.runner import Runner


class Refittable(Runner, Protocol):
    """A runner that can take other weights."""

    def refit(self, onnx: Path) -> None: ...


def refit(runner: Runner, weights: Plan) -> None:
    """Replace the weights of a runner by those of an ONNX file of the same network; where that fails the runner is
    closed. Raises EngineUnavailable."""
    try:
        cast(Refittable, runner).refit(weights.model)
    except EngineUnavailable:
        runner.close()
        raise


def open_plan(plan: Plan, signature: Signature, *, cuda: bool, threads: int) -> Runner:
    """Load a plan that the store has checked. Raises EngineUnavailable when it cannot run here."""
    match plan.key.backend:
        case "onnxruntime":
            from antiphon_engines.backends.runners.onnx_runner import OnnxRunner

            return OnnxRunner(plan, signature, cuda=cuda, threads=threads)
        case "tensorrt" | "tensorrt_rtx" as name:
            from antiphon_engines.backends.plans import tensorrt_module
            from antiphon_engines.backends.runners.tensorrt_runner import TensorRtRunner

            return TensorRtRunner(plan, signature, tensorrt_module.load(name))
        case "torch":
            raise ValueError("torch has no plans: make a TorchRunner of the network")
