"""A plan: files that one backend runs one network from, and everything that they depend on."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Literal, TypeAlias

import msgspec
from msgspec import Struct

from antiphon_engines.backends.plans.signature import Dim, Precision

BackendName: TypeAlias = Literal["torch", "onnxruntime", "tensorrt", "tensorrt_rtx"]
BACKENDS: tuple[BackendName, ...] = ("torch", "onnxruntime", "tensorrt", "tensorrt_rtx")
Part: TypeAlias = Literal[
    "denoiser",
    "decoder",
    "tiny_decoder",
    "text_encoder",
    "language_decoder",
    "music_decoder",
    "codec_decoder",
]
"""A part of a checkpoint that is run: `decoder` is an autoencoder's, from latents to pixels."""


class Lora(Struct, frozen=True, order=True):
    """A low-rank adapter (https://arxiv.org/abs/2106.09685) that is part of the weights."""

    path: str
    """A safetensors file."""
    scale: float = 1.0


class PlanKey(Struct, frozen=True):
    """Two plans of equal keys are interchangeable. Everything that changes the files, or that they cannot be run
    without, is a field: a plan with another key is built anew."""

    part: Part
    backend: BackendName
    weights: str
    """SHA-256 over the part's configuration and weights."""
    precision: Precision
    device: str
    """`any` (ONNX Runtime picks its kernels when it loads), or a GPU's architecture such as `sm89`."""
    runtime: str
    """Version of TensorRT, or of ONNX's operators."""
    exporter: str
    """Versions of the exporter, and of our own recipe."""
    dims: tuple[Dim, ...]
    """The profile: sizes that calls may have, and the one it is tuned for."""
    loras: tuple[tuple[str, float], ...] = ()
    """SHA-256 and scale of each adapter, sorted."""
    refittable: bool = False
    """Whether weights can be replaced in place."""

    @property
    def digest(self) -> str:
        return hashlib.sha256(msgspec.json.encode(self)).hexdigest()

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.part}-{self.backend}-{self.digest[:16]}"

    def differs(self, other: PlanKey) -> tuple[str, ...]:
        """Names of the fields that are not the same."""
        return tuple(
            field for field in self.__struct_fields__ if getattr(self, field) != getattr(other, field)
        )


class Plan(Struct, frozen=True):
    """A finished plan on disk, checked."""

    key: PlanKey
    folder: Path

    @property
    def model(self) -> Path:
        """The ONNX file, or the engine."""
        return self.folder / model_name(self.key.backend)


def model_name(backend: BackendName) -> str:
    return "model.onnx" if backend == "onnxruntime" else "engine.plan"
