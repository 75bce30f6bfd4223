"""Parts of checkpoints as torch modules whose inputs and outputs are named tensors. Imports torch."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import torch

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.plans.plan import Part
from antiphon_engines.backends.plans.signature import Port, Precision, Signature

DTYPES: Final[dict[Precision, torch.dtype]] = {
    "fp32": torch.float32,
    "fp16": torch.float16,
    "bf16": torch.bfloat16,
}


def precision_of(dtype: torch.dtype) -> Precision:
    """Raises EngineUnavailable for a type that no plan has."""
    for precision, known in DTYPES.items():
        if known == dtype:
            return precision
    raise EngineUnavailable(f"a network in {dtype}: {', '.join(DTYPES)} are served")


_FIXED: Final = {"float32": torch.float32, "int64": torch.int64, "bool": torch.bool}


@dataclass(frozen=True, slots=True)
class Network:
    """`module` takes the signature's inputs in their order and returns its outputs in theirs."""

    part: Part
    module: torch.nn.Module
    signature: Signature
    precision: Precision

    def example(self, sizes: Mapping[str, int], seed: int = 0) -> dict[str, torch.Tensor]:
        """Inputs of these sizes that the network could meet: the same for the same seed."""
        generator = torch.Generator().manual_seed(seed)
        device = next(self.module.parameters()).device
        return {
            port.name: _sample(port, self.signature.shape(port, sizes), self.precision, generator).to(device)
            for port in self.signature.inputs
        }


def dtype_of(port: Port, precision: Precision) -> torch.dtype:
    return DTYPES[precision] if port.kind == "number" else _FIXED[port.kind]


def _sample(
    port: Port, shape: tuple[int, ...], precision: Precision, generator: torch.Generator
) -> torch.Tensor:
    match port.name:
        case "mask":
            return torch.ones(shape, dtype=dtype_of(port, precision))
        case "timesteps":
            return torch.rand(shape, generator=generator) * 900
        case "positions":
            return torch.arange(shape[1]).expand(shape).contiguous()
    if port.kind == "int64":
        # Small enough for any vocabulary.
        return torch.randint(0, 8, shape, generator=generator)
    return torch.randn(shape, generator=generator).to(dtype_of(port, precision))
