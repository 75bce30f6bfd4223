"""Steps of undo, their order, and the reports of them (the property is in test_undo_machine)."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from pycrdt import Map, Text

from antiphon_engines.api import Image
from antiphon_proto.document.jam import TransportChange
from antiphon_proto.messages import (
    Accept,
    Ask,
    Conduct,
    Edit,
    Error,
    Paint,
    Redo,
    Stepped,
    Steps,
    Undo,
)
from antiphon_proto.messages.editing import StepKind
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


def edit(
    house: House, who: NativeReplica, work: Callable[[NativeReplica], object], step: StepKind = ""
) -> None:
    who.receive()
    before = who.doc.get_state()
    with who.doc.transaction():
        work(who)
    who.batch += 1
    update = who.doc.get_update(before)
    who.unacknowledged[who.batch] = update
    who.send(house.room, Edit(who.batch, update, step))
    house.tick(0.05)
    who.receive()


def write(house: House, who: NativeReplica, at: int, text: str, step: StepKind = "new") -> None:
    edit(house, who, lambda each: each.story.insert(each.index(at), text, {}), step)


def delete(house: House, who: NativeReplica, start: int, end: int) -> None:
    def work(each: NativeReplica) -> None:
        del each.story[each.index(start) : each.index(end)]

    edit(house, who, work, "new")


def place(house: House, who: NativeReplica, key: str, **fields: Any) -> None:
    known = {"x": 0.0, "y": 0.0, "w": 9.0, "h": 9.0, "z": f"{key}V"}
    made = known | (fields or {"type": "shape", "shape": "ellipse"})
    edit(house, who, lambda each: each.doc.get("canvas", type=Map).update({key: Map(made)}))


def ask(house: House, who: NativeReplica, start: int, end: int, mode: Any, *words: str) -> str:
    who.receive()
    assert who.resume is not None
    places = who.resume.offset, who.index(start), who.index(end)
    who.send(house.room, Ask(1, "instruct", mode, *places, "go on"))
    run = house.host.last
    house.host.start(run)
    house.host.say(run, *words)
    house.tick()
    house.host.finish(run)
    house.tick()
    return run


def back(house: House, who: NativeReplica, surface: Any = "story", times: int = 1) -> list[str]:
    """The text after each step."""
    seen = []
    for _ in range(times):
        who.send(house.room, Undo(None, surface))
        house.tick()
        seen.append(house.room.text())
    return seen


def again(house: House, who: NativeReplica, surface: Any = "story", times: int = 1) -> list[str]:
    seen = []
    for _ in range(times):
        who.send(house.room, Redo(surface))
        house.tick()
        seen.append(house.room.text())
    return seen


def test_steps_are_as_the_page_marks_them_and_by_pauses_otherwise(house: House, ann: NativeReplica) -> None:
    write(house, ann, 0, "one ")
    write(house, ann, 4, "two", "new")
    write(house, ann, 7, "!", "same")
    write(house, ann, 8, "x", "")
    house.tick(1)
    write(house, ann, 9, "y", "")
    assert back(house, ann, times=4) == ["one two!x", "one ", "", ""]
    assert again(house, ann, times=3) == ["one ", "one two!x", "one two!xy"]
    ann.receive()
    assert ann.of(Error)[-1] == Error("conflict", "there is nothing to undo", "undo", "")
    assert ann.of(Steps)[-1].steps == {"story": (3, 0)}
    # After a step back another word is another step, whatever the page says.
    back(house, ann)
    write(house, ann, 9, "z", "same")
    assert again(house, ann) == ["one two!xz"]
    assert back(house, ann, times=2) == ["one two!x", "one "]


def test_each_surface_has_its_own_list_and_no_step_reaches_into_another(
    house: House, ann: NativeReplica
) -> None:
    write(house, ann, 0, "text")
    for key in "abcde":  # five quick strokes, by a client that marks nothing
        place(house, ann, key)
    write(house, ann, 4, " more")
    objects = house.room.shared.document.canvas.objects
    assert len(objects()) == 5
    for left in (4, 3, 2, 1, 0):
        assert back(house, ann, "canvas") == ["text more"]
        assert len(objects()) == left
    back(house, ann, "canvas")
    ann.receive()
    assert ann.of(Error)[-1].code == "conflict"
    assert again(house, ann, "canvas") == ["text more"]
    assert list(objects()) == ["a"]
    # With no surface named it is the last of all.
    assert back(house, ann, None) == ["text"]
    told = ann.receive() and ann.of(Stepped)[-1]
    assert told
    assert (told.surface, told.kind, told.start, told.end) == ("story", "edit", 4, 4)


def test_own_runs_and_verdicts_go_back_in_their_place_and_leave_what_one_typed(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    write(house, ann, 0, "She ran. ")
    run = ask(house, ann, 0, 3, "suggest", "They ", "all")
    ann.receive()
    ann.send(house.room, Accept(run))
    house.tick()
    assert house.room.text() == "They all ran. "
    write(house, ann, 14, "Home.")
    info = house.room.runs.get(run)
    texts = back(house, ann, times=4)
    assert texts == ["They all ran. ", "SheThey all ran. ", "She ran. ", ""]
    assert again(house, ann, times=2) == ["She ran. ", "SheThey all ran. "]
    assert (info.info.suggestion, info.info.undone) == ("open", False)
    assert house.room.shared.document.marked("suggest", run) == [(3, 11)]
    assert again(house, ann, times=2) == ["They all ran. ", "They all ran. Home."]
    assert info.info.suggestion == "accepted"
    owners = [(span.length, span.owner.run) for span in house.room.shared.authorship.spans()]
    assert owners == [(8, run), (11, None)]
    # Somebody else's "Undo this" is an action of theirs, which they can take back.
    bo.send(house.room, Undo(run))
    house.tick()
    assert (house.room.text(), info.info.undone) == ("She ran. Home.", True)
    assert back(house, bo) == ["They all ran. Home."]
    assert not info.info.undone
    assert [(span.length, span.owner.run) for span in house.room.shared.authorship.spans()] == owners


def test_what_a_run_replaced_comes_back_where_it_stood(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    write(house, ann, 0, "first old last")
    run = ask(house, ann, 6, 9, "write", "new")
    assert house.room.text() == "first new last"
    delete(house, bo, 0, 14)
    back(house, bo)
    bo.send(house.room, Undo(run))
    house.tick()
    assert house.room.text() == "first old last"
    assert {span.owner.author for span in house.room.shared.authorship.spans()} == {ann.participant}
    # Undone, done again, and the server restarted: it comes back once.
    assert back(house, bo) == ["first new last"]
    house.restart()
    ann.seat = None
    ann.connect(house.room)
    ann.send(house.room, Undo(run))
    assert house.room.text() == "first old last"


def test_others_words_and_formats_stay_and_leave_my_redo(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    write(house, ann, 0, "my sentence")
    bo.receive()
    write(house, bo, 3, "THEIR ")
    edit(house, bo, lambda each: each.story.format(0, 9, {"italic": True}), "new")
    assert back(house, ann) == ["THEIR "]
    edit(house, bo, lambda each: each.story.format(0, 6, {"bold": True}), "new")
    assert again(house, ann) == ["my THEIR sentence"]
    assert house.formatted() == [
        ("my ", {"italic": True}),
        ("THEIR ", {"italic": True, "bold": True}),
        ("sentence", None),
    ]
    edit(house, ann, lambda each: each.story.format(0, 17, {"bold": True}), "new")
    assert back(house, ann) == ["my THEIR sentence"]
    assert house.formatted()[1] == ("THEIR ", {"italic": True, "bold": True})


def test_embeds_and_formats_of_lines_come_back(house: House, ann: NativeReplica) -> None:
    edit(house, ann, lambda each: each.story.insert(0, "head\n", {"header": 1}), "new")
    edit(house, ann, lambda each: each.story.insert_embed(2, {"image": "x"}), "new")
    before = house.room.shared.document.pieces()
    delete(house, ann, 0, 6)
    assert back(house, ann) != [""]
    assert house.room.shared.document.pieces() == before


def test_a_picture_is_what_goes_when_it_came_last_and_comes_again(house: House, ann: NativeReplica) -> None:
    place(house, ann, "s")
    place(house, ann, "f", type="frame", prompt="a house")
    ann.send(house.room, Paint(paint=1, frame="f", task="text_to_image", prompt="a house"))
    house.tick()
    run = house.host.last
    house.host.start(run)
    house.host.tell(run, Image(b"picture", 64, 64, 7))
    house.host.finish(run)
    for _ in range(2):
        house.tick()
        house.assets.deliver()
    objects = house.room.shared.document.canvas.objects
    [picture] = [key for key, one in objects().items() if one["type"] == "image"]
    before = objects()
    author = house.room.shared.objects.get(picture)
    back(house, ann, "canvas")
    assert sorted(objects()) == ["f", "s"]
    assert house.room.runs.get(run).info.undone
    again(house, ann, "canvas")
    assert objects() == before
    assert not house.room.runs.get(run).info.undone
    assert house.room.shared.objects.get(picture) == author


def test_a_word_of_a_board_text_goes_beside_what_others_write_in_it(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:

    def insert(at: int, words: str) -> Callable[[NativeReplica], object]:
        return lambda each: each.doc.get("canvas", type=Map)["t"]["text"].insert(at, words)

    place(house, ann, "t", type="text", text=Text("one two"))
    house.tick(1)
    edit(house, ann, insert(3, " and a half"))
    bo.receive()
    edit(house, bo, insert(0, "Bo: "))
    back(house, ann, "canvas")
    assert house.room.shared.document.canvas.objects()["t"]["text"] == "Bo: one two"


def test_what_a_page_undid_by_itself_is_known_as_such(house: House, ann: NativeReplica) -> None:
    write(house, ann, 0, "kept ")
    write(house, ann, 5, "undone")

    def away(each: NativeReplica) -> None:
        del each.story[5:11]

    edit(house, ann, away, "undo")
    assert house.room.text() == "kept "
    assert again(house, ann) == ["kept undone"]
    edit(house, ann, away, "undo")
    edit(house, ann, lambda each: each.story.clear(), "undo")
    write(house, ann, 0, "kept ", "redo")
    assert again(house, ann) == ["kept undone"]
    assert back(house, ann, times=2) == ["kept ", ""]
    write(house, ann, 0, "abc")
    delete(house, ann, 1, 2)
    write(house, ann, 1, "b", "undo")
    assert again(house, ann) == ["ac"]
    assert back(house, ann) == ["abc"]


def test_tempo_goes_back_by_ones_own_changes(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    tempo = lambda: house.room.jam_session.transport.course[-1].tempo  # noqa: E731
    first = tempo()
    ann.send(house.room, Conduct(1, TransportChange(tempo=90.0), "now"))
    house.tick(1)
    bo.send(house.room, Conduct(1, TransportChange(tonic=5), "now"))
    house.tick(1)
    ann.send(house.room, Conduct(2, TransportChange(tempo=140.0), "now"))
    house.tick(1)
    write(house, ann, 0, "text")
    back(house, ann, "jam")
    assert tempo() == 90.0
    bo.send(house.room, Conduct(2, TransportChange(tempo=200.0), "now"))
    house.tick(1)
    back(house, ann, "jam")  # somebody else's is not touched: there is nothing of hers left to take back
    assert (tempo(), house.room.text()) == (200.0, "text")
    back(house, bo, "jam", 2)
    house.tick(1)
    assert tempo() == 90.0
    assert house.room.jam_session.transport.course[-1].tonic != 5
    assert first != 90.0


def test_a_participants_list_is_bounded_and_what_is_held_too(house: House, ann: NativeReplica) -> None:
    for number in range(310):
        write(house, ann, number, "x")
    assert house.room.context.actions.counts(ann.participant) == {"story": (300, 0)}
    back(house, ann, times=300)
    assert house.room.text() == "x" * 10
    marks = {mark for stretch in house.room.shared.trace for mark in stretch.marks}
    assert len(marks) <= 300 + 64
