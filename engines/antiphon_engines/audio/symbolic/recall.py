"""People repeat themselves: find where they have played this before, and predict the next notes.

A band that hears notes late can follow a tune only as far as it can foresee it. When the notes of the last two bars
occur earlier in the session too, at a distance of whole bars, the notes after the earlier place are the best guess of
the notes to come. The guess is used as help for the choice of chords (performer.py) and nowhere else."""

from __future__ import annotations

import bisect
from typing import Final

_LOOK_BACK_BARS: Final = 2
_FARTHEST_BARS: Final = 16
_KEPT_TICKS: Final = (_FARTHEST_BARS + 2 * _LOOK_BACK_BARS) * 48
"""Of the past; four beats are the longest bar."""
_FEWEST_NOTES: Final = 5
_LEAST_LIKENESS: Final = 0.6


class Recall:
    """The notes of people so far, as (tick, pitch class), and the predicted notes."""

    def __init__(self) -> None:
        self._notes: list[tuple[int, int]] = []

    def add(self, tick: int, pitch: int) -> None:
        """A note that was played at ``tick``."""
        bisect.insort(self._notes, (tick, pitch % 12))

    def forget(self, now: int) -> None:
        """Drop notes that are too far back to be searched."""
        del self._notes[: bisect.bisect_left(self._notes, (now - _KEPT_TICKS, 0))]

    def between(self, start: int, stop: int) -> list[tuple[int, int]]:
        """Notes at ticks from ``start`` up to ``stop``, ``stop`` included."""
        return self._notes[
            bisect.bisect_left(self._notes, (start, 0)) : bisect.bisect_left(self._notes, (stop + 1, 0))
        ]

    def foretold(self, known: int, start: int, stop: int, bar: int) -> list[tuple[int, int]]:
        """Likely notes from ``start`` up to ``stop`` (not included) as (tick, pitch class), from those up to ``known``.

        ``bar`` is a bar's length in ticks. Empty when the last two bars have not been heard before.
        """
        window = _LOOK_BACK_BARS * bar
        recent = set(self.between(known - window + 1, known))
        if len(recent) < _FEWEST_NOTES:
            return []
        likeness, distance = _LEAST_LIKENESS, 0
        for shift in range(bar, _FARTHEST_BARS * bar + 1, bar):
            past = {
                (tick + shift, pitch)
                for tick, pitch in self.between(known - window - shift + 1, known - shift)
            }
            if past:
                alike = 2 * len(recent & past) / (len(recent) + len(past))
                if alike > likeness:
                    likeness, distance = alike, shift
        if not distance:
            return []
        copied = self.between(start - distance, min(stop - 1 - distance, known))
        return [(tick + distance, pitch) for tick, pitch in copied]
