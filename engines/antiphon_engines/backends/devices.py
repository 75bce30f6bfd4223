"""The device that torch computes on, as the settings name it. Imports torch."""

from __future__ import annotations

import torch

from antiphon_engines.api import EngineUnavailable


def device(wanted: str) -> torch.device:
    """`auto`, `cpu` or `cuda`. Raises EngineUnavailable for CUDA where there is none."""
    if wanted == "cuda" and not torch.cuda.is_available():
        raise EngineUnavailable("device cuda was asked for, and torch finds no CUDA device")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def architecture(device: torch.device) -> str:
    """`sm89` for compute capability 8.9; empty for a CPU."""
    if device.type != "cuda":
        return ""
    return "sm{}{}".format(*torch.cuda.get_device_capability(device))
