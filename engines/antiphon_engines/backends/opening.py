"""Plan -> runner: the one place that knows which class runs which plan."""

from __future__ import annotations

from antiphon_engines.backends.plan import Plan
from antiphon_engines.backends.runner import Runner
from antiphon_engines.backends.signature import Signature


def open_plan(plan: Plan, signature: Signature, *, cuda: bool, threads: int) -> Runner:
    """Load a plan that the store has checked. Raises EngineUnavailable when it cannot run here."""
    match plan.key.backend:
        case "onnxruntime":
            from antiphon_engines.backends.onnx_runner import OnnxRunner

            return OnnxRunner(plan, signature, cuda=cuda, threads=threads)
        case "tensorrt" | "tensorrt_rtx" as name:
            from antiphon_engines.backends import tensorrt_module
            from antiphon_engines.backends.tensorrt_runner import TensorRtRunner

            return TensorRtRunner(plan, signature, tensorrt_module.load(name))
        case "torch":
            raise ValueError("torch has no plans: make a TorchRunner of the network")
