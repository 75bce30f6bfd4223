"""ONNX file -> TensorRT engine: strongly typed, one optimisation profile, weights that can be refitted where asked.

The precision is the graph's. https://docs.nvidia.com/deeplearning/tensorrt/latest/inference-library/work-dynamic-shapes.html
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.plans import tensorrt_module
from antiphon_engines.backends.plans.signature import Signature

WORKSPACE: Final = 4 * 2**30
"""Bytes that a layer may use at most while it runs."""


def build(
    module: Any,
    onnx: Path,
    target: Path,
    signature: Signature,
    *,
    device: str,
    refittable: bool = False,
    timing_cache: Path | None = None,
    tell: Callable[[float], None] = lambda fraction: None,
) -> None:
    """Write the engine to `target`. `device` is an architecture such as `sm89`. Raises EngineUnavailable."""
    log, last_words = tensorrt_module.make_logger(module)
    builder = module.Builder(log)
    network = builder.create_network(1 << int(module.NetworkDefinitionCreationFlag.STRONGLY_TYPED))
    parser = module.OnnxParser(network, log)
    if not parser.parse_from_file(str(onnx)):
        problems = "; ".join(parser.get_error(index).desc() for index in range(min(parser.num_errors, 3)))
        raise EngineUnavailable(f"{module.__name__} cannot parse the network: {problems or last_words()}")
    config = builder.create_builder_config()
    config.progress_monitor = tensorrt_module.make_monitor(module, tell)
    config.set_memory_pool_limit(module.MemoryPoolType.WORKSPACE, WORKSPACE)
    config.add_optimization_profile(_profile(builder, signature))
    _aim(module, config, device)
    if refittable:
        # Without a GPU the builder fails as soon as a weight can be refitted.
        config.set_flag(module.BuilderFlag.REFIT)
    cache = _timing_cache(config, timing_cache)
    plan = builder.build_serialized_network(network, config)
    if plan is None:
        raise EngineUnavailable(f"{module.__name__} cannot build the engine: {last_words()}")
    with target.open("wb") as file:
        file.write(memoryview(plan))
    if cache is not None and timing_cache is not None:
        timing_cache.write_bytes(memoryview(cache.serialize()))


def _profile(builder: Any, signature: Signature) -> Any:
    profile = builder.create_optimization_profile()
    low, best, high = (signature.at(which) for which in ("low", "best", "high"))
    for port in signature.inputs:
        profile.set_shape(port.name, *(signature.shape(port, sizes) for sizes in (low, best, high)))
    return profile


def _aim(module: Any, config: Any, device: str) -> None:
    """Only TensorRT-RTX builds for another card than the one that is there, if there is one."""
    if not hasattr(config, "set_compute_capability"):
        return
    capability = getattr(module.ComputeCapability, device.upper(), None)
    if capability is None:
        raise EngineUnavailable(
            f"{module.__name__} builds for {', '.join(tensorrt_module.RTX_ARCHITECTURES)}, not for {device}"
        )
    config.num_compute_capabilities = 1
    config.set_compute_capability(capability, 0)


def _timing_cache(config: Any, path: Path | None) -> Any | None:
    """Measured kernels of earlier builds on this machine; TensorRT ignores a cache of another version or card, and
    TensorRT-RTX, which measures nothing when it builds, takes none."""
    if path is None:
        return None
    cache = config.create_timing_cache(path.read_bytes() if path.is_file() else b"")
    return cache if cache is not None and config.set_timing_cache(cache, ignore_mismatch=False) else None
