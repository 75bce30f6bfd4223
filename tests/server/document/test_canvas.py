from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Doc, Map, Text

from antiphon_proto.document.canvas import fits
from antiphon_proto.messages import Ack, Edit, Error, Redo, Undo
from antiphon_proto.sync import SyncUpdate
from antiphon_server.document.authorship import Owner
from antiphon_server.document.canvas import Canvas
from antiphon_server.document.document import Document
from antiphon_server.document.outlines import Outlines
from antiphon_server.room_limits import RoomLimits
from support.replica import NativeReplica, PlainReplica
from support.rooms import House

SHAPE = {"type": "shape", "z": "V", "x": 1, "y": 2, "w": 30, "h": 40, "shape": "ellipse", "color": "#00aa00"}
STROKE = {"type": "stroke", "z": "W", "x": 0, "y": 0, "points": [0, 0, 0.5, 3.5, 4, 0.75], "color": "#000000"}


def canvas(replica: NativeReplica | PlainReplica) -> Map[Any]:
    return replica.doc.get("canvas", type=Map)


def made(fields: dict[str, Any]) -> Map[Any]:
    return Map({name: Array(value) if isinstance(value, list) else value for name, value in fields.items()})


def draw(house: House, replica: NativeReplica | PlainReplica, **objects: dict[str, Any] | None) -> None:
    """Place objects, or remove them (None), in one edit."""
    before = replica.doc.get_state()
    with replica.doc.transaction():
        for key, fields in objects.items():
            if fields is None:
                del canvas(replica)[key]
            else:
                canvas(replica)[key] = made(fields)
    send(house, replica, before)


def change(house: House, replica: NativeReplica | PlainReplica, key: str, **fields: Any) -> None:
    before = replica.doc.get_state()
    with replica.doc.transaction():
        for name, value in fields.items():
            canvas(replica)[key][name] = value
    send(house, replica, before)


def send(house: House, replica: NativeReplica | PlainReplica, before: bytes) -> None:
    update = replica.doc.get_update(before)
    if isinstance(replica, NativeReplica):
        replica.send_update(house.room, update)
    else:
        replica.send(house.room, SyncUpdate(update))


def settle(house: House, *replicas: NativeReplica | PlainReplica) -> None:
    house.tick()
    for replica in replicas:
        if isinstance(replica, NativeReplica):
            replica.receive()
        else:
            replica.receive(house.room)


def here(house: House) -> dict[str, Any]:
    return house.room.shared.document.canvas.objects()


@pytest.fixture
def house() -> House:
    return House()


@pytest.fixture
def ann(house: House) -> NativeReplica:
    return house.join(NativeReplica("Ann", client_id=1))


@pytest.fixture
def bob(house: House) -> NativeReplica:
    return house.join(NativeReplica("Bob", client_id=2))


def author(house: House, key: str) -> tuple[str, str]:
    found = house.room.shared.objects.get(key)
    assert found is not None
    return found.creator.author, found.editor.author


def test_objects_reach_everybody_and_keep_their_makers(
    house: House, ann: NativeReplica, bob: NativeReplica
) -> None:
    plain = PlainReplica(client_id=3)
    plain.connect(house.room)
    draw(house, ann, a=SHAPE, s=STROKE)
    settle(house, ann, bob, plain)
    change(house, plain, "a", x=50)
    settle(house, ann, bob, plain)
    assert plain.seat is not None
    assert author(house, "a") == (ann.participant, plain.seat.participant)
    assert author(house, "s") == (ann.participant, ann.participant)
    for replica in (ann, bob, plain):
        assert canvas(replica).to_py() == here(house)
    assert here(house)["a"]["x"] == 50
    assert here(house)["s"]["points"] == STROKE["points"]
    assert not [error for error in ann.of(Error) if error.re == "edit"]


def test_makers_survive_a_restart_with_and_without_a_snapshot(house: House, ann: NativeReplica) -> None:
    draw(house, ann, a=SHAPE)
    house.tick()
    house.room.snapshot()
    draw(house, ann, s=STROKE)
    settle(house, ann)
    before = {key: house.room.shared.objects.get(key) for key in ("a", "s")}
    house.restart()
    assert {key: house.room.shared.objects.get(key) for key in ("a", "s")} == before
    assert before["s"] is not None
    assert before["s"].creator == Owner(ann.participant)


def test_undo_and_redo_are_ones_own_and_keep_the_maker(
    house: House, ann: NativeReplica, bob: NativeReplica
) -> None:
    draw(house, ann, a=SHAPE)
    settle(house, ann, bob)
    house.clock.advance(1)
    draw(house, bob, b=SHAPE | {"z": "X"})
    settle(house, ann, bob)
    house.clock.advance(1)
    draw(house, bob, a=None)
    settle(house, ann, bob)
    bob.send(house.room, Undo())
    settle(house, ann, bob)
    assert set(here(house)) == {"a", "b"}
    assert author(house, "a") == (ann.participant, ann.participant)
    ann.send(house.room, Undo())
    settle(house, ann, bob)
    assert "b" in here(house)
    bob.send(house.room, Undo())
    settle(house, ann, bob)
    assert "b" not in here(house)
    bob.send(house.room, Redo())
    settle(house, ann, bob)
    assert here(house)["b"]["shape"] == "ellipse"
    assert author(house, "b") == (bob.participant, bob.participant)


def test_what_others_removed_and_somebody_places_anew_is_theirs(
    house: House, ann: NativeReplica, bob: NativeReplica
) -> None:
    draw(house, ann, a=SHAPE)
    settle(house, ann, bob)
    draw(house, bob, a=None)
    settle(house, ann, bob)
    draw(house, bob, a=SHAPE | {"color": "#ff0000"})
    settle(house, ann, bob)
    assert author(house, "a") == (bob.participant, bob.participant)


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"x": float("nan")}, "x"),
        ({"x": float("inf")}, "x"),
        ({"type": "script"}, "type"),
        ({"w": -1}, "w"),
        ({"shape": None}, "shape"),
        ({"type": "image"}, "asset"),
    ],
)
def test_an_object_that_is_none_goes_before_anybody_sees_it(
    house: House, ann: NativeReplica, bob: NativeReplica, fields: dict[str, Any], word: str
) -> None:
    draw(house, ann, good=SHAPE, bad=SHAPE | fields)
    settle(house, ann, bob)
    assert set(here(house)) == set(canvas(ann).to_py() or {}) == set(canvas(bob).to_py() or {}) == {"good"}
    [error] = ann.of(Error)
    assert (error.code, error.re, error.ref) == ("invalid", "edit", "bad")
    assert word in error.message
    assert [ack.status for ack in ann.of(Ack)][0] == "applied"


@pytest.mark.parametrize(
    "fields", [{"x": float("nan")}, {"color": "red; background: url(x)"}, {"z": "a" * 1025}, {"x": "12"}]
)
def test_a_field_that_may_not_stand_goes_back_to_what_it_was(
    house: House, ann: NativeReplica, bob: NativeReplica, fields: dict[str, Any]
) -> None:
    draw(house, ann, a=SHAPE)
    settle(house, ann, bob)
    change(house, bob, "a", **fields, y=7)
    settle(house, ann, bob)
    expected = {name: float(value) if isinstance(value, int) else value for name, value in SHAPE.items()}
    assert here(house)["a"] == canvas(bob).to_py()["a"] == expected | {"y": 7.0}  # type: ignore[index]
    assert author(house, "a") == (ann.participant, bob.participant)


def test_a_field_that_is_unknown_or_shared_goes(house: House, ann: NativeReplica) -> None:
    draw(house, ann, a=SHAPE | {"onload": "alert(1)", "name": Map({"shared": 1}), "layer": 7.0})
    draw(house, ann, s=STROKE)
    change(house, ann, "s", color=Array([1]), x=[1, 2])
    settle(house, ann)
    assert set(here(house)["a"]) == set(SHAPE)
    assert here(house)["s"] == {name: value for name, value in STROKE.items() if name != "color"} | {
        "color": "#000000"
    }


def test_points_are_a_shared_array(house: House, ann: NativeReplica) -> None:
    before = ann.doc.get_state()
    canvas(ann)["s"] = Map(STROKE)
    send(house, ann, before)
    settle(house, ann)
    assert here(house) == {}


def test_shared_texts_and_deep_nesting_never_come_in(house: House, ann: NativeReplica) -> None:
    draw(house, ann, a=SHAPE)
    deep: Any = Map({})
    for _ in range(40):
        deep = Map({"m": deep})
    for value in (Text("shared"), deep):
        other: Doc[Any] = Doc()
        other.apply_update(house.room.shared.document.state())
        before = other.get_state()
        other.get("canvas", type=Map)["a"]["name"] = value
        ann.send_update(house.room, other.get_update(before))
    settle(house, ann)
    assert [ack.status for ack in ann.of(Ack) if ack.batch > 1] == ["invalid", "invalid"]
    assert set(here(house)["a"]) == set(SHAPE)


def test_the_canvas_takes_objects_only(house: House, ann: NativeReplica) -> None:
    before = ann.doc.get_state()
    with ann.doc.transaction():
        canvas(ann)["text"] = "plain"
        canvas(ann)["list"] = Array([1])
        canvas(ann)["a b"] = made(SHAPE)
    send(house, ann, before)
    settle(house, ann)
    assert here(house) == {}
    assert canvas(ann).to_py() in ({}, None)


@pytest.mark.parametrize("count", [4, 40], ids=["read one by one", "read all at once"])
def test_one_edit_of_many_objects_is_judged_object_by_object(
    house: House, ann: NativeReplica, bob: NativeReplica, count: int
) -> None:
    before = ann.doc.get_state()
    with ann.doc.transaction():
        for index in range(count):
            canvas(ann)[f"o{index}"] = made(STROKE if index % 2 else SHAPE)
        canvas(ann)["value"] = SHAPE
        canvas(ann)["list"] = Array([1.0])
        canvas(ann)["points"] = Map(STROKE)
        canvas(ann)["colour"] = made(SHAPE | {"color": "red"})
    send(house, ann, before)
    settle(house, ann, bob)
    assert set(here(house)) == {f"o{index}" for index in range(count)} | {"colour"}
    assert "color" not in here(house)["colour"]
    assert len([error for error in ann.of(Error) if error.re == "edit"]) == 4
    before = ann.doc.get_state()
    with ann.doc.transaction():
        for index in range(count):
            canvas(ann)[f"o{index}"]["x"] = index
        canvas(ann)["o1"]["points"] = [1.0, 2.0, 0.5]
        canvas(ann)["o3"]["points"].extend([9.0, 9.0, 1.0])
        canvas(ann)["o2"]["x"] = "far"
        canvas(ann)["o0"]["w"] = float("nan")
    send(house, ann, before)
    settle(house, ann, bob)
    stand = here(house)
    assert "o1" not in stand, "points are a shared array"
    assert stand["o3"]["points"] == [*STROKE["points"], 9.0, 9.0, 1.0]
    assert (stand["o2"]["x"], stand["o0"]["x"], stand["o0"]["w"]) == (SHAPE["x"], 0, SHAPE["w"])
    digest = house.room.shared.objects.get("o3")
    assert digest is not None
    assert digest.digest == house.room.shared.document.canvas.digest("o3")
    assert canvas(bob).to_py() == canvas(ann).to_py() == stand


@pytest.mark.parametrize(
    ("points", "sound"),
    [
        ([], True),
        ([0, -1_000_000.0, 1_000_000], True),
        ([0, float("nan"), 1], False),
        ([float("inf"), float("-inf"), 0], False),
        ([0, 1_000_001, 0], False),
        ([0, True, 0], False),
        ([0, "1", 0], False),
        ([10**400, 0.5, float("nan")], False),
        ([0.0] * 31, False),
    ],
)
def test_points_are_numbers_within_the_bounds(points: list[Any], sound: bool) -> None:
    assert fits("stroke", "points", points, max_points=10) is sound


def test_bounds_of_objects_and_points() -> None:
    house = House(RoomLimits(max_objects=2, max_points=3))
    ann = house.join(NativeReplica("Ann"))
    draw(house, ann, a=SHAPE, s=STROKE)
    settle(house, ann)
    draw(house, ann, b=SHAPE)
    before = ann.doc.get_state()
    canvas(ann)["s"]["points"].extend([5, 5, 0.5, 6, 6, 0.5])
    send(house, ann, before)
    settle(house, ann)
    assert set(here(house)) == set(canvas(ann).to_py() or {}) == {"a", "s"}
    assert here(house)["s"]["points"] == [*STROKE["points"], 5.0, 5.0, 0.5]
    assert [error.ref for error in ann.of(Error)] == ["b", "s"]


def test_a_viewer_draws_nothing(house: House) -> None:
    eve = house.join(NativeReplica("Eve", role="viewer", client_id=9))
    draw(house, eve, a=SHAPE)
    settle(house, eve)
    assert [ack.status for ack in eve.of(Ack)] == ["denied"]
    assert here(house) == {}


def test_the_story_is_untouched_by_the_canvas(house: House, ann: NativeReplica) -> None:
    ann.edit(house.room, 0, insert="Ёж 🦔")
    draw(house, ann, a=SHAPE)
    settle(house, ann)
    assert house.room.text() == "Ёж 🦔"
    assert [span.length for span in house.room.shared.authorship.spans()] == [len("Ёж 🦔".encode())]


KEYS = ("a", "b", "c")
ACTIONS = st.one_of(
    st.tuples(st.just("put"), st.sampled_from(KEYS), st.integers(0, 9)),
    st.tuples(st.just("set"), st.sampled_from(KEYS), st.sampled_from([3, 8.5, float("nan"), "no"])),
    st.tuples(st.just("grow"), st.sampled_from(KEYS), st.integers(1, 4)),
    st.tuples(st.just("remove"), st.sampled_from(KEYS), st.just(0)),
    st.tuples(st.just("undo"), st.sampled_from(KEYS), st.just(0)),
    st.tuples(st.just("tick"), st.sampled_from(KEYS), st.just(0)),
)


@settings(max_examples=60, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 2), ACTIONS), max_size=25))
def test_concurrent_edits_of_objects_converge_for_native_and_plain_clients(
    steps: list[tuple[int, tuple[str, str, Any]]],
) -> None:
    house = House(RoomLimits(max_points=4))
    replicas: list[NativeReplica | PlainReplica] = [
        house.join(NativeReplica("Ann", client_id=1)),
        house.join(NativeReplica("Bob", client_id=2)),
    ]
    plain = PlainReplica(client_id=3)
    plain.connect(house.room)
    replicas.append(plain)
    for who, (action, key, value) in steps:
        replica = replicas[who]
        objects = canvas(replica)
        if action == "put":
            draw(house, replica, **{key: STROKE | {"x": value}})
        elif action == "set" and key in objects:
            change(house, replica, key, x=value)
        elif action == "grow" and key in objects:
            before = replica.doc.get_state()
            objects[key]["points"].extend([1.0, 2.0, 0.5] * value)
            send(house, replica, before)
        elif action == "remove" and key in objects:
            draw(house, replica, **{key: None})
        elif action == "undo" and isinstance(replica, NativeReplica):
            replica.send(house.room, Undo())
        elif action == "tick":
            settle(house, *replicas)
        board = house.room.shared.document.canvas
        assert board.outlines.all() == Outlines(board.objects, board.get).all()
    settle(house, *replicas)
    settle(house, *replicas)
    found = here(house)
    for replica in replicas:
        assert (canvas(replica).to_py() or {}) == found
    known = dict(house.room.shared.objects.items())
    assert set(known) == set(found)
    for fields in found.values():
        assert fields["x"] == fields["x"]
        assert len(fields["points"]) <= 12
    house.restart()
    assert here(house) == found
    assert dict(house.room.shared.objects.items()) == known


def test_the_board_is_read_once_for_its_outlines_and_then_what_was_touched(
    house: House, ann: NativeReplica
) -> None:
    board = house.room.shared.document.canvas
    read: list[str] = []

    def everything() -> dict[str, Any]:
        read.append("everything")
        return board.objects()

    def one(key: str) -> dict[str, Any] | None:
        read.append(key)
        return board.get(key)

    board.outlines = Outlines(everything, one)
    draw(house, ann, a=SHAPE, b=STROKE, c=SHAPE)
    assert board.outlines.all()["b"].box == (0.0, 0.0, 3.5, 4.0)
    change(house, ann, "b", x=10)
    draw(house, ann, c=None)
    assert sorted(board.outlines.all()) == ["a", "b"]
    assert board.outlines.all()["b"].box == (10.0, 0.0, 13.5, 4.0)
    assert read[0] == "everything"
    assert sorted(read[1:]) == ["b", "c"]


def test_a_place_that_is_none_costs_nobody_their_object(house: House, ann: NativeReplica) -> None:
    draw(house, ann, good=SHAPE)
    draw(house, ann, bad=SHAPE | {"z": "<b>"})
    settle(house, ann)
    assert here(house)["bad"]["z"] > here(house)["good"]["z"]
    assert canvas(ann).to_py() == here(house)


def test_two_that_place_at_the_same_moment_do_not_share_a_place(
    house: House, ann: NativeReplica, bob: NativeReplica
) -> None:
    draw(house, ann, below=SHAPE, above=SHAPE | {"z": "X"})
    settle(house, ann, bob)
    draw(house, ann, m=SHAPE | {"z": "W"})
    draw(house, bob, k=SHAPE | {"z": "W"})
    settle(house, ann, bob)
    placed = sorted((fields["z"], key) for key, fields in here(house).items())
    assert [key for _, key in placed] == ["below", "k", "m", "above"]
    assert len({z for z, _ in placed}) == 4
    assert canvas(ann).to_py() == canvas(bob).to_py() == here(house)


def test_a_board_whose_keys_had_grown_goes_on(house: House, ann: NativeReplica, bob: NativeReplica) -> None:
    draw(house, ann, **{f"o{index}": SHAPE | {"z": "z" * (60 + index) + "V"} for index in range(5)})
    settle(house, ann, bob)
    found = here(house)
    assert sorted(found, key=lambda key: found[key]["z"]) == ["o0", "o1", "o2", "o3", "o4"]
    assert all(len(fields["z"]) <= 40 for fields in found.values())
    assert canvas(bob).to_py() == found
    house.restart()
    assert here(house) == found


def label(words: str | Text) -> dict[str, Any]:
    return {"type": "text", "z": "V", "x": 0, "y": 0, "text": words}


def test_two_write_in_one_text_of_the_board(house: House, ann: NativeReplica, bob: NativeReplica) -> None:
    draw(house, ann, t=label(Text("one fox 🦊")))
    settle(house, ann, bob)
    for replica, at, words in ((ann, 0, "Ночь. "), (bob, len(b"one fox"), " and a hare")):
        before = replica.doc.get_state()
        canvas(replica)["t"]["text"].insert(at, words)
        send(house, replica, before)
    settle(house, ann, bob)
    assert here(house)["t"]["text"] == "Ночь. one fox and a hare 🦊"
    assert canvas(ann).to_py() == canvas(bob).to_py() == here(house)
    assert author(house, "t") == (ann.participant, bob.participant)
    bob.send(house.room, Undo())
    settle(house, ann, bob)
    assert here(house)["t"]["text"] == "Ночь. one fox 🦊"
    ann.send(house.room, Undo())
    ann.send(house.room, Redo())
    settle(house, ann, bob)
    assert canvas(ann).to_py() == canvas(bob).to_py() == here(house)


def test_a_text_of_before_and_of_a_plain_client_becomes_one_to_write_in(
    house: House, ann: NativeReplica, bob: NativeReplica
) -> None:
    draw(house, ann, t=label("plain"))
    settle(house, ann, bob)
    assert here(house)["t"]["text"] == "plain"
    assert isinstance(canvas(bob)["t"]["text"], Text)
    change(house, bob, "t", text="plainer")
    settle(house, ann, bob)
    assert str(canvas(ann)["t"]["text"]) == "plainer"
    assert isinstance(canvas(ann)["t"]["text"], Text)
    # A room that was written by a server of before.
    house.room.shared.document.draw(lambda board: board.root.get("t").update({"text": "old"}), 1)
    old = Document(
        house.room.shared.document.state(),
        max_update=10**6,
        max_items=10**6,
        max_document=10**7,
    )
    assert isinstance(old.canvas.root["t"]["text"], str)
    list(old.canvas.survey())
    assert old.draw(Canvas.modernise, 1) is not None
    assert isinstance(old.canvas.root["t"]["text"], Text)
    assert old.canvas.objects()["t"]["text"] == "old"
    list(old.canvas.survey())
    assert old.draw(Canvas.modernise, 1) is None


def test_a_text_of_the_board_is_bounded_and_holds_characters_only(
    house: House, ann: NativeReplica, bob: NativeReplica
) -> None:
    draw(house, ann, t=label(Text("я" * 9_999)), p=label("x" * 20_000))
    settle(house, ann, bob)
    before = bob.doc.get_state()
    canvas(bob)["t"]["text"].insert(0, "много")
    send(house, bob, before)
    settle(house, ann, bob)
    assert here(house)["t"]["text"] == "много" + "я" * 9_995
    assert len(here(house)["p"]["text"]) == 10_000
    assert canvas(ann).to_py() == canvas(bob).to_py() == here(house)


def test_an_update_of_garbage_on_the_canvas_harms_nobody(house: House, ann: NativeReplica) -> None:
    other: Doc[Any] = Doc(client_id=77)
    with other.transaction():
        other.get("canvas", type=Array).extend([1, {"deep": [[[[]]]]}])
    ann.send(house.room, Edit(1, other.get_update()))
    ann.batch = 1
    draw(house, ann, a=SHAPE)
    settle(house, ann)
    assert set(here(house)) == {"a"}
