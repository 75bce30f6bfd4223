"""`tensorrt` and `tensorrt_rtx` have one API; everything here takes the module as a value.

`tensorrt` needs an NVIDIA driver even to build. `tensorrt_rtx` builds anywhere, for RTX cards, and runs on them.
"""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable
from typing import Any, Final, Literal, TypeAlias

from antiphon_engines.api import EngineUnavailable

logger = logging.getLogger(__name__)
TensorRtName: TypeAlias = Literal["tensorrt", "tensorrt_rtx"]
RTX_ARCHITECTURES: Final = ("sm75", "sm80", "sm86", "sm89", "sm120", "sm121")
"""The architectures that `tensorrt_rtx` 1.7 builds for: Turing, Ampere, Ada and Blackwell. Hopper (sm90) is not among
them."""
MINIMUM: Final = {"tensorrt": 10, "tensorrt_rtx": 1}


def load(name: TensorRtName) -> Any:
    """The module. Raises EngineUnavailable with the package to install."""
    try:
        module = importlib.import_module(name)
    except ImportError as error:
        extra = name.replace("_", "-")
        raise EngineUnavailable(
            f"{name} is not installed ({error}); run: pip install 'antiphon[{extra}]'"
        ) from error
    if int(module.__version__.split(".")[0]) < MINIMUM[name]:
        raise EngineUnavailable(f"{name} {module.__version__} is too old; {MINIMUM[name]} or newer is needed")
    return module


def make_logger(module: Any) -> tuple[Any, Callable[[], str]]:
    """A logger for TensorRT, which passes its messages on, and keeps its last error."""
    said = [""]

    class Messages(module.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()  # the binding's constructor must run

        def log(self, severity: Any, message: str) -> None:
            if severity in (module.ILogger.Severity.ERROR, module.ILogger.Severity.INTERNAL_ERROR):
                said[0] = message
                logger.debug("%s: %s", module.__name__, message)

    return Messages(), lambda: " ".join(said[0].split())[:300] or "no reason was given"


def make_monitor(module: Any, tell: Callable[[float], None]) -> Any:
    """TensorRT's progress monitor. Its phases nest; the outermost ones make the fraction."""

    class Monitor(module.IProgressMonitor):  # type: ignore[misc]
        def __init__(self) -> None:
            super().__init__()
            self._steps: dict[str, int] = {}
            self._outer = ""

        def phase_start(self, phase_name: str, parent_phase: str | None, num_steps: int) -> None:
            self._steps[phase_name] = max(num_steps, 1)
            self._outer = self._outer or phase_name

        def step_complete(self, phase_name: str, step: int) -> bool:
            if phase_name == self._outer:
                tell(min((step + 1) / self._steps[phase_name], 1.0))
            return True

        def phase_finish(self, phase_name: str) -> None:
            if phase_name == self._outer:
                self._outer = ""

    return Monitor()
