"""Chat, comments and style card: written by whom they are from, shared by all, put right when a client would forge."""

from __future__ import annotations

from typing import Any

import pytest
from pycrdt import Array, Map

from antiphon_engines.api import EngineUnavailable, TextRequest
from antiphon_proto.document.style import MAX_WORDS, dictionary
from antiphon_proto.messages import (
    Ack,
    AddComment,
    AddReply,
    Ask,
    DeleteComment,
    Error,
    ResolveComment,
    Run,
    Say,
    Tokens,
    Undo,
    Update,
)
from antiphon_server.room_limits import RoomLimits
from support.replica import NativeReplica, PlainReplica
from support.rooms import House


@pytest.fixture
def house() -> House:
    return House(RoomLimits(max_chat=4, max_comments=3))


@pytest.fixture
def ann(house: House) -> NativeReplica:
    return house.join(NativeReplica("Ann", "owner", 11))


@pytest.fixture
def bo(house: House, ann: NativeReplica) -> NativeReplica:
    return house.join(NativeReplica("Bo", "editor", 12))


@pytest.fixture
def viewer(house: House, ann: NativeReplica) -> NativeReplica:
    return house.join(NativeReplica("Vi", "viewer", 13))


def chat(house: House) -> list[dict[str, Any]]:
    return house.room.shared.document.side.chat()


def comments(house: House) -> dict[str, dict[str, Any]]:
    return house.room.shared.document.side.comments()


def seen(who: NativeReplica | PlainReplica, root: str, kind: Any) -> Any:
    """The content of a root of a client's own copy."""
    return who.doc.get(root, type=kind).to_py()


def errors(who: NativeReplica) -> list[tuple[str, str, str]]:
    who.receive()
    return [(error.code, error.re, error.ref) for error in who.of(Error)]


def comment(
    house: House, who: NativeReplica, start: int, end: int, key: str = "c1", text: str = "hm"
) -> None:
    who.receive()
    assert who.resume is not None
    message = AddComment(key, who.resume.offset, who.index(start), who.index(end), text)
    who.send(house.room, message)
    house.tick()


def passage(house: House, key: str) -> str:
    attribute = f"comment:{key}"
    return "".join(text for text, attributes in house.formatted() if attributes and attribute in attributes)


# Chat -------------------------------------------------------------------------------------------------


def test_what_is_said_is_everybodys_under_the_true_name(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    plain = PlainReplica()
    plain.connect(house.room)
    ann.send(house.room, Say(1, "Привет 👋"))
    house.tick()
    plain.receive(house.room)
    bo.receive()
    assert [(e["participant"], e["text"]) for e in seen(bo, "chat", Array)] == [
        (ann.participant, "Привет 👋")
    ]
    assert seen(plain, "chat", Array) == seen(bo, "chat", Array)
    assert isinstance(seen(bo, "chat", Array)[0]["ms"], float)  # an integer would be a BigInt in JavaScript


def test_the_oldest_entries_make_room(house: House, ann: NativeReplica) -> None:
    for number in range(6):
        ann.send(house.room, Say(number, f"line {number}"))
    assert [entry["text"] for entry in chat(house)] == ["line 2", "line 3", "line 4", "line 5"]
    house.tick()
    house.restart()
    assert [entry["text"] for entry in chat(house)] == ["line 2", "line 3", "line 4", "line 5"]


def test_nothing_is_not_said_and_viewers_say_nothing(
    house: House, ann: NativeReplica, viewer: NativeReplica
) -> None:
    ann.send(house.room, Say(7, " \0 "))
    viewer.send(house.room, Say(8, "hello"))
    assert errors(ann) == [("invalid", "say", "7")]
    assert errors(viewer) == [("denied", "say", "8")]
    assert chat(house) == []


@pytest.mark.parametrize("how", ["append", "change", "delete"])
def test_a_clients_own_write_to_the_chat_is_refused(
    house: House, ann: NativeReplica, bo: NativeReplica, how: str
) -> None:
    ann.send(house.room, Say(1, "mine"))
    house.tick()
    bo.receive()
    before = bo.doc.get_state()
    entries = bo.doc.get("chat", type=Array)
    with bo.doc.transaction():
        if how == "append":
            entries.append(Map({"id": "x", "participant": ann.participant, "text": "forged", "ms": 1.0}))
        elif how == "change":
            entries[0]["text"] = "forged"
        else:
            del entries[0]
        bo.story.insert(0, "and a word", {})
    bo.send_update(house.room, bo.doc.get_update(before))
    house.tick()
    ann.receive()
    bo.receive()
    assert [entry["text"] for entry in seen(ann, "chat", Array)] == ["mine"]
    assert ann.text == house.room.text() == ""
    assert bo.of(Ack)[0].status == "invalid"


@pytest.mark.parametrize("text", ["Antiphon, what now?", "@antiphon what now?", "what now?"])
def test_the_ai_answers_in_the_chat_while_it_streams(
    house: House, ann: NativeReplica, bo: NativeReplica, text: str
) -> None:
    bo.edit(house.room, 0, insert="The mill stood still.")
    bo.send(house.room, Say(1, "I like the mill"))
    ann.send(house.room, Say(2, text, to_ai=text.startswith("what")))
    run = house.host.last
    request = house.host.requests[run]
    assert isinstance(request, TextRequest)
    assert (request.task, request.before, request.instruction) == (
        "chat",
        "The mill stood still.",
        "what now?",
    )
    assert [(line.name, line.text) for line in request.chat] == [
        ("Bo", "I like the mill"),
        ("Ann", "what now?"),
    ]
    house.host.start(run)
    house.host.say(run, " The", " wheel")
    house.tick(1)
    assert chat(house)[-1]["text"] == "The wheel"
    house.host.say(run, " turns.")
    house.host.finish(run)
    house.tick(1)
    bo.receive()
    entry = seen(bo, "chat", Array)[-1]
    info = house.room.runs.get(run).info
    assert (entry["participant"], entry["text"], entry["run"]) == ("ai", "The wheel turns.", run)
    assert (info.task, info.target, info.state) == ("chat", entry["id"], "done")
    assert [token.text for m in bo.of(Tokens) for token in m.tokens] == [" The", " wheel", " turns."]
    assert house.room.text() == "The mill stood still."
    ann.send(house.room, Undo(run))
    assert [e["participant"] for e in chat(house)] == [bo.participant, ann.participant]


def test_what_was_said_stands_when_the_ai_cannot_answer(house: House, ann: NativeReplica) -> None:
    house.host.refusal = EngineUnavailable("it loads")
    ann.send(house.room, Say(3, "hello?", to_ai=True))
    # Its sender sees their message before they hear why nobody answers, and so does not offer it once more.
    assert [type(m) for m in ann.receive() if isinstance(m, Error | Update)] == [Update, Error]
    assert errors(ann) == [("unavailable", "say", "3")]
    assert [entry["text"] for entry in chat(house)] == ["hello?"]
    assert not house.room.run_infos()


def test_an_answer_whose_entry_was_dropped_ends(house: House, ann: NativeReplica) -> None:
    ann.send(house.room, Say(1, "hello?", to_ai=True))
    run = house.host.last
    house.host.start(run)
    for number in range(4):
        ann.send(house.room, Say(number, "more"))
    house.host.say(run, "late")
    house.tick(1)
    house.tick(1)
    assert house.room.runs.get(run).info.state == "failed"
    assert house.host.cancelled == [run]


# Comments ---------------------------------------------------------------------------------------------


def test_a_comment_moves_with_its_passage_and_is_talked_about(
    house: House, ann: NativeReplica, bo: NativeReplica, viewer: NativeReplica
) -> None:
    ann.edit(house.room, 0, insert="Кот 🐈 спал.")
    house.tick()
    comment(house, viewer, 4, 5, text="which cat?")
    bo.receive()
    bo.edit(house.room, 0, insert="Рыжий ")
    bo.send(house.room, AddReply("c1", "the red one"))
    house.tick()
    assert passage(house, "c1") == "🐈"
    found = comments(house)["c1"]
    assert (found["author"], found["text"], found["quote"], found["resolved"]) == (
        viewer.participant,
        "which cat?",
        "🐈",
        False,
    )
    assert [(r["author"], r["text"]) for r in found["replies"]] == [(bo.participant, "the red one")]
    ann.send(house.room, ResolveComment("c1"))
    house.tick()
    house.restart()
    assert comments(house)["c1"]["resolved"] is True
    assert passage(house, "c1") == "🐈"


def test_a_comment_outlives_its_passage(house: House, ann: NativeReplica) -> None:
    ann.edit(house.room, 0, insert="one two three")
    house.tick()
    comment(house, ann, 4, 7)
    ann.edit(house.room, 3, delete=5)
    assert passage(house, "c1") == ""
    assert comments(house)["c1"]["quote"] == "two"


def test_only_its_author_or_a_moderator_deletes_a_comment(
    house: House, ann: NativeReplica, bo: NativeReplica, viewer: NativeReplica
) -> None:
    ann.edit(house.room, 0, insert="one two three")
    house.tick()
    comment(house, viewer, 4, 7)
    bo.send(house.room, AddReply("c1", "yes"))
    reply = comments(house)["c1"]["replies"][0]["id"]
    bo.send(house.room, DeleteComment("c1"))
    viewer.send(house.room, DeleteComment("c1", reply))
    assert errors(bo) == [("denied", "delete_comment", "c1")]
    assert errors(viewer) == [("denied", "delete_comment", "c1")]
    bo.send(house.room, DeleteComment("c1", reply))
    assert comments(house)["c1"]["replies"] == []
    ann.send(house.room, DeleteComment("c1"))
    assert comments(house) == {}
    assert passage(house, "c1") == ""


def test_bounds_and_faults_of_comments(house: House, ann: NativeReplica) -> None:
    ann.edit(house.room, 0, insert="one two three")
    house.tick()
    for key in ("c1", "c2", "c3", "c4"):
        comment(house, ann, 0, 3, key)
    comment(house, ann, 0, 3, "c1")
    comment(house, ann, 2, 2, "c5")
    comment(house, ann, 2, 3, "c6", "\0 ")
    ann.send(house.room, AddReply("c9", "x"))
    assert errors(ann) == [
        ("too_large", "comment", "c4"),
        ("conflict", "comment", "c1"),
        ("too_large", "comment", "c5"),
        ("invalid", "comment", "c6"),
        ("not_found", "reply", "c9"),
    ]
    assert sorted(comments(house)) == ["c1", "c2", "c3"]


def test_a_client_cannot_write_comments_by_itself(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    ann.edit(house.room, 0, insert="one two three")
    house.tick()
    comment(house, ann, 0, 3)
    ann.send(house.room, AddReply("c1", "yes"))
    house.tick()
    bo.receive()
    before = bo.doc.get_state()
    root = bo.doc.get("comments", type=Map)
    with bo.doc.transaction():
        root["c1"]["text"] = "forged"
        del root["c1"]["replies"][0]
        root["c2"] = Map({"author": ann.participant, "text": "forged"})
        root["c3"] = 7.0
    bo.send_update(house.room, bo.doc.get_update(before))
    house.tick()
    ann.receive()
    bo.receive()
    assert bo.of(Ack)[0].status == "invalid"
    found = seen(ann, "comments", Map)
    assert list(found) == ["c1"]
    assert (found["c1"]["text"], [r["text"] for r in found["c1"]["replies"]]) == ("hm", ["yes"])


def test_the_ais_text_inside_a_passage_is_of_it(house: House, ann: NativeReplica) -> None:
    ann.edit(house.room, 0, insert="one two three")
    house.tick()
    comment(house, ann, 4, 7)
    ann.receive()
    assert ann.resume is not None
    ann.send(house.room, Ask(1, "rewrite", "write", ann.resume.offset, 4, 7, "in French"))
    run = house.host.last
    house.host.start(run)
    house.host.say(run, "de", "ux")
    house.tick()
    assert passage(house, "c1") == "deux"
    ann.send(house.room, Undo(run))
    assert (house.room.text(), passage(house, "c1")) == ("one two three", "two")


# Style card -------------------------------------------------------------------------------------------


def _style(house: House, who: NativeReplica, **fields: Any) -> None:
    who.receive()
    before = who.doc.get_state()
    root = who.doc.get("style", type=Map)
    with who.doc.transaction():
        for name, value in fields.items():
            root[name] = value
    who.send_update(house.room, who.doc.get_update(before))
    house.tick()


def test_the_style_card_is_everybodys_and_goes_into_prompts(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    _style(house, ann, tense="past", facts="Мира is the miller's daughter")
    bo.receive()
    assert bo.doc.get("style", type=Map).to_py() == {
        "tense": "past",
        "facts": "Мира is the miller's daughter",
    }
    ann.send(house.room, Ask(1, "continue", "private", 0, 0, 0))
    request = house.host.requests[house.host.last]
    assert isinstance(request, TextRequest)
    assert (request.style.tense, request.style.facts) == ("past", "Мира is the miller's daughter")
    ann.send(house.room, Undo())
    assert house.room.shared.document.side.style_fields() == {}


def test_faults_of_the_style_card_go_back(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    _style(house, ann, tone="dry")
    _style(house, bo, tone="x" * 201, person=3.0, mood="blue", tense="past", keep=True)
    assert errors(bo) == [("invalid", "edit", "style")]
    for who in (ann, bo):
        who.receive()
        assert who.doc.get("style", type=Map).to_py() == {"tone": "dry", "tense": "past"}


def test_the_rooms_dictionary_is_everybodys_bounded_and_undone(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    _style(house, ann, **{"word:mira": "Mira"})
    _style(house, bo, **{"word:zorb": "zorb", "tone": "dry"})
    assert dictionary(house.room.shared.document.side.style_fields()) == {"Mira", "zorb"}
    # In prompts it has no place, and a token that is no word goes back.
    ann.send(house.room, Ask(1, "continue", "private", 0, 0, 0))
    request = house.host.requests[house.host.last]
    assert isinstance(request, TextRequest)
    assert request.style.tone == "dry"
    _style(
        house,
        bo,
        **{"word:a b": "a b", "word:c": "d", "word:": "", "word:e": 1.0, "word:" + "f" * 61: "f" * 61},
    )
    assert errors(bo) == [("invalid", "edit", "style")]
    assert dictionary(house.room.shared.document.side.style_fields()) == {"Mira", "zorb"}
    ann.send(house.room, Undo())
    assert dictionary(house.room.shared.document.side.style_fields()) == {"zorb"}
    _style(house, ann, **{f"word:w{number}": f"w{number}" for number in range(MAX_WORDS + 5)})
    assert len(dictionary(house.room.shared.document.side.style_fields())) == MAX_WORDS
    assert "zorb" in dictionary(house.room.shared.document.side.style_fields())


def test_rights_are_told(house: House, ann: NativeReplica, viewer: NativeReplica) -> None:
    assert ann.welcome is not None
    assert viewer.welcome is not None
    assert viewer.welcome.rights == ("see", "comment")
    assert set(ann.welcome.rights) > {"chat", "restore", "fork", "moderate"}


def test_a_strict_server_lets_viewers_only_see() -> None:
    house = House(RoomLimits(viewer_rights=frozenset()))
    ann = house.join(NativeReplica("Ann", "owner", 11))
    viewer = house.join(NativeReplica("Vi", "viewer", 12))
    ann.edit(house.room, 0, insert="one two")
    house.tick()
    comment(house, viewer, 0, 3)
    assert errors(viewer) == [("denied", "comment", "c1")]


def test_private_runs_of_the_chat_are_none(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    """Everybody hears of an answer's run."""
    ann.send(house.room, Say(1, "hello?", to_ai=True))
    house.tick()
    bo.receive()
    assert [(m.run.task, m.run.instruction) for m in bo.of(Run)] == [("chat", "hello?")]
