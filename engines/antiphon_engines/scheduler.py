"""Who is served next: pure decisions, no I/O, no clock of its own (`now` is seconds on the caller's).

A run whose job has a window (a band) is stepped once it has opened, before everything else, the one that is due first
first. For the others three rules, in this order:

1. *Places.* A waiting run becomes active when its engine has a place for it, the share that is furthest behind first.
   A share takes a further place only while it holds fewer than `greed` x weight x the places left (the dynamic
   threshold of Choudhury and Hahne, 1998), so that a newcomer finds one although somebody floods the engine.
2. *Turns.* The active run whose share is furthest behind leads; its engine and unit are the batch's. The batch takes
   further runs of that unit, always from the share furthest behind, until one of the shares has all its runs in: a
   share with one run is not slowed by another's seven beyond an equal part of the time. (`slack` lets shares that
   are only a little ahead take part as well.)
3. *Riders.* A run left out by rule 2 comes along all the same, and is not charged, where the measured cost says that
   this slows the batch by less than `ride`: on a GPU the whole batch is nearly as cheap as one run.

Costs are charged as measured, prefill included, so a long prompt takes turns with decoding and stalls nobody.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from msgspec import Struct

from antiphon_engines.api import EngineInfo, InvalidRequest, QueueFull
from antiphon_engines.costs import CostTable
from antiphon_engines.forecast import Outlook, Pace, forecast
from antiphon_engines.job import State, Ticket
from antiphon_engines.settings import QueueBounds
from antiphon_engines.shares import Share, Shares

_FIRST_GUESS = 0.05
"""Seconds of a unit that was never measured; only differences between shares matter."""


class Fairness(Struct, frozen=True):
    """How sharing is tuned; the module's docstring explains the rules."""

    greed: float = 2.0
    ride: float = 0.05
    slack: float = 0.25
    """Virtual seconds that a share may be ahead and still have its turn. Without it, runs that began at different
    times would drop out of each other's batches; the long-run shares do not depend on it."""
    credit: float = 0.1
    """Virtual seconds that a share may catch up on after it waited for a place."""
    outlier: float = 4.0
    """A step is charged at most so many times its expected cost: a machine that paused is nobody's fault."""


@dataclass(frozen=True, slots=True)
class Batch:
    """Runs for one `Engine.step`: same engine, same unit. The first `paying` of them are charged; of bands none is."""

    engine: str
    unit: str
    tickets: tuple[Ticket, ...]
    paying: int


class Scheduler:
    """Holds every run of a worker from `submit` to `finish` or `cancel`. `engines` is by kind."""

    def __init__(
        self, engines: Mapping[str, EngineInfo], bounds: QueueBounds, fairness: Fairness | None = None
    ) -> None:
        self._engines = dict(engines)
        self._bounds = bounds
        self._fairness = fairness or Fairness()
        self._tickets: dict[int, Ticket] = {}
        self._shares = Shares(self._fairness.credit)
        self._paces = {kind: Pace() for kind in engines}
        self.costs = CostTable()

    def expect(self, modality: Literal["text", "image", "audio"]) -> None:
        """An engine of this kind is being loaded: its runs wait until it is attached, or dismissed."""
        self.attach(modality, EngineInfo(modality, "", "", "", max_jobs=0, max_batch=1))

    def attach(self, kind: str, info: EngineInfo) -> None:
        """From now on runs of this kind are served too."""
        self._engines[kind] = info
        self._paces[kind] = Pace()

    def dismiss(self, kind: str) -> list[Ticket]:
        """An expected engine will not come. Returns the runs that waited for it; the caller finishes them."""
        self._engines.pop(kind, None)
        return [ticket for ticket in self._tickets.values() if ticket.engine == kind]

    # What is held ---------------------------------------------------------------------------------------

    def get(self, number: int) -> Ticket | None:
        return self._tickets.get(number)

    @property
    def active(self) -> list[Ticket]:
        return [ticket for share in self._shares for ticket in share.active]

    @property
    def waiting(self) -> int:
        return sum(len(share.waiting) for share in self._shares)

    @property
    def shares(self) -> int:
        """Participants that are remembered: those with runs here, and those still ahead of the common time."""
        return len(self._shares)

    def rest(self, now: float) -> float:
        """Seconds until there is something to admit or to step if nobody says anything: 0, or until the next window
        opens; infinite when there is nothing to come (runs may wait for an engine that is being loaded)."""
        jobs = [ticket.job for ticket in self.active if ticket.job is not None]
        opens = min((job.window.opens if job.window else now for job in jobs), default=math.inf)
        if opens > now and any(self._candidates(share) for share in self._shares):
            return 0.0
        return max(0.0, opens - now)

    # Runs come and go -----------------------------------------------------------------------------------

    def submit(self, ticket: Ticket) -> None:
        """Put a run into the queue. Raises QueueFull, and InvalidRequest when no engine serves its kind."""
        if ticket.engine not in self._engines:
            raise InvalidRequest(f"this worker has no {ticket.engine} engine")
        queue = [
            other
            for other in self._tickets.values()
            if other.state is State.WAITING and other.engine == ticket.engine
        ]
        if len(queue) >= self._bounds.total:
            raise QueueFull(f"{len(queue)} runs are waiting already; try again later")
        own = sum(other.share == ticket.share for other in queue)
        if own >= self._bounds.per_share:
            raise QueueFull(f"{own} of your runs are waiting already")
        self._tickets[ticket.number] = ticket
        self._shares.enqueue(ticket)

    def admit(self, now: float) -> Ticket | None:
        """Make the next waiting run active if there is a place; the caller gives it its `job`, or finishes it."""
        ticket = min(
            (candidate for share in self._shares for candidate in self._candidates(share)),
            key=lambda candidate: (self._shares.of(candidate).places, candidate.number),
            default=None,
        )
        if ticket is not None:
            ticket.move(State.ACTIVE)
            ticket.started_at = now
            self._shares.activate(ticket)
        return ticket

    def finish(self, ticket: Ticket, state: State) -> None:
        """A run ended as `state` says; its place is free."""
        ticket.move(state)
        del self._tickets[ticket.number]
        self._shares.remove(ticket)

    def cancel(self, number: int) -> Ticket | None:
        """Take a run out, whatever it is doing; None when it is over. The caller releases its job."""
        ticket = self._tickets.get(number)
        if ticket is not None:
            self.finish(ticket, State.CANCELLED)
        return ticket

    # Turns ----------------------------------------------------------------------------------------------

    def pick(self, now: float) -> Batch | None:
        """The next batch, or None when no active run has anything to do now."""
        jobs = [(ticket, ticket.job) for ticket in self.active if ticket.job is not None]
        timed = [
            (window.due, ticket.number, ticket, job.unit)
            for ticket, job in jobs
            if (window := job.window) is not None and window.opens <= now
        ]
        if timed:
            return self._first_due(timed)
        ready = [(ticket, job.unit) for ticket, job in jobs if job.window is None]
        if not ready:
            return None
        leader, unit = min(ready, key=lambda pair: self._order(pair[0]))
        peers = [ticket for ticket, other in ready if ticket.engine == leader.engine and other == unit]
        return self._compose(leader.engine, unit, sorted(peers, key=self._order), now)

    def _first_due(self, timed: list[tuple[float, int, Ticket, str]]) -> Batch:
        """Earliest deadline first; those of the same unit that are open too come along. Nobody's share is charged:
        a band plays for the whole room, and its place was given because its cost fits."""
        _, _, leader, unit = min(timed, key=lambda each: each[:2])
        peers = [each[2] for each in sorted(timed, key=lambda each: each[:2]) if each[3] == unit]
        mates = [ticket for ticket in peers if ticket.engine == leader.engine]
        return Batch(leader.engine, unit, tuple(mates[: self._engines[leader.engine].max_batch]), 0)

    def account(self, batch: Batch, seconds: float, produced: Sequence[int], now: float) -> None:
        """`batch` was stepped in `seconds`; `produced[i]` outputs came of its i-th run. Runs that were cancelled
        meanwhile are skipped."""
        size = len(batch.tickets)
        expected = self.costs.estimate(batch.engine, batch.unit, size)
        bill = seconds if expected is None else min(seconds, self._fairness.outlier * expected)
        self.costs.observe(batch.engine, batch.unit, size, seconds, now)
        for index, (ticket, count) in enumerate(zip(batch.tickets, produced, strict=True)):
            if ticket.state is not State.ACTIVE:
                continue
            ticket.debt += bill / size
            if index < batch.paying:
                ticket.cost += bill / batch.paying
                self._shares.charge(ticket, bill / batch.paying)
            if count:
                self._paces[batch.engine].observe(ticket, count, now)
                ticket.outputs += count
                ticket.output_at = now
        self._shares.advance()

    # Outlook --------------------------------------------------------------------------------------------

    def outlook(self, now: float) -> list[tuple[Ticket, Outlook]]:
        """Every waiting run with its place in the queue and its expected start."""
        outlooks: list[tuple[Ticket, Outlook]] = []
        for kind, info in self._engines.items():
            if not info.max_jobs:
                queue = enumerate(self._queue(kind, now), start=1)
                outlooks += [(ticket, Outlook(position, 0.0)) for position, ticket in queue]
                continue
            active = [ticket for ticket in self.active if ticket.engine == kind]
            outlooks += forecast(self._queue(kind, now), active, info.max_jobs, self._paces[kind], now)
        return outlooks

    def remaining(self, ticket: Ticket, now: float) -> float:
        """Seconds until an active run ends, at the measured pace; 0 while nothing has been measured."""
        return self._paces[ticket.engine].remaining(ticket, now)

    def _queue(self, kind: str, now: float) -> list[Ticket]:
        """Waiting runs in the order in which they will probably be admitted: what the active ones will still cost, and
        each waiting one's whole cost, is charged ahead."""
        pace = self._paces[kind]
        times = {share.name: share.places for share in self._shares}
        for ticket in self.active:
            times[ticket.share] += max(pace.remaining(ticket, now), _FIRST_GUESS) / ticket.weight
        queues = {
            share.name: [ticket for ticket in reversed(share.waiting) if ticket.engine == kind]
            for share in self._shares
        }
        order: list[Ticket] = []
        while any(queues.values()):
            name = min(
                (name for name in queues if queues[name]), key=lambda n: (times[n], queues[n][-1].number)
            )
            ticket = queues[name].pop()
            times[name] += max(pace.duration(ticket), _FIRST_GUESS) / ticket.weight
            order.append(ticket)
        return order

    # Rules ----------------------------------------------------------------------------------------------

    def _candidates(self, share: Share) -> list[Ticket]:
        """Rule 1: of each engine the oldest waiting run, if the share may take a place there."""
        oldest: dict[str, Ticket] = {}
        for ticket in share.waiting:
            oldest.setdefault(ticket.engine, ticket)
        return [ticket for kind, ticket in oldest.items() if self._has_place(kind, share)]

    def _has_place(self, kind: str, share: Share) -> bool:
        free = self._engines[kind].max_jobs - sum(other.holds(kind) for other in self._shares)
        return free > 0 and share.holds(kind) < self._fairness.greed * share.weight * free

    def _order(self, ticket: Ticket) -> tuple[float, float, int]:
        return (self._shares.of(ticket).turns, ticket.debt, ticket.number)

    def _compose(self, engine: str, unit: str, peers: list[Ticket], now: float) -> Batch:
        """Rules 2 and 3. `peers` are in order; the first is the leader."""
        most = self._engines[engine].max_batch
        cost = self.costs.estimate(engine, unit, len(peers)) or _FIRST_GUESS * len(peers)
        paying = self._fair_part(peers, cost / len(peers), most)
        chosen = set(paying)
        tickets = paying + [ticket for ticket in peers if ticket not in chosen]
        size = self._with_riders(engine, unit, len(paying), min(most, len(tickets)), now)
        return Batch(engine, unit, tuple(tickets[:size]), len(paying))

    def _fair_part(self, peers: list[Ticket], unit_cost: float, most: int) -> list[Ticket]:
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
        base = self.costs.estimate(engine, unit, paying)
        size = paying
        while size < most:
            if not self.costs.is_fresh(engine, unit, size + 1, now):
                return size + 1
            cost = self.costs.estimate(engine, unit, size + 1)
            if base is None or cost is None or cost > base * (1 + self._fairness.ride):
                break
            size += 1
        return size
