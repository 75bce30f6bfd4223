"""Delays between restarts: doubling, capped, forgotten after a healthy life."""

from __future__ import annotations


class Backoff:
    """`first` and `cap` are seconds. Pure: who waits is the caller."""

    def __init__(self, first: float, cap: float, healthy_after: float) -> None:
        self._first = first
        self._cap = cap
        self._healthy_after = healthy_after
        self.failures = 0
        """Deaths since the last healthy life."""

    def died(self, healthy_for: float) -> float:
        """A worker died that had been ready for `healthy_for` seconds; returns the delay before the next one."""
        self.failures = 1 if healthy_for >= self._healthy_after else self.failures + 1
        # The exponent is bounded so that years of crashing do not overflow a float.
        return min(self._cap, self._first * 2.0 ** min(self.failures - 1, 64))
