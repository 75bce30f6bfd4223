"""The loop's account of itself: counters for the gateway, and the trace of its decisions."""

from __future__ import annotations

import math
import time
from collections import Counter
from collections.abc import Callable, Sequence

from antiphon_engines.api import Audio, Made, Spoken, Step, Token
from antiphon_engines.ipc.channel import Stats, Traced
from antiphon_engines.ipc.trace import Recorder, RestRecord, RunRecord, UnitRecord, What
from antiphon_engines.scheduling.ticket import Ticket
from antiphon_engines.scheduling.unit_choice import Batch, Idle, has_paused


class Accounting:
    """`now` is seconds on the loop's clock; `cpu` gives those that its thread has computed: on a shared machine only
    they show the cost of scheduling."""

    def __init__(self, cpu: Callable[[], float] = time.thread_time) -> None:
        self._cpu = cpu
        self._recorder = Recorder()
        self._steps = self._units = self._late = 0
        self._made: Counter[str] = Counter()
        self._busy = self._overhead = 0.0
        self._busy_cpu = self._overhead_cpu = 0.0
        self._since = self._since_cpu = 0.0

    def begins(self, now: float) -> None:
        """A turn of the loop begins: it has its commands."""
        self._since, self._since_cpu = now, self._cpu()

    def enters(self, now: float) -> None:
        """An engine is about to admit or to step; the time before was overhead."""
        cpu = self._cpu()
        self._overhead += now - self._since
        self._overhead_cpu += cpu - self._since_cpu
        self._since, self._since_cpu = now, cpu

    def leaves(self, now: float) -> None:
        """The engine is done."""
        cpu = self._cpu()
        self._busy += now - self._since
        self._busy_cpu += cpu - self._since_cpu
        self._since, self._since_cpu = now, cpu

    def ends(self, now: float) -> None:
        """The turn ends: its reports are written."""
        self.enters(now)

    def stepped(self, batch: Batch, began: float, now: float) -> None:
        """A step ended, whether well or not."""
        tickets = tuple(ticket.number for ticket in batch.tickets)
        slack = None if batch.slack == math.inf else batch.slack
        self._recorder.add(
            UnitRecord(
                began,
                now - began,
                batch.engine,
                batch.unit,
                tickets,
                batch.paying,
                batch.reason,
                batch.expected,
                slack,
                batch.budget,
                has_paused(batch),
            )
        )

    def made(self, batch: Batch, results: Sequence[Sequence[Made]], produced: Sequence[int]) -> None:
        """The outputs of a step that ended well."""
        self._steps += 1
        self._units += len(batch.tickets)
        self._made[batch.engine] += sum(produced)
        outputs = (output for outputs in results for output in outputs)
        self._late += sum(isinstance(output, Audio) and output.late > 0 for output in outputs)

    def rested(self, rest: Idle, began: float, now: float) -> None:
        self._recorder.add(RestRecord(began, now - began, rest.held.number if rest.held else 0))

    def run(self, ticket: Ticket, what: What, now: float) -> None:
        if what == "queued":
            self._recorder.name(ticket.number, ticket.run, ticket.engine)
        self._recorder.add(RunRecord(now, ticket.number, what))

    def stats(self, active: int, waiting: int) -> Stats:
        return Stats(
            active=active,
            waiting=waiting,
            steps=self._steps,
            units=self._units,
            tokens=self._made["text"],
            busy_seconds=self._busy,
            overhead_seconds=self._overhead,
            busy_cpu_seconds=self._busy_cpu,
            overhead_cpu_seconds=self._overhead_cpu,
            painted=self._made["image"],
            played=self._made["audio"],
            late=self._late,
        )

    def recall(self, sequence: int) -> Traced:
        """The trace, as the answer to the `Recall` of that number."""
        return Traced(sequence, self._recorder.records(), self._recorder.names())


def units_in(outputs: Sequence[Made]) -> int:
    """How many outputs count as those that a run has planned."""
    return sum(
        isinstance(output, Token | Audio | Spoken) or (isinstance(output, Step) and output.step > 0)
        for output in outputs
    )
