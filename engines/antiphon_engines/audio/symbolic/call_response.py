"""Call and response: when the band's lead plays, and when it listens.

Times are beats of the jam. A call begins with the first note after an answer and is as long as it likes. It is over
where a bar opens and nobody has played for as long as in the longest rest of the call so far, as far as is known by
then (a beat at least, two at most). The answer begins there; it takes as many whole bars as the call did, eight at
most. People who play on are not talked over: the lead falls silent, and the call goes on.
"""

from __future__ import annotations

import math
from typing import Final

LONGEST: Final = 8
"""Bars of an answer."""
_SHORTEST_REST, _LONGEST_REST = 1.0, 2.0
"""Beats of silence that end a call."""
_NEAR: Final = 0.05
"""Beats by which hands miss a beat."""


class Answering:
    """Whose turn it is, bar by bar."""

    def __init__(self) -> None:
        self._first: float | None = None
        self._last = -math.inf
        self._rest = 0.0
        """The longest silence in the call so far, in beats."""
        self._answer = (math.inf, -math.inf)
        """From which beat to which the lead plays."""

    def heard(self, beat: float, *, pressed: bool = True) -> None:
        """A note of people, pressed or let go."""
        begins, ends = self._answer
        if pressed and begins - _SHORTEST_REST <= beat < ends:
            self._answer = (math.inf, -math.inf)
        if self._first is None:
            if not pressed:
                return  # the last note of a call may be held into the answer
            self._first = beat
        elif beat > self._last:
            self._rest = max(self._rest, beat - self._last)
        self._last = max(self._last, beat)

    def turn(self, bar: float, beats: int, known: float) -> bool:
        """Whether the lead plays in the bar of `beats` beats that opens at beat `bar`, when people's notes are known up
        to the beat `known`."""
        if self._answer[0] <= bar < self._answer[1]:
            return True
        if self._first is None:
            return False
        begun = bar - beats * math.ceil((bar - self._first) / beats - 1e-6)
        bars = round((bar - begun) / beats)
        silence = min(_LONGEST_REST, max(_SHORTEST_REST, self._rest)) - _NEAR
        if bars < 1 or self._last > known - silence:
            return False
        self._answer = (bar, bar + min(bars, LONGEST) * beats)
        self._first, self._last, self._rest = None, -math.inf, 0.0
        return True

    @property
    def answers(self) -> bool:
        """Whether an answer is due or under way, and nobody has broken into it."""
        return self._answer[1] > self._answer[0]

    def forget(self) -> None:
        """The transport has jumped: the notes belong to another place."""
        self._first, self._last, self._rest = None, -math.inf, 0.0
        self._answer = (math.inf, -math.inf)
