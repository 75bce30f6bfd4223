"""A build order: one value that says everything, crosses the process border, and gives the plan's key."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.plans import runtimes
from antiphon_engines.backends.plans.checkpoint import Checkpoint
from antiphon_engines.backends.plans.plan import BackendName, Lora, Part, PlanKey
from antiphon_engines.backends.plans.signature import Precision, Signature
from antiphon_engines.backends.plans.signatures import Bounds

OPSET: Final = 20
"""Of the ONNX files."""


class Order(Struct, frozen=True):
    checkpoint: Checkpoint
    part: Part
    backend: BackendName
    precision: Precision
    device: str
    """`any` for an ONNX file, an architecture such as `sm89` for an engine."""
    bounds: Bounds = Bounds()
    loras: tuple[Lora, ...] = ()
    refittable: bool = False

    @property
    def signature(self) -> Signature:
        return self.checkpoint.signature(self.part, self.bounds)

    def key(self) -> PlanKey:
        """Reads the weights, to hash them. Raises EngineUnavailable when it cannot be built or read."""
        if self.backend == "torch":
            raise EngineUnavailable("torch runs the checkpoint itself: there is nothing to build")
        # An ONNX file depends on no version of its runtime.
        version = f"opset {OPSET}" if self.backend == "onnxruntime" else runtimes.version(self.backend)
        if not version:
            raise EngineUnavailable(f"{self.backend} is {runtimes.availability(self.backend, '').reason}")
        return PlanKey(
            part=self.part,
            backend=self.backend,
            weights=self.checkpoint.weights(self.part),
            precision=self.precision,
            device=self.device,
            runtime=version,
            exporter=runtimes.exporter_version(),
            dims=self.signature.dims,
            loras=tuple(sorted((_sha256(Path(lora.path)), lora.scale) for lora in self.loras)),
            refittable=self.refittable,
        )

    def exported(self) -> Order:
        """The ONNX file that this plan is made of: an order of its own, for every backend the same."""
        return msgspec.structs.replace(self, backend="onnxruntime", device="any", refittable=False)


def _sha256(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise EngineUnavailable(f"the adapter {path} cannot be read: {error.strerror}") from error
