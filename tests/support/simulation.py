"""A scheduler on a simulated device: virtual time, no engine, no process."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import cast

import msgspec

from antiphon_engines.api import EngineInfo, ImageRequest, Job, Piece, Request, Window, kind_of
from antiphon_engines.scheduling.batching import Fairness
from antiphon_engines.scheduling.scheduler import Scheduler
from antiphon_engines.scheduling.ticket import State, Ticket
from antiphon_engines.scheduling.unit_choice import Batch
from antiphon_engines.settings import Policy, QueueBounds
from antiphon_proto.params import ImageParams
from support.fake_band import AHEAD, band_info, band_request
from support.fake_engine import fake_info, request
from support.fake_painter import INFO as PAINTER

Cost = Callable[[str, int], float]
"""(unit, batch size) -> seconds of one step."""
DIVISIBLE = "long prefill"
"""A unit that takes as long as it is told."""


def affine(fixed: float = 0.02, each: float = 0.01, prefill: float = 0.2) -> Cost:
    """A CPU: a bigger batch is dearer, though not in proportion."""
    return lambda unit, size: (prefill if unit == "prefill" else fixed + each) + each * (size - 1)


def flat(seconds: float = 0.02) -> Cost:
    """A large GPU: a batch costs as much as one run."""
    return lambda unit, size: seconds


def by_unit(others: Cost, **seconds: float) -> Cost:
    """`seconds` for one job of these units, in proportion to the batch; `others` for the rest."""
    return lambda unit, size: seconds[unit] * size if unit in seconds else others(unit, size)


@dataclass(eq=False)
class SimulatedCall:
    """A step that pauses: `left` seconds of it, in pieces of `piece`."""

    number: int
    left: float
    piece: float


@dataclass(eq=False)
class SimulatedJob:
    """`prefill` and `long` are units, and seconds of divisible work, before the first of `left` outputs."""

    left: float
    unit_after: str
    prefill: int = 0
    long: float = 0.0
    request: Request | None = None
    made: int = 0
    start: float = 0.0
    """Of a band: when its first frame is due."""
    ahead: float = AHEAD
    """And how long before that its window opens."""
    divided: float = 0.0
    """Seconds of the pieces that its steps can be cut into, for one run; 0: they cannot."""
    call: SimulatedCall | None = None

    @property
    def piece(self) -> Piece | None:
        if self.long > 0:
            return Piece()
        if self.call is not None:
            return Piece(min(self.call.piece, self.call.left), self.call.number)
        return Piece(self.divided) if self.divided else None

    @property
    def unit(self) -> str:
        if self.long > 0:
            return DIVISIBLE
        return "prefill" if self.prefill else self.unit_after

    @property
    def window(self) -> Window | None:
        if self.unit_after != "frame":
            return None
        if not self.left:
            return Window(math.inf, math.inf)
        due = self.start + self.made * 0.05
        return Window(due - self.ahead, due)


@dataclass
class Simulation:
    """`history` holds every batch with the time at its end; `charged` the seconds of each share, in seconds; `late`
    how many seconds after its deadline each frame of a band ended, `early` how long before its window it began."""

    cost: Cost
    max_jobs: int = 8
    max_batch: int = 8
    bounds: QueueBounds = QueueBounds(1000, 1000)
    fairness: Fairness | None = None
    policy: Policy | None = None
    now: float = 100.0
    history: list[tuple[float, Batch]] = field(default_factory=list)
    charged: dict[str, float] = field(default_factory=dict)
    started: dict[int, float] = field(default_factory=dict)
    ended: dict[int, float] = field(default_factory=dict)
    failed: dict[int, str] = field(default_factory=dict)
    late: list[float] = field(default_factory=list)
    early: list[float] = field(default_factory=list)
    pieces: dict[str, float] = field(default_factory=dict)
    """Units whose steps can pause, and the seconds of one piece of them, for one run."""
    spent: list[tuple[str, float]] = field(default_factory=list)
    """The time of each batch."""

    def __post_init__(self) -> None:
        text = fake_info(self.max_jobs, self.max_batch)
        infos: dict[str, EngineInfo] = {
            "text": text,
            "image": msgspec.structs.replace(PAINTER, max_jobs=self.max_jobs, max_batch=self.max_batch),
            "audio": band_info(),
        }
        self.scheduler = Scheduler(infos, self.bounds, self.fairness, self.policy)
        self._numbers = itertools.count(1)
        self._calls = itertools.count(1)
        self._work: dict[int, SimulatedJob] = {}

    def submit(
        self, share: str, *, tokens: int = 8, prefill: int = 0, long: float = 0.0, weight: float = 1.0
    ) -> Ticket:
        """A text. Raises the scheduler's errors."""
        job = SimulatedJob(tokens, "decode", prefill, long)
        return self._submit(share, request(tokens=tokens), job, weight)

    def paint(self, share: str, *, steps: int = 8, watched: bool = True, weight: float = 1.0) -> Ticket:
        wanted = ImageRequest("text_to_image", "a house", ImageParams(steps=steps), previews=int(watched))
        job = SimulatedJob(steps, "denoise", divided=self.pieces.get("denoise", 0.0))
        return self._submit(share, wanted, job, weight)

    def play(
        self, share: str, *, frames: float = math.inf, wait: float = 0.2, ahead: float = AHEAD
    ) -> Ticket:
        """A band of `frames` frames of 50 ms, whose first is due `wait` seconds from now."""
        job = SimulatedJob(frames, "frame", start=self.now + wait, ahead=ahead)
        return self._submit(share, band_request(self.now), job, 1.0)

    def tickets(self) -> list[Ticket]:
        """Every run that is not over."""
        return [ticket for number in self._work if (ticket := self.scheduler.get(number)) is not None]

    def admit(self) -> None:
        while ticket := self.scheduler.admit(self.now):
            self.started[ticket.number] = self.now
            job = self._work[ticket.number]
            ticket.job = cast(Job, job)  # its properties cannot be set, and nobody sets them
            job.start = max(job.start, self.now + AHEAD)

    def step(self) -> Batch | None:
        """Admit, pick, let time pass, account. None when there is nothing to do until somebody comes."""
        self.admit()
        while not isinstance(batch := self.scheduler.pick(self.now), Batch):
            self._give_up()
            if batch.until == math.inf:
                return None
            assert batch.until > self.now, "a rest that is none: the loop would spin"
            self.now = batch.until
        seconds = self._seconds(batch)
        windows = [self._work[ticket.number].window for ticket in batch.tickets]
        began, self.now = self.now, self.now + seconds
        for window in filter(None, windows):
            self.late.append(self.now - window.due)
            self.early.append(window.opens - began)
        self.history.append((self.now, batch))
        self.spent.append((batch.unit, seconds))
        before = {ticket.number: ticket.cost for ticket in batch.tickets}
        produced = [self._advance(ticket, seconds) for ticket in batch.tickets]
        self.scheduler.account(batch, seconds, produced, self.now)
        for ticket in batch.tickets:
            self.charged[ticket.share] = (
                self.charged.get(ticket.share, 0.0) + ticket.cost - before[ticket.number]
            )
            if self._work[ticket.number].left == 0:
                self.scheduler.finish(ticket, State.DONE)
                self.ended[ticket.number] = self.now
                del self._work[ticket.number]
        self._give_up()
        return batch

    def run(self, seconds: float) -> None:
        """Step until so much time has passed, or nothing is left."""
        end = self.now + seconds
        while self.now < end and self.step() is not None:
            pass

    def drain(self, most: int = 1_000_000) -> None:
        """Step until nothing is left."""
        for _ in range(most):
            if self.step() is None:
                assert not self.tickets(), "runs are left that nobody serves"
                return
        raise AssertionError(f"not done after {most} steps")

    def gaps(self, ticket: Ticket) -> list[float]:
        """Seconds between the ends of a run's units."""
        times = [end for end, batch in self.history if ticket in batch.tickets]
        return [later - earlier for earlier, later in itertools.pairwise(times)]

    def _submit(self, share: str, wanted: Request, job: SimulatedJob, weight: float) -> Ticket:
        number = next(self._numbers)
        ticket = Ticket(number, f"run{number}", 0, share, weight, kind_of(wanted), wanted, self.now)
        self.scheduler.submit(ticket)
        self._work[number] = replace(job, request=wanted)
        return ticket

    def _seconds(self, batch: Batch) -> float:
        if batch.unit == DIVISIBLE:
            assert batch.budget is not None
            return min(batch.budget, max(self._work[ticket.number].long for ticket in batch.tickets))
        jobs = [self._work[ticket.number] for ticket in batch.tickets]
        size, call = len(jobs), jobs[0].call
        assert all(job.call is call for job in jobs), "a unit that has begun goes on with strangers"
        if call is not None:
            assert all(job in jobs for job in self._work.values() if job.call is call), (
                "somebody is left behind"
            )
        if not jobs[0].divided or batch.budget is None:
            return self.cost(batch.unit, size)
        if call is None:
            piece = jobs[0].divided * size
            call = SimulatedCall(next(self._calls), self.cost(batch.unit, size), piece)
        fits = max(1, int(batch.budget / call.piece + 1e-9)) * call.piece
        seconds = min(call.left, fits)
        call.left -= seconds
        for job in jobs:
            job.call = call if call.left > 1e-9 else None
        return seconds

    def _advance(self, ticket: Ticket, seconds: float) -> int:
        job = self._work[ticket.number]
        if job.long > 0:
            job.long = max(0.0, job.long - seconds)
            return 0
        if job.prefill:
            job.prefill -= 1
            return 0
        if job.call is not None:
            return 0
        job.left -= 1
        job.made += 1
        return 1

    def _give_up(self) -> None:
        for ticket, reason in self.scheduler.hopeless(self.now):
            self.scheduler.finish(ticket, State.FAILED)
            self.failed[ticket.number] = reason
            del self._work[ticket.number]


__all__ = ["DIVISIBLE", "Cost", "Simulation", "affine", "by_unit", "flat"]
