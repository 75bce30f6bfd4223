"""The reference: a network run by torch itself, eager, compiled, or as CUDA graphs."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias

import torch

from antiphon_engines.backends.networks import Network, dtype_of
from antiphon_engines.backends.plan import BackendName
from antiphon_engines.backends.runner import Tensors

TorchMode: TypeAlias = Literal["eager", "compile", "graphs"]
TORCH_MODES: Final[tuple[TorchMode, ...]] = ("eager", "compile", "graphs")
KEPT_GRAPHS: Final = 12
"""Shapes whose CUDA graph is kept; each holds its own inputs and outputs, and they share one memory pool."""


class TorchRunner:
    """`mode` compile costs a minute at the first call; graphs need CUDA and a quarter of a second per new shape.

    Sizes outside the signature are not refused: torch takes what the module takes, which makes it the fallback.
    """

    backend: BackendName = "torch"

    def __init__(self, network: Network, mode: TorchMode = "eager") -> None:
        self.signature = network.signature
        self.network = network
        self._device = next(network.module.parameters()).device
        self.nbytes = sum(each.nbytes for each in network.module.state_dict().values())
        self.on_gpu = self._device.type == "cuda"
        self.movable = mode == "eager" and self.on_gpu
        """Compiled code and recorded graphs know addresses: their weights stay, as do those of the host."""
        self._call = _caller(network.module, mode)

    def __call__(self, tensors: Tensors) -> dict[str, torch.Tensor]:
        network = self.network
        given = tuple(
            tensors[port.name].to(dtype_of(port, network.precision)) for port in self.signature.inputs
        )
        with torch.inference_mode():
            answer = self._call(given)
        found = answer if isinstance(answer, tuple) else (answer,)
        return dict(zip(self.signature.outputs, found, strict=True))

    def load(self) -> None:
        """Bring the weights back to the device."""
        self.network.module.to(self._device)

    def unload(self) -> None:
        """Move the weights to the host."""
        self.network.module.to("cpu")

    def close(self) -> None:
        """The module is its maker's; graphs go with the object."""
        self._call = _closed


def _caller(module: torch.nn.Module, mode: TorchMode) -> Callable[[tuple[torch.Tensor, ...]], Any]:
    match mode:
        case "eager":
            return lambda given: module(*given)
        case "compile":
            compiled = torch.compile(module)
            return lambda given: compiled(*given)
        case "graphs":
            return CudaGraphs(module)


def _closed(given: tuple[torch.Tensor, ...]) -> Any:
    raise RuntimeError("the runner is closed")


class CudaGraphs:
    """Replays a module's kernels without Python, one recording per shape; the oldest shape is forgotten.

    https://pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
    """

    def __init__(self, module: torch.nn.Module) -> None:
        self._module = module
        self._recorded: OrderedDict[tuple[torch.Size, ...], _Recording] = OrderedDict()
        self._pool: Any = None

    def __call__(self, given: tuple[torch.Tensor, ...]) -> Any:
        key = tuple(each.shape for each in given)
        recording = self._recorded.get(key)
        if recording is None:
            self._pool = self._pool or torch.cuda.graph_pool_handle()
            recording = self._recorded[key] = _Recording(self._module, given, self._pool)
            if len(self._recorded) > KEPT_GRAPHS:
                self._recorded.popitem(last=False)
        self._recorded.move_to_end(key)
        return recording(given)


class _Recording:
    def __init__(self, module: torch.nn.Module, given: tuple[torch.Tensor, ...], pool: Any) -> None:
        self._inputs = tuple(each.clone() for each in given)
        aside: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(aside):
            for _ in range(3):  # libraries choose their kernels and allocate before the recording
                module(*self._inputs)
        torch.cuda.current_stream().wait_stream(aside)
        self._graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(self._graph, pool=pool):
            self._outputs = module(*self._inputs)

    def __call__(self, given: tuple[torch.Tensor, ...]) -> Any:
        for kept, new in zip(self._inputs, given, strict=True):
            kept.copy_(new)
        self._graph.replay()
        if isinstance(self._outputs, tuple):
            return tuple(each.clone() for each in self._outputs)
        return self._outputs.clone()
