"""The jam of a room: the shared part of it, the transport, and people's notes."""

from __future__ import annotations

import json
import math
from functools import partial
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Array, Map

from antiphon_proto.document.jam import MAX_LOOPS, BandControls, NoteEvent, Prompt, TransportChange
from antiphon_proto.document.jam_fields import SECTIONS, band_controls, loop_faults
from antiphon_proto.messages import Conduct, Conducted, Error, Play, Played, Redo, Undo
from antiphon_proto.sync import SyncUpdate
from antiphon_server.document import jam
from antiphon_server.jam_settings import JamSettings
from antiphon_server.room_limits import RoomLimits
from antiphon_server.store.api import Entry
from support.replica import NativeReplica, PlainReplica
from support.rooms import House

LOOP = {"program": 4, "bars": 2, "beats": 4, "notes": [[0, 240, 60, 100], [480, 240, 64, 90]]}
AnyReplica = NativeReplica | PlainReplica


@pytest.fixture
def house() -> House:
    return planted()


@pytest.fixture
def ann(house: House) -> NativeReplica:
    return house.join(NativeReplica("Ann", "owner", 11))


@pytest.fixture
def bo(house: House, ann: NativeReplica) -> NativeReplica:
    return house.join(NativeReplica("Bo", "editor", 12))


def planted(limits: RoomLimits | None = None) -> House:
    """A room that begins as the hub lets it begin."""
    house = House(limits)
    house.store.put("room", [Entry(1, "server", jam.seed(), 0)])
    house.open()
    return house


def root(replica: AnyReplica) -> Map[Any]:
    return replica.doc.get("jam", type=Map)


def write(house: House, who: AnyReplica, work: Any) -> list[tuple[str, str]]:
    """Edit the jam; returns the complaints that its writer got."""
    before = who.doc.get_state()
    with who.doc.transaction():
        work(root(who))
    update = who.doc.get_update(before)
    if isinstance(who, NativeReplica):
        known = len(who.of(Error))
        who.send_update(house.room, update)
        house.tick()
        who.receive()
        return [(error.re, error.ref) for error in who.of(Error)[known:]]
    who.send(house.room, SyncUpdate(update))
    house.tick()
    who.receive(house.room)
    return []


def put(section: str, key: str, value: Any) -> Any:
    def work(jam: Map[Any]) -> None:
        jam[section][key] = value

    return work


def plain(who: AnyReplica) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(str(root(who)))
    return found


def settle(house: House, *replicas: NativeReplica) -> None:
    house.tick()
    for replica in replicas:
        replica.receive()


# The document -------------------------------------------------------------------------------------------


def test_loops_belong_to_whoever_recorded_them(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    assert not write(house, ann, put("loops", "a", Map(LOOP)))
    stranger = PlainReplica("Yjs", client_id=13)
    stranger.connect(house.room)
    write(house, stranger, put("loops", "b", Map({**LOOP, "by": "somebody"})))
    assert write(house, bo, put("loops", "c", Map({**LOOP, "by": ann.participant}))) == [("edit", "loops.c")]
    assert not write(house, bo, lambda jam: jam["loops"]["a"].update({"muted": True}))
    settle(house, ann, bo)
    assert stranger.seat is not None
    stranger.receive(house.room)
    makers = {key: loop["by"] for key, loop in plain(ann)["loops"].items()}
    assert makers == {"a": ann.participant, "b": stranger.seat.participant, "c": bo.participant}
    assert plain(ann) == plain(bo) == plain(stranger)
    assert plain(bo)["loops"]["a"]["muted"]
    house.restart()
    assert {key: loop["by"] for key, loop in house.room.shared.document.jam.loops.items()} == makers
    house.room.snapshot()
    house.tick()
    house.restart()
    assert house.room.shared.maker("c") == bo.participant


def test_undo_is_ones_own_and_brings_a_loop_back_to_its_maker(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    write(house, ann, put("loops", "a", Map(LOOP)))
    house.clock.advance(2)
    settle(house, bo)
    write(house, bo, lambda jam: jam["loops"].pop("a"))
    assert "a" not in plain(bo)["loops"]
    bo.send(house.room, Undo())
    settle(house, ann, bo)
    assert plain(ann)["loops"]["a"]["by"] == ann.participant
    ann.send(house.room, Undo())
    settle(house, ann, bo)
    assert plain(bo)["loops"] == {}
    assert set(plain(bo)) >= {"loops", "band", "players", "settings"}
    ann.send(house.room, Redo())
    settle(house, ann, bo)
    assert plain(bo)["loops"]["a"]["notes"] == LOOP["notes"]
    assert plain(bo)["loops"]["a"]["by"] == ann.participant


@pytest.mark.parametrize(
    ("change", "ref"),
    [
        ({"notes": [[0, 0, 60, 100]]}, "loops.a"),
        ({"notes": "many"}, "loops.a"),
        ({"bars": 2.5}, "loops.a"),
        ({"volume": math.nan}, "loops.a"),
        ({"colour": "red"}, "loops.a"),
        ({"program": 129}, "loops.a"),
        ({"name": "x" * 65}, "loops.a"),
        ({"notes": Array([1])}, "loops.a"),
    ],
)
def test_what_a_loop_may_not_be_goes_back(
    house: House, ann: NativeReplica, change: dict[str, Any], ref: str
) -> None:
    write(house, ann, put("loops", "a", Map(LOOP)))
    good = plain(ann)
    assert write(house, ann, lambda jam: jam["loops"]["a"].update(change)) == [("edit", ref)]
    assert plain(ann) == good
    assert house.room.shared.document.jam.loops == good["loops"]


def test_what_is_no_loop_goes_away(house: House, ann: NativeReplica) -> None:
    incomplete = {key: value for key, value in LOOP.items() if key != "bars"}
    assert write(house, ann, put("loops", "a", Map(incomplete))) == [("edit", "loops.a")]
    assert write(house, ann, put("loops", "b", 7)) == [("edit", "loops.b")]
    assert write(house, ann, put("loops", "b c", Map(LOOP))) == [("edit", "loops.b c")]
    assert plain(ann)["loops"] == {}


def test_loops_beyond_the_bound_go_away(house: House, ann: NativeReplica) -> None:
    def work(jam: Map[Any]) -> None:
        for number in range(MAX_LOOPS + 3):
            jam["loops"][f"l{number}"] = Map({**LOOP, "notes": []})

    assert len(write(house, ann, work)) == 3
    assert len(plain(ann)["loops"]) == MAX_LOOPS
    kept = next(iter(plain(ann)["loops"]))
    assert not write(house, ann, put("loops", kept, Map(LOOP)))


def test_everybody_writes_their_own_instrument(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    piano = {"program": 0, "volume": 0.5, "muted": False}
    assert not write(house, ann, put("players", ann.participant, piano))
    settle(house, bo)
    assert write(house, bo, put("players", ann.participant, {"program": 1}))
    assert write(house, bo, put("players", "nobody", piano))
    assert write(house, bo, lambda jam: jam["players"].pop(ann.participant))
    assert write(house, bo, put("players", bo.participant, {"program": -1}))
    assert not write(house, bo, put("players", bo.participant, {"program": 128}))
    settle(house, ann, bo)
    assert (
        plain(ann)["players"]
        == plain(bo)["players"]
        == {ann.participant: piano, bo.participant: {"program": 128}}
    )


def test_the_controls_of_the_band_are_bounded_one_by_one(house: House, ann: NativeReplica) -> None:
    def sound(jam: Map[Any]) -> None:
        jam["band"]["prompts"] = Map({"piano ballad": 0.7, "baroque": 0.3})
        jam["band"]["roles"] = Map({"lead": True, "drums": False})
        jam["band"]["instruments"] = Map({"bass": 33})
        jam["band"]["density"] = 0.25
        jam["band"]["reaction"] = 4

    def odd(jam: Map[Any]) -> None:
        jam["band"]["prompts"]["baroque"] = 3
        jam["band"]["prompts"]["metal"] = math.nan
        jam["band"]["roles"]["tuba"] = True
        jam["band"]["density"] = None
        jam["band"]["reaction"] = math.inf
        jam["band"]["tempo"] = 3
        jam["band"]["volumes"] = 1

    assert not write(house, ann, sound)
    expected = BandControls(
        prompts=(Prompt("baroque", 0.3), Prompt("piano ballad", 0.7)),
        roles=frozenset({"lead", "bass", "chords"}),
        instruments={"bass": 33},
        density=0.25,
        reaction=4.0,
    )
    controls = house.room.shared.document.jam.controls
    assert {prompt.text for prompt in controls.prompts} == {"piano ballad", "baroque"}
    assert controls == BandControls(**{**_fields(expected), "prompts": controls.prompts})
    assert {ref for _, ref in write(house, ann, odd)} == {
        f"band.{name}" for name in ("prompts", "roles", "reaction", "tempo", "volumes")
    }
    controls = house.room.shared.document.jam.controls
    assert controls == BandControls(**{**_fields(expected), "prompts": controls.prompts, "density": None})
    assert plain(ann)["band"]["prompts"] == {"piano ballad": 0.7, "baroque": 0.3}
    many = Map({f"p{number}": 0.5 for number in range(12)})
    assert write(house, ann, put("band", "prompts", many))
    assert len(plain(ann)["band"]["prompts"]) == 8


def _fields(controls: BandControls) -> dict[str, Any]:
    return {name: getattr(controls, name) for name in controls.__struct_fields__}


def test_the_parts_of_the_jam_stay(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    write(house, ann, put("loops", "a", Map(LOOP)))
    write(house, ann, put("settings", "interval", 2))
    settle(house, bo)
    before = plain(bo)

    def hostile(jam: Map[Any]) -> None:
        jam["loops"] = Map({"b": Map(LOOP)})
        jam["settings"] = 3
        jam["transport"] = {"now": {"tempo": 1e9}}
        jam["extra"] = Map({"x": 1})

    assert write(house, bo, hostile)
    settle(house, ann)
    after = plain(ann)
    assert after == plain(bo)
    assert set(after["loops"]) == {"a", "b"}
    assert {**after, "loops": before["loops"]} == before
    assert house.room.shared.document.jam.interval == 2
    assert after["loops"]["a"]["by"] == ann.participant


def test_a_viewer_changes_nothing(house: House, ann: NativeReplica) -> None:
    viewer = house.join(NativeReplica("Vi", "viewer", 14))
    viewer.send(house.room, Play((NoteEvent(0.0, 60, 100),)))
    viewer.send(house.room, Conduct(1, TransportChange(playing=True), "now"))
    settle(house, ann, viewer)
    assert [(error.code, error.re) for error in viewer.of(Error)] == [
        ("denied", "play"),
        ("denied", "conduct"),
    ]
    assert not ann.of(Played)


# The transport ------------------------------------------------------------------------------------------


def conduct(house: House, who: NativeReplica, number: int, when: Any = "now", **change: Any) -> None:
    who.send(house.room, Conduct(number, TransportChange(**change), when))


def test_everybody_learns_of_a_change_before_it_counts(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    conduct(house, bo, 7, playing=True, tempo=120.0)
    settle(house, ann, bo)
    [answer] = bo.of(Conducted)
    assert answer.conduct == 7
    assert answer.at_ms > house.room.context.server_ms()
    view = plain(ann)["transport"]
    assert view["next"]["at_ms"] == answer.at_ms
    assert not view["now"]["playing"]
    assert house.room.tick()  # a change waits for its time
    house.tick(0.2)
    settle(house, ann)
    view = plain(ann)["transport"]
    assert view["next"] is None
    assert (view["now"]["at_ms"], view["now"]["serial"], view["now"]["tempo"]) == (
        answer.at_ms,
        answer.serial,
        120,
    )
    assert not house.room.tick()


def test_a_moved_change_is_told_again(house: House, ann: NativeReplica, bo: NativeReplica) -> None:
    conduct(house, ann, 1, playing=True, tempo=60.0)
    house.tick(1)
    conduct(house, ann, 2, "bar", tonic=5)
    conduct(house, bo, 3, "beat", tempo=120.0)
    settle(house, ann, bo)
    assert [told.conduct for told in ann.of(Conducted)] == [1, 2, 2]
    first, second = ann.of(Conducted)[1:]
    assert second.at_ms < first.at_ms
    assert second.serial > first.serial


def test_a_playing_transport_survives_a_restart_and_not_a_long_absence(
    house: House, ann: NativeReplica
) -> None:
    conduct(house, ann, 1, playing=True)
    house.tick(0.2)
    house.tick(0.2)
    transport = house.room.jam_session.transport.now
    house.restart()
    assert house.room.jam_session.transport.now == transport
    stopped_at = house.room.context.server_ms()
    house.clock.advance(1000)
    house.restart()
    house.tick()
    now = house.room.jam_session.transport.now
    assert not now.playing
    assert now.beat <= transport.beat_at(stopped_at)


def test_a_room_that_everybody_left_stops(house: House, ann: NativeReplica) -> None:
    conduct(house, ann, 1, playing=True)
    house.tick(1)
    ann.drop(house.room)
    house.clock.advance(house.room.context.limits.empty_timeout)
    house.room.sweep()
    assert not house.room.shared.document.jam.transport["now"]["playing"]


def test_conducting_has_its_bounds(house: House, ann: NativeReplica) -> None:
    conduct(house, ann, 1)
    for number in range(100):
        conduct(house, ann, number, tempo=100.0)
    settle(house, ann)
    codes = {error.code for error in ann.of(Error)}
    assert codes == {"invalid", "rate_limited"}


# Keys ---------------------------------------------------------------------------------------------------


def keys(house: House, *events: tuple[float, int, int]) -> Play:
    now = house.room.context.server_ms()
    return Play(tuple(NoteEvent(now + offset, pitch, velocity) for offset, pitch, velocity in events))


def test_the_others_hear_keys_at_their_time_and_within_the_bounds(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    now = house.room.context.server_ms()
    ann.send(house.room, keys(house, (-20.0, 60, 90), (-1e12, 62, 80), (1e12, 64, 70), (3.0, 60, 0)))
    bo.receive()
    [played] = bo.of(Played)
    assert played.participant == ann.participant
    assert played.events == (
        NoteEvent(now - 20, 60, 90),
        NoteEvent(now - 1000, 62, 80),
        NoteEvent(now + 1000, 64, 70),
        NoteEvent(now + 3, 60, 0),
    )
    ann.receive()
    assert not ann.of(Played)
    ann.drop(house.room)
    bo.receive()
    assert [(event.pitch, event.velocity) for event in bo.of(Played)[-1].events] == [(62, 0), (64, 0)]


def test_a_flood_is_cut_and_no_key_hangs(ann: NativeReplica) -> None:
    house = planted(RoomLimits(jam=JamSettings(notes_per_second=1, note_burst=10)))
    ann = house.join(NativeReplica("Ann", "owner", 11))
    bo = house.join(NativeReplica("Bo", "editor", 12))
    for pitch in range(100):
        ann.send(house.room, keys(house, (0.0, pitch, 90)))
    for pitch in range(100):
        ann.send(house.room, keys(house, (1.0, pitch, 0)))
    ann.send(house.room, Play((NoteEvent(math.nan, 60, 90),)))
    settle(house, ann, bo)
    heard = [event for played in bo.of(Played) for event in played.events]
    assert [event.pitch for event in heard if event.velocity] == list(range(10))
    assert [event.pitch for event in heard if not event.velocity] == list(range(10))
    assert [error.code for error in ann.of(Error)] == ["rate_limited", "invalid"]


def _scribble(path: tuple[str, ...], as_map: bool, value: Any, where: Map[Any]) -> None:
    for step in path[:-1]:
        if not isinstance(where.get(step), Map):
            where[step] = Map()
        where = where[step]
    where[path[-1]] = Map(value) if as_map and isinstance(value, dict) else value


def test_a_null_says_nothing_and_goes(house: House, ann: NativeReplica) -> None:
    for name in ("prompts", "roles", "density", "reaction", "mode"):
        assert not write(house, ann, put("band", name, None))
    assert not write(house, ann, put("settings", "interval", None))
    assert not write(house, ann, put("loops", "a", None))
    assert plain(ann)["band"] == plain(ann)["settings"] == plain(ann)["loops"] == {}
    assert house.room.shared.document.jam.controls == BandControls()


VALUE = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
NAMES = st.sampled_from(
    ["a", "notes", "bars", "prompts", "roles", "drums", "interval", "density", "volume", "by"]
)


@settings(deadline=None, max_examples=60)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["loops", "band", "players", "settings", "transport", "other"]),
            st.lists(NAMES, max_size=3),
            st.booleans(),
            VALUE,
        ),
        max_size=8,
    )
)
def test_whatever_is_written_the_jam_stays_sound(edits: list[tuple[str, list[str], bool, Any]]) -> None:
    house = planted()
    ann = house.join(NativeReplica("Ann", "owner", 11))
    bo = house.join(NativeReplica("Bo", "editor", 12))
    write(house, ann, put("loops", "a", Map(LOOP)))
    for section, path, as_map, value in edits:
        write(house, bo, partial(_scribble, (section, *path), as_map, value))
    settle(house, ann, bo)
    assert plain(ann) == plain(bo) == json.loads(str(house.room.shared.document.jam.root))
    view = house.room.shared.document.jam
    assert view.controls == band_controls(json.loads(str(view.root["band"])))
    assert all(not loop_faults(loop) for loop in view.loops.values())
    assert set(json.loads(str(view.root))) <= {*SECTIONS, "transport"}
    house.restart()
    assert json.loads(str(house.room.shared.document.jam.root)) == plain(ann)
