"""Going back while others write: the difference is found off the loop, and no word of others is lost."""

from __future__ import annotations

import asyncio

from pycrdt import Map

from antiphon_proto.errors import AntiphonError, CloseCode
from antiphon_proto.messages import Error, LearnStyle, Redo, Undo
from antiphon_proto.sync import SyncStep1
from antiphon_server.core.members import Member
from antiphon_server.net.turns import Turns
from antiphon_server.room_limits import RoomLimits
from antiphon_server.rooms.replay import Archive
from antiphon_server.rooms.restore import bring_back
from antiphon_server.work.jobs import Answer, Found, Job, Restore
from antiphon_server.work.style_reading import Measured
from support.inline_pool import InlinePool
from support.replica import NativeReplica, PlainReplica
from support.rooms import House


class BusyPool(InlinePool):
    """Somebody types while the first difference is looked for."""

    def __init__(self, house: House, who: NativeReplica) -> None:
        super().__init__()
        self._house = house
        self._who = who
        self.held: list[bool] = []

    async def run(self, job: Job, key: str) -> Answer:
        if isinstance(job, Restore):
            self.held.append(self._house.room.pause.held)
            if len(self.held) == 1:
                self._who.edit(self._house.room, 0, insert="meanwhile ")
        return await super().run(job, key)


async def test_a_room_that_changes_meanwhile_stands_still_the_second_time() -> None:
    house = House()
    ann = house.join(NativeReplica("Ann", "owner", 11))
    ann.edit(house.room, 0, insert="then")
    house.tick()
    seq = house.room.context.seq
    ann.edit(house.room, 0, insert="now ")
    house.tick()
    pool = BusyPool(house, ann)
    past = await Archive(house.store, RoomLimits(), InlinePool()).past("room", seq)
    turns = Turns(asyncio.get_running_loop())
    await bring_back(house.room, lambda: _member(house, ann), past, pool, turns)
    assert house.room.text() == "then"
    assert pool.held == [False, True]
    assert not house.room.pause.held
    house.tick()
    ann.receive()
    assert str(ann.story) == "then"


async def test_a_style_is_measured_elsewhere_and_not_too_often() -> None:
    asked: list[tuple[str, Measured]] = []

    class Reader:
        def learn(self, text: str, key: str, done: Measured) -> None:
            asked.append((text, done))

    house = House(RoomLimits(lesson_burst=2), style=Reader())
    ann = house.join(NativeReplica("Ann", "owner", 11))
    ann.edit(house.room, 0, insert="I was there.")
    house.tick()
    for number in range(4):
        ann.send(house.room, LearnStyle(number, house.room.context.offset, 0, 12))
    assert [text for text, _ in asked] == ["I was there."] * 2
    ann.receive()
    assert [error.ref for error in ann.of(Error)] == ["2", "3"]
    asked[0][1](AntiphonError("broken"))
    ann.receive()
    assert ann.of(Error)[-1].ref == "0"


async def test_a_large_restoration_stops_often_and_is_durable_as_a_whole() -> None:
    house = House()
    ann = house.join(NativeReplica("Ann", "owner", 11))
    bo = house.join(NativeReplica("Bo", "editor", 12))
    text = "".join(f"Line {number} of the first draft. " for number in range(160))
    ann.edit(house.room, 0, insert=text)
    before = ann.doc.get_state()
    canvas = ann.doc.get("canvas", type=Map)
    for number in range(80):
        canvas[f"o{number}"] = Map(
            {
                "type": "shape",
                "shape": "ellipse",
                "x": 1.0 * number,
                "y": 0.0,
                "w": 9.0,
                "h": 9.0,
                "z": f"{number:02d}V",
            }
        )
    ann.send_update(house.room, ann.doc.get_update(before))
    house.tick()
    seq, drawn = house.room.context.seq, house.room.shared.document.canvas.objects()
    bo.receive()
    before = bo.doc.get_state()
    with bo.doc.transaction():
        for number in reversed(range(160)):
            at = bo.text.index(f"Line {number} ")
            del bo.story[at : at + 4]
            bo.story.insert(at, "Verse")
        for number in range(80):
            del bo.doc.get("canvas", type=Map)[f"o{number}"]
    bo.send_update(house.room, bo.doc.get_update(before))
    house.tick()
    changed = house.room.context.seq
    past = await Archive(house.store, RoomLimits(), InlinePool()).past("room", seq)
    answer = await InlinePool().run(
        Restore(house.room.copy(), past.packed, *house.room.timeline.standing()), ""
    )
    assert isinstance(answer, Found)
    stops = 0
    for _ in house.room.timeline.restore(_member(house, ann), answer.restoration):
        stops += 1
        house.tick()
        stored = house.store.stored("room")
        assert stored is not None
        assert max(entry.seq for entry in stored.entries) == changed
        assert house.room.shared.authorship.length == house.room.shared.document.length
    assert stops >= 160 // 32 + 80 // 32
    house.tick()
    assert house.room.text() == text
    assert house.room.shared.document.canvas.objects() == drawn
    assert {span.owner.author for span in house.room.shared.authorship.spans()} == {ann.participant}
    ann.send(house.room, Undo(None))  # it is one step
    house.tick()
    assert house.room.text().count("Verse") == 160
    ann.send(house.room, Redo())
    house.tick()
    house.restart()
    assert house.room.text() == text
    assert {span.owner.author for span in house.room.shared.authorship.spans()} == {ann.participant}


def _member(house: House, who: NativeReplica) -> Member:
    member = house.room.members.get(who.participant)
    assert member is not None
    return member


def test_a_plain_client_pays_for_every_large_answer_also_over_new_connections() -> None:
    house = House()
    ann = house.join(NativeReplica("Ann", "owner", 11))
    ann.edit(house.room, 0, insert="x" * 200_000)
    house.tick()
    viewer = PlainReplica("Vic", "viewer", 12)
    answered = 0
    for number in range(40):
        if viewer.seat is None:
            viewer.connect(house.room)  # asks once itself
        viewer.pipe.frames.clear()
        vector = b"\x00" if number % 2 else b"\x01\x05\x01"  # the whole, and nearly the whole
        viewer.send(house.room, SyncStep1(vector))
        answered += len(viewer.pipe.frames)
        if viewer.pipe.closed is not None:
            assert viewer.pipe.closed[0] == CloseCode.RATE_LIMITED
            viewer.drop(house.room)
    assert answered <= 10
    house.clock.advance(10)
    viewer.connect(house.room)
    assert viewer.text == "x" * 200_000
    small = House()
    bo = small.join(PlainReplica("Bo", "editor", 12))
    for _ in range(100):  # small steps cost nothing
        bo.send(small.room, SyncStep1(b"\x00"))
    assert bo.pipe.closed is None
