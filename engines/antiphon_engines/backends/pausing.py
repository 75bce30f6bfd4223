"""Computations that pause and yield the device, with bit-identical results. A network's forward runs on its own stack
(a greenlet). Hooks before its layers are the places where it may stop: there it asks whether the next piece still fits
into the time that it was given, by that piece's earlier times, and if not, yields to the caller. The order and
the shapes of the computation do not change, so the result does not either.

Only eager torch on a CPU is prepared for it. Compiled code, CUDA graphs, ONNX Runtime and TensorRT are one piece; so
is eager torch on a GPU, where a forward is short and only waiting for the device would tell how far it has come.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from contextvars import ContextVar
from typing import Any, Final

import torch
from greenlet import greenlet

from antiphon_engines.costs import CostTable

KEPT: Final = 24
"""Kinds of calls whose pieces are remembered: the shapes that people ask for again."""
GUESS: Final = 0.02
"""Seconds of a piece, for one row, while nothing is known."""
GROWTH: Final = 2.0
"""A piece that was never measured is taken for so many times the longest one before it in the same call: decoders get
dearer layer by layer."""

_running: ContextVar[Pausable | None] = ContextVar("running", default=None)
"""Each greenlet has a context of its own: this is set on the stack of the computation alone."""


class PieceCosts:
    """Durations of the pieces of each kind of call; the kinds used last are kept."""

    def __init__(self) -> None:
        self._kinds: OrderedDict[str, CostTable] = OrderedDict()

    def of(self, kind: str) -> CostTable:
        """Of unit "0", "1", ... (the pieces, in order), by the rows of the call."""
        costs = self._kinds.setdefault(kind, CostTable())
        self._kinds.move_to_end(kind)
        while len(self._kinds) > KEPT:
            self._kinds.popitem(last=False)
        return costs

    def first(self, kind: str) -> float:
        """Seconds that the first piece of a call of one row takes, on the safe side."""
        worst = self._kinds[kind].worst("", "0", 1) if kind in self._kinds else None
        return GUESS if worst is None else worst


class Pausable:
    """`work`, and how far it has come. One thread makes it, goes on with it and drops it."""

    def __init__(
        self, work: Callable[[], None], costs: CostTable, rows: int, clock: Callable[[], float]
    ) -> None:
        """`costs` are those of calls of this kind, `rows` the rows of this one."""
        self._work = work
        self._costs = costs
        self._rows = rows
        self._clock = clock
        self._stack: Any = greenlet(self._run)
        self._piece = 0
        self._longest = 0.0
        self._began = self._since = self._budget = 0.0
        self._held: list[_Held] = []

    def go_on(self, budget: float) -> bool:
        """Compute for `budget` seconds, one piece at least; True when `work` is over. Raises its exception, and is over
        then."""
        self._budget = budget
        self._began = self._since = self._clock()
        self._stack.switch()
        return bool(self._stack.dead)

    def drop(self) -> None:
        """Abandon `work` and free its memory; idempotent."""
        if not self._stack.dead:
            self._stack.throw()

    @property
    def least(self) -> float:
        """Seconds that the next piece takes, on the safe side."""
        worst = self._costs.worst("", str(self._piece), self._rows)
        if worst is not None:
            return worst
        return GROWTH * self._longest if self._piece else GUESS * self._rows

    def reached(self) -> None:
        """A piece ends here. Called on the stack of `work`."""
        now = self._measure()
        if now - self._began + self.least > self._budget:
            # Others use the same modules meanwhile: switches of this call are undone for so long.
            for held in reversed(self._held):
                held.leave()
            self._stack.parent.switch()
            for held in self._held:
                held.enter()
        else:
            self._since = now

    def hold(self, held: _Held) -> None:
        self._held.append(held)

    def let_go(self, held: _Held) -> None:
        self._held.remove(held)

    def _run(self) -> None:
        _running.set(self)
        self._work()
        self._measure()

    def _measure(self) -> float:
        now = self._clock()
        self._longest = max(self._longest, now - self._since)
        self._costs.observe("", str(self._piece), self._rows, now - self._since, now)
        self._piece += 1
        return now


def prepare(module: torch.nn.Module) -> None:
    """Let computations with `module` pause before each of its layers that holds a matrix or a kernel; on other devices
    than a CPU it stays as it is."""
    for layer in module.modules():
        if any(weight.dim() > 1 and weight.is_cpu for weight in layer.parameters(recurse=False)):
            layer.register_forward_pre_hook(_boundary)


@contextmanager
def held(make: Callable[[], AbstractContextManager[Any]]) -> Iterator[None]:
    """As ``with make():``, left while the computation pauses in it and entered anew when it goes on."""
    running, block = _running.get(), _Held(make)
    block.enter()
    if running is not None:
        running.hold(block)
    try:
        yield
    finally:
        if running is not None:
            running.let_go(block)
        block.leave()


class _Held:
    def __init__(self, make: Callable[[], AbstractContextManager[Any]]) -> None:
        self._make = make
        self._entered = ExitStack()

    def enter(self) -> None:
        self._entered.enter_context(self._make())

    def leave(self) -> None:
        """Idempotent."""
        self._entered.close()


def _boundary(module: torch.nn.Module, given: Any) -> None:
    running = _running.get()
    if running is not None:
        running.reached()
