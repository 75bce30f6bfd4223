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
    """What is not finished at once. An iterator of work stops after each part, and is gone through to its end: when
    the connection goes that brought it, the ticks of the room go on with it."""

    def __init__(self, pause: Pause) -> None:
        self._pause = pause
        self._under_way: list[Iterator[None]] = []
        self._left: list[tuple[Iterator[None], ExitStack]] = []
        """By connections that have gone, and what keeps the room still for each."""

    async def run(self, work: Iterator[None], turns: Turns, claim: Claim) -> None:
        """Do it by the turns of a connection. Raises what the work raises."""
        with turns.spending(claim):
            if next(work, _OVER) is _OVER:
                return
        with ExitStack() as still:
            still.enter_context(self._pause.entered())
            self._under_way.append(work)
            over = False
            try:
                while not over:
                    await turns.turn(claim)
                    with turns.spending(claim):
                        over = next(work, _OVER) is _OVER
            except Exception:
                over = True
                raise
            finally:
                self._under_way.remove(work)
                if not over:
                    self._left.append((work, still.pop_all()))

    @property
    def waiting(self) -> bool:
        """Whether ticks have something to do."""
        return bool(self._left)

    def tick(self) -> None:
        """Do a part of what connections left behind. Raises what the work raises."""
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
    """Go through to the end; returns what it returns."""
    while True:
        try:
            next(work)
        except StopIteration as over:
            value: _Result = over.value
            return value
