"""Which unit is run next: pure decisions over the active runs.

1. *Bands.* A run whose job has a window is stepped once it has opened, before everything else, the one that is due
   first first.
2. *Pace.* Of the others lead, in this order: runs that are behind their target pace or rate, unless their share is far
   ahead of the common time, or they of their siblings; the others; pictures that nobody watches. Among equals the
   share furthest behind leads, and `batching` says who else is in its batch.
3. *Deadlines.* A unit is started only if the bands, by its careful estimate, still make their deadlines after it.
   Otherwise its batch gets smaller, or it is made smaller by its engine, or a shorter unit goes first, or all wait.
   A unit that has been held back for `HOLD` lets the bands play ahead of their windows until it fits.
4. *Pieces.* A unit that its engine can divide is given `max_unit` at most, and at most the time that bands leave.
   When it pauses, the runs of its batch go on together; `BEGUN` of an engine may pause at a time, no further one
   begins then.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from antiphon_engines.api import EngineInfo
from antiphon_engines.costs import CostTable
from antiphon_engines.scheduling import pace
from antiphon_engines.scheduling.band_load import NextUnit, slack
from antiphon_engines.scheduling.batching import FIRST_GUESS, Batcher, Fairness
from antiphon_engines.scheduling.fair_shares import Shares
from antiphon_engines.scheduling.ticket import Begun, Ticket
from antiphon_engines.settings import Policy

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
SHORTEST: Final = 0.02
"""Seconds below which a divisible unit is not worth starting."""
BEGUN: Final = 4
"""Units of one engine that may have begun and paused. Each holds its activations in memory; on the other hand one that
is not begun falls behind in its share, and catches up at the cost of the texts."""


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
    begun: Begun = Begun()
    """Of a unit that goes on."""


def has_paused(batch: Batch) -> bool:
    """Whether a batch that has been stepped is not over."""
    return any(_has_begun(ticket) for ticket in batch.tickets)


@dataclass(frozen=True, slots=True)
class Idle:
    """Nothing to step before `until`, unless a command arrives. `held`: whose unit the bands have no time for."""

    until: float
    held: Ticket | None = None


class UnitChoice:
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

    def pick(self, active: Iterable[Ticket], thinning: float, now: float) -> Batch | Idle:
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
        rest = Idle(opens)
        for group in self._groups(sorted(others, key=lambda ticket: ranks[ticket])):
            leader = group[0]
            tier = ranks[leader][0]
            if _has_begun(leader):
                batch = self._go_on(group, time, _REASONS[tier])
            else:
                # Nobody whose picture is watched waits for a larger batch because of one that is not.
                peers = [ticket for ticket in group if tier == _LAST or ranks[ticket][0] != _LAST]
                batch = self._compose(peers, time, _REASONS[tier], now)
            if batch is not None:
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
                rest = Idle(min(opens, hold_until) if bridges and hold_until > now else opens, leader)
        return rest

    def hopeless(self, active: Iterable[Ticket], now: float) -> list[tuple[Ticket, str]]:
        """Runs that cannot be stepped beside the bands of this device, and why."""
        found: list[tuple[Ticket, str]] = []
        for ticket in active:
            if ticket.held_since is None or ticket.job is None or now - ticket.held_since <= HELD_LONG:
                continue
            cost = self._shortest(ticket)
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
        behind = entitled and pace.due(ticket, self._policy, thinning, now)
        tier = 0 if behind else 1 if ticket.watched else _LAST
        return (tier, turns, ticket.debt, ticket.number)

    def _groups(self, order: Sequence[Ticket]) -> list[list[Ticket]]:
        """Runs that may, or must, share a step, in the order of their first."""
        groups: dict[tuple[str, str, int], list[Ticket]] = {}
        for ticket in order:
            assert ticket.job is not None
            piece = ticket.job.piece
            groups.setdefault((ticket.engine, ticket.job.unit, piece.call if piece else 0), []).append(ticket)
        begun = Counter(engine for engine, _, call in groups if call)
        return [
            group
            for (engine, _, call), group in groups.items()
            if call or begun[engine] < BEGUN or not _keeps(group[0])
        ]

    def _compose(self, peers: list[Ticket], time: float, reason: Reason, now: float) -> Batch | None:
        """Rule 3: the batch that `peers[0]` leads, in `time` seconds at most; None when there is none so short."""
        leader = peers[0]
        assert leader.job is not None
        engine, unit, piece = leader.engine, leader.job.unit, leader.job.piece
        most = min(len(peers), self._engines[engine].max_batch)
        if piece is None or piece.least:
            most = self._most(leader, most, time, now)
        elif time < SHORTEST:
            most = 0
        if not most:
            return None
        tickets, paying = self._batcher.compose(engine, unit, peers, most, now)
        expected = self._costs.estimate(engine, unit, len(tickets))
        budget = None
        if piece is not None:
            # Units of any length are cut by averages: half of the time is kept for the deviation.
            budget = min(self._policy.max_unit, time if piece.least else time / 2)
        return Batch(engine, unit, tickets, paying, reason, _shorter(expected, budget), time, budget)

    def _go_on(self, tickets: Sequence[Ticket], time: float, reason: Reason) -> Batch | None:
        """The next piece of a unit that has begun; None when `time` is too short for it."""
        leader = tickets[0]
        assert leader.job is not None
        assert leader.job.piece is not None
        least = leader.job.piece.least
        if time < max(least, SHORTEST):
            return None
        budget = min(self._policy.max_unit, time)
        whole = self._costs.estimate(leader.engine, leader.job.unit, len(tickets))
        left = None if whole is None else max(least, whole - leader.begun.seconds)
        order = sorted(tickets, key=lambda ticket: ticket.rides)
        paying = sum(not ticket.rides for ticket in tickets) or len(order)
        expected = _shorter(left, max(least, budget))
        return Batch(
            leader.engine, leader.job.unit, tuple(order), paying, reason, expected, time, budget, leader.begun
        )

    def _most(self, leader: Ticket, size: int, time: float, now: float) -> int:
        """The largest batch that keeps to `time`, by its worst or that of its first piece, and to the policy's longest
        unit. How well a batch pays is not known before it was measured: a unit that cannot pause begins with one job,
        and goes on with twice as many at most as are known to be short enough. 0 when even one job does not fit into
        `time`."""
        assert leader.job is not None
        engine, unit, piece = leader.engine, leader.job.unit, leader.job.piece
        alone = self._costs.estimate(engine, unit, 1)
        longest = max(self._policy.max_unit, (alone or 0.0) * (1 + LITTLE))
        if alone is None and piece is None:
            size = 1

        def fits(size: int) -> bool:
            if piece is None:
                return self._worst(engine, unit, size) <= time
            least, whole = piece.least * size, self._costs.worst(engine, unit, size)
            short = size == 1 or least <= self._policy.max_unit
            return short and (time >= max(SHORTEST, least) or (whole is not None and whole <= time))

        def tries(size: int) -> bool:
            half = None if piece is not None else self._costs.estimate(engine, unit, -(-size // 2))
            return not self._costs.is_fresh(engine, unit, size, now) and (half is None or half <= longest)

        while size > 1:
            mean = self._costs.estimate(engine, unit, size)
            if fits(size) and (mean is None or mean <= longest or tries(size)):
                return size
            size -= 1
        return int(fits(1))

    def _worst(self, engine: str, unit: str, size: int) -> float:
        worst = self._costs.worst(engine, unit, size)
        if worst is None:
            return self._policy.max_unit
        mean = self._costs.estimate(engine, unit, size)
        # A unit that can be bridged at all is not held back for good by how much its measurements vary.
        return min(worst, FARTHEST) if mean is not None and mean <= FARTHEST else worst

    def _bridges(self, leader: Ticket) -> bool:
        """Whether bands could play so far ahead that the leader's unit fits."""
        cost = self._shortest(leader)
        return cost is None or cost <= FARTHEST

    def _shortest(self, ticket: Ticket) -> float | None:
        """Seconds that a run's next unit, or the next piece of it, takes alone; None while nobody knows."""
        assert ticket.job is not None
        piece = ticket.job.piece
        return self._costs.estimate(ticket.engine, ticket.job.unit, 1) if piece is None else piece.least

    def _first_come(self, units: Sequence[NextUnit], others: Sequence[Ticket], now: float) -> Batch | Idle:
        """Units in the order in which they became ready, each with those of its kind that are ready too."""
        ready = [
            (max(unit.ticket.stepped_at, unit.opens), unit.ticket) for unit in units if unit.opens <= now
        ]
        ready += [(ticket.stepped_at, ticket) for ticket in others]
        if not ready:
            return Idle(min((unit.opens for unit in units), default=math.inf))
        order = [ticket for _, ticket in sorted(ready, key=lambda each: (each[0], each[1].number))]
        peers = self._groups(order)[0]
        leader = peers[0]
        assert leader.job is not None
        tickets = tuple(peers[: self._engines[leader.engine].max_batch])
        expected = self._costs.estimate(leader.engine, leader.job.unit, len(tickets))
        return Batch(leader.engine, leader.job.unit, tickets, len(tickets), "fifo", expected)


def _has_begun(ticket: Ticket) -> bool:
    return ticket.job is not None and ticket.job.piece is not None and ticket.job.piece.call != 0


def _keeps(ticket: Ticket) -> bool:
    """Whether its unit, once begun, keeps something of its own until it goes on: chunks of a prompt do not."""
    return ticket.job is not None and ticket.job.piece is not None and ticket.job.piece.least > 0


def _shorter(expected: float | None, budget: float | None) -> float | None:
    return expected if expected is None or budget is None else min(expected, budget)


_REASONS: Final[tuple[Reason, ...]] = ("behind", "turn", "background")
"""By tier."""
_LAST: Final = 2
