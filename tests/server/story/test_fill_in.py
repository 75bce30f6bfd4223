"""Words for a gap: private until one is chosen, then a run's words like others."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.api import Fills, TextRequest
from antiphon_proto.errors import AntiphonError, PeerError
from antiphon_proto.messages import Ask, Choose, Error, Retry, Run, RunInfo, Steer, Stop, Undo
from antiphon_proto.params import MAX_FILL
from antiphon_server.story.fill_in import check, spaced
from antiphon_server.story.prompt_window import window
from support.replica import NativeReplica
from support.rooms import House


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def ann(house: House) -> NativeReplica:
    return house.join(NativeReplica("Ann", "owner", 11))


@pytest.fixture
def bo(house: House, ann: NativeReplica) -> NativeReplica:
    return house.join(NativeReplica("Bo", "editor", 12))


def write(house: House, who: NativeReplica, text: str) -> None:
    who.edit(house.room, 0, insert=text)
    house.tick(1)
    who.receive()


def fill(house: House, who: NativeReplica, start: int, end: int, mode: str = "private") -> str:
    """The run that it started; empty when it was refused."""
    known = set(house.host.requests)
    who.receive()
    assert who.resume is not None
    place = who.index(start), who.index(end)
    who.send(house.room, Ask(1, "fill", mode, who.resume.offset, *place))
    return next((run for run in house.host.requests if run not in known), "")


def find(house: House, run: str, *words: str, end: bool = False) -> None:
    if info(house, run).state == "queued":
        house.host.start(run)
    house.host.tell(run, Fills(words))
    if end:
        house.host.finish(run)
    house.tick()


def info(house: House, run: str) -> RunInfo:
    return house.room.runs.get(run).info


def errors(who: NativeReplica) -> list[tuple[str, str]]:
    who.receive()
    return [(error.code, error.re) for error in who.of(Error)]


def told(who: NativeReplica, run: str) -> list[tuple[str, ...]]:
    who.receive()
    return [message.run.fills for message in who.of(Run) if message.run.id == run]


def test_what_is_found_is_told_to_the_asker_alone(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    write(house, ann, "Кот 🐈 the rope.")
    run = fill(house, ann, 6, 6)
    find(house, run, "pulled")
    find(house, run, "pulled", "took hold of")
    assert told(ann, run)[-1] == ("pulled", "took hold of")
    assert told(bo, run) == []
    assert house.room.text() == "Кот 🐈 the rope."
    ann.send(house.room, Choose(run, "write", "took hold of"))
    house.tick()
    assert house.room.text() == "Кот 🐈 took hold of the rope."
    # Chosen while the search goes on: it is over, and everybody sees whose words these are.
    assert (info(house, run).state, info(house, run).fills, info(house, run).mode) == ("stopped", (), "write")
    assert ("took hold of ", {"ai": run}) in house.formatted()
    ann.send(house.room, Undo(run))
    house.tick()
    assert house.room.text() == "Кот 🐈 the rope."


@pytest.mark.parametrize("mode", ["write", "suggest"])
def test_a_selection_is_replaced_and_comes_back(house: House, ann: NativeReplica, mode: str) -> None:
    write(house, ann, "He quickly went, home.")
    run = fill(house, ann, 3, 15)
    request = house.host.requests[run]
    assert isinstance(request, TextRequest)
    assert (request.before, request.selection, request.after) == ("He ", "quickly went", ", home.")
    find(house, run, "took", end=True)
    ann.send(house.room, Choose(run, mode, "took"))
    house.tick()
    if mode == "suggest":
        assert info(house, run).suggestion == "open"
        assert house.formatted()[1:3] == [
            ("quickly went", {"suggest_del": run}),
            ("took", {"ai": run, "suggest": run}),
        ]
        return
    assert house.room.text() == "He took, home."
    ann.send(house.room, Undo(run))
    house.tick()
    assert house.room.text() == "He quickly went, home."


def test_the_gap_follows_what_others_write(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    write(house, ann, "He the rope.")
    run = fill(house, ann, 3, 3)
    find(house, run, "took")
    bo.receive()
    bo.edit(house.room, 0, insert="Then. ")
    house.tick(1)
    bo.receive()
    bo.edit(house.room, 9, delete=3)
    house.tick(1)
    ann.receive()
    ann.send(house.room, Choose(run, "write", "took"))
    house.tick()
    # The blank that stood behind the words that went is not doubled.
    assert house.room.text() == "Then. He took rope."


def test_only_what_was_found_can_be_chosen(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    write(house, ann, "He the rope.")
    run = fill(house, ann, 3, 3)
    find(house, run, "took", end=True)
    for sender, words in ((ann, "forged words"), (ann, ""), (bo, "took")):
        sender.receive()
        sender.send(house.room, Choose(run, "write", words))
    house.tick()
    assert house.room.text() == "He the rope."
    assert errors(ann) == [("conflict", "choose"), ("conflict", "choose")]
    assert errors(bo) == [("not_found", "choose")]


def test_it_is_tried_again_not_steered_and_dropped(house: House, ann: NativeReplica) -> None:
    write(house, ann, "He the rope.")
    run = fill(house, ann, 3, 3)
    find(house, run, "took", end=True)
    known = set(house.host.requests)
    ann.send(house.room, Retry(9, run))
    (again,) = set(house.host.requests) - known
    assert (info(house, again).origin, info(house, again).task) == (run, "fill")
    assert (info(house, run).undone, info(house, run).fills) == (True, ())
    find(house, again, "held")
    ann.send(house.room, Steer(again))
    ann.send(house.room, Stop(again))
    ann.send(house.room, Undo(again))
    house.tick()
    assert info(house, again).undone
    assert house.room.text() == "He the rope."
    assert errors(ann) == [("invalid", "steer")]


@pytest.mark.parametrize(
    ("text", "start", "end", "mode", "code"),
    [
        ("", 0, 0, "private", "invalid"),
        (" \n ", 1, 1, "private", "invalid"),
        ("He the rope.", 5, 5, "private", "invalid"),
        ("Кот спал.", 2, 2, "private", "invalid"),
        ("He the rope.", 3, 3, "write", "invalid"),
        ("One two\nthree four", 4, 13, "private", "invalid"),
        ("He " + "x" * (MAX_FILL + 1) + " rope.", 3, 3 + MAX_FILL + 1, "private", "too_large"),
    ],
)
def test_what_cannot_be_filled(
    house: House, ann: NativeReplica, text: str, start: int, end: int, mode: str, code: str
) -> None:
    if text:
        write(house, ann, text)
    assert fill(house, ann, start, end, mode) == ""
    assert errors(ann) == [(code, "ask")]
    assert len(house.room.run_infos()) == 0


@given(st.text(), st.integers(0, 400), st.integers(0, 400))
def test_any_place_of_any_text_is_checked_with_bounded_work(text: str, first: int, second: int) -> None:
    data = text.encode("utf-8", "ignore")
    whole = data.decode()
    start, end = sorted((min(first, len(whole)), min(second, len(whole))))
    places = len(whole[:start].encode()), len(whole[:end].encode())
    view = window(data, *places)
    try:
        check(Ask(1, "fill", "private", 0, 0, 0), view)
    except AntiphonError as error:
        assert isinstance(error, PeerError)  # the sender's mistake, never ours


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("He ", " home", "went"),
        ("He", "home", " went "),
        ("He", ", home", " went"),
        ("(", ")", "went"),
        ("", "", "went"),
        ("line\n", "\nline", "went"),
        ("猫が", "寝た", "went"),
    ],
)
def test_blanks_are_put_where_they_are_missing(before: str, after: str, expected: str) -> None:
    assert spaced("went", before, after) == expected


def test_a_megabyte_is_cut_to_a_window() -> None:
    view = window(b"word " * 200_000, 500_000, 500_000)
    check(Ask(1, "fill", "private", 0, 0, 0), view)
    assert len(view.before) + len(view.after) < 6000
