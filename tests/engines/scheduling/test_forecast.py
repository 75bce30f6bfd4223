"""Expected starts from measured paces."""

from __future__ import annotations

import pytest

from antiphon_engines.scheduling.forecast import Pace, QueueEstimate, forecast
from antiphon_engines.scheduling.ticket import Ticket
from support.fake_engine import request


def ticket(number: int, share: str = "ann", *, tokens: int = 10, outputs: int = 0, at: float = 0.0) -> Ticket:
    made = Ticket(number, f"run{number}", 0, share, 1.0, "text", request(tokens=tokens), 0.0)
    made.outputs = outputs
    made.output_at = made.started_at = at
    return made


def test_paces_are_measured_from_the_gaps_between_outputs() -> None:
    pace = Pace(smoothing=0.5)
    run = ticket(1, at=100.0)
    pace.observe(run, 0, now=101.0)
    assert pace.lead is None
    pace.observe(run, 1, now=102.0)
    run.outputs, run.output_at = 1, 102.0
    pace.observe(run, 2, now=103.0)
    pace.observe(run, 1, now=103.0)
    assert (pace.lead, pace.gap) == (2.0, pytest.approx(0.75))


def test_what_remains_is_never_negative() -> None:
    pace = Pace(lead=1.0, gap=0.5)
    assert pace.remaining(ticket(1, at=10.0), now=10.0) == 6.0
    assert pace.remaining(ticket(1, outputs=8, at=10.0), now=10.2) == pytest.approx(0.8)
    assert pace.remaining(ticket(1, outputs=9, at=10.0), now=99.0) == 0.0


def test_without_a_measured_gap_nothing_is_foretold() -> None:
    pace = Pace(lead=1.0)
    assert pace.remaining(ticket(1, at=10.0), now=10.5) == pace.duration(ticket(2)) == 0.0


def test_runs_take_the_places_as_they_become_free() -> None:
    pace = Pace(lead=1.0, gap=0.5)
    active = [ticket(1, outputs=6), ticket(2, outputs=8)]
    queue = [ticket(number) for number in (3, 4, 5)]
    estimates = forecast(queue, active, places=2, pace=pace, now=0.0)
    wanted = [QueueEstimate(1, 1.0), QueueEstimate(2, 2.0), QueueEstimate(3, 7.0)]
    assert [estimate for _, estimate in estimates] == wanted


def test_who_may_not_take_a_free_place_waits_for_one_of_their_own() -> None:
    pace = Pace(lead=1.0, gap=0.5)
    active = [ticket(1, "bob", outputs=2)]
    [(_, estimate)] = forecast([ticket(2, "bob")], active, places=2, pace=pace, now=0.0)
    assert estimate == QueueEstimate(1, 4.0)
