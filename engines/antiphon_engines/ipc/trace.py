"""Records of the worker's decisions: its latest units, waits and queue events, in a bounded ring.

Always on: a record is one small tuple-like struct per unit. Times are seconds of CLOCK_MONOTONIC.
"""

from __future__ import annotations

from collections import OrderedDict, deque
from typing import Final, Literal, TypeAlias

from msgspec import Struct

BOUND: Final = 20_000
"""Records that are kept, the newest: 5 to 10 minutes of a busy worker."""


What: TypeAlias = Literal["queued", "started", "steered", "done", "failed", "cancelled"]


class UnitRecord(Struct, frozen=True, array_like=True, tag="unit"):
    """One `Engine.step`. `tickets` are its runs, of which the first `paying` were charged; `reason` why it was next
    (see `turns.Reason`). `expected`: the estimate of its duration; `slack`: how long the bands gave it; `budget`: the
    budget of its engine; all in seconds, None where there was nothing to say."""

    at: float
    seconds: float
    engine: str
    unit: str
    tickets: tuple[int, ...]
    paying: int
    reason: str
    expected: float | None
    slack: float | None
    budget: float | None
    paused: bool = False
    """It has given the device back in the middle, and goes on later."""


class RestRecord(Struct, frozen=True, array_like=True, tag="rest"):
    """Nothing was stepped for `seconds`. `held`: a run was ready, but the bands had no time for its unit (0: none)."""

    at: float
    seconds: float
    held: int


class RunRecord(Struct, frozen=True, array_like=True, tag="run"):
    """Something happened to a run: it came, started, was changed, or ended."""

    at: float
    ticket: int
    what: What


Record: TypeAlias = UnitRecord | RestRecord | RunRecord


class Named(Struct, frozen=True, array_like=True):
    """Which run a ticket stands for."""

    ticket: int
    run: str
    engine: str


class Recorder:
    """Keeps the newest `bound` records; beyond that the oldest are forgotten."""

    def __init__(self, bound: int = BOUND) -> None:
        self._bound = bound
        self._records: deque[Record] = deque(maxlen=bound)
        self._names: OrderedDict[int, Named] = OrderedDict()

    def add(self, record: Record) -> None:
        self._records.append(record)

    def name(self, ticket: int, run: str, engine: str) -> None:
        self._names[ticket] = Named(ticket, run, engine)
        while len(self._names) > self._bound:
            self._names.popitem(last=False)

    def records(self) -> tuple[Record, ...]:
        return tuple(self._records)

    def names(self) -> tuple[Named, ...]:
        """Of the runs that the records are about."""
        told: set[int] = set()
        for record in self._records:
            match record:
                case UnitRecord(tickets=tickets):
                    told.update(tickets)
                case RestRecord(held=ticket) | RunRecord(ticket=ticket):
                    told.add(ticket)
        return tuple(named for ticket, named in self._names.items() if ticket in told)
