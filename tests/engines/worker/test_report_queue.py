"""A run's reports keep their order, whenever files are written."""

from __future__ import annotations

from concurrent.futures import Future

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.api import Done, Image
from antiphon_engines.ipc.channel import Events
from antiphon_engines.ipc.events import Progressed, RunEvent
from antiphon_engines.worker.encoders import File
from antiphon_engines.worker.report_queue import ReportQueue

PICTURE = Image(b"p", 1, 1, 7)


def test_a_file_holds_back_its_own_run_and_no_other() -> None:
    reports, file = ReportQueue(), Future[File]()
    reports.add(1, Progressed(1, 1, 0))
    reports.add(1, file)
    reports.add(1, Done("end"))
    reports.add(2, Done("end"))
    assert reports.drain() == [Events(1, (Progressed(1, 1, 0),)), Events(2, (Done("end"),))]
    assert reports.drain() == []
    file.set_result(PICTURE)
    assert reports.drain() == [Events(1, (PICTURE, Done("end")))]
    assert reports.drain() == []


def test_nothing_is_told_of_a_dropped_run() -> None:
    reports, file = ReportQueue(), Future[File]()
    reports.add(1, file)
    reports.add(1, Done("end"))
    reports.drop(1)
    file.set_result(PICTURE)
    assert (reports.drain(), reports.broken()) == ([], [])


def test_a_file_that_could_not_be_written_ends_what_is_told() -> None:
    reports, first, second = ReportQueue(), Future[File](), Future[File]()
    for item in (first, Progressed(1, 1, 0), second, Done("end")):
        reports.add(1, item)
    error = OSError("no room")
    second.set_exception(error)
    assert reports.broken() == [], "not before its turn"
    first.set_result(PICTURE)
    assert reports.broken() == [(1, error)]
    assert reports.broken() == [], "once"
    assert reports.drain() == [Events(1, (PICTURE, Progressed(1, 1, 0)))]
    assert reports.drain() == []


@given(st.data())
@settings(derandomize=True, deadline=None, max_examples=60)
def test_every_run_hears_everything_once_and_in_order(data: st.DataObject) -> None:
    reports = ReportQueue()
    expected: dict[int, list[RunEvent]] = {1: [], 2: [], 3: []}
    heard: dict[int, list[RunEvent]] = {1: [], 2: [], 3: []}
    pending: list[tuple[Future[File], Image]] = []

    def look() -> None:
        for events in reports.drain():
            heard[events.ticket] += events.events

    for number in range(data.draw(st.integers(1, 30))):
        run = data.draw(st.sampled_from([1, 2, 3]))
        if data.draw(st.booleans()):
            file, picture = Future[File](), Image(b"p", 1, 1, number)
            pending.append((file, picture))
            reports.add(run, file)
            expected[run].append(picture)
        else:
            reports.add(run, Progressed(number, 99, 0))
            expected[run].append(Progressed(number, 99, 0))
        if pending and data.draw(st.booleans()):
            file, picture = pending.pop(data.draw(st.integers(0, len(pending) - 1)))
            file.set_result(picture)
        if data.draw(st.booleans()):
            look()
            for run, events in heard.items():
                assert events == expected[run][: len(events)]
    for file, picture in pending:
        file.set_result(picture)
    look()
    assert heard == expected
