"""What a step costs, measured as it runs: per (engine, unit, batch size)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

Key: TypeAlias = tuple[str, str]
"""Engine kind and unit ("decode", "prefill")."""


@dataclass(slots=True)
class _Measured:
    seconds: float
    at: float


class CostTable:
    """Exponential averages of step times, in seconds.

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
        if known is None or now - known.at > self._stale:
            sizes[size] = _Measured(seconds, now)
        else:
            known.seconds += self._smoothing * (seconds - known.seconds)
            known.at = now

    def estimate(self, engine: str, unit: str, size: int) -> float | None:
        """Seconds that a step of `size` jobs takes; None when this unit has never been measured.

        A size that was never seen is taken in proportion to the nearest smaller one, or is as dear as the nearest
        larger one: both err towards the dear side.
        """
        sizes = self._sizes.get((engine, unit))
        if not sizes:
            return None
        if size in sizes:
            return sizes[size].seconds
        smaller = max((known for known in sizes if known < size), default=None)
        if smaller is None:
            return sizes[min(sizes)].seconds
        guess = sizes[smaller].seconds * size / smaller
        larger = min((known for known in sizes if known > size), default=None)
        return guess if larger is None else min(guess, sizes[larger].seconds)

    def is_fresh(self, engine: str, unit: str, size: int, now: float) -> bool:
        """Whether this very size was measured lately."""
        known = self._sizes.get((engine, unit), {}).get(size)
        return known is not None and now - known.at <= self._stale
