"""Rooms by id: made, loaded once, let go when idle, drained."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from antiphon_engines.api import QueueFull
from antiphon_proto.errors import CloseCode, NotFound, RateLimited
from antiphon_proto.messages import GoAway, Models, Update
from antiphon_server.room_limits import RoomLimits
from antiphon_server.rooms.hub import Hub
from antiphon_server.store.api import Entry, StorageUnavailable, StoredRoom
from support.memory_store import MemoryStore
from support.replica import NativeReplica
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


def _hub(store: MemoryStore, clock: VirtualClock | None = None, max_rooms: int = 10, **more: Any) -> Hub:
    return Hub(
        store,
        ScriptedHost(),
        mint=lambda grant: grant.link,
        models=lambda: MODELS,
        limits=RoomLimits(empty_timeout=60),
        max_rooms=max_rooms,
        clock=clock or VirtualClock(),
        **more,
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
    assert rooms[0].context.lineage == record.lineage
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


async def test_a_log_that_cannot_be_read_is_kept_aside() -> None:
    store = MemoryStore()
    hub = _hub(store)
    record = await hub.create()
    store.put(record.id, [Entry(1, "p", b"garbage", 0)])
    room = await hub.get(record.id)
    assert [aside.seq for aside in room.aside] == [1]
    assert hub.loaded() == (room,)


async def test_an_empty_room_leaves_before_a_newcomer_is_refused() -> None:
    clock = VirtualClock()
    hub = _hub(MemoryStore(), clock, max_rooms=2)
    records = [await hub.create() for _ in range(4)]
    first, second = [await hub.get(record.id, "a") for record in records[:2]]
    NativeReplica("Ann", "owner", 11).connect(first)
    with pytest.raises(QueueFull):  # the other one was just asked for: somebody may be about to join it
        await hub.get(records[2].id, "b")
    clock.advance(3)
    third = await hub.get(records[2].id, "b")
    assert set(hub.loaded()) == {first, third}
    assert second.closed
    NativeReplica("Bo", "owner", 12).connect(third)
    clock.advance(100)
    with pytest.raises(QueueFull, match="as many rooms"):
        await hub.get(records[3].id, "c")
    assert not first.closed


async def test_one_address_cannot_fill_the_memory() -> None:
    clock = VirtualClock()
    hub = _hub(MemoryStore(), clock, max_rooms=10, max_rooms_per_address=2)
    records = [await hub.create() for _ in range(5)]
    rooms = [await hub.get(record.id, "a") for record in records[:2]]
    replicas = [NativeReplica("Ann", "owner", 11 + number) for number in range(2)]
    for room, replica in zip(rooms, replicas, strict=True):
        replica.connect(room)
    clock.advance(3)
    with pytest.raises(QueueFull, match="this address"):
        await hub.get(records[2].id, "a")
    other = await hub.get(records[2].id, "b")
    assert await hub.get(records[2].id, "a") is other  # a room that is open costs nothing
    replicas[0].drop(rooms[0])
    clock.advance(3)
    await hub.get(records[3].id, "a")
    assert rooms[0].closed
    assert not other.closed


async def test_rooms_are_loaded_at_a_rate() -> None:
    hub = _hub(MemoryStore(), load_burst=2)
    records = [await hub.create() for _ in range(3)]
    for record in records[:2]:
        await hub.get(record.id, "a")
    with pytest.raises(RateLimited):
        await hub.get(records[2].id, "a")
    await hub.get(records[2].id, "b")


async def test_the_rest_of_the_loop_has_turns_between_the_ticks_of_rooms(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    hub = _hub(MemoryStore())
    rooms = [await hub.get((await hub.create()).id) for _ in range(4)]
    now = 0.0

    def work() -> bool:
        nonlocal now
        now += 1.0  # of a clock that only this moves: each tick is more than a slice
        ticked.append(len(between))
        return False

    monkeypatch.setattr("antiphon_server.rooms.pace.time.perf_counter", lambda: now)
    ticked: list[int] = []
    between: list[None] = []
    for room in rooms:
        monkeypatch.setattr(room, "tick", work)
        room.context.wake()
    running = asyncio.create_task(hub.run())
    while len(ticked) < 4:
        await asyncio.sleep(0)
        between.append(None)
    running.cancel()
    assert len(set(ticked)) == 4


async def test_a_long_history_is_replayed_in_slices(monkeypatch: pytest.MonkeyPatch) -> None:
    store, clock = MemoryStore(), VirtualClock()
    hub = _hub(store, clock)
    record = await hub.create()
    room = await hub.get(record.id)
    ann = NativeReplica("Ann", "owner", 11)
    ann.connect(room)
    for number in range(20):
        ann.edit(room, 0, insert=f"{number} ")
        room.tick()
    text = room.text()
    again = _hub(store, clock)  # the process died, and there is no snapshot
    now = 0.0

    def ticking() -> float:
        nonlocal now
        now += 1.0
        return now

    monkeypatch.setattr("antiphon_server.rooms.pace.time.perf_counter", ticking)
    loading = asyncio.create_task(again.get(record.id))
    turns = 0
    while not loading.done():
        await asyncio.sleep(0)
        turns += 1
    assert turns >= 20
    assert (await loading).text() == text
