"""Long work of a room goes on by turns, keeps the room still, and is done to its end whoever goes meanwhile."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator

import pytest

from antiphon_proto.messages import Accept, Ask, Edit, Error, Redo, Reject, Stepped, Undo
from antiphon_server.core.long_work import LongWork
from antiphon_server.core.pause import Pause
from antiphon_server.net.turns import Turns
from antiphon_server.rooms.update_reader import UpdateReader
from support.replica import NativeReplica
from support.rooms import House


def steps(done: list[int], count: int) -> Iterator[None]:
    for number in range(count):
        done.append(number)
        yield


async def test_the_room_stands_still_until_it_is_over() -> None:
    pause, done, seen = Pause(), list[int](), list[int]()
    work = LongWork(pause)
    turns = Turns(asyncio.get_running_loop())
    task = asyncio.create_task(work.run(steps(done, 5), turns, turns.claim("a")))
    await asyncio.sleep(0)
    assert pause.held or done == [0, 1, 2, 3, 4]
    await pause.over()
    seen += done
    await task
    assert seen == [0, 1, 2, 3, 4]
    assert not work.waiting


async def test_ticks_go_on_with_what_a_connection_left_and_a_room_that_closes_ends_it() -> None:
    for ends in ("ticks", "closing"):
        pause, done = Pause(), list[int]()
        work = LongWork(pause)
        turns = Turns(asyncio.get_running_loop())

        def costly(turns: Turns = turns, done: list[int] = done) -> Iterator[None]:
            for _ in steps(done, 4):
                turns._spent = 1.0  # the slice is full: it has to wait for its turn
                yield

        task = asyncio.create_task(work.run(costly(), turns, turns.claim("a")))
        await asyncio.sleep(0)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        assert done[-1] < 3
        assert pause.held
        assert work.waiting
        if ends == "closing":
            work.finish()
        while work.waiting:
            work.tick()
        assert done == [0, 1, 2, 3]
        assert not pause.held


async def test_work_that_fails_lets_the_room_go_on() -> None:
    def failing() -> Iterator[None]:
        yield
        raise ZeroDivisionError

    pause = Pause()
    work = LongWork(pause)
    turns = Turns(asyncio.get_running_loop())
    with pytest.raises(ZeroDivisionError):
        await work.run(failing(), turns, turns.claim("a"))
    assert not pause.held
    assert not work.waiting


def mass_edit(who: NativeReplica, passages: int) -> Edit:
    """Replaces a word in many places at once."""
    before = who.doc.get_state()
    step = len(who.story) // passages
    with who.doc.transaction():
        for number in range(passages):
            del who.story[number * step : number * step + 3]
            who.story.insert(number * step, "new")
    who.batch += 1
    update = who.doc.get_update(before)
    who.unacknowledged[who.batch] = update
    return Edit(who.batch, update, "new")


def test_a_mass_replacement_and_its_undo_stop_often_and_are_one_step() -> None:
    house = House()
    ann = house.join(NativeReplica("Ann", "owner", 11))
    bo = house.join(NativeReplica("Bo", "editor", 12))
    ann.receive()
    ann.story.insert(0, "The quick brown fox jumps over it. " * 1000)
    ann.batch += 1
    ann.send(house.room, Edit(ann.batch, ann.doc.get_update(), "new"))
    house.tick()
    bo.receive()
    original = house.room.text()
    edit = mass_edit(bo, 700)
    assert bo.seat is not None
    bo.seat.read = UpdateReader(20_000)._read(edit.update)
    states, offset = [], house.room.context.offset
    for _ in house.room.receiving(bo.seat, edit):
        states.append(house.room.shared.document.state_vector())
        house.tick()  # the part done so far may go out at any time
    house.tick()
    assert len(states) >= 8
    replaced = house.room.text()
    assert replaced != original
    bo.receive()
    ann.receive()
    assert str(bo.story) == str(ann.story) == replaced
    assert bo.resume is not None
    assert bo.resume.offset == ann.resume.offset == house.room.context.offset > offset + 8
    turned = ((Undo(None), original), (Redo(), replaced), (Undo(None), original))
    for number, (message, expected) in enumerate(turned, 1):
        texts = {house.room.text()}
        stops = 0
        for _ in house.room.receiving(bo.seat, message):
            stops += 1
            texts.add(house.room.text())
            shared = house.room.shared
            assert shared.authorship.length == shared.document.length
            house.tick()
        assert house.room.text() == expected
        assert stops >= 40
        assert len(texts) > 40
        assert house.room.shared.trace.length == house.room.shared.document.length
        house.tick()
        bo.receive()
        assert len(bo.of(Stepped)) == number
    assert bo.of(Error) == []
    # Another restart has the same text and authors.
    owners = list(house.room.shared.authorship.spans())
    house.restart()
    assert house.room.text() == original
    assert list(house.room.shared.authorship.spans()) == owners


def test_accepting_rejecting_and_undoing_many_corrections_stop_often() -> None:
    """The work of a run in hundreds of places, decided or taken back at once."""
    places = 300
    text = " ".join("He go there now and then." for _ in range(places))
    for message, expected in (
        (Accept, text.replace("go", "goes")),
        (Reject, text),
        (Undo, text),
    ):
        house = House()
        ann = house.join(NativeReplica("Ann", "owner", 11))
        bo = house.join(NativeReplica("Bo", "editor", 12))
        ann.edit(house.room, 0, insert=text)
        house.tick(1)
        ann.receive()
        assert ann.resume is not None
        ann.send(house.room, Ask(3, "fix", "suggest", ann.resume.offset, 0, len(text)))
        house.proofreader.find(*[("go", "goes")] * places)
        for _ in range(30):
            house.tick()
        run = house.room.run_infos()[-1]
        assert run.length == places
        assert house.room.text().count("gogoes") == places
        assert ann.seat is not None
        stops, shared = 0, house.room.shared
        for _ in house.room.receiving(ann.seat, message(run.id)):
            stops += 1
            assert shared.authorship.length == shared.document.length
            house.tick()
        house.tick()
        assert house.room.text() == expected
        assert stops >= places // 32
        assert shared.trace.length == shared.document.length
        assert house.room.runs.get(run.id).info.suggestion == (
            "accepted" if message is Accept else "rejected"
        )
        bo.receive()
        assert str(bo.story) == expected
        if message is not Undo:  # one step takes the whole decision back
            ann.send(house.room, Undo(None))
            house.tick()
            assert house.room.text().count("gogoes") == places
        assert ann.of(Error) == []
