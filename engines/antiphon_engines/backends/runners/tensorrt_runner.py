"""A TensorRT or TensorRT-RTX engine, on the GPU that it was built for."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.networks import dtype_of
from antiphon_engines.backends.plans import tensorrt_module
from antiphon_engines.backends.plans.plan import BackendName, Plan
from antiphon_engines.backends.plans.signature import Signature
from antiphon_engines.backends.runners.runner import Tensors, shapes


class TensorRtRunner:
    """Runs in order with torch's current stream, with torch's own memory on both sides. `module` is `tensorrt` or
    `tensorrt_rtx`. Raises EngineUnavailable when the engine is not accepted here."""

    def __init__(self, plan: Plan, signature: Signature, module: Any) -> None:
        self.backend: BackendName = plan.key.backend
        self.signature = signature
        self._module = module
        self._precision = plan.key.precision
        self._log, self._last_words = tensorrt_module.make_logger(module)
        self._runtime = module.Runtime(self._log)
        self._engine = self._runtime.deserialize_cuda_engine(plan.model.read_bytes())
        if self._engine is None:
            raise EngineUnavailable(f"{module.__name__} refuses {plan.folder.name}: {self._last_words()}")
        self._context = self._make_context()
        # The default stream cannot be recorded as a graph, and TensorRT synchronises around it.
        self._stream: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        self._outputs = {
            name: _torch_type(module, self._engine.get_tensor_dtype(name)) for name in signature.outputs
        }
        self.nbytes = plan.model.stat().st_size + int(self._engine.device_memory_size_v2)

    def __call__(self, tensors: Tensors) -> dict[str, torch.Tensor]:
        self.signature.sizes(shapes(tensors))
        given = {}
        for port in self.signature.inputs:
            tensor = tensors[port.name].to(dtype_of(port, self._precision)).contiguous()
            given[port.name] = tensor  # kept until the work is enqueued
            self._context.set_input_shape(port.name, tuple(tensor.shape))
            self._context.set_tensor_address(port.name, tensor.data_ptr())
        answers = {}
        for name, kind in self._outputs.items():
            shape = tuple(self._context.get_tensor_shape(name))
            answers[name] = torch.empty(shape, dtype=kind, device="cuda")
            self._context.set_tensor_address(name, answers[name].data_ptr())
        # Both ways wait, so the allocator of torch's own stream need not know of ours.
        around = torch.cuda.current_stream()
        self._stream.wait_stream(around)
        if not self._context.execute_async_v3(self._stream.cuda_stream):
            raise RuntimeError(f"{self.backend}: {self._last_words()}")
        around.wait_stream(self._stream)
        return answers

    def refit(self, onnx: Path) -> None:
        """Take the weights of another ONNX file of the same network, for instance with an adapter merged into them.
        Raises EngineUnavailable and then the engine is as it was: weights are replaced together or not at all."""
        refitter = self._module.Refitter(self._engine, self._log)
        reader = self._module.OnnxParserRefitter(refitter, self._log)
        if not reader.refit_from_file(str(onnx)) or not refitter.refit_cuda_engine():
            raise EngineUnavailable(f"{self.backend} cannot take the weights: {self._last_words()}")

    def close(self) -> None:
        self._context = self._engine = None

    def _make_context(self) -> Any:
        """TensorRT-RTX compiles kernels when they are first needed, and records CUDA graphs by itself when told to."""
        if not hasattr(self._module, "CudaGraphStrategy"):
            return self._engine.create_execution_context()
        config = self._engine.create_runtime_config()
        config.cuda_graph_strategy = self._module.CudaGraphStrategy.WHOLE_GRAPH_CAPTURE
        return self._engine.create_execution_context(config)


def _torch_type(module: Any, kind: Any) -> torch.dtype:
    return {
        module.DataType.FLOAT: torch.float32,
        module.DataType.HALF: torch.float16,
        module.DataType.BF16: torch.bfloat16,
        module.DataType.INT64: torch.int64,
        module.DataType.INT32: torch.int32,
        module.DataType.BOOL: torch.bool,
    }[kind]
