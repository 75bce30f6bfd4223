"""ONNX Runtime on the CPU, or on CUDA where its GPU wheel is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnxruntime
import torch

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.networks import dtype_of
from antiphon_engines.backends.plans.plan import BackendName, Plan
from antiphon_engines.backends.plans.signature import Signature
from antiphon_engines.backends.runners.runner import Tensors, shapes


class OnnxRunner:
    """`threads` are those of one call on the CPU. Raises EngineUnavailable for a file that ONNX Runtime cannot run."""

    backend: BackendName = "onnxruntime"

    def __init__(self, plan: Plan, signature: Signature, *, cuda: bool, threads: int) -> None:
        if plan.key.precision == "bf16":
            raise EngineUnavailable("onnxruntime has few bfloat16 kernels: take fp32, or fp16 on a GPU")
        if cuda and "CUDAExecutionProvider" not in onnxruntime.get_available_providers():
            raise EngineUnavailable(
                "this ONNX Runtime has no CUDA provider; run: pip install onnxruntime-gpu"
            )
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 4  # errors are raised, and the callers log them in one line
        # Spinning threads starve the other processes of the machine.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        providers = ["CUDAExecutionProvider"] if cuda else ["CPUExecutionProvider"]
        try:
            self._session: Any = onnxruntime.InferenceSession(str(plan.model), options, providers=providers)
        except Exception as error:  # its exception classes have no common base but Exception
            raise EngineUnavailable(f"ONNX Runtime refuses {plan.folder.name}: {error}") from error
        self.signature = signature
        self.nbytes = sum(path.stat().st_size for path in plan.folder.glob("model.onnx*"))
        self._precision = plan.key.precision
        self._cuda = cuda

    def __call__(self, tensors: Tensors) -> dict[str, torch.Tensor]:
        self.signature.sizes(shapes(tensors))
        given = {
            port.name: tensors[port.name].detach().to(dtype_of(port, self._precision)).contiguous()
            for port in self.signature.inputs
        }
        return self._bound(given) if self._cuda else self._plain(given)

    def close(self) -> None:
        self._session = None

    def _plain(self, given: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        feed = {name: tensor.numpy() for name, tensor in given.items()}
        answers: list[np.ndarray[Any, Any]] = self._session.run(list(self.signature.outputs), feed)
        return {
            name: torch.from_numpy(answer)
            for name, answer in zip(self.signature.outputs, answers, strict=True)
        }

    def _bound(self, given: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Without a copy through the host: both sides point at the same device memory."""
        binding = self._session.io_binding()
        for name, tensor in given.items():
            kind = np.dtype(str(tensor.dtype).removeprefix("torch."))
            binding.bind_input(name, "cuda", tensor.device.index or 0, kind, tensor.shape, tensor.data_ptr())
        for name in self.signature.outputs:
            binding.bind_output(name, "cuda")
        # ONNX Runtime has a stream of its own.
        torch.cuda.current_stream().synchronize()
        self._session.run_with_iobinding(binding)
        return {
            name: torch.utils.dlpack.from_dlpack(value).clone()
            for name, value in zip(self.signature.outputs, binding.get_outputs(), strict=True)
        }
