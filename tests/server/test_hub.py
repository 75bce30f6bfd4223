"""Rooms by id: made, loaded once, let go when idle, drained."""

from __future__ import annotations

import asyncio

import pytest

from antiphon_engines.api import QueueFull
from antiphon_proto.errors import CloseCode, NotFound
from antiphon_proto.messages import GoAway, Models, Update
from antiphon_server.hub import Hub
from antiphon_server.room_limits import RoomLimits
from antiphon_server.store.api import Entry, StorageUnavailable, StoredRoom
from support.memory_store import MemoryStore
from support.replica import NativeReplica, Pipe
from support.rooms import MODELS
from support.run_host import ScriptedHost
from support.virtual_clock import VirtualClock


class SlowStore(MemoryStore):
    """Loads when it is allowed to."""

    def __init__(self) -> None:
        super().__init__()
        self.open_gate = asyncio.Event()

    async def load(self, room: str) -> StoredRoom | None:
        await self.open_gate.wait()
        return await super().load(room)


def _hub(store: MemoryStore, clock: VirtualClock | None = None, max_rooms: int = 10) -> Hub:
    return Hub(
        store,
        ScriptedHost(),
        mint=lambda room, role, link: link,
        models=lambda: MODELS,
        limits=RoomLimits(empty_timeout=60),
        max_rooms=max_rooms,
        clock=clock or VirtualClock(),
    )


async def test_a_room_is_loaded_once_whoever_asks() -> None:
    store = SlowStore()
    hub = _hub(store)
    record = await hub.create()
    asks = [asyncio.create_task(hub.get(record.id)) for _ in range(3)]
    await asyncio.sleep(0)
    asks[0].cancel()
    await asyncio.sleep(0)
    store.open_gate.set()
    rooms = await asyncio.gather(*asks[1:])
    assert rooms[0] is rooms[1] is await hub.get(record.id)
    assert store.loads == 1
    assert rooms[0].lineage == record.lineage
    assert hub.loaded() == (rooms[0],)


async def test_unknown_rooms_and_too_many() -> None:
    hub = _hub(MemoryStore(), max_rooms=1)
    record = await hub.create()
    with pytest.raises(NotFound):
        await hub.get("nowhere")
    await hub.get(record.id)
    with pytest.raises(QueueFull):
        await hub.create()


async def test_an_idle_room_leaves_the_memory_and_comes_back() -> None:
    store, clock = MemoryStore(), VirtualClock()
    hub = _hub(store, clock)
    record = await hub.create()
    room = await hub.get(record.id)
    ann = NativeReplica("Ann", "owner", 11)
    ann.connect(room)
    ann.edit(room, 0, insert="Привет")
    clock.advance(100)
    await hub.sweep()
    assert hub.loaded() == (room,)
    ann.drop(room)
    clock.advance(59)
    await hub.sweep()
    assert hub.loaded() == (room,)
    clock.advance(2)
    await hub.sweep()
    assert hub.loaded() == ()
    stored = store.stored(record.id)
    assert stored is not None
    assert stored.snapshot is not None
    assert (await hub.get(record.id)).text() == "Привет"


async def test_a_room_that_cannot_be_saved_stays_in_memory() -> None:
    store, clock = MemoryStore(), VirtualClock()
    hub = _hub(store, clock)
    room = await hub.get((await hub.create()).id)
    ann = NativeReplica("Ann", "owner", 11)
    ann.connect(room)
    ann.edit(room, 0, insert="x")
    ann.drop(room)
    store.problem = StorageUnavailable("gone")
    clock.advance(100)
    await hub.sweep()
    assert hub.loaded() == (room,)
    store.problem = None
    clock.advance(10)
    await hub.sweep()
    await hub.sweep()
    assert hub.loaded() == ()
    assert (await hub.get(room.id)).text() == "x"


async def test_the_hubs_task_ticks_rooms_that_have_something_to_say() -> None:
    hub = _hub(MemoryStore())
    task = asyncio.create_task(hub.run())
    room = await hub.get((await hub.create()).id)
    ann, bo = NativeReplica("Ann", "owner", 11), NativeReplica("Bo", "editor", 12)
    ann.connect(room)
    bo.connect(room)
    ann.edit(room, 0, insert="x")
    while not bo.of(Update):
        await asyncio.sleep(0)
        bo.receive()
    assert bo.text == "x"
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_drain_tells_saves_and_closes() -> None:
    store = MemoryStore(auto=False)
    hub = _hub(store)
    record = await hub.create()
    room = await hub.get(record.id)
    ann = NativeReplica("Ann", "owner", 11)
    ann.connect(room)
    ann.edit(room, 0, insert="x")
    await hub.drain("bye", 250)
    ann.receive()
    assert ann.of(GoAway) == [GoAway("bye", 250)]
    assert ann.pipe.closed == (CloseCode.DRAINING, "bye")
    assert 1 in ann.durable
    with pytest.raises(StorageUnavailable):
        await hub.get(record.id)
    with pytest.raises(StorageUnavailable):
        await hub.create()


async def test_models_are_announced_to_every_room() -> None:
    hub = _hub(MemoryStore())
    room = await hub.get((await hub.create()).id)
    ann = NativeReplica("Ann", "owner", 11)
    ann.connect(room)
    hub.announce_models(MODELS)
    ann.receive()
    assert ann.of(Models) == [Models(MODELS)]


async def test_a_log_that_cannot_be_read_is_said() -> None:
    store = MemoryStore()
    hub = _hub(store)
    record = await hub.create()
    store.put(record.id, [Entry(1, "p", b"garbage", 0)])
    with pytest.raises(StorageUnavailable, match="cannot be read"):
        await hub.get(record.id)
    assert Pipe("native").closed is None
    assert hub.loaded() == ()
