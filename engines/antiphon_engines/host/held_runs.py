"""The runs that the host holds for its callers: their sinks, the queue's bounds, and the handling of a worker's
death."""

from __future__ import annotations

import itertools
import logging
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from antiphon_engines.api import Done, Failed, ImageRequest, QueueFull, Request, Steer, kind_of
from antiphon_engines.ipc.channel import Command, Submit, steering
from antiphon_engines.ipc.events import RunEvent, Started
from antiphon_engines.settings import QueueBounds
from antiphon_proto.errors import Conflict, ErrorCode, NotFound

logger = logging.getLogger(__name__)
Sink = Callable[[RunEvent], None]
MAX_WAITING_STEERS = 32


@dataclass(slots=True)
class HeldRun:
    ticket: int
    run: str
    epoch: int
    share: str
    weight: float
    request: Request
    sink: Sink
    started: bool = False
    deaths: int = 0
    """Workers that died while this run waited in them."""
    steers: list[tuple[Steer, int]] = field(default_factory=list)
    """Given while it waited, each with its epoch: a new worker must be told of them too."""

    def commands(self) -> list[Command]:
        """The command that submits this run."""
        submit = Submit(self.ticket, self.run, self.epoch, self.share, self.weight, self.request)
        return [submit, *(steering(self.ticket, *steer) for steer in self.steers)]


class HeldRuns:
    """Every run from `submit` until its last event. A run counts as waiting until the worker says `Started`."""

    def __init__(self, bounds: QueueBounds) -> None:
        self._bounds = bounds
        self._runs: dict[str, HeldRun] = {}
        self._by_ticket: dict[int, HeldRun] = {}
        self._waiting: Counter[tuple[str, str]] = Counter()
        """By kind of engine and share: runs of another kind wait for other places."""
        self._tickets = itertools.count(1)

    def __len__(self) -> int:
        return len(self._runs)

    @property
    def waiting(self) -> int:
        return self._waiting.total()

    def add(self, run: str, epoch: int, share: str, weight: float, request: Request, sink: Sink) -> HeldRun:
        """Raises Conflict for a run that is held already, and QueueFull."""
        if run in self._runs:
            raise Conflict(f"run {run} is already held by the engine")
        kind = kind_of(request)
        queue = sum(count for (other, _), count in self._waiting.items() if other == kind)
        if queue >= self._bounds.total:
            raise QueueFull(f"{queue} runs are waiting already; try again later")
        if (own := self._waiting[kind, share]) >= self._bounds.per_share:
            raise QueueFull(f"{own} of your runs are waiting already")
        sources = sum(_pictures(held.request) for held in self._runs.values())
        if sources and sources + _pictures(request) > self._bounds.source_bytes:
            raise QueueFull("too many pictures are waiting to be painted on; try again later")
        held = HeldRun(next(self._tickets), run, epoch, share, weight, request, sink)
        self._runs[run] = self._by_ticket[held.ticket] = held
        self._waiting[kind, share] += 1
        return held

    def steer(self, run: str, change: Steer, epoch: int) -> HeldRun:
        """Raises NotFound when the run is over, and QueueFull when too many changes wait for its start."""
        held = self._runs.get(run)
        if held is None:
            raise NotFound(f"run {run} is not running")
        if not held.started:
            if len(held.steers) >= MAX_WAITING_STEERS:
                raise QueueFull("too many changes wait for the start of this run")
            held.steers.append((change, epoch))
        return held

    def get(self, run: str) -> HeldRun | None:
        return self._runs.get(run)

    def drop(self, run: str) -> HeldRun | None:
        """Forget a run; its sink is not called again."""
        held = self._runs.pop(run, None)
        if held is not None:
            del self._by_ticket[held.ticket]
            self._no_longer_waiting(held)
        return held

    def deliver(self, ticket: int, events: Iterable[RunEvent]) -> None:
        """Give a worker's events to their run's sink; those of a run that was dropped go nowhere."""
        for event in events:
            # Looked up each time: a sink may cancel its own run.
            held = self._by_ticket.get(ticket)
            if held is None:
                return
            match event:
                case Started():
                    self._no_longer_waiting(held)
                    held.steers.clear()
                    held.started = True
                case Done() | Failed():
                    self.drop(held.run)
            _call(held, event)

    def worker_died(self, message: str, max_deaths: int) -> None:
        """Fail the runs that had started, and those that waited through too many deaths; the others stay."""
        for held in list(self._runs.values()):
            held.deaths += 1
            if held.started:
                self._fail(held, ErrorCode.WORKER_LOST, message)
            elif held.deaths >= max_deaths:
                text = f"the engine died {held.deaths} times while this run waited; last: {message}"
                self._fail(held, ErrorCode.WORKER_LOST, text)

    def fail_all(self, code: ErrorCode, message: str) -> None:
        for held in list(self._runs.values()):
            self._fail(held, code, message)

    def commands(self) -> list[Command]:
        """The commands that submit all waiting runs to a new worker, in order of arrival."""
        return [command for held in self._by_ticket.values() for command in held.commands()]

    def _fail(self, held: HeldRun, code: ErrorCode, message: str) -> None:
        if self._runs.get(held.run) is held:
            self.deliver(held.ticket, (Failed(code, message),))

    def _no_longer_waiting(self, held: HeldRun) -> None:
        if not held.started:
            queue = (kind_of(held.request), held.share)
            self._waiting[queue] -= 1
            if not self._waiting[queue]:
                del self._waiting[queue]


def _call(held: HeldRun, event: RunEvent) -> None:
    try:
        held.sink(event)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException:  # a panic inside pycrdt is no Exception
        logger.exception("the sink of run %s failed on %s", held.run, type(event).__name__)


def _pictures(request: Request) -> int:
    """Bytes of the pictures that a request brings."""
    return len(request.source or b"") + len(request.mask or b"") if isinstance(request, ImageRequest) else 0
