"""A network -> one ONNX file. Sizes that may differ are proven by torch.export, not guessed from the example."""

from __future__ import annotations

import contextlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import torch

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.networks import Network
from antiphon_engines.backends.networks.music import exportable
from antiphon_engines.backends.plans.order import OPSET
from antiphon_engines.backends.plans.signature import Signature

_LARGEST_FILE: Final = 1_900_000_000
"""Bytes of weights in one protobuf file, whose format ends at 2 GiB; larger data goes beside it."""


def export(network: Network, folder: Path) -> Path:
    """Write `folder`/model.onnx (and model.onnx.data for large weights). Raises EngineUnavailable.

    Takes from three seconds to minutes: it grows with the number of layers, not with their width.
    """
    ready = exportable(network)
    signature = network.signature
    given = ready.example(_distinct(signature))
    path = folder / "model.onnx"
    large = sum(each.nbytes for each in ready.module.state_dict().values()) > _LARGEST_FILE
    try:
        with torch.inference_mode(False), torch.no_grad(), _quiet():
            program = torch.onnx.export(
                ready.module,
                tuple(given.values()),
                None,
                dynamo=True,
                opset_version=OPSET,
                input_names=[port.name for port in signature.inputs],
                output_names=list(signature.outputs),
                dynamic_shapes=_shapes(signature, ready.module),
                verbose=False,
            )
            assert program is not None
            program.save(path, external_data=large)
    except Exception as error:  # the tracer runs arbitrary code of the model's author
        reason = " ".join(str(error).split())[:300]
        raise EngineUnavailable(
            f"the {network.part} cannot be exported: {type(error).__name__}: {reason}"
        ) from error
    return path


def _distinct(signature: Signature) -> dict[str, int]:
    """Sizes for the example: none 0 or 1, which the tracer would take for constants, and no two the same."""
    sizes: dict[str, int] = {}
    for dim in signature.dims:
        size = max(dim.low, 2 * dim.step)
        while size in sizes.values():
            size += dim.step
        sizes[dim.name] = min(size, max(dim.high, 2 * dim.step))
    return sizes


def _shapes(signature: Signature, module: torch.nn.Module) -> tuple[Any, ...]:
    """For torch.export: a dict per input, and one tuple for the states, which come as `*past`."""
    made: dict[str, Any] = {}
    for dim in signature.dims:
        base = torch.export.Dim(dim.name, min=max(1, dim.low // dim.step), max=max(2, dim.high // dim.step))
        made[dim.name] = dim.step * base if dim.step > 1 else base
    made |= {whole: torch.export.Dim.DYNAMIC for whole, _, _ in signature.sums}
    every = [
        {axis: made[size] for axis, size in enumerate(port.shape) if isinstance(size, str)}
        for port in signature.inputs
    ]
    plain = sum(not port.name.startswith(("keys_", "values_", "cross_")) for port in signature.inputs)
    return (*every[:plain], tuple(every[plain:])) if plain < len(every) else tuple(every)


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """The exporter tells stories on every channel that there is."""
    logger = logging.getLogger("torch")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
