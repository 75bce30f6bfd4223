"""An image engine whose layers take time on a clock of the test's."""

from __future__ import annotations

from typing import Any

import torch

from antiphon_engines.image.engine import ImageEngine
from support.easel import easel
from support.virtual_clock import VirtualClock

EACH = 0.01
"""Seconds that every layer with a matrix or a kernel takes."""


def ticking(pipeline: Any, clock: VirtualClock | None = None, **bounds: int) -> ImageEngine:
    """The engine over a pipeline; `clock` moves on as its layers compute."""
    clock = clock or VirtualClock()

    def passes(*_: Any) -> None:
        clock.advance(EACH)

    engine = easel(pipeline, clock=clock.monotonic, **bounds)
    for component in pipeline.components.values():
        if isinstance(component, torch.nn.Module):
            for layer in component.modules():
                if any(weight.dim() > 1 for weight in layer.parameters(recurse=False)):
                    layer.register_forward_hook(passes)
    return engine
