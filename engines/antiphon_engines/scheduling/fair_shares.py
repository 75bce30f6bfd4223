"""Weighted fair sharing: virtual clocks per participant.

Start-time fair queueing (Goyal, Vin, Cheng 1996) over measured cost: a share's clock advances by the cost of its runs,
divided by its weight, and whose clock is furthest behind goes first. A share that comes back from idleness starts at
the common time: nobody saves up a right to stall the others later.

There are two clocks. `turns` decides whose unit is next among active runs, `places` whose run becomes active. Who had
to wait for a place keeps the claim to the next ones in `places`, in full, but may not make up for the wait by keeping
everybody else from their turns: `turns` is moved up when its first run becomes active.

Bands take neither turns nor part in the common times: they are served by their deadlines.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from antiphon_engines.scheduling.ticket import Ticket


@dataclass(slots=True)
class Share:
    """One participant's runs in this worker."""

    name: str
    weight: float
    turns: float
    """Virtual seconds: engine time charged, divided by the weight."""
    places: float
    waiting: deque[Ticket] = field(default_factory=deque)
    active: list[Ticket] = field(default_factory=list)
    turning: list[Ticket] = field(default_factory=list)
    """Of the active ones those that take turns; bands do not."""
    charged: int = 0
    """How many of its runs, active or not, are charged: all but bands."""

    @property
    def idle(self) -> bool:
        return not self.waiting and not self.active

    @property
    def debt(self) -> float:
        """The mean of its active runs that take turns; it has some."""
        return sum(ticket.debt for ticket in self.turning) / len(self.turning)

    def holds(self, engine: str) -> int:
        """Places of an engine that this share has."""
        return sum(ticket.engine == engine for ticket in self.active)

    def activate(self, ticket: Ticket) -> None:
        """A waiting run becomes active; among its siblings it starts at their mean, so that neither a stream of new
        runs holds up an old one nor the other way round."""
        self.waiting.remove(ticket)
        if self.turning:
            ticket.debt = self.debt
        self.active.append(ticket)
        if not ticket.timed:
            self.turning.append(ticket)


class Shares:
    """All participants with runs here, and the common virtual times.

    `credit` bounds, in virtual seconds, how far behind the common time a share's turns may be when its first run
    becomes active: the longest that it may then keep the others from theirs.
    """

    def __init__(self, credit: float) -> None:
        self._credit = credit
        self._shares: dict[str, Share] = {}
        self.turns = 0.0
        self.places = 0.0

    def __iter__(self) -> Iterator[Share]:
        return iter(self._shares.values())

    def __len__(self) -> int:
        return len(self._shares)

    def __getitem__(self, name: str) -> Share:
        return self._shares[name]

    def of(self, ticket: Ticket) -> Share:
        return self._shares[ticket.share]

    def enqueue(self, ticket: Ticket) -> None:
        """The share's newest run sets its weight."""
        share = self._shares.get(ticket.share)
        if share is None:
            share = self._shares[ticket.share] = Share(ticket.share, ticket.weight, self.turns, self.places)
        elif not share.charged:
            share.places = max(share.places, self.places)
        share.weight = ticket.weight
        share.waiting.append(ticket)
        share.charged += not ticket.timed

    def activate(self, ticket: Ticket) -> None:
        share = self.of(ticket)
        if not share.turning:
            share.turns = max(share.turns, self.turns - self._credit)
        share.activate(ticket)

    def charge(self, ticket: Ticket, seconds: float) -> None:
        share = self.of(ticket)
        share.turns += seconds / share.weight
        share.places += seconds / share.weight

    def advance(self) -> None:
        """Move the common times on: the weighted means of the clocks that run, never backwards."""
        if active := [share for share in self if share.turning]:
            self.turns = max(self.turns, _mean([(share.weight, share.turns) for share in active]))
        if busy := [share for share in self if share.charged]:
            self.places = max(self.places, _mean([(share.weight, share.places) for share in busy]))

    def remove(self, ticket: Ticket) -> None:
        """A run ended. A share without runs is forgotten once the common times have caught up with it, or at once
        when nobody is left whom it could be ahead of."""
        share = self.of(ticket)
        share.charged -= not ticket.timed
        if ticket in share.turning:
            share.turning.remove(ticket)
        if ticket in share.active:
            share.active.remove(ticket)
        else:
            share.waiting.remove(ticket)
        if share.idle:
            alone = all(other.idle for other in self)
            for other in list(self):
                caught_up = other.turns <= self.turns and other.places <= self.places
                if other.idle and (alone or caught_up):
                    del self._shares[other.name]


def _mean(weighted: list[tuple[float, float]]) -> float:
    return sum(weight * value for weight, value in weighted) / sum(weight for weight, _ in weighted)
