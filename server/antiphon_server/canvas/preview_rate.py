"""Rate and size of the previews of a room, adapted to its viewers. A slow viewer delays no other (newer previews
replace their older ones), so one of them does not change the rate. Only when most viewers miss previews are fewer made;
when nearly all have kept up for a while, more again. No preview is larger than the largest picture on a viewer's
screen.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

USUAL_SIDE: Final = 256
"""Pixels, for a viewer who has not said how large they show pictures."""
SIDES: Final = (64, 128, 192, 256, 384, 512)
LEVELS: Final = ((1, 1.0), (2, 1.0), (2, 0.5), (4, 0.5))
"""(a preview at every n-th step, of that part of the wanted side), from the best to the leanest."""
MISSES: Final = 0.25
"""Part of the previews that a viewer misses who does not keep up."""
MANY, FEW = 0.5, 0.25
"""More than so many of the viewers, or at most so many, do not keep up."""
CALM: Final = 5
"""Looks in a row at which few lagged before more is made again."""


class Show(Struct, frozen=True):
    """A preview at every n-th step (0: none), of at most so many pixels on its longer side."""

    previews: int = 1
    side: int = SIDES[-1]

    def within(self, most: Show) -> Show:
        """As this says, and not more than `most`."""
        often = max(self.previews, most.previews) if self.previews and most.previews else 0
        return Show(often, min(self.side, most.side))


class PreviewPace:
    def __init__(self) -> None:
        self._level = 0
        self._calm = 0

    def observe(self, viewers: Iterable[tuple[int, int]]) -> None:
        """Take the counts of previews since the last call: (offered, missed) of each viewer."""
        lagging = [missed > MISSES * offered for offered, missed in viewers if offered]
        if not lagging:
            return
        part = sum(lagging) / len(lagging)
        self._calm = self._calm + 1 if part <= FEW else 0
        if part > MANY:
            self._level = min(self._level + 1, len(LEVELS) - 1)
        elif self._calm >= CALM and self._level:
            self._level -= 1
            self._calm = 0

    def show(self, sides: Iterable[int | None]) -> Show:
        """The previews to make for viewers who show pictures at most so large; None: unknown, 0: hidden."""
        largest = max((USUAL_SIDE if side is None else side for side in sides), default=0)
        if not largest:
            return Show(0, SIDES[0])
        every, part = LEVELS[self._level]
        wanted = min((side for side in SIDES if side >= largest), default=SIDES[-1])
        return Show(every, max(SIDES[0], round(wanted * part)))
