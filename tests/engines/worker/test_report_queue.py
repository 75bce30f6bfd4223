"""What is told of a run keeps its order, whatever is written when."""

from __future__ import annotations

from concurrent.futures import Future

from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.api import Done, Image
from antiphon_engines.ipc.channel import Events
from antiphon_engines.ipc.events import Progressed, RunEvent
from antiphon_engines.worker.encoders import File
from antiphon_engines.worker.report_queue import Outgoing

PICTURE = Image(b"p", 1, 1, 7)


def test_a_file_holds_back_its_own_run_and_no_other() -> None:
    outgoing, file = Outgoing(), Future[File]()
    outgoing.add(1, Progressed(1, 1, 0))
    outgoing.add(1, file)
    outgoing.add(1, Done("end"))
    outgoing.add(2, Done("end"))
    assert outgoing.take() == [Events(1, (Progressed(1, 1, 0),)), Events(2, (Done("end"),))]
    assert outgoing.take() == []
    file.set_result(PICTURE)
    assert outgoing.take() == [Events(1, (PICTURE, Done("end")))]
    assert outgoing.take() == []


def test_nothing_is_told_of_a_dropped_run() -> None:
    outgoing, file = Outgoing(), Future[File]()
    outgoing.add(1, file)
    outgoing.add(1, Done("end"))
    outgoing.drop(1)
    file.set_result(PICTURE)
    assert (outgoing.take(), outgoing.broken()) == ([], [])


def test_a_file_that_could_not_be_written_ends_what_is_told() -> None:
    outgoing, first, second = Outgoing(), Future[File](), Future[File]()
    for item in (first, Progressed(1, 1, 0), second, Done("end")):
        outgoing.add(1, item)
    error = OSError("no room")
    second.set_exception(error)
    assert outgoing.broken() == [], "not before its turn"
    first.set_result(PICTURE)
    assert outgoing.broken() == [(1, error)]
    assert outgoing.broken() == [], "once"
    assert outgoing.take() == [Events(1, (PICTURE, Progressed(1, 1, 0)))]
    assert outgoing.take() == []


@given(st.data())
@settings(derandomize=True, deadline=None, max_examples=60)
def test_every_run_hears_everything_once_and_in_order(data: st.DataObject) -> None:
    outgoing = Outgoing()
    expected: dict[int, list[RunEvent]] = {1: [], 2: [], 3: []}
    heard: dict[int, list[RunEvent]] = {1: [], 2: [], 3: []}
    pending: list[tuple[Future[File], Image]] = []

    def look() -> None:
        for events in outgoing.take():
            heard[events.ticket] += events.events

    for number in range(data.draw(st.integers(1, 30))):
        run = data.draw(st.sampled_from([1, 2, 3]))
        if data.draw(st.booleans()):
            file, picture = Future[File](), Image(b"p", 1, 1, number)
            pending.append((file, picture))
            outgoing.add(run, file)
            expected[run].append(picture)
        else:
            outgoing.add(run, Progressed(number, 99, 0))
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
