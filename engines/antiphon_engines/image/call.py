"""One step of the image engine, over several pictures, that may pause in the middle."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from antiphon_engines.api import Piece
from antiphon_engines.backends.pausing import Pausable, PieceCosts

if TYPE_CHECKING:
    from antiphon_engines.image.painting import Painting

_numbers = itertools.count(1)


class Call:
    """`paintings` are those that still take part: one that is released or set on another course leaves, and what the
    call computes for it is not used. When the last one leaves, the call is dropped."""

    def __init__(
        self,
        paintings: Sequence[Painting],
        work: Callable[[Call], None],
        kind: str,
        costs: PieceCosts,
        clock: Callable[[], float],
    ) -> None:
        """`kind` says of which calls the `costs` are like this one's."""
        self.paintings = list(paintings)
        self._number = next(_numbers)
        self._computation = Pausable(lambda: work(self), costs.of(kind), len(paintings), clock)
        for painting in paintings:
            painting.call = self

    @property
    def piece(self) -> Piece:
        return Piece(self._computation.least, self._number)

    def go_on(self, budget: float) -> None:
        """For `budget` seconds. Raises what the work raises; the call is over then, too."""
        over = True
        try:
            over = self._computation.go_on(budget)
        finally:
            if over:
                for painting in self.paintings:
                    painting.call = None

    def leave(self, painting: Painting) -> None:
        painting.call = None
        self.paintings.remove(painting)
        if not self.paintings:
            self._computation.drop()
