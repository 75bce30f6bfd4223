"""Who is served next: pure decisions, no I/O, no clock of its own (`now` is seconds on the caller's).

1. *Places.* A waiting run becomes active when its engine has a place for it, the share that is furthest behind first. A
   share takes a further place only while it holds fewer than `greed` x weight x the places left (the dynamic threshold
   of Choudhury and Hahne, 1998), so that a newcomer finds one although another share floods the engine. A band takes a
   place when the measured cost of the bands leaves room for it.
2. *Turns.* Which of the active runs are stepped next, and in which batch: see `turns`.

Costs are charged as measured, prefill included, so a long prompt takes turns with decoding and does not stall other
runs.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Final

from antiphon_engines.api import AudioRequest, EngineInfo, InvalidRequest, Modality, QueueFull
from antiphon_engines.costs import CostTable
from antiphon_engines.scheduling.band_load import BandLoad
from antiphon_engines.scheduling.batching import FIRST_GUESS, Fairness
from antiphon_engines.scheduling.fair_shares import Share, Shares
from antiphon_engines.scheduling.forecast import Pace, QueueEstimate, forecast
from antiphon_engines.scheduling.pace import is_noticeable, thinning
from antiphon_engines.scheduling.ticket import Begun, State, Ticket
from antiphon_engines.scheduling.unit_choice import Batch, Idle, UnitChoice, has_paused
from antiphon_engines.settings import Policy, QueueBounds
from antiphon_proto.document.jam import SAMPLE_RATE

_LEAST_FREE: Final = 0.1
"""Of the device: expected starts are long then, not infinite."""


class Scheduler:
    """Holds every run of a worker from `submit` to `finish` or `cancel`. `engines` is by kind."""

    def __init__(
        self,
        engines: Mapping[str, EngineInfo],
        bounds: QueueBounds,
        fairness: Fairness | None = None,
        policy: Policy | None = None,
    ) -> None:
        self._engines = dict(engines)
        self._bounds = bounds
        self._fairness = fairness or Fairness()
        self._policy = policy or Policy()
        self._tickets: dict[int, Ticket] = {}
        self._shares = Shares(self._fairness.credit)
        self._paces = {kind: Pace() for kind in engines}
        self.costs = CostTable()
        self.load = BandLoad(self._policy.band_part)
        self.thinned = False
        """Whether the steps of watched pictures come noticeably more rarely, for the sake of the texts."""
        self._choice = UnitChoice(self._engines, self._shares, self.costs, self._policy, self._fairness)

    def expect(self, modality: Modality) -> None:
        """An engine of this kind is being loaded: its runs wait until it is attached, or dismissed."""
        self.attach(modality, EngineInfo(modality, "", "", "", max_jobs=0, max_batch=1))

    def attach(self, kind: str, info: EngineInfo) -> None:
        """From now on runs of this kind are served too, or by another model."""
        self._engines[kind] = info
        self.costs.forget(kind)
        self._paces[kind] = Pace()

    def dismiss(self, kind: str) -> list[Ticket]:
        """An expected engine will not come. Returns the runs that waited for it; the caller finishes them."""
        self._engines.pop(kind, None)
        return [ticket for ticket in self._tickets.values() if ticket.engine == kind]

    # Held state -----------------------------------------------------------------------------------------

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
            (candidate for share in self._shares for candidate in self._candidates(share, now)),
            key=lambda candidate: (
                -math.inf if candidate.timed else self._shares.of(candidate).places,
                candidate.number,
            ),
            default=None,
        )
        if ticket is not None:
            ticket.move(State.ACTIVE)
            ticket.started_at = ticket.stepped_at = now
            self._shares.activate(ticket)
        return ticket

    def hopeless(self, now: float) -> list[tuple[Ticket, str]]:
        """Runs that this device cannot serve, and why; the caller finishes them."""
        found: list[tuple[Ticket, str]] = []
        if self.load.hopeless(now):
            reason = f"this machine needs {self.load.each:.2f} s to play 1 s of music; try again later"
            waiting = (ticket for share in self._shares for ticket in share.waiting if ticket.timed)
            found += [(ticket, reason) for ticket in waiting]
        found += self._choice.hopeless(self.active, now)
        return found

    def finish(self, ticket: Ticket, state: State) -> None:
        """A run ended as `state` says; its place is free."""
        ticket.move(state)
        del self._tickets[ticket.number]
        self._shares.remove(ticket)

    def cancel(self, number: int) -> Ticket | None:
        """Remove a run in any state; None when it is over. The caller releases its job."""
        ticket = self._tickets.get(number)
        if ticket is not None:
            self.finish(ticket, State.CANCELLED)
        return ticket

    # UnitChoice ----------------------------------------------------------------------------------------------

    def pick(self, now: float) -> Batch | Idle:
        """The next batch, or how long there is nothing to step."""
        return self._choice.pick(self.active, self._thinning(), now)

    def account(self, batch: Batch, seconds: float, produced: Sequence[int], now: float) -> None:
        """`batch` was stepped in `seconds`; `produced[i]` outputs came of its i-th run. Runs that were cancelled
        meanwhile are skipped."""
        size = len(batch.tickets)
        expected = batch.expected
        bill = seconds if expected is None else min(seconds, self._fairness.outlier * expected)
        self._measure(batch, seconds, now)
        thinned = self._thinning()
        self.thinned = is_noticeable(thinned, self.thinned)
        thinning = thinned if batch.engine == "image" else 1.0
        pace = self._paces[batch.engine]
        pace.free = self._free()
        for index, (ticket, count) in enumerate(zip(batch.tickets, produced, strict=True)):
            if ticket.state is not State.ACTIVE:
                continue
            ticket.stepped_at = now
            ticket.held_since = None
            ticket.debt += bill / size
            if isinstance(ticket.request, AudioRequest):
                self.load.observe(seconds / size, count * ticket.request.frame / SAMPLE_RATE, now)
            elif index < batch.paying:
                ticket.cost += bill / batch.paying
                self._shares.charge(ticket, thinning * bill / batch.paying)
            if count:
                pace.observe(ticket, count, now)
                ticket.outputs += count
                ticket.output_at = now
        self._shares.advance()

    def _measure(self, batch: Batch, seconds: float, now: float) -> None:
        """The cost of a unit is known when it is over: of one that paused, in all its pieces and for all that began
        it."""
        begun = Begun(batch.begun.seconds + seconds, batch.begun.size or len(batch.tickets))
        paused = has_paused(batch)
        for index, ticket in enumerate(batch.tickets):
            ticket.begun = begun if paused else Begun()
            ticket.rides = paused and index >= batch.paying
        if not paused:
            self.costs.observe(batch.engine, batch.unit, begun.size, begun.seconds, now)

    # QueueEstimate --------------------------------------------------------------------------------------------

    def estimates(self, now: float) -> list[tuple[Ticket, QueueEstimate]]:
        """Every waiting run with its place in the queue and its expected start."""
        estimates: list[tuple[Ticket, QueueEstimate]] = []
        for kind, info in self._engines.items():
            self._paces[kind].free = self._free()
            if not info.max_jobs or kind == "audio":  # nobody knows when a band ends
                queue = enumerate(self._queue(kind, now), start=1)
                estimates += [(ticket, QueueEstimate(position, 0.0)) for position, ticket in queue]
                continue
            active = [ticket for ticket in self.active if ticket.engine == kind]
            estimates += forecast(self._queue(kind, now), active, info.max_jobs, self._paces[kind], now)
        return estimates

    def remaining(self, ticket: Ticket, now: float) -> float:
        """Seconds until an active run ends, at the measured pace; 0 while nothing has been measured."""
        return self._paces[ticket.engine].remaining(ticket, now)

    def _queue(self, kind: str, now: float) -> list[Ticket]:
        """Waiting runs in the order in which they will probably be admitted: the remaining cost of active runs and the
        whole cost of each waiting run are charged ahead."""
        pace = self._paces[kind]
        times = {share.name: share.places for share in self._shares}
        for ticket in self.active:
            times[ticket.share] += max(pace.remaining(ticket, now), FIRST_GUESS) / ticket.weight
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
            times[name] += max(pace.duration(ticket), FIRST_GUESS) / ticket.weight
            order.append(ticket)
        return order

    # Rules ----------------------------------------------------------------------------------------------

    def _candidates(self, share: Share, now: float) -> list[Ticket]:
        """Rule 1: of each engine the oldest waiting run, if the share may take a place there."""
        oldest: dict[str, Ticket] = {}
        for ticket in share.waiting:
            oldest.setdefault(ticket.engine, ticket)
        return [ticket for ticket in oldest.values() if self._has_place(ticket, share, now)]

    def _has_place(self, ticket: Ticket, share: Share, now: float) -> bool:
        kind = ticket.engine
        taken = sum(other.holds(kind) for other in self._shares)
        free = self._engines[kind].max_jobs - taken
        if ticket.timed:
            return free > 0 and self.load.fits(taken, now)
        return free > 0 and share.holds(kind) < self._fairness.greed * share.weight * free

    def _thinning(self) -> float:
        pace = self._paces.get("text")
        if pace is None or pace.gap is None or not any(ticket.engine == "text" for ticket in self.active):
            return thinning(None, self._policy)
        return thinning(pace.gap / pace.free, self._policy)

    def _free(self) -> float:
        """The part of the device that the bands leave."""
        bands = sum(ticket.timed for ticket in self.active)
        return max(_LEAST_FREE, 1.0 - bands * self.load.each)
