"""Who yields to whom when connections run out: the rules alone, and over real sockets."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from typing import cast

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st
from websockets.asyncio.client import connect

from antiphon_proto.errors import RateLimited
from antiphon_server.net.sockets import Socket, Sockets, fitting
from support.raw_client import native
from support.server import running


class Wire:
    """A transport that remembers whether it was cut."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.cut = False
        self.waiting = 0

    def get_extra_info(self, name: str) -> object:
        return (self.address, 1) if name == "peername" else None

    def get_write_buffer_size(self) -> int:
        return self.waiting

    def abort(self) -> None:
        self.cut = True


def opened(book: Sockets, address: str) -> tuple[Socket, Wire]:
    wire = Wire(address)
    socket = book.protocol(asyncio.Protocol())
    socket.connection_made(cast(asyncio.Transport, wire))
    return socket, wire


def test_the_oldest_stranger_yields_and_members_stay() -> None:
    book = Sockets(4, 100)
    member, member_wire = opened(book, "a")
    book.known(member.inner)
    with book.serving(member.inner, "a", websocket=True):
        crowd = [opened(book, f"s{n}") for n in range(50)]
        assert len(book) == 4
        assert [wire.cut for _, wire in crowd] == [True] * 47 + [False] * 3
        assert not member_wire.cut
        assert (book.evicted, book.refused) == (47, 0)
    for socket, _ in crowd:
        socket.connection_lost(None)
    assert len(book) == 1


def test_one_address_cannot_push_others_out_with_its_strangers() -> None:
    book = Sockets(1000, 1000, strangers=5)
    other, other_wire = opened(book, "b")
    crowd = [opened(book, "a") for _ in range(20)]
    assert len(book) == 6
    assert [wire.cut for _, wire in crowd] == [True] * 15 + [False] * 5
    assert not other_wire.cut


def test_a_proxy_has_no_bound_of_its_own_and_its_clients_have() -> None:
    book = Sockets(1000, 2, strangers=2, requests=2, proxy=lambda address: address == "proxy")
    crowd = [opened(book, "proxy") for _ in range(50)]
    assert len(book) == 50
    with book.serving(crowd[0][0].inner, "1.2.3.4", False), book.serving(crowd[1][0].inner, "1.2.3.4", False):
        with pytest.raises(RateLimited), book.serving(crowd[2][0].inner, "1.2.3.4", False):
            pass
        with book.serving(crowd[2][0].inner, "5.6.7.8", False):
            pass


def test_who_takes_nothing_for_long_is_cut_off() -> None:
    book = Sockets(10, 10, stall=60)
    (_, slow), (_, stuck) = opened(book, "a"), opened(book, "b")
    for second in range(0, 100, 5):
        slow.waiting, stuck.waiting = 1000 - second, 1000
        book.sweep(float(second))
    assert (slow.cut, stuck.cut) == (False, True)


@given(st.lists(st.tuples(st.sampled_from("onbkx"), st.integers(0, 9)), max_size=120))
def test_bounds_hold_whatever_happens(deeds: list[tuple[str, int]]) -> None:
    """Sockets open, are served, become known and close in any order: counts stay right, bounds hold."""
    book = Sockets(6, 4, strangers=3)
    live: list[tuple[Socket, Wire]] = []
    for deed, number in deeds:
        if deed == "o":
            live.append(opened(book, str(number % 3)))
            continue
        if not live:
            continue
        socket, wire = live[number % len(live)]
        if deed == "n":
            book.known(socket.inner)
        elif deed == "b":
            with book.serving(socket.inner, socket.address, False):
                live.append(opened(book, str(number % 3)))
        elif deed == "k":
            book.sweep(float(number))
        else:
            socket.connection_lost(None)
            live.remove((socket, wire))
        live = [(each, line) for each, line in live if not line.cut or each.connection_lost(None)]
        assert len(book) == len(live) <= 6
        for address in "012":
            own = [each for each, _ in live if each.address == address]
            assert len(own) <= 4
            assert sum(not each.known for each in own) <= 3


def test_fewer_open_files_are_told(caplog: pytest.LogCaptureFixture) -> None:
    assert fitting(20_000, 1024) == 824
    assert "1024" in caplog.text
    assert fitting(500, 1024) == 500


async def test_idle_sockets_shut_nobody_out_and_are_closed(tmp_path: Path) -> None:
    async with (
        running(tmp_path, limits={"max_sockets": 24, "idle_timeout": 2.0}) as server,
        AsyncExitStack() as stack,
    ):
        host, port = server.url.removeprefix("http://").split(":")
        room = await server.new_room()
        async with native(server.ws_url) as member:
            await member.hello(room["tokens"]["owner"])
            crowd = []
            for number in range(100):
                reader, writer = await asyncio.open_connection(host, int(port))
                stack.callback(writer.close)
                writer.write([b"", b"GET /healthz HTTP/1.1\r\nHost: x\r\n", b"G"][number % 3])
                crowd.append(reader)
            async with aiohttp.ClientSession(server.url) as http, http.get("/healthz") as answer:
                assert answer.status == 200
            await member.acked(await member.type("still here"), "durable")
            async with native(server.ws_url) as again:
                await again.hello(room["tokens"]["editor"], "Ben", client_id=2)
                await again.sees("still here")
            async with asyncio.timeout(30):
                for reader in crowd:
                    with suppress(ConnectionResetError):
                        assert await reader.read() == b""
            await member.acked(await member.type("!"), "durable")


async def test_a_plain_client_shows_its_token_without_an_address(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        room = await server.new_room()
        token, url = room["tokens"]["editor"], f"ws{server.url[4:]}/yjs/{room['room']}"
        async with connect(url, subprotocols=["antiphon", f"antiphon.token.{token}"]) as socket:  # type: ignore[list-item]
            assert socket.subprotocol == "antiphon"
            assert isinstance(await socket.recv(), bytes)
        async with connect(url, additional_headers={"Authorization": f"Bearer {token}"}) as socket:
            assert isinstance(await socket.recv(), bytes)
