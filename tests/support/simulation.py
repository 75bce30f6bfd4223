"""A scheduler on a simulated device: virtual time, no engine, no process."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

from antiphon_engines.api import Window
from antiphon_engines.job import State, Ticket
from antiphon_engines.scheduler import Batch, Fairness, Scheduler
from antiphon_engines.settings import QueueBounds
from support.fake_engine import fake_info, request

Cost = Callable[[str, int], float]
"""(unit, batch size) -> seconds of one step."""


def affine(fixed: float = 0.02, each: float = 0.01, prefill: float = 0.2) -> Cost:
    """A CPU: a bigger batch is dearer, though not in proportion."""
    return lambda unit, size: (prefill if unit == "prefill" else fixed + each) + each * (size - 1)


def flat(seconds: float = 0.02) -> Cost:
    """A large GPU: the batch costs what one run costs."""
    return lambda unit, size: seconds


@dataclass(eq=False)
class SimulatedJob:
    prefill: int
    tokens: int
    window: Window | None = None

    @property
    def unit(self) -> str:
        return "prefill" if self.prefill else "decode"


@dataclass
class Simulation:
    """`history` holds every batch with the time at its end; `charged` what each share was charged, in seconds."""

    cost: Cost
    max_jobs: int = 8
    max_batch: int = 8
    bounds: QueueBounds = QueueBounds(1000, 1000)
    fairness: Fairness | None = None
    now: float = 100.0
    history: list[tuple[float, Batch]] = field(default_factory=list)
    charged: dict[str, float] = field(default_factory=dict)
    started: dict[int, float] = field(default_factory=dict)
    ended: dict[int, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.scheduler = Scheduler(
            {"text": fake_info(self.max_jobs, self.max_batch)}, self.bounds, self.fairness
        )
        self._numbers = itertools.count(1)
        self._work: dict[int, SimulatedJob] = {}

    def submit(self, share: str, *, tokens: int = 8, prefill: int = 0, weight: float = 1.0) -> Ticket:
        """Raises what the scheduler raises."""
        number = next(self._numbers)
        ticket = Ticket(number, f"run{number}", 0, share, weight, "text", request(tokens=tokens), self.now)
        self.scheduler.submit(ticket)
        self._work[number] = SimulatedJob(prefill, tokens)
        return ticket

    def tickets(self) -> list[Ticket]:
        """Every run that is not over."""
        return [ticket for number in self._work if (ticket := self.scheduler.get(number)) is not None]

    def admit(self) -> None:
        while ticket := self.scheduler.admit(self.now):
            self.started[ticket.number] = self.now
            ticket.job = self._work[ticket.number]

    def step(self) -> Batch | None:
        """Admit, pick, let time pass, account."""
        self.admit()
        batch = self.scheduler.pick(self.now)
        if batch is None:
            return None
        seconds = self.cost(batch.unit, len(batch.tickets))
        self.now += seconds
        self.history.append((self.now, batch))
        before = {ticket.number: ticket.cost for ticket in batch.tickets}
        produced = [self._advance(ticket) for ticket in batch.tickets]
        self.scheduler.account(batch, seconds, produced, self.now)
        for ticket in batch.tickets:
            self.charged[ticket.share] = (
                self.charged.get(ticket.share, 0.0) + ticket.cost - before[ticket.number]
            )
            if self._work[ticket.number].tokens == 0:
                self.scheduler.finish(ticket, State.DONE)
                self.ended[ticket.number] = self.now
                del self._work[ticket.number]
        return batch

    def drain(self, most: int = 1_000_000) -> None:
        """Step until nothing is left."""
        for _ in range(most):
            if self.step() is None:
                assert not self.tickets(), "runs are left that nobody serves"
                return
        raise AssertionError(f"not done after {most} steps")

    def _advance(self, ticket: Ticket) -> int:
        job = self._work[ticket.number]
        if job.prefill:
            job.prefill -= 1
            return 0
        job.tokens -= 1
        return 1
