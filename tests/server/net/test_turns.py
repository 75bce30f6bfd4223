"""Fair turns: one connection's messages do not keep the others, or the rest of the loop, from theirs."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

from antiphon_proto.messages import ClientMessage, Resync
from antiphon_server.core.seat import Seat
from antiphon_server.net.turns import SLICE, Turns
from support.raw_client import native
from support.server import LiveServer, running


class Meter:
    """Work that takes as long as it says; the loop's clock goes with it."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now

    def work(self, seconds: float) -> None:
        self.now += seconds


class VirtualLoop:
    """A real event loop whose clock is the meter's."""

    def __init__(self, meter: Meter) -> None:
        self._meter = meter
        self._loop = asyncio.get_running_loop()

    def time(self) -> float:
        return self._meter.now

    def call_soon(self, callback: Callable[[], None], /) -> object:
        return self._loop.call_soon(callback)

    def create_future(self) -> asyncio.Future[None]:
        return self._loop.create_future()


async def test_a_burst_of_one_connection_is_cut_where_others_have_their_turn() -> None:
    meter = Meter()
    turns = Turns(VirtualLoop(meter), meter)
    done: list[str] = []

    async def sender(name: str, address: str, messages: int, seconds: float) -> None:
        claim = turns.claim(address)
        turns.enter(claim, name)
        for _ in range(messages):
            await turns.turn(claim)
            with turns.spending(claim):
                meter.work(seconds)
                done.append(name)

    slices: list[float] = []

    async def rest_of_the_loop() -> None:
        while len(done) < 220:
            started = meter.now
            await asyncio.sleep(0)
            slices.append(meter.now - started)

    await asyncio.gather(
        sender("attacker", "a", 200, 0.002), rest_of_the_loop(), sender("writer", "b", 20, 0.0002)
    )
    assert done.count("attacker") == 200
    # The writer, who uses little, is through long before the attacker, who came first.
    assert done.index("writer") < 10
    assert len(done) - 1 - done[::-1].index("writer") < 60
    # Nothing else of the loop waited for more than a slice and the message that went over it.
    assert max(slices) <= SLICE + 2 * 0.002 + 1e-9


async def test_many_connections_of_one_address_count_as_one() -> None:
    meter = Meter()
    turns = Turns(VirtualLoop(meter), meter)
    order: list[str] = []

    async def sender(address: str) -> None:
        claim = turns.claim(address)
        for _ in range(10):
            await turns.turn(claim)
            with turns.spending(claim):
                meter.work(0.004)
                order.append(address)

    await asyncio.gather(*(sender("crowd") for _ in range(20)), sender("single"))
    last = len(order) - 1 - order[::-1].index("single")
    assert last < len(order) // 2


async def test_nobody_waits_for_ever() -> None:
    meter = Meter()
    turns = Turns(VirtualLoop(meter), meter)
    heavy = turns.claim("heavy")
    with turns.spending(heavy):
        meter.work(1.0)
    got = asyncio.Event()

    async def wait() -> None:
        await turns.turn(heavy)
        got.set()

    task = asyncio.create_task(wait())
    newcomers = 0
    while not got.is_set():
        claim = turns.claim(f"newcomer {newcomers}")
        newcomers += 1
        assert newcomers < 10_000
        await turns.turn(claim)
        with turns.spending(claim):
            meter.work(0.005)
    await task


async def test_one_who_goes_away_while_waiting_costs_nobody_a_turn() -> None:
    meter = Meter()
    turns = Turns(VirtualLoop(meter), meter)
    claim = turns.claim("a")
    with turns.spending(claim):
        meter.work(1.0)
    gone, stays = (asyncio.create_task(turns.turn(turns.claim(name))) for name in "bc")
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.wait_for(stays, 5)


async def test_an_edit_in_another_room_overtakes_a_burst(tmp_path: Path) -> None:
    """Over real sockets, by a clock on which every message takes a second."""
    async with running(tmp_path) as server:
        ticks = itertools.count()
        server.gateway.turns = Turns(asyncio.get_running_loop(), lambda: float(next(ticks)))
        crowded, quiet = await server.new_room(), await server.new_room()
        async with native(server.ws_url) as attacker, native(server.ws_url) as writer:
            await attacker.hello(crowded["tokens"]["editor"], "Mallory")
            await writer.hello(quiet["tokens"]["editor"], "Ann", client_id=2)
            order = [_heard(server, room["room"]) for room in (crowded, quiet)]
            for _ in range(900):
                await attacker.say(Resync("x"))
            batch = await writer.type("a")
            await writer.acked(batch, "applied")
            attackers, writers = (len(seen) for seen in order)
            assert writers == 1
            assert attackers < 900


def _heard(server: LiveServer, room_id: str) -> list[object]:
    """The messages that a room has been brought so far."""
    (room,) = (room for room in server.gateway.hub.loaded() if room.id == room_id)
    seen: list[object] = []
    receiving = room.receiving

    def noted(seat: Seat, message: ClientMessage) -> Iterator[None]:
        seen.append(message)
        return receiving(seat, message)

    room.receiving = noted
    return seen
