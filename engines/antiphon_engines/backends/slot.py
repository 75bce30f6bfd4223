"""A network's place in an engine: torch sits there first, and a faster runner takes over between two calls."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from math import isnan
from typing import Final, Protocol

import torch

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends import pausing
from antiphon_engines.backends.plans.plan import BackendName, Part
from antiphon_engines.backends.plans.signature import Precision, ShapeRefused
from antiphon_engines.backends.residency import Residency, Resident
from antiphon_engines.backends.runners.runner import Runner, Tensors
from antiphon_engines.backends.runners.torch_runner import TorchRunner

logger = logging.getLogger(__name__)
TOLERANCE: Final[dict[Precision, float]] = {"fp32": 1e-3, "fp16": 2e-2, "bf16": 6e-2}
"""Largest error of an output, as a part of the largest value of torch's own."""


class Seated(Runner, Resident, Protocol):
    """A runner that can leave the device's memory."""


class Disagrees(EngineUnavailable):
    """A runner's answers are not torch's."""


class Slot:
    """Called from the engine's thread; `offer` may come from another one.

    A call that is too large in its rows alone goes in parts; one that the runner's plan has no room for, and all calls
    after a runner has failed, go to torch.
    """

    def __init__(self, fallback: TorchRunner) -> None:
        self._fallback = fallback
        self._runner: Seated = fallback
        self._residency = Residency(0)
        self.reference = threading.Lock()
        """Held while runners are compared with torch's weights, and while those are changed."""

    def share(self, residency: Residency) -> None:
        """Keep to a budget together with others; to be called before the first call."""
        self._residency = residency

    @property
    def part(self) -> Part:
        return self._fallback.network.part

    @property
    def backend(self) -> BackendName:
        return self._runner.backend

    @property
    def moves(self) -> int:
        """As `TorchRunner.moves`."""
        return self._fallback.moves

    @property
    def fallback(self) -> TorchRunner:
        """Torch's own, with its weights on the device."""
        self._bring()
        return self._fallback

    @contextmanager
    def brought(self) -> Iterator[TorchRunner]:
        """Torch's own runner with its weights on the device for a block, for callers that use the module itself."""
        with pausing.held(lambda: self._residency.turn):
            self._bring()
            yield self._fallback

    def _bring(self) -> None:
        if self._fallback.movable:
            self._residency.use(self._fallback)

    @property
    def precision(self) -> Precision:
        return self._fallback.network.precision

    def __call__(self, tensors: Tensors) -> dict[str, torch.Tensor]:
        with pausing.held(lambda: self._residency.turn):
            return self._run(tensors)

    def _run(self, tensors: Tensors) -> dict[str, torch.Tensor]:
        runner = self._runner
        if runner is self._fallback:
            return self.fallback(tensors)
        try:
            self._residency.use(runner)
            return parted(runner, tensors)
        except ShapeRefused:
            return self.fallback(tensors)
        except Exception:
            logger.exception("the %s fails on %s: torch takes over for good", self.part, runner.backend)
            self._runner = self._fallback
            self._residency.forget(runner)
            runner.close()
            return self.fallback(tensors)

    def offer(self, runner: Seated) -> float:
        """Let `runner` take over when its answers are torch's; returns the error. Raises Disagrees, and
        EngineUnavailable when it cannot run at all."""
        try:
            with self.reference, self._residency.turn:
                found = error(runner, self.fallback)
        except EngineUnavailable:
            runner.close()
            raise
        except Exception as failure:
            runner.close()
            reason = " ".join(str(failure).split())[:300]
            raise EngineUnavailable(
                f"the {self.part} does not run on {runner.backend}: {reason}"
            ) from failure
        allowed = TOLERANCE[self.precision]
        if not found <= allowed:
            runner.close()
            raise Disagrees(
                f"the {self.part} on {runner.backend} is {found:.2g} off from torch; at most {allowed:g} is taken"
            )
        self._runner = runner
        return found

    def close(self) -> None:
        for runner in (self._runner, self._fallback):
            self._residency.forget(runner)
            runner.close()


def parted(runner: Runner, tensors: Tensors) -> dict[str, torch.Tensor]:
    """A call, in parts where it has more rows than the runner's plan."""
    most = next((dim.high for dim in runner.signature.dims if dim.name == "rows"), 0)
    rows = len(tensors[runner.signature.inputs[0].name])
    if rows <= most or not most:
        return runner(tensors)
    answers = [
        runner({name: tensor[at : at + most] for name, tensor in tensors.items()})
        for at in range(0, rows, most)
    ]
    return {name: torch.cat([answer[name] for answer in answers]) for name in runner.signature.outputs}


def error(runner: Runner, reference: TorchRunner) -> float:
    """The largest error of any output over the smallest and the usual call, relative to torch's largest value. NaN if
    the runner's output is NaN."""
    worst = 0.0
    for which in ("low", "best"):
        example = reference.network.example(_tried(runner, which))
        worst = _worse(worst, compare(runner(example), reference(example)))
    return worst


def compare(found: Mapping[str, torch.Tensor], expected: Mapping[str, torch.Tensor]) -> float:
    """As :func:`error`, for one call's outputs."""
    worst = 0.0
    for name, wanted in expected.items():
        scale = max(float(wanted.float().abs().max()), 1e-6)
        worst = _worse(worst, float((found[name].float() - wanted.float()).abs().max()) / scale)
    return worst


def _worse(one: float, other: float) -> float:
    """The larger one; a NaN is worse than anything."""
    return one if isnan(one) or one >= other else other


def _tried(runner: Runner, which: str) -> dict[str, int]:
    """Nothing of a size that would keep a small machine busy for a minute."""
    sizes = runner.signature.at("low" if which == "low" else "best")
    most = {dim.name: max(dim.low, 64 // dim.step * dim.step) for dim in runner.signature.dims}
    return {name: min(size, most[name]) for name, size in sizes.items()}
