"""Which unit is run next: pure decisions over the active runs.

1. *Bands.* A run whose job has a window is stepped once it has opened, before everything else, the one that is due
   first first.
2. *Pace.* Of the others lead, in this order: runs that are behind their target pace or rate, unless their share is far
   ahead of the common time, or they of their siblings; the others; pictures that nobody watches. Among equals the
   share furthest behind leads, and `batching` says who else is in its batch.
3. *Deadlines.* A unit is started only if the bands, by its careful estimate, still make their deadlines after it.
   Otherwise its batch gets smaller, or it is made smaller by its engine, or a shorter unit goes first, or all wait.
   A unit that has been held back for `HOLD` lets the bands play ahead of their windows until it fits.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from antiphon_engines import targets
from antiphon_engines.api import EngineInfo
from antiphon_engines.bands import NextUnit, slack
from antiphon_engines.batching import FIRST_GUESS, Batcher, Fairness
from antiphon_engines.costs import CostTable
from antiphon_engines.job import Ticket
from antiphon_engines.settings import Policy
from antiphon_engines.shares import Shares

Reason: TypeAlias = Literal["deadline", "ahead", "behind", "turn", "background", "fifo"]
"""Why a batch is next: a band's window is open; a band makes room for a long unit; the leader is behind its pace; it is
its turn; nobody else wants the device; it came first."""
HOLD: Final = 0.1
"""Seconds that a unit may be held back for the bands before they are made to play ahead for it: the longest frame."""
FARTHEST: Final = 2.0
"""Seconds that bands play ahead at most: a unit that takes longer cannot run beside one."""
HELD_LONG: Final = 10.0
"""Seconds after which a run whose units cannot run beside the bands is given up."""
LITTLE: Final = 0.25
"""By how much a batch may be longer than one job that is longer than the policy wants already."""
SHORTEST: Final = 0.01
"""Seconds below which a divisible unit is not worth starting."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Runs for one `Engine.step`: same engine, same unit. The first `paying` of them are charged; of bands none is."""

    engine: str
    unit: str
    tickets: tuple[Ticket, ...]
    paying: int
    reason: Reason
    expected: float | None = None
    """Seconds that it will take, as far as is known."""
    slack: float = math.inf
    """Seconds that the bands left for it."""
    budget: float | None = None
    """Seconds that a divisible unit is to be cut to."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Nothing to step before `until`, unless somebody says something. `held`: whose unit the bands have no time for."""

    until: float
    held: Ticket | None = None


class Turns:
    """Decides by the clocks of `shares`, the measured `costs` and the engines' bounds; all three belong to the
    scheduler, which keeps them up to date."""

    def __init__(
        self,
        engines: Mapping[str, EngineInfo],
        shares: Shares,
        costs: CostTable,
        policy: Policy,
        fairness: Fairness,
    ) -> None:
        self._engines = engines
        self._shares = shares
        self._costs = costs
        self._policy = policy
        self._lead = fairness.lead
        self._batcher = Batcher(fairness, shares, costs)

    def pick(self, active: Iterable[Ticket], thinning: float, now: float) -> Batch | Rest:
        """The next batch, or how long there is nothing to step."""
        units, others = self._ready(active)
        opened = [unit for unit in units if unit.opens <= now]
        if self._policy.order == "fifo":
            return self._first_come(units, others, now)
        if opened:
            return self._sound(opened, "deadline")
        time = slack([unit for unit in units if unit.due < math.inf], now)
        opens = min((unit.opens for unit in units), default=math.inf)
        debts = {share.name: share.debt for share in self._shares if share.turning}
        ranks = {ticket: self._rank(ticket, debts[ticket.share], thinning, now) for ticket in others}
        rest = Rest(opens)
        for group in self._groups(sorted(others, key=lambda ticket: ranks[ticket])):
            leader = group[0]
            tier = ranks[leader][0]
            # Nobody whose picture is watched waits for a larger batch because of one that is not.
            peers = [ticket for ticket in group if tier == _LAST or ranks[ticket][0] != _LAST]
            if batch := self._compose(peers, time, _REASONS[tier], now):
                return batch
            if leader.held_since is None:
                leader.held_since = now
            # To wait helps only if a window opens meanwhile: after its frame there is the most time.
            hold_until = leader.held_since + HOLD if opens < now + HOLD else now
            bridges = self._bridges(leader)
            if bridges and now >= hold_until:
                early = [unit for unit in units if unit.opens < math.inf and unit.due > unit.ticket.ahead]
                if early:
                    return self._ahead(early)
            if rest.held is None:
                rest = Rest(min(opens, hold_until) if bridges and hold_until > now else opens, leader)
        return rest

    def hopeless(self, active: Iterable[Ticket], now: float) -> list[tuple[Ticket, str]]:
        """Runs that cannot be stepped beside the bands of this device, and why."""
        found: list[tuple[Ticket, str]] = []
        for ticket in active:
            if ticket.held_since is None or ticket.job is None or now - ticket.held_since <= HELD_LONG:
                continue
            cost = self._costs.estimate(ticket.engine, ticket.job.unit, 1)
            if cost is not None and cost > FARTHEST:
                found.append((ticket, f"one step of it takes {cost:.1f} s here, too long while a band plays"))
        return found

    def _ready(self, active: Iterable[Ticket]) -> tuple[list[NextUnit], list[Ticket]]:
        """The next units of bands, open or not, and the other runs that have something to do."""
        units: list[NextUnit] = []
        others: list[Ticket] = []
        for ticket in active:
            if ticket.job is None:
                continue
            window = ticket.job.window
            if window is None:
                others.append(ticket)
            else:
                unit = ticket.job.unit
                worst = self._costs.peak(ticket.engine, unit)
                worst = FIRST_GUESS if worst is None else worst
                units.append(NextUnit(ticket, unit, window.opens, window.due, worst))
        return units, others

    def _sound(self, units: Sequence[NextUnit], reason: Reason) -> Batch:
        """Rule 1. Those of the leader's unit come along. Nobody's share is charged: a band plays for the whole room,
        and it has its place because its cost fits."""
        order = sorted(units, key=lambda unit: (unit.due, unit.ticket.number))
        first = order[0]
        engine = first.ticket.engine
        mates = [each.ticket for each in order if (each.ticket.engine, each.unit) == (engine, first.unit)]
        tickets = tuple(mates[: self._engines[engine].max_batch])
        return Batch(
            engine, first.unit, tickets, 0, reason, self._costs.estimate(engine, first.unit, len(tickets))
        )

    def _ahead(self, units: Sequence[NextUnit]) -> Batch:
        """A band plays before its window opens. One that does not get further by that is not asked again."""
        first = min(units, key=lambda unit: (unit.due, unit.ticket.number))
        first.ticket.ahead = first.due
        return self._sound([first], "ahead")

    def _rank(
        self, ticket: Ticket, debt: float, thinning: float, now: float
    ) -> tuple[int, float, float, int]:
        """Rule 2: the lower goes first. `debt` is the mean of its share's runs."""
        turns = self._shares.of(ticket).turns
        entitled = turns <= self._shares.turns + self._lead and ticket.debt <= debt + self._lead
        behind = entitled and targets.due(ticket, self._policy, thinning, now)
        tier = 0 if behind else 1 if ticket.watched else _LAST
        return (tier, turns, ticket.debt, ticket.number)

    def _groups(self, order: Iterable[Ticket]) -> list[list[Ticket]]:
        """Runs that may share a step, in the order of their first."""
        groups: dict[tuple[str, str], list[Ticket]] = {}
        for ticket in order:
            assert ticket.job is not None
            groups.setdefault((ticket.engine, ticket.job.unit), []).append(ticket)
        return list(groups.values())

    def _compose(self, peers: list[Ticket], time: float, reason: Reason, now: float) -> Batch | None:
        """Rule 3: the batch that `peers[0]` leads, in `time` seconds at most; None when there is none so short."""
        leader = peers[0]
        assert leader.job is not None
        engine, unit = leader.engine, leader.job.unit
        if unit in self._engines[engine].divisible:
            if time < 2 * SHORTEST:
                return None
            # Engines cut by their average costs: half of the time that is left is kept for the deviation.
            most, budget = self._engines[engine].max_batch, min(self._policy.max_unit, time / 2)
        else:
            size, budget = min(len(peers), self._engines[engine].max_batch), None
            most = self._most(engine, unit, size, time, now)
            if not most:
                return None
        tickets, paying = self._batcher.compose(engine, unit, peers, most, now)
        expected = self._costs.estimate(engine, unit, len(tickets))
        return Batch(engine, unit, tickets, paying, reason, expected, time, budget)

    def _most(self, engine: str, unit: str, size: int, time: float, now: float) -> int:
        """The largest batch that keeps to `time`, by its worst, and to the policy's longest unit, where it has been
        measured lately: how well a batch pays is not known before. 0 when even one job does not fit into `time`."""
        alone = self._costs.estimate(engine, unit, 1) or 0.0
        longest = max(self._policy.max_unit, alone * (1 + LITTLE))
        while size > 1:
            mean = self._costs.estimate(engine, unit, size)
            short = mean is None or mean <= longest
            if self._worst(engine, unit, size) <= time and (
                short or not self._costs.is_fresh(engine, unit, size, now)
            ):
                return size
            size -= 1
        return int(self._worst(engine, unit, 1) <= time)

    def _worst(self, engine: str, unit: str, size: int) -> float:
        worst = self._costs.worst(engine, unit, size)
        if worst is None:
            return self._policy.max_unit
        mean = self._costs.estimate(engine, unit, size)
        # A unit that can be bridged at all is not held back for good by how much its measurements vary.
        return min(worst, FARTHEST) if mean is not None and mean <= FARTHEST else worst

    def _bridges(self, leader: Ticket) -> bool:
        """Whether bands could play so far ahead that the leader's unit fits."""
        assert leader.job is not None
        cost = self._costs.estimate(leader.engine, leader.job.unit, 1)
        return cost is None or cost <= FARTHEST

    def _first_come(self, units: Sequence[NextUnit], others: Sequence[Ticket], now: float) -> Batch | Rest:
        """Units in the order in which they became ready, each with those of its kind that are ready too."""
        ready = [
            (max(unit.ticket.stepped_at, unit.opens), unit.ticket) for unit in units if unit.opens <= now
        ]
        ready += [(ticket.stepped_at, ticket) for ticket in others]
        if not ready:
            return Rest(min((unit.opens for unit in units), default=math.inf))
        order = [ticket for _, ticket in sorted(ready, key=lambda each: (each[0], each[1].number))]
        peers = self._groups(order)[0]
        leader = peers[0]
        assert leader.job is not None
        tickets = tuple(peers[: self._engines[leader.engine].max_batch])
        expected = self._costs.estimate(leader.engine, leader.job.unit, len(tickets))
        return Batch(leader.engine, leader.job.unit, tickets, len(tickets), "fifo", expected)


_REASONS: Final[tuple[Reason, ...]] = ("behind", "turn", "background")
"""By tier."""
_LAST: Final = 2
