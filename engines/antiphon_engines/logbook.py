"""The loop's account of itself: counters for the gateway, and the trace of what it did and why."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from antiphon_engines.api import Audio, Output, Step, Token
from antiphon_engines.channel import Stats, Traced
from antiphon_engines.job import Ticket
from antiphon_engines.trace import Recorder, RestRecord, RunRecord, UnitRecord, What
from antiphon_engines.turns import Batch, Rest


class Logbook:
    """Times are seconds on the loop's clock."""

    def __init__(self) -> None:
        self._recorder = Recorder()
        self._steps = self._units = self._late = 0
        self._made: Counter[str] = Counter()
        self._busy = self._overhead = 0.0
        self._engines = 0.0
        """Seconds of this turn that were the engines' own."""

    def turn_begins(self) -> None:
        self._engines = 0.0

    def turn_ends(self, seconds: float) -> None:
        """A turn of the loop took so long, from the commands that it took to the reports that it wrote."""
        self._overhead += seconds - self._engines

    def admitted(self, seconds: float) -> None:
        """An engine took so long to admit a job."""
        self._engines += seconds

    def stepped(self, batch: Batch, began: float, now: float) -> None:
        """A step ended, whether well or not."""
        self._engines += now - began
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
            )
        )

    def made(
        self, batch: Batch, results: Sequence[Sequence[Output]], produced: Sequence[int], seconds: float
    ) -> None:
        """What came of a step that ended well."""
        self._steps += 1
        self._units += len(batch.tickets)
        self._made[batch.engine] += sum(produced)
        outputs = (output for outputs in results for output in outputs)
        self._late += sum(isinstance(output, Audio) and output.late > 0 for output in outputs)
        self._busy += seconds

    def rested(self, rest: Rest, began: float, now: float) -> None:
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
            painted=self._made["image"],
            played=self._made["audio"],
            late=self._late,
        )

    def recall(self, sequence: int) -> Traced:
        """The trace, as the answer to the `Recall` of that number."""
        return Traced(sequence, self._recorder.records(), self._recorder.names())


def units_in(outputs: Sequence[Output]) -> int:
    """How many outputs count as those that a run has planned."""
    return sum(
        isinstance(output, Token | Audio) or (isinstance(output, Step) and output.step > 0)
        for output in outputs
    )
