"""Estimated start times of waiting runs, from measured durations."""

from __future__ import annotations

import heapq
from dataclasses import dataclass

from msgspec import Struct

from antiphon_engines.scheduling.ticket import Ticket, planned


class QueueEstimate(Struct, frozen=True):
    """A waiting run's place in its engine's queue, from 1, and the expected seconds until its start."""

    position: int
    seconds: float


@dataclass(slots=True)
class Pace:
    """Exponential averages over an engine's runs, in seconds of device time that bands do not use, under the load as it
    was; None until measured."""

    lead: float | None = None
    """From admission to the first output."""
    gap: float | None = None
    """Between outputs."""
    smoothing: float = 0.1
    free: float = 1.0
    """The part of the device that the bands leave now."""

    def observe(self, ticket: Ticket, produced: int, now: float) -> None:
        """`produced` new outputs of a run came; its earlier ones are counted already."""
        if produced and ticket.outputs == 0:
            self.lead = self._mix(self.lead, (now - ticket.started_at) * self.free)
        elif produced:
            self.gap = self._mix(self.gap, (now - ticket.output_at) / produced * self.free)

    def remaining(self, ticket: Ticket, now: float) -> float:
        """Seconds until an active run ends, at most; 0 while nothing has been measured."""
        if self.gap is None:
            return 0.0
        waited = now - (ticket.output_at if ticket.outputs else ticket.started_at)
        first = 0.0 if ticket.outputs else (self.lead or 0.0)
        return max(0.0, (first + ticket.remaining * self.gap) / self.free - waited)

    def duration(self, ticket: Ticket) -> float:
        """Seconds that a waiting run will take once it is active, at most; 0 while nothing has been measured."""
        whole = 0.0 if self.gap is None else (self.lead or 0.0) + planned(ticket.request) * self.gap
        return whole / self.free

    def _mix(self, average: float | None, value: float) -> float:
        return value if average is None else average + self.smoothing * (value - average)


def forecast(
    queue: list[Ticket], active: list[Ticket], places: int, pace: Pace, now: float
) -> list[tuple[Ticket, QueueEstimate]]:
    """The estimate of each run of `queue`, which is in the order of admission, on an engine of `places` places.

    A run that waits although a place is free waits for one of its own share's (see `Scheduler.admit`).
    """
    free = places - len(active)
    ends = {ticket.number: pace.remaining(ticket, now) for ticket in active}
    slots = [*ends.values(), *([0.0] * free)]
    heapq.heapify(slots)
    estimates: list[tuple[Ticket, QueueEstimate]] = []
    for position, ticket in enumerate(queue, start=1):
        start = heapq.heappop(slots)
        if free > 0:
            own = [ends[other.number] for other in active if other.share == ticket.share]
            start = max(start, min(own, default=0.0))
        heapq.heappush(slots, start + pace.duration(ticket))
        estimates.append((ticket, QueueEstimate(position, start)))
    return estimates
