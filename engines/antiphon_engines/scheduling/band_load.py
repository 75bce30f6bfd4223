"""The load of bands: their share of the device, and how long the device may do something else."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from antiphon_engines.scheduling.ticket import Ticket

_MEMORY: Final = 20.0
"""Seconds of music over which the load is averaged."""
_STALE: Final = 60.0
"""A load that was measured so many seconds ago says nothing about a band that would start now."""


@dataclass(frozen=True, slots=True)
class NextUnit:
    """The next unit of a band, in seconds of the scheduler's clock; `worst` is an upper estimate of its cost."""

    ticket: Ticket
    unit: str
    opens: float
    due: float
    worst: float


def slack(units: Sequence[NextUnit], now: float) -> float:
    """How many seconds the device may be given to something else from `now` on, so that afterwards each of `units`,
    earliest deadline first, still ends by its deadline. Infinite without bands; negative when one is late already."""
    needed, least = 0.0, math.inf
    for unit in sorted(units, key=lambda each: each.due):
        needed += unit.worst
        least = min(least, unit.due - needed)
    return least - now


class BandLoad:
    """The part of the device that one band takes: engine time by time of music, measured as they play."""

    def __init__(self, most: float) -> None:
        self._most = most
        self._seconds = 0.0
        self._music = 0.0
        self._at = -math.inf

    def observe(self, seconds: float, music: float, now: float) -> None:
        """A unit of one band took `seconds` and made `music` seconds of sound (0 of a unit that prepares some)."""
        if now - self._at > _STALE:
            self._seconds = self._music = 0.0
        decay = math.exp(-music / _MEMORY)
        self._seconds = self._seconds * decay + seconds
        self._music = self._music * decay + music
        self._at = now

    @property
    def each(self) -> float:
        """Of one band: 0.2 is a fifth of the device. 0 before a second of music has been measured."""
        return self._seconds / self._music if self._music >= 1.0 else 0.0

    def fits(self, playing: int, now: float) -> bool:
        """Whether one more may start beside `playing` others."""
        if not playing:
            return not self.hopeless(now)
        return (playing + 1) * self.each <= self._most

    def hopeless(self, now: float) -> bool:
        """Whether not even one band alone is made as fast as it sounds."""
        return self.each > 1.0 and now - self._at <= _STALE
