"""Work of one room that takes longer than a slice of the event loop: done part by part, while the room stands still."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import ExitStack
from typing import Final, TypeVar

from antiphon_server.core.pause import Pause
from antiphon_server.net.turns import Claim, Turns

_Result = TypeVar("_Result")
_OVER: Final = object()


class LongWork:
    """Runs iterators of work, which stop after each part, to their ends: when the connection of one goes, the room's
    ticks continue it."""

    def __init__(self, pause: Pause) -> None:
        self._pause = pause
        self._under_way: list[Iterator[None]] = []
        self._left: list[tuple[Iterator[None], ExitStack]] = []
        """Work of closed connections, each with the pause that it holds."""

    async def run(self, work: Iterator[None], turns: Turns, claim: Claim) -> int:
        """Do it by the turns of a connection; returns the number of its parts. Errors of the work are raised."""
        with turns.spending(claim):
            if next(work, _OVER) is _OVER:
                return 1
        parts = 1
        with ExitStack() as still:
            still.enter_context(self._pause.entered())
            self._under_way.append(work)
            over = False
            try:
                while not over:
                    await turns.turn(claim)
                    with turns.spending(claim):
                        over = next(work, _OVER) is _OVER
                    parts += 1
            except Exception:
                over = True
                raise
            finally:
                self._under_way.remove(work)
                if not over:
                    self._left.append((work, still.pop_all()))
        return parts

    @property
    def waiting(self) -> bool:
        """Whether ticks have something to do."""
        return bool(self._left)

    def tick(self) -> None:
        """Do a part of the work of closed connections. Errors of the work are raised."""
        if not self._left:
            return
        work, still = self._left[0]
        over = True
        try:
            over = next(work, _OVER) is _OVER
        finally:
            if over:
                del self._left[0]
                still.close()

    def finish(self) -> None:
        """Do the rest of all of it, at once."""
        for work in self._under_way:
            finished(work)
        while self._left:
            self.tick()


def finished(work: Iterator[None]) -> None:
    """Go through to the end."""
    for _ in work:
        pass


def result(work: Generator[None, None, _Result]) -> _Result:
    """Run it to the end; returns its result."""
    while True:
        try:
            next(work)
        except StopIteration as over:
            value: _Result = over.value
            return value
