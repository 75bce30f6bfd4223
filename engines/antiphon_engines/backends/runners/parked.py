"""A plan's runner that can leave the memory."""

from __future__ import annotations

from collections.abc import Callable

import torch

from antiphon_engines.backends.plans.plan import BackendName
from antiphon_engines.backends.runners.runner import Runner, Tensors


class Parked:
    """A plan's runner that leaves the memory and is opened anew from its plan when it is wanted again."""

    def __init__(self, open_again: Callable[[], Runner]) -> None:
        self._open = open_again
        self._runner: Runner | None = open_again()
        self.backend: BackendName = self._runner.backend
        self.signature = self._runner.signature
        self.nbytes = self._runner.nbytes

    def __call__(self, tensors: Tensors) -> dict[str, torch.Tensor]:
        self.load()
        assert self._runner is not None
        return self._runner(tensors)

    def load(self) -> None:
        """Raises EngineUnavailable when the plan has changed."""
        if self._runner is None:
            self._runner = self._open()

    def unload(self) -> None:
        if self._runner is not None:
            self._runner.close()
            self._runner = None

    close = unload
