"""The chord that people play: which keys they hold, and which chord they mean by it.

A chord is *asked for* when three to five pitch classes sound together, or were struck together a moment ago. Single
notes ask for nothing; they are evidence (guide.py).
"""

from __future__ import annotations

import bisect
from dataclasses import dataclass
from typing import Final

from antiphon_engines.audio.symbolic.tokens import TICKS_PER_BEAT

_TOGETHER: Final = 3
"""Ticks within which keys of one chord are struck."""
_REMEMBERED: Final = 3 * TICKS_PER_BEAT
"""Ticks for which a chord that was struck and let go still counts."""
_LONGEST: Final = 32 * TICKS_PER_BEAT
"""Ticks after which a key that is still held counts as forgotten: its release may have been lost."""
_FEWEST, _MOST = 3, 5
"""Pitch classes of a chord; more of them are a cluster."""
_MOST_STROKES: Final = 256


@dataclass(frozen=True)
class Asked:
    """Pitch classes of a chord that people play, and the lowest of them."""

    pitch_classes: frozenset[int]
    lowest: int


@dataclass
class _Stroke:
    tick: int
    pitch: int
    end: int | None = None

    def sounds(self, tick: int) -> bool:
        """Whether it sounds, as far as is known at ``tick``."""
        end = self.tick + _LONGEST if self.end is None else self.end
        return self.tick <= tick < end


class Hands:
    """Keys of everybody, in ticks of the session; people who share a key share its release."""

    def __init__(self) -> None:
        self._strokes: list[_Stroke] = []

    def press(self, tick: int, pitch: int) -> None:
        """The oldest strokes are dropped where there are too many."""
        bisect.insort(self._strokes, _Stroke(tick, pitch), key=lambda stroke: stroke.tick)
        del self._strokes[:-_MOST_STROKES]

    def release(self, tick: int, pitch: int) -> None:
        """The key is up from ``tick`` on; nothing happens where it was not pressed before."""
        for stroke in self._strokes:
            if stroke.pitch == pitch and stroke.end is None and stroke.tick <= tick:
                stroke.end = tick

    def let_go(self, tick: int) -> None:
        """Nobody holds anything from ``tick`` on."""
        for stroke in self._strokes:
            stroke.end = tick if stroke.end is None else min(stroke.end, tick)

    def forget(self, now: int) -> None:
        """Drop notes that no longer matter after ``now``."""
        self._strokes = [
            stroke
            for stroke in self._strokes
            if stroke.tick > now - _REMEMBERED - _TOGETHER or stroke.sounds(now)
        ]

    def asked(self, known: int) -> Asked | None:
        """The chord that people ask for, by their notes up to the tick ``known``."""
        held = _chord([stroke.pitch for stroke in self._strokes if stroke.sounds(known)])
        if held is not None:
            return held
        for last in reversed(self._strokes):
            if not known - _REMEMBERED < last.tick <= known:
                continue
            struck = _chord([s.pitch for s in self._strokes if last.tick - _TOGETHER <= s.tick <= last.tick])
            if struck is not None:
                return struck
        return None


def _chord(pitches: list[int]) -> Asked | None:
    pitch_classes = frozenset(pitch % 12 for pitch in pitches)
    return Asked(pitch_classes, min(pitches) % 12) if _FEWEST <= len(pitch_classes) <= _MOST else None
