"""The reference: a network run by torch itself, eager, compiled, or as CUDA graphs."""

from __future__ import annotations

import logging
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import torch
from torch.nn.attention import SDPBackend, sdpa_kernel

from antiphon_engines.backends.kernels.cuda_graphs import CudaGraphs
from antiphon_engines.backends.networks import Network, dtype_of
from antiphon_engines.backends.plans import choices
from antiphon_engines.backends.plans.choices import BackendChoice, TorchMode
from antiphon_engines.backends.plans.plan import BackendName
from antiphon_engines.backends.runners.runner import Tensors

logger = logging.getLogger(__name__)
KEPT_GRAPHS: Final = 16
"""Shapes whose CUDA graph is kept."""
_CONVOLUTIONAL: Final = ("denoiser", "decoder", "tiny_decoder")
_ATTENTION: Final = [
    SDPBackend.CUDNN_ATTENTION,
    SDPBackend.FLASH_ATTENTION,
    SDPBackend.EFFICIENT_ATTENTION,
    SDPBackend.MATH,
]
"""Fastest first on Hopper; torch's own order has FlashAttention 2 before cuDNN."""


class TorchRunner:
    """`graphs` records a shape's kernels, fused where the network is one of convolutions, in about a second; `compile`
    costs a minute per shape at its first call; `compile_graphs` records the compiled code. All but eager are for CUDA.

    Sizes outside the signature are not refused: torch takes every input of the module, which makes it the fallback."""

    backend: BackendName = "torch"

    def __init__(self, network: Network, mode: TorchMode = "eager") -> None:
        self.signature = network.signature
        self.network = network
        self.mode = mode
        self._device = next(network.module.parameters()).device
        self.nbytes = sum(each.nbytes for each in network.module.state_dict().values())
        self.movable = self._device.type == "cuda"
        """The weights of the host stay where they are."""
        self.moves = 0
        """Times that the weights have left the device: recordings by others are valid for one number."""
        self._graphs = CudaGraphs(KEPT_GRAPHS) if mode.endswith("graphs") and self.movable else None
        self._last_in = torch.channels_last if self._fusible else torch.contiguous_format
        self._call: Callable[..., Any] | None = self._prepared()

    def __call__(self, tensors: Tensors, *, variant: Hashable = None) -> dict[str, torch.Tensor]:
        """`variant` names the changes of the module for this call, such as its adapters: compiled and fused code
        ignores it, and a recording is of one variant."""
        call = self._call
        if call is None:
            raise RuntimeError("the runner is closed")
        if variant is not None:
            call = self.network.module
        given = tuple(self._taken(tensors[port.name], port) for port in self.signature.inputs)
        with torch.inference_mode(), self._kernels():
            answer = call(*given) if self._graphs is None else self._graphs(call, given, variant)
        found = answer if isinstance(answer, tuple) else (answer,)
        return dict(zip(self.signature.outputs, found, strict=True))

    def load(self) -> None:
        """Bring the weights back to the device."""
        self.network.module.to(self._device)

    def unload(self) -> None:
        """Move the weights to the host. Recordings know addresses, and are forgotten."""
        if self._graphs is not None:
            self._graphs.clear()
        self.moves += 1
        self.network.module.to("cpu")

    def close(self) -> None:
        """The module is its maker's; graphs go with the object."""
        if self._graphs is not None:
            self._graphs.clear()
        self._call = None

    @property
    def _fusible(self) -> bool:
        half = self.network.precision != "fp32"
        return self.movable and self.mode != "eager" and half and self.network.part in _CONVOLUTIONAL

    def _prepared(self) -> Callable[..., Any]:
        module = self.network.module
        if self.mode == "eager":
            return module
        if self.mode == "graphs":
            return _fused(module) if self._fusible else module
        if self._fusible:
            module.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        # Kernels for one shape are faster, above all convolutions: pytorch/pytorch#102670.
        compiled: Callable[..., Any] = torch.compile(module, dynamic=False)
        return compiled

    def _taken(self, tensor: torch.Tensor, port: Any) -> torch.Tensor:
        taken = tensor.to(dtype_of(port, self.network.precision))
        if self._last_in is torch.channels_last and taken.dim() == 4:
            taken = taken.contiguous(memory_format=torch.channels_last)
        return taken

    @contextmanager
    def _kernels(self) -> Iterator[None]:
        if self.mode == "eager" or not self.movable:
            yield
            return
        with sdpa_kernel(_ATTENTION, set_priority=True):
            yield


def torch_mode(choice: BackendChoice, network: Network) -> TorchMode:
    """As :func:`choices.torch_mode`, for the device that a network lies on."""
    return choices.torch_mode(choice, cuda=next(network.module.parameters()).device.type == "cuda")


def _fused(module: torch.nn.Module) -> torch.nn.Module:
    try:
        from antiphon_engines.backends.kernels.fusion import fused
    except ImportError as error:
        logger.warning("torch came without Triton, whose kernels are left out: %s", error)
        return module
    return fused(module)
