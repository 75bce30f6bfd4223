"""CUDA graphs: a call's kernels recorded once per shape and replayed without Python.

https://pytorch.org/docs/stable/notes/cuda.html#cuda-graphs
"""

from __future__ import annotations

import logging
import warnings
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

import torch

logger = logging.getLogger(__name__)
Given: TypeAlias = tuple[torch.Tensor, ...]
Call: TypeAlias = Callable[..., Any]
_WARM_UP: Final = 3
"""Calls before a recording, in which libraries choose their kernels and allocate."""
_REMEMBERED: Final = 64
"""Shapes that were met and are not recorded yet, and as many that cannot be."""


class CudaGraphs:
    """Recordings by shape; the one used longest ago is forgotten when there are `most`.

    A shape is recorded when it comes for the `after`-th time, since a recording costs as much as some ten plain calls
    and holds its own inputs and outputs; all share one memory pool. A call that cannot be recorded (it reads back from
    the device, or memory is short) runs without a recording from then on, and is tried again only after so many others
    failed that it is forgotten. For one thread at a time."""

    def __init__(self, most: int, after: int = 2) -> None:
        self._most = most
        self._after = after
        self._recorded: OrderedDict[Hashable, _Recording] = OrderedDict()
        self._met: OrderedDict[Hashable, int] = OrderedDict()
        self._refused: OrderedDict[Hashable, None] = OrderedDict()
        self._pool: Any = None

    def __call__(self, call: Call, given: Given, key: Hashable = ()) -> Any:
        """The result of `call` for `given`. `key` stands for everything beside the shapes that decides which kernels
        run.

        Outputs are tensors or tuples of tensors, and belong to the caller.
        """
        whole = (key, *(each.shape for each in given))
        recording = self._recorded.get(whole)
        if recording is None:
            if whole in self._refused:
                self._refused.move_to_end(whole)
                return call(*given)
            if not self._often(whole):
                return call(*given)
            recording = self._record(whole, call, given)
            if recording is None:
                return call(*given)
        self._recorded.move_to_end(whole)
        return recording(given)

    def __len__(self) -> int:
        return len(self._recorded)

    def clear(self) -> None:
        """Forget all recordings: the memory that they know is about to move."""
        self._recorded.clear()
        self._pool = None

    def _often(self, key: Hashable) -> bool:
        met = self._met[key] = self._met.pop(key, 0) + 1
        if len(self._met) > _REMEMBERED:
            self._met.popitem(last=False)
        return met >= self._after

    def _refuse(self, key: Hashable) -> None:
        """Of more than are remembered the one that came longest ago is forgotten: it has to come again often."""
        self._met.pop(key, None)
        self._refused[key] = None
        if len(self._refused) > _REMEMBERED:
            self._refused.popitem(last=False)

    def _record(self, key: Hashable, call: Call, given: Given) -> _Recording | None:
        while len(self._recorded) >= self._most:
            self._recorded.popitem(last=False)
        self._pool = self._pool or torch.cuda.graph_pool_handle()
        try:
            made = self._recorded[key] = _Recording(call, given, self._pool)
        except torch.OutOfMemoryError:
            torch.cuda.empty_cache()
            self._refuse(key)
            logger.warning("no memory for a CUDA graph of %s: plain calls serve", _named(given))
            return None
        except RuntimeError as error:
            self._refuse(key)
            _heal()
            logger.warning("no CUDA graph of %s: %s", _named(given), " ".join(str(error).split())[:200])
            return None
        return made


class _Recording:
    def __init__(self, call: Call, given: Given, pool: Any) -> None:
        self._inputs = tuple(each.clone() for each in given)
        aside: Any = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        aside.wait_stream(torch.cuda.current_stream())
        with _searching(), torch.cuda.stream(aside):
            for _ in range(_WARM_UP - 1):
                call(*self._inputs)
            with _hearing() as waits:
                call(*self._inputs)
        torch.cuda.current_stream().wait_stream(aside)
        if waits:
            raise RuntimeError("it waits for the device")
        self._graph = torch.cuda.CUDAGraph()
        # Other threads may allocate meanwhile.
        with _searching(), torch.cuda.graph(self._graph, pool=pool, capture_error_mode="thread_local"):
            self._outputs = call(*self._inputs)

    def __call__(self, given: Given) -> Any:
        for kept, new in zip(self._inputs, given, strict=True):
            kept.copy_(new)
        self._graph.replay()
        if isinstance(self._outputs, tuple):
            return tuple(each.clone() for each in self._outputs)
        return self._outputs.clone()


def _named(given: Given) -> str:
    return f"{tuple(given[0].shape)} and {len(given) - 1} more inputs"


@contextmanager
def _hearing() -> Iterator[list[Any]]:
    """Warnings of a block about waiting for the device: a capture that meets such a call fails, and leaves much
    broken."""
    before = torch.cuda.get_sync_debug_mode()
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("ignore")
        warnings.filterwarnings("always", message=".*synchronizing CUDA operation")
        torch.cuda.set_sync_debug_mode("warn")
        try:
            yield heard
        finally:
            torch.cuda.set_sync_debug_mode(before)


def _heal() -> None:
    """A capture that failed leaves the device's generator in the belief that it goes on: give it a state of its own."""
    generator = torch.cuda.default_generators[torch.cuda.current_device()]
    fresh = torch.Generator(generator.device).manual_seed(generator.initial_seed())
    generator.graphsafe_set_state(fresh.graphsafe_get_state())


@contextmanager
def _searching() -> Iterator[None]:
    """cuDNN tries its convolutions out: a recording is used often enough to pay for it."""
    before = torch.backends.cudnn.benchmark
    torch.backends.cudnn.benchmark = True
    try:
        yield
    finally:
        torch.backends.cudnn.benchmark = before
