"""Who shares a step: the paying part of a batch, and those who ride along.

The batch takes runs of one unit, always from the share furthest behind, until one of the shares has all its runs in:
a share with one run is not slowed by another's seven beyond an equal part of the time. (`slack` lets shares that are
only a little ahead take part as well.) A run left out comes along all the same, and is not charged, where the measured
cost says that this slows the batch by less than `ride`: on a GPU the whole batch is nearly as cheap as one run.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from antiphon_engines.costs import CostTable
from antiphon_engines.scheduling.fair_shares import Shares
from antiphon_engines.scheduling.ticket import Ticket

FIRST_GUESS = 0.05
"""Seconds of a unit that was never measured; only differences between shares matter."""


class Fairness(Struct, frozen=True):
    """How sharing is tuned."""

    greed: float = 2.0
    """A share takes a further place only while it holds fewer than this x its weight x the places left."""
    ride: float = 0.05
    slack: float = 0.25
    """Virtual seconds that a share may be ahead and still have its turn. Without it, runs that began at different
    times would drop out of each other's batches; the long-run shares do not depend on it."""
    lead: float = 0.25
    """Virtual seconds that a share may be ahead of the common time and still be served before others because one of
    its runs is behind its pace."""
    credit: float = 0.1
    """Virtual seconds that a share may catch up on after it waited for a place."""
    outlier: float = 4.0
    """A step is charged at most so many times its expected cost: a machine that paused is nobody's fault."""


class Batcher:
    """Composes batches by the clocks of `shares` and the measured `costs`."""

    def __init__(self, fairness: Fairness, shares: Shares, costs: CostTable) -> None:
        self._fairness = fairness
        self._shares = shares
        self._costs = costs

    def compose(
        self, engine: str, unit: str, peers: Sequence[Ticket], most: int, now: float
    ) -> tuple[tuple[Ticket, ...], int]:
        """At most `most` of `peers`, and how many of them, from the first, are charged. `peers` are in order; the first
        leads and is always taken."""
        cost = self._costs.estimate(engine, unit, len(peers)) or FIRST_GUESS * len(peers)
        paying = self._fair_part(peers, cost / len(peers), most)
        chosen = set(paying)
        tickets = paying + [ticket for ticket in peers if ticket not in chosen]
        size = self._with_riders(engine, unit, len(paying), min(most, len(tickets)), now)
        return tuple(tickets[:size]), len(paying)

    def _fair_part(self, peers: Sequence[Ticket], unit_cost: float, most: int) -> list[Ticket]:
        queues: dict[str, list[Ticket]] = {}
        for ticket in reversed(peers):
            queues.setdefault(ticket.share, []).append(ticket)
        shares = {name: self._shares[name] for name in queues}
        times = {name: share.turns for name, share in shares.items()}
        limit = self._fairness.slack + min(
            share.turns + len(queues[name]) * unit_cost / share.weight for name, share in shares.items()
        )
        part = [queues[peers[0].share].pop()]
        times[peers[0].share] += unit_cost / shares[peers[0].share].weight
        while len(part) < most:
            name = min((name for name in queues if queues[name]), key=lambda n: times[n], default=None)
            if name is None or times[name] >= limit:
                break
            part.append(queues[name].pop())
            times[name] += unit_cost / shares[name].weight
        return part

    def _with_riders(self, engine: str, unit: str, paying: int, most: int, now: float) -> int:
        """The batch's size with everyone who rides. One size that was not measured lately is tried at a time: that is
        how its cost becomes known."""
        base = self._costs.estimate(engine, unit, paying)
        size = paying
        while size < most:
            if not self._costs.is_fresh(engine, unit, size + 1, now):
                return size + 1
            cost = self._costs.estimate(engine, unit, size + 1)
            if base is None or cost is None or cost > base * (1 + self._fairness.ride):
                break
            size += 1
        return size
