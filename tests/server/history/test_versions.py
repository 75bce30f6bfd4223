"""Going back: a room is exactly as it was, by an edit that can be undone, and everybody's work stays theirs."""

from __future__ import annotations

import asyncio
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pycrdt import Map

from antiphon_proto.errors import Denied, NotFound, PeerError
from antiphon_proto.messages import Accept, AddComment, Ask, DeleteComment, Say, Undo, Versions
from antiphon_server.document.text_diff import differences
from antiphon_server.history.past_state import PastState, replayed, story
from antiphon_server.room_limits import RoomLimits
from antiphon_server.rooms.fork import fork
from antiphon_server.rooms.hub import Hub
from antiphon_server.rooms.replay import Archive, Past
from antiphon_server.rooms.room import Room
from antiphon_server.work.jobs import Found, Restore
from antiphon_server.work.process import done
from support.inline_pool import InlinePool
from support.memory_assets import MemoryAssets
from support.replica import NativeReplica
from support.rooms import House

LIMITS = RoomLimits(snapshot_entries=7, digest_interval=1e9)


@pytest.fixture
def house() -> House:
    return House(LIMITS)


@pytest.fixture
def ann(house: House) -> NativeReplica:
    return house.join(NativeReplica("Ann", "owner", 11))


@pytest.fixture
def bo(house: House, ann: NativeReplica) -> NativeReplica:
    return house.join(NativeReplica("Bo", "editor", 12))


@pytest.fixture
def archive(house: House) -> Archive:
    return Archive(house.store, LIMITS, InlinePool())


def restore(house: House, who: NativeReplica, moment: PastState) -> int:
    member = house.room.members.get(who.participant)
    assert member is not None
    job = Restore(house.room.copy(), msgspec.msgpack.encode(moment), *house.room.timeline.standing())
    answer = done(job)
    assert isinstance(answer, Found)
    for _ in house.room.timeline.restore(member, answer.restoration):
        house.room.context.flush()
    return house.room.context.seq


def owned(house: House) -> list[tuple[str, dict[str, Any], str, str | None]]:
    """The story with authors, as it stands."""
    return pieces(story(house.room.shared))


def pieces(found: Any) -> list[tuple[str, dict[str, Any], str, str | None]]:
    return [(one.insert, one.attributes, one.owner.author, one.owner.run) for one in found]


def draw(house: House, who: NativeReplica, key: str, **fields: Any) -> None:
    who.receive()
    before = who.doc.get_state()
    root = who.doc.get("canvas", type=Map)
    if fields:
        root[key] = Map({"type": "text", "text": "hm", "z": "V", "x": 0.0, "y": 0.0, **fields})
    else:
        del root[key]
    who.send_update(house.room, who.doc.get_update(before))
    house.tick()


async def test_story_canvas_and_authors_are_what_they_were(
    house: House, ann: NativeReplica, bo: NativeReplica, archive: Archive
) -> None:
    ann.edit(house.room, 0, insert="Кот 🐈 спал.\nИ снова.")
    house.tick()
    bo.receive()
    bo.edit(house.room, 6, insert="тихо ")
    ann.receive()
    assert ann.resume is not None
    ann.send(house.room, Ask(1, "continue", "write", ann.resume.offset, ann.index(5), ann.index(5)))
    run = house.host.last
    house.host.start(run)
    house.host.say(run, " рыжий")
    draw(house, bo, "a", x=3.0)
    draw(house, ann, "b", y=2.0)
    draw(house, ann, "b", x=1.0)
    house.tick()
    then, seq = owned(house), house.room.context.seq
    objects = house.room.shared.document.canvas.objects()
    creators = {key: one.creator for key, one in house.room.shared.objects.items()}
    # Much happens.
    bo.receive()
    bo.edit(house.room, 0, delete=12, insert="Пёс")
    ann.send(house.room, Undo(run))
    draw(house, ann, "a")
    draw(house, bo, "b", x=9.0)
    draw(house, bo, "c", x=9.0)
    house.room.sweep()
    between = owned(house)
    moment = (await archive.past("room", seq)).moment()
    assert pieces(moment.story) == then
    assert restore(house, bo, moment) == house.room.context.seq
    house.tick()
    assert owned(house) == then
    assert house.room.shared.document.canvas.objects() == objects
    assert {key: one.creator for key, one in house.room.shared.objects.items()} == creators
    assert house.room.runs.get(run).info.undone is False
    # And a replay of the log says the same.
    house.restart()
    assert owned(house) == then
    # It is an edit like any other: the work of others meanwhile stays, and its author can undo it.
    moment = (await archive.past("room", seq)).moment()
    ann.connect(house.room)
    bo.connect(house.room)
    ann.edit(house.room, len(ann.text), insert="!")
    bo.send(house.room, Undo())
    assert between != then
    assert house.room.text().endswith("!")


async def test_a_restoration_can_be_undone(house: House, ann: NativeReplica, archive: Archive) -> None:
    ann.edit(house.room, 0, insert="one")
    house.tick(1)
    seq = house.room.context.seq
    ann.receive()
    ann.edit(house.room, 0, delete=3, insert="two three")
    house.tick(0)  # one step of undo by itself, also right after typing
    restore(house, ann, (await archive.past("room", seq)).moment())
    assert house.room.text() == "one"
    house.tick(0)
    ann.send(house.room, Undo())
    assert house.room.text() == "two three"
    house.tick()
    entries = house.room.context.seq
    restore(house, ann, (await archive.past("room", entries)).moment())
    assert house.room.context.seq == entries  # nothing differed


async def test_comments_and_suggestions_after_going_back(
    house: House, ann: NativeReplica, archive: Archive
) -> None:
    ann.edit(house.room, 0, insert="one two three")
    house.tick()
    ann.receive()
    assert ann.resume is not None
    ann.send(house.room, AddComment("kept", ann.resume.offset, 0, 3, "hm"))
    ann.send(house.room, AddComment("gone", ann.resume.offset, 4, 7, "hm"))
    ann.send(house.room, Ask(1, "rewrite", "suggest", ann.resume.offset, 8, 13))
    run = house.host.last
    house.host.start(run)
    house.host.say(run, "3")
    house.host.finish(run)
    house.tick()
    seq = house.room.context.seq
    ann.send(house.room, Accept(run))
    ann.send(house.room, DeleteComment("gone"))
    ann.receive()
    ann.edit(house.room, 0, delete=len(ann.text))
    house.tick()
    assert house.room.text() == ""
    restore(house, ann, (await archive.past("room", seq)).moment())
    assert house.formatted() == [
        ("one", {"comment:kept": True}),
        (" two ", None),
        ("three", {"suggest_del": run}),
        ("3", {"ai": run, "suggest": run}),
    ]
    assert house.room.runs.get(run).info.suggestion == "open"
    ann.send(house.room, Accept(run))
    assert house.room.text() == "one two 3"


async def test_the_archive_says_what_it_does_not_have(
    house: House, ann: NativeReplica, archive: Archive
) -> None:
    ann.edit(house.room, 0, insert="one")
    house.tick()
    assert ((await archive.past("room", 0)).moment()).text == ""
    assert ((await archive.past("room", house.room.context.seq)).moment()).text == "one"
    with pytest.raises(NotFound):
        (await archive.past("room", house.room.context.seq + 1)).moment()


async def test_versions_are_named_told_and_taken_away(
    house: House, ann: NativeReplica, bo: NativeReplica
) -> None:
    members = {who.name: house.room.members.get(who.participant) for who in (ann, bo)}
    assert members["Ann"] is not None
    assert members["Bo"] is not None
    ann.edit(house.room, 0, insert="one")
    house.tick()
    timeline = house.room.timeline
    made = timeline.name(members["Ann"], "  Первый \n черновик ")
    assert (made.name, made.seq, made.author) == ("Первый черновик", house.room.context.seq, ann.participant)
    for wrong, seq in (("", 0), ("x" * 101, 0), ("later", house.room.context.seq + 1)):
        with pytest.raises(PeerError):
            timeline.name(members["Ann"], wrong, seq)
    with pytest.raises(Denied):
        timeline.remove(members["Bo"], made.id)
    house.tick()
    bo.receive()
    assert [m.versions for m in bo.of(Versions)] == [(made,)]
    house.restart()
    bo.connect(house.room)
    assert bo.of(Versions)[-1].versions == (made,)
    timeline = house.room.timeline
    timeline.remove(members["Ann"], made.id)
    with pytest.raises(NotFound):
        timeline.remove(members["Ann"], made.id)
    assert timeline.versions() == ()


TEXT = st.text(st.sampled_from("ab \nжё字𠀀😀\u0301"), max_size=12)


@settings(max_examples=200, deadline=None)
@given(TEXT, TEXT)
def test_differences_lead_from_one_text_to_the_other(old: str, new: str) -> None:
    made = ""
    at = start = 0
    for one in differences(old, new):
        assert (one.old_start, one.start) == (at, start)
        at, start = one.old_end, one.end
        if one.kind == "equal":
            assert old[one.old_start : one.old_end] == new[one.start : one.end]
        made += new[one.start : one.end]
    assert (made, at, start) == (new, len(old), len(new))


STEPS = st.lists(
    st.tuples(
        st.sampled_from("edit edit edit bold draw erase ask undo back say comment".split()),  # noqa: SIM905
        st.integers(0, 1),
        st.integers(0, 30),
        st.integers(0, 6),
        TEXT,
    ),
    min_size=2,
    max_size=16,
)


@settings(max_examples=25, deadline=None)
@given(STEPS, st.integers(0, 10**6), st.integers(0, 10**6))
def test_going_back_and_forking_give_exactly_the_state_of_that_point(
    steps: list[tuple[str, int, int, int, str]], pick: int, who_goes: int
) -> None:
    house = House(LIMITS)
    people = [house.join(NativeReplica("Ann", "owner", 11)), house.join(NativeReplica("Bo", "editor", 12))]
    run = ""
    states: dict[int, tuple[Any, Any]] = {}
    beside: dict[int, tuple[Any, Any]] = {}
    for kind, number, at, count, text in steps:
        who = people[number]
        who.receive()
        if kind == "edit":
            who.edit(house.room, at, count, text)
        elif kind == "bold" and who.text:
            before = who.doc.get_state()
            start = min(at, len(who.text) - 1)
            who.story.format(
                who.index(start), who.index(start + 1 + count), {"bold": bool(count % 2) or None}
            )
            who.send_update(house.room, who.doc.get_update(before))
        elif kind == "draw":
            draw(house, who, f"o{at % 3}", x=float(count))
        elif kind == "erase" and f"o{at % 3}" in house.room.shared.document.canvas:
            draw(house, who, f"o{at % 3}")
        elif kind == "ask":
            assert who.resume is not None
            place = who.index(at)
            who.send(house.room, Ask(1, "continue", "write", who.resume.offset, place, place))
            run = house.host.last
            house.host.start(run)
            house.host.say(run, text)
            house.host.finish(run)
        elif kind == "undo":
            who.send(house.room, Undo(run or None))
        elif kind == "say":
            who.send(house.room, Say(1, f"hm {text}"))
        elif kind == "comment" and who.text:
            assert who.resume is not None
            start = min(at, len(who.text) - 1)
            first, last = who.index(start), who.index(start + 1)
            who.send(house.room, AddComment(f"c{len(states)}", who.resume.offset, first, last, "why"))
        elif kind == "back" and states:
            chosen = sorted(states)[at % len(states)]
            restore(house, who, _moment(house, chosen))
            assert _unmarked(_state(house)) == _unmarked(states[chosen])
        house.tick(1)
        house.room.sweep()
        states[house.room.context.seq] = _state(house)
        beside[house.room.context.seq] = _beside(house.room)
    chosen = sorted(states)[pick % len(states)]
    # The new room has everything that stood there, the chat and all comments too; and it is whole by itself.
    forked = asyncio.run(_forked(house, _moment(house, chosen)))
    assert (pieces(story(forked.shared)), forked.shared.document.canvas.objects()) == states[chosen]
    assert _beside(forked) == beside[chosen]
    restore(house, people[who_goes % 2], _moment(house, chosen))
    assert _unmarked(_state(house)) == _unmarked(states[chosen])
    house.tick(1)
    for person in people:
        person.receive()
        assert person.text == house.room.text()
    house.restart()
    assert _unmarked(_state(house)) == _unmarked(states[chosen])


def _state(house: House) -> tuple[Any, Any]:
    return owned(house), house.room.shared.document.canvas.objects()


def _unmarked(state: tuple[Any, Any]) -> tuple[Any, Any]:
    """Going back leaves comments on the rest of their passages: they are talk about the text, of today."""
    found: list[tuple[str, dict[str, Any], str, str | None]] = []
    for text, marks, author, run in state[0]:
        rest = (
            {name: value for name, value in marks.items() if not name.startswith("comment:")},
            author,
            run,
        )
        if found and found[-1][1:] == rest:
            text = found.pop()[0] + text
        found.append((text, *rest))
    return found, state[1]


def _beside(room: Room) -> tuple[Any, Any]:
    """The chat and the comments. (Going back leaves them as they are.)"""
    side = room.shared.document.side
    return side.chat(), side.comments()


async def _forked(house: House, moment: PastState) -> Room:
    people, runs = frozenset(moment.people), frozenset(moment.runs)
    past = Past("room", "", b"", moment.snapshot, people, runs)
    hub = Hub(
        house.store,
        house.host,
        mint=lambda grant: grant.link,
        models=lambda: house.models,
        limits=LIMITS,
        clock=house.clock,
    )
    record = await fork(hub, MemoryAssets(), house.room, past)
    return await hub.get(record.id)


def _moment(house: House, seq: int) -> PastState:
    entries = house.store._between("room", 0, seq + 1)
    moment = replayed(LIMITS, None, entries)
    assert moment.seq == seq
    return moment
