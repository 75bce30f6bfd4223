"""The interface of all backends: a callable on named tensors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol, TypeAlias

import torch

from antiphon_engines.backends.plans.plan import BackendName
from antiphon_engines.backends.plans.signature import Signature

Tensors: TypeAlias = Mapping[str, torch.Tensor]


class Runner(Protocol):
    """A network that is ready to run. Calls come from one thread at a time.

    Inputs are cast to the network's types; outputs are its own, on the device of the inputs, and belong to the caller.
    Raises ShapeRefused for sizes outside the signature's, and then nothing has been run."""

    backend: BackendName
    signature: Signature
    nbytes: int
    """Of weights and workspace that it holds on its device."""

    def __call__(self, tensors: Tensors) -> dict[str, torch.Tensor]: ...

    def close(self) -> None:
        """Free the device's memory; idempotent. It must not be called again."""
        ...


def shapes(tensors: Tensors) -> dict[str, torch.Size]:
    return {name: tensor.shape for name, tensor in tensors.items()}
