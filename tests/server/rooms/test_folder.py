"""A long document is encoded in a helper process: whoever needs the whole of it, the event loop never makes it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from antiphon_engines.api import QueueFull
from antiphon_proto.messages import Error, Rebuild, Resync
from antiphon_proto.sync import SyncStep1
from antiphon_server.document import document as documents
from antiphon_server.document.text_index import snap
from antiphon_server.room_limits import RoomLimits
from antiphon_server.rooms.hub import Hub
from antiphon_server.rooms.room import Room
from antiphon_server.work.jobs import Answer, Job
from support.inline_pool import InlinePool
from support.memory_store import MemoryStore
from support.replica import NativeReplica, Pipe, PlainReplica
from support.rooms import MODELS
from support.run_host import ScriptedHost
from support.virtual_clock import VirtualClock

STORY = "abcdefgh рассказ, 😀 and so on. " * 200


class Desk(InlinePool):
    """`between` is called while a job is under way."""

    def __init__(self) -> None:
        super().__init__()
        self.full = False
        self.between: Callable[[], None] = lambda: None

    async def run(self, job: Job, key: str) -> Answer:
        if self.full:
            raise QueueFull("too much is waiting")
        answer = await super().run(job, key)
        await asyncio.sleep(0)
        self.between()
        return answer

    @property
    def kinds(self) -> list[str]:
        return [kind for kind, _ in self.jobs]


class Place:
    """A room with a document that counts as long; `encodings` counts the states that the loop encoded."""

    def __init__(self, hub: Hub, room: Room, desk: Desk, clock: VirtualClock, store: MemoryStore) -> None:
        self.hub, self.room, self.desk, self.clock, self.store = hub, room, desk, clock, store
        self.encodings = 0
        document = room.shared.document
        make = document.state

        def counted() -> bytes:
            self.encodings += not document.encoded
            return make()

        document.state = counted

    async def come(self, replica: Any) -> Any:
        """As the connection does."""
        await self.room.ready_for(replica._request(self.room))
        if isinstance(replica, NativeReplica):
            replica.connect(self.room)
        else:
            replica.pipe = Pipe("yjs")
            replica.seat = self.room.join(replica.pipe, replica._request(self.room))
            await self.say(replica, SyncStep1(b"\0"))
        return replica

    async def say(self, replica: Any, message: Any) -> None:
        await self.room.ready_to_tell(replica.seat, message)
        if isinstance(replica, PlainReplica):
            self.room.receive_yjs(replica.seat, message)
        else:
            self.room.receive(replica.seat, message)


@pytest.fixture
async def place(monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(documents, "_LONG", 1000)
    monkeypatch.setattr(documents, "_FAR", 100)
    desk, clock, store = Desk(), VirtualClock(), MemoryStore()
    hub = Hub(
        store,
        ScriptedHost(),
        mint=lambda grant: grant.link,
        models=lambda: MODELS,
        limits=RoomLimits(empty_timeout=60, snapshot_entries=20),
        clock=clock,
        documents=desk,
    )
    record = await hub.create()
    room = await hub.get(record.id)
    ann = NativeReplica("Ann", "owner", 11)
    ann.connect(room)
    ann.edit(room, 0, insert=STORY)
    room.tick()
    room.sweep()
    place = Place(hub, room, desk, clock, store)
    place.ann = ann  # type: ignore[attr-defined]
    return place


def typing(place: Any) -> Iterator[None]:
    """Ann writes and deletes while others come."""
    while True:
        place.ann.receive()
        place.ann.edit(place.room, 3, insert="слово ")
        place.ann.edit(place.room, 0, delete=1)
        place.room.tick()
        yield


async def test_newcomers_share_one_state_and_get_what_came_since(place: Any) -> None:
    more = typing(place)
    place.desk.between = lambda: next(more)
    bo = await place.come(NativeReplica("Bo", "viewer", 12))
    next(more)
    cy = await place.come(NativeReplica("Cy", "editor", 13))
    dee = await place.come(PlainReplica("Dee", "editor", 14))
    next(more)
    bo.receive()
    cy.receive()
    dee.receive(place.room)
    for replica in (bo, cy, dee):
        assert replica.text == place.room.text()
    assert place.desk.kinds == ["Fold"]
    assert place.encodings == 0


async def test_many_who_come_at_once_ask_for_one(place: Any) -> None:
    replicas = [NativeReplica(f"R{number}", "editor", 20 + number) for number in range(5)]
    await asyncio.gather(*(place.come(one) for one in replicas))
    for one in replicas:
        one.receive()
        assert one.text == place.room.text()
    assert place.desk.kinds == ["Fold"]
    assert place.encodings == 0


async def test_who_has_a_copy_is_told_the_state_as_it_is_and_the_room_waits_for_it(place: Any) -> None:
    held: list[bool] = []
    place.desk.between = lambda: held.append(place.room.pause.held)
    ann = place.ann
    ann.receive()
    await place.say(ann, Resync("x"))
    rebuilt = [one for one in ann.receive() if isinstance(one, Rebuild)]
    assert [one.offset for one in rebuilt] == [place.room.context.offset]
    assert held == [True]
    assert not place.room.pause.held
    # One that has no right to another for the moment costs nothing.
    while not any(isinstance(one, Error) for one in ann.receive()):
        place.ann.edit(place.room, 0, insert="x")
        place.room.tick()
        await place.say(ann, Resync("x"))
    made = len(place.desk.jobs)
    for _ in range(20):
        await place.say(ann, Resync("x"))
    assert len(place.desk.jobs) == made
    assert place.encodings == 0


async def test_snapshots_are_written_beside_the_loop_and_the_room_opens_with_all_words(place: Any) -> None:
    more = typing(place)
    place.desk.between = lambda: next(more)
    for _ in range(15):
        next(more)
    await place.hub.sweep()
    next(more)
    stored = place.store.stored(place.room.id)
    assert stored is not None
    assert stored.snapshot is not None
    assert stored.entries
    place.desk.between = lambda: None
    text = place.room.text()
    place.ann.drop(place.room)
    place.clock.advance(100)
    await place.hub.sweep()
    assert place.hub.loaded() == ()
    assert place.encodings == 0
    assert "Cut" not in place.desk.kinds
    again = await place.hub.get(place.room.id)
    assert again.text() == text
    assert again.shared.authorship.length == again.shared.document.length


async def test_the_story_of_a_large_room_is_cut_elsewhere(
    place: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antiphon_server.rooms.hub._LARGE", 100)
    text = place.room.text()
    place.ann.drop(place.room)
    place.clock.advance(100)
    await place.hub.sweep()
    again = await place.hub.get(place.room.id)
    assert place.desk.kinds[-1] == "Cut"
    document = again.shared.document
    assert document._pieces is not None
    again.sweep()
    document._unused = 10_000
    again.sweep()
    pieces = document._pieces
    bo = NativeReplica("Bo", "editor", 12)
    bo.connect(again)
    bo.edit(again, 0, delete=3)
    assert document._pieces is pieces
    assert again.text() == str(document._text) == text[3:]
    for at in range(60):
        assert document.snap(at) == snap(document.data(), at)


async def test_without_a_free_process_the_loop_does_it(place: Any) -> None:
    place.desk.full = True
    bo = await place.come(NativeReplica("Bo", "editor", 12))
    bo.receive()
    assert bo.text == place.room.text()
    assert place.encodings == 1
