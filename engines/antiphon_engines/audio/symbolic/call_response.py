"""Call and response: when the band's lead plays, and when it listens.

Times are beats of the jam. A phrase begins with the first note after an answer, and ends where nobody has played for
a beat when a bar opens, as far as is known by then, or after four bars. The answer takes as many whole bars as the
phrase did, then it is the people's turn again. The model was taught the same: people play some bars, its lead the next
ones.
"""

from __future__ import annotations

import math
from typing import Final

LONGEST: Final = 4
"""Bars of a phrase and of an answer."""
_REST: Final = 1.0
"""Beats of silence that end a phrase."""


class Answering:
    """Whose turn it is, bar by bar."""

    def __init__(self) -> None:
        self._first: float | None = None
        self._last = -math.inf
        self._until = -math.inf

    def heard(self, beat: float) -> None:
        """A note of people, pressed or let go."""
        if beat < self._until:
            return  # people who play on while the band answers begin no new phrase
        if self._first is None:
            self._first = beat
        self._last = max(self._last, beat)

    def turn(self, bar: float, beats: int, known: float) -> bool:
        """Whether the lead plays in the bar of `beats` beats that opens at beat `bar`, when people's notes are known up
        to the beat `known`."""
        if bar < self._until:
            return True
        if self._first is None:
            return False
        begun = bar - beats * math.ceil((bar - self._first) / beats - 1e-6)
        bars = round((bar - begun) / beats)
        if bars < 1 or (self._last > known - _REST and bars < LONGEST):
            return False
        self._until = bar + min(bars, LONGEST) * beats
        self._first, self._last = None, -math.inf
        return True

    def forget(self) -> None:
        """The transport has jumped: the notes belong to another place."""
        self._first, self._last, self._until = None, -math.inf, -math.inf
