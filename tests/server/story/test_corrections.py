"""Corrections come as suggestions with their reasons, where the text still is as it was read."""

from __future__ import annotations

import pytest
from pycrdt import Map

from antiphon_engines.api import EngineUnavailable
from antiphon_proto.messages import Accept, AddComment, Ask, Error, Joined, Reject, RunInfo, Steer, Stop, Undo
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


def fix(house: House, who: NativeReplica, start: int, end: int) -> RunInfo:
    who.receive()
    assert who.resume is not None
    who.send(house.room, Ask(3, "fix", "suggest", who.resume.offset, who.index(start), who.index(end)))
    return house.room.run_infos()[-1]


def write(house: House, who: NativeReplica, text: str, at: int = 0) -> None:
    who.edit(house.room, at, insert=text)
    house.tick(1)
    who.receive()


def info(house: House, run: str) -> RunInfo:
    return house.room.runs.get(run).info


def test_the_paragraph_of_a_cursor_is_corrected(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    write(house, ann, "Да.\n🐈 He go to the the shop.\nOther.")
    run = fix(house, ann, 8, 8)
    assert house.proofreader.texts == [("🐈 He go to the the shop.", set())]
    assert (run.state, run.author, run.mode, run.model) == ("running", "proofreader", "suggest", "scripted")
    house.proofreader.find(("go", "goes"), ("the the", "the"))
    house.tick()
    marks = {"suggest_del": run.id}, {"ai": run.id, "suggest": run.id}
    assert house.formatted() == [
        ("Да.\n🐈 He ", None),
        ("go", {**marks[0], "reason": "not go"}),
        ("goes", {**marks[1], "reason": "not go"}),
        (" to ", None),
        ("the the", {**marks[0], "reason": "not the the"}),
        ("the", {**marks[1], "reason": "not the the"}),
        (" shop.\nOther.", None),
    ]
    assert (info(house, run.id).state, info(house, run.id).suggestion) == ("done", "open")
    assert (info(house, run.id).progress, info(house, run.id).length) == (2, 2)
    bo.receive()
    assert [m.participant.name for m in bo.of(Joined) if m.participant.kind == "ai"] == ["Proofreader"]
    assert bo.resume is not None
    bo.send(house.room, Accept(run.id, bo.resume.offset, bo.index(9), bo.index(15)))
    house.tick()
    bo.receive()
    bo.send(house.room, Reject(run.id))
    house.tick()
    assert house.formatted() == [
        ("Да.\n🐈 He ", None),
        ("goes", {"ai": run.id}),
        (" to the the shop.\nOther.", None),
    ]
    assert info(house, run.id).suggestion == "accepted"


def test_what_people_change_meanwhile_is_left_alone(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    write(house, ann, "teh cat adn teh dog")
    run = fix(house, ann, 0, 19)
    bo.receive()
    bo.edit(house.room, 0, insert="字字 ")
    bo.edit(house.room, 12, delete=2)  # one of the misspelt words is no more
    house.proofreader.find(("teh", "the"), ("adn", "and"), ("teh", "the"))
    house.tick()
    assert info(house, run.id).progress == 2
    ann.send(house.room, Accept(run.id))
    assert house.room.text() == "字字 the cat a the dog"


def test_a_correction_keeps_formatting_and_comments(house: House, ann: NativeReplica) -> None:
    write(house, ann, "teh cat")
    assert ann.resume is not None
    ann.send(house.room, AddComment("c", ann.resume.offset, 0, 7, "hm"))
    house.tick()
    run = fix(house, ann, 0, 7)
    house.proofreader.find(("teh", "the"))
    house.tick()
    ann.send(house.room, Accept(run.id))
    assert [marks and marks.get("comment:c") for _, marks in house.formatted()] == [True, True]


def test_undo_leaves_nothing_of_a_correction(house: House, ann: NativeReplica) -> None:
    write(house, ann, "teh cat")
    run = fix(house, ann, 0, 7)
    house.proofreader.find(("teh", "the"))
    house.tick()
    ann.send(house.room, Undo(run.id))
    assert house.formatted() == [("teh cat", None)]


def test_nothing_wrong_is_no_suggestion(house: House, ann: NativeReplica) -> None:
    write(house, ann, "the cat")
    run = fix(house, ann, 0, 7)
    house.proofreader.answer([])
    house.tick()
    assert (info(house, run.id).state, info(house, run.id).suggestion) == ("done", "none")


def test_failing_stopping_and_steering(house: House, ann: NativeReplica) -> None:
    write(house, ann, "teh cat")
    failed, stopped = fix(house, ann, 0, 7), fix(house, ann, 0, 7)
    ann.send(house.room, Steer(stopped.id))
    ann.send(house.room, Stop(stopped.id))
    house.proofreader.answer(EngineUnavailable("it is not installed"))
    house.proofreader.find(("teh", "the"))  # too late
    house.tick()
    assert (info(house, failed.id).state, info(house, failed.id).error) == ("failed", "it is not installed")
    assert info(house, stopped.id).state == "stopped"
    assert house.formatted() == [("teh cat", None)]
    ann.receive()
    assert [(e.code, e.re) for e in ann.of(Error)] == [("invalid", "steer")]


def test_what_cannot_be_corrected_is_refused(house: House, ann: NativeReplica) -> None:
    write(house, ann, "\n\n" + "x" * 70_000)
    assert ann.resume is not None
    for start, end in ((1, 1), (0, 70_002)):
        ann.send(house.room, Ask(3, "fix", "suggest", ann.resume.offset, start, end))
    ann.receive()
    assert [(e.code, e.re, e.ref) for e in ann.of(Error)] == [
        ("invalid", "ask", "3"),
        ("too_large", "ask", "3"),
    ]


def test_names_of_the_style_card_are_right(house: House, ann: NativeReplica) -> None:
    write(house, ann, "Ieva laughs.")
    before = ann.doc.get_state()
    ann.doc.get("style", type=Map)["facts"] = "Ieva is a miller."
    ann.send_update(house.room, ann.doc.get_update(before))
    fix(house, ann, 0, 3)
    assert "Ieva" in house.proofreader.texts[-1][1]
