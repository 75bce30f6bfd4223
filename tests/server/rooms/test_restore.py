"""Going back while others write: what differs is found elsewhere, and nothing that was written meanwhile is lost."""

from __future__ import annotations

from antiphon_proto.errors import AntiphonError, CloseCode
from antiphon_proto.messages import Error, LearnStyle
from antiphon_proto.sync import SyncStep1
from antiphon_server.core.members import Member
from antiphon_server.room_limits import RoomLimits
from antiphon_server.rooms.replay import Archive
from antiphon_server.rooms.restore import bring_back
from antiphon_server.work.jobs import Answer, Differ, Job
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
        if isinstance(job, Differ):
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
    await bring_back(house.room, lambda: _member(house, ann), past, pool)
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
    for _ in range(100):  # what is small costs nothing
        bo.send(small.room, SyncStep1(b"\x00"))
    assert bo.pipe.closed is None
