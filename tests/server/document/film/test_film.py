"""Checks of clients' writes to the film, repairs, who made a shot, and undo."""

from __future__ import annotations

import math
from typing import Any

import pytest
from pycrdt import Map

from antiphon_proto.document.film import MAX_CHARACTERS, MAX_SHOTS, faults, is_shot_id, is_transport
from antiphon_proto.messages import Error, Redo, Undo
from antiphon_server.document.film.film import Film
from antiphon_server.document.state import SERVER
from support.replica import NativeReplica
from support.rooms import House

SHOT = {"z": "V", "kind": "action", "seconds": 3.0, "size": "close"}


def joined() -> tuple[House, NativeReplica, NativeReplica]:
    house = House()
    ann, bob = NativeReplica("Ann", client_id=1), NativeReplica("Bob", client_id=2)
    for one in (ann, bob):
        house.join(one)
    settle(house, ann, bob)
    return house, ann, bob


def settle(house: House, *people: NativeReplica) -> None:
    house.tick()
    for one in people:
        one.receive()


def write(house: House, who: NativeReplica, **entries: Any) -> None:
    """Entries of the film: fields of a shot (a new one), or anything else as it is."""
    before = who.doc.get_state()
    film = who.doc.get("film", type=Map)
    with who.doc.transaction():
        for key, value in entries.items():
            film[key] = Map(value) if isinstance(value, dict) and key != "transport" else value
    who.send_update(house.room, who.doc.get_update(before))
    house.tick(0.6)  # each is an action of its own
    who.receive()


def change(house: House, who: NativeReplica, key: str, **fields: Any) -> None:
    before = who.doc.get_state()
    found = who.doc.get("film", type=Map)[key]
    with who.doc.transaction():
        for name, value in fields.items():
            found[name] = value
    who.send_update(house.room, who.doc.get_update(before))
    house.tick(0.6)  # each is an action of its own
    who.receive()


def film(house: House) -> Film:
    return house.room.shared.document.film


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("seconds", math.nan),
        ("seconds", -1.0),
        ("seconds", 601.0),
        ("seconds", "3"),
        ("seconds", True),
        ("size", "huge"),
        ("z", ""),
        ("z", "é"),
        ("anchor", "1:2:3"),
        ("picture", "../x"),
        ("words", "x" * 4001),
        ("cast", ["x" * 65]),
        ("cast", ["a"] * 33),
        ("cast", "Anna"),
        ("off", 1),
        ("colour", "red"),
    ],
)
def test_what_may_not_stand_in_a_shot_is_named(name: str, value: object) -> None:
    assert faults(SHOT) == []
    assert faults({**SHOT, name: value}) == [name]


def test_keys_and_the_state_of_playing_are_checked() -> None:
    assert not is_shot_id("transport")
    assert not is_shot_id("a b")
    state = {"playing": True, "at": 1.0, "from": 0.0, "speed": 1.0}
    assert is_transport(state)
    assert not is_transport({**state, "speed": math.inf})
    assert not is_transport({**state, "more": 1})
    assert not is_transport([])


def test_a_bad_field_goes_back_and_a_bad_shot_goes_away() -> None:
    house, ann, bob = joined()
    write(house, ann, a=SHOT, b={"z": "W", "kind": "action"}, c=[1, 2], d="words")
    assert set(film(house).shots) == {"a"}
    assert [error.code for error in ann.of(Error)] == ["invalid"] * 3
    change(house, ann, "a", seconds=-4.0, colour="red", size="wide", z="")
    settle(house, ann, bob)
    assert film(house).shots["a"] == {**SHOT, "size": "wide"}
    assert bob.doc.get("film", type=Map)["a"].to_py() == {**SHOT, "size": "wide"}
    write(house, ann, transport={"playing": True})
    assert film(house).entry("transport") is None


def test_a_film_holds_so_many_shots() -> None:
    house, ann, _ = joined()
    document = house.room.shared.document

    def fill(film: Film) -> None:
        for number in range(MAX_SHOTS - 1):
            film.set(f"s{number}", SHOT)

    house.room.context.commit(document.shoot(fill, 1), SERVER)
    settle(house, ann)
    write(house, ann, a=SHOT, b=SHOT, c=SHOT)
    assert len(film(house).shots) == MAX_SHOTS
    assert sum(key in film(house).shots for key in "abc") == 1


def test_who_made_and_changed_a_shot_is_known_also_after_a_restart() -> None:
    house, ann, bob = joined()
    write(house, ann, a=SHOT)
    settle(house, ann, bob)
    change(house, bob, "a", size="wide")
    for _ in range(2):
        author = house.room.shared.shots.get("a")
        assert author is not None
        people = {one.name: one.id for one in house.room.context.participants()}
        assert (author.creator.author, author.editor.author) == (people["Ann"], people["Bob"])
        house.room.snapshot()
        house.tick()
        house.restart()


def test_each_takes_back_their_own_and_playing_is_no_action() -> None:
    house, ann, bob = joined()
    write(house, ann, a=SHOT)
    settle(house, ann, bob)
    change(house, bob, "a", size="wide", move="push")
    change(house, ann, "a", seconds=5.0)
    write(house, ann, transport={"playing": True, "at": 1.0, "from": 0.0, "speed": 1.0})
    ann.send(house.room, Undo(surface="film"))
    settle(house, ann, bob)
    assert film(house).shots["a"] == {**SHOT, "size": "wide", "move": "push"}
    assert film(house).entry("transport")["playing"] is True
    bob.send(house.room, Undo(surface="film"))
    settle(house, ann, bob)
    assert film(house).shots["a"] == SHOT
    ann.send(house.room, Redo(surface="film"))
    settle(house, ann, bob)
    assert film(house).shots["a"]["seconds"] == 5.0
    for _ in range(2):
        ann.send(house.room, Undo(surface="film"))
    settle(house, ann, bob)
    assert film(house).shots == {}
    ann.send(house.room, Redo(surface="film"))
    settle(house, ann, bob)
    assert film(house).shots == {"a": SHOT}
    author = house.room.shared.shots.get("a")
    assert author is not None


def test_two_change_one_shot_at_the_same_time_and_both_stand() -> None:
    house, ann, bob = joined()
    write(house, ann, a=SHOT)
    settle(house, ann, bob)
    states = [one.doc.get_state() for one in (ann, bob)]
    ann.doc.get("film", type=Map)["a"]["size"] = "wide"
    bob.doc.get("film", type=Map)["a"]["move"] = "pan_left"
    for one, state in zip((ann, bob), states, strict=True):
        one.send_update(house.room, one.doc.get_update(state))
    settle(house, ann, bob)
    assert film(house).shots["a"] == {**SHOT, "size": "wide", "move": "pan_left"}


def test_a_look_is_kept_checked_undone_and_is_no_shot() -> None:
    house, ann, bob = joined()
    write(
        house,
        ann,
        s1=SHOT,
        **{"cast:ANNA": {"style": "notionists", "skin": "#aabbcc", "coat": "red", "mood": 1}},
    )
    assert film(house).cast == {"ANNA": {"style": "notionists", "skin": "#aabbcc"}}
    assert list(film(house).shots) == ["s1"]
    settle(house, ann, bob)
    change(house, bob, "cast:ANNA", seed="Anna 2", skin="javascript:")
    assert film(house).cast["ANNA"] == {"style": "notionists", "skin": "#aabbcc", "seed": "Anna 2"}
    authors = house.room.shared.shots.get("cast:ANNA")
    assert authors is not None
    assert authors.creator.author != authors.editor.author
    bob.send(house.room, Undo(surface="film"))
    settle(house, ann, bob)
    assert "seed" not in film(house).cast["ANNA"]
    write(house, ann, **{"cast:": {"style": "lorelei"}, "cast:" + "x" * 65: {}, "cast:BOB": "lorelei"})
    assert list(film(house).cast) == ["ANNA"]
    write(house, ann, **{f"cast:{number}": {} for number in range(MAX_CHARACTERS + 5)})
    assert len(film(house).cast) == MAX_CHARACTERS
    assert "ANNA" in film(house).cast
