"""Measured costs of steps: per (engine, unit, batch size)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, TypeAlias

Key: TypeAlias = tuple[str, str]
"""Engine kind and unit ("decode", "prefill", "denoise:512x512": an engine names its shapes in the unit)."""
OUTLIER: Final = 4.0
"""A measurement counts as so many times the average at most: a machine that paused says nothing about the step."""
SPIKE: Final = 16.0
"""A peak counts as so many times the average at most."""
FADE: Final = 0.995
"""The part of a peak that remains after one more step: half of it after 140."""
CAUTION: Final = 4.0
"""Mean deviations above the average that a careful estimate takes, as the retransmission timer of TCP does (Jacobson
1988, RFC 6298)."""


@dataclass(slots=True)
class _Measured:
    seconds: float
    deviation: float
    at: float
    peak: float
    """The longest lately; it fades."""

    @property
    def worst(self) -> float:
        return self.seconds + CAUTION * self.deviation


class CostTable:
    """Exponential averages of step times and of their deviation, in seconds.

    `smoothing` is the weight of a new measurement; one older than `stale` seconds is still the best estimate there
    is, and counts as unknown where the question is whether to try a batch size again.
    """

    def __init__(self, *, smoothing: float = 0.2, stale: float = 30.0) -> None:
        self._smoothing = smoothing
        self._stale = stale
        self._sizes: dict[Key, dict[int, _Measured]] = {}

    def observe(self, engine: str, unit: str, size: int, seconds: float, now: float) -> None:
        """A step of `size` jobs took `seconds`."""
        sizes = self._sizes.setdefault((engine, unit), {})
        known = sizes.get(size)
        if known is None or not known.seconds or now - known.at > self._stale:
            sizes[size] = _Measured(seconds, seconds / 2, now, seconds)
        else:
            error = min(seconds, OUTLIER * known.seconds) - known.seconds
            known.seconds += self._smoothing * error
            known.deviation += self._smoothing * (abs(error) - known.deviation)
            known.at = now
            known.peak = max(min(seconds, SPIKE * known.seconds), known.peak * FADE)

    def forget(self, engine: str) -> None:
        """Another model serves these units from now on: measure their cost anew."""
        for key in [key for key in self._sizes if key[0] == engine]:
            del self._sizes[key]

    def estimate(self, engine: str, unit: str, size: int) -> float | None:
        """Seconds that a step of `size` jobs takes; None when this unit has never been measured.

        A size that was never seen is taken in proportion to the nearest smaller one, or is as dear as the nearest
        larger one: both err towards the dear side.
        """
        found = self._nearest(engine, unit, size)
        return None if found is None else found[0].seconds * found[1]

    def worst(self, engine: str, unit: str, size: int) -> float | None:
        """As `estimate`, with a margin for the variance of the steps: used before deadlines."""
        found = self._nearest(engine, unit, size)
        return None if found is None else found[0].worst * found[1]

    def peak(self, engine: str, unit: str) -> float | None:
        """The longest recent step of one job: for units of which most are short and some are not."""
        known = self._sizes.get((engine, unit), {}).get(1)
        return None if known is None else max(known.worst, known.peak)

    def is_fresh(self, engine: str, unit: str, size: int, now: float) -> bool:
        """Whether this very size was measured lately."""
        known = self._sizes.get((engine, unit), {}).get(size)
        return known is not None and now - known.at <= self._stale

    def _nearest(self, engine: str, unit: str, size: int) -> tuple[_Measured, float] | None:
        """The measurement that stands for `size`, and the factor to take it by."""
        sizes = self._sizes.get((engine, unit))
        if not sizes:
            return None
        if size in sizes:
            return sizes[size], 1.0
        smaller = max((known for known in sizes if known < size), default=None)
        if smaller is None:
            return sizes[min(sizes)], 1.0
        larger = min((known for known in sizes if known > size), default=None)
        if larger is not None and sizes[larger].seconds < sizes[smaller].seconds * size / smaller:
            return sizes[larger], 1.0
        return sizes[smaller], size / smaller
