"""`/ws` over real sockets: joining, talking, and every close code that a connection can end with."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from antiphon_proto.codec import encode
from antiphon_proto.errors import CloseCode
from antiphon_proto.messages import (
    FRAGMENT_BODY,
    VERSION,
    Ask,
    Edit,
    Error,
    Fragment,
    Hello,
    Ping,
    Pong,
    Stop,
)
from antiphon_proto.sync import SyncStep1, SyncStep2, SyncUpdate
from antiphon_server.limits import Limits
from antiphon_server.token_bucket import TokenBucket
from support.raw_client import native, plain
from support.server import LiveServer, running


async def test_two_people_write_one_text_and_hear_that_it_is_kept(server: LiveServer) -> None:
    room = await server.new_room()
    async with native(server.ws_url) as ada, native(server.ws_url) as ben:
        await ada.hello(room["tokens"]["owner"], "Ada")
        await ben.hello(room["tokens"]["editor"], "Ben", client_id=2)
        batch = await ada.type("Привет, ")
        await ada.acked(batch, "applied")
        await ada.acked(batch, "durable")
        await ben.sees("Привет, ")
        await ben.type("мир 🌍")
        await ada.sees("Привет, мир 🌍")


async def test_a_ping_is_answered_with_the_servers_clock(server: LiveServer) -> None:
    room = await server.new_room()
    async with native(server.ws_url) as client:
        await client.hello(room["tokens"]["viewer"])
        await client.say(Ping(12.5))
        pong = await client.hear(Pong)
    assert pong.sent_ms == 12.5
    assert pong.server_ms > 1.6e12


@pytest.mark.parametrize(
    ("first", "code"),
    [
        (b"", CloseCode.MALFORMED),
        (b"\xc1", CloseCode.MALFORMED),
        (encode(Ping(1.0)), CloseCode.MALFORMED),
        (b"\x91\xa7unknown", CloseCode.MALFORMED),
        (encode(Hello(VERSION + 1, "t", "Ada", 1)), CloseCode.VERSION),
        (encode(Hello(VERSION, "", "Ada", 1)), CloseCode.UNAUTHORIZED),
        (encode(Hello(VERSION, "not a token", "Ada", 1)), CloseCode.UNAUTHORIZED),
        (b"\x93" + b"\x00" * (270 * 1024), CloseCode.TOO_LARGE),
        (b"\x93" + b"\x00" * (700 * 1024), 1009),
        ("text", CloseCode.MALFORMED),
    ],
)
async def test_a_bad_first_message_has_its_close_code(
    server: LiveServer, first: bytes | str, code: int
) -> None:
    async with native(server.ws_url) as client:
        await client.socket.send(first)
        assert await client.closed() == code


async def test_a_second_hello_closes(server: LiveServer) -> None:
    room = await server.new_room()
    async with native(server.ws_url) as client:
        await client.hello(room["tokens"]["editor"])
        await client.say(Hello(VERSION, room["tokens"]["editor"], "Ada", 1))
        assert await client.closed() == CloseCode.MALFORMED


async def test_a_room_that_does_not_exist_has_its_close_code(server: LiveServer) -> None:
    token = server.gateway.tokens.issue("nowhere", "owner", "link")
    async with native(server.ws_url) as client:
        await client.say(Hello(VERSION, token, "Ada", 1))
        assert await client.closed() == CloseCode.NO_ROOM


async def test_a_large_edit_travels_in_fragments(server: LiveServer) -> None:
    room = await server.new_room()
    text = "ab" * 300_000
    async with native(server.ws_url) as ada, native(server.ws_url) as ben:
        await ada.hello(room["tokens"]["owner"])
        await ben.hello(room["tokens"]["editor"], client_id=2)
        before = ada.doc.get_state()
        ada.story += text
        whole = encode(Edit(1, ada.doc.get_update(before)))
        pieces = [whole[at : at + FRAGMENT_BODY] for at in range(0, len(whole), FRAGMENT_BODY)]
        for index, piece in enumerate(pieces):
            await ada.say(Fragment(index, len(pieces), piece))
        await ada.acked(1)
        await ben.sees(text)


async def test_fragments_have_a_total_bound(tmp_path: Path) -> None:
    async with running(tmp_path, limits=Limits(max_message=300_000)) as server:
        room = await server.new_room()
        async with native(server.ws_url) as client:
            await client.hello(room["tokens"]["editor"])
            for index in range(2):
                await client.say(Fragment(index, 500, b"x" * FRAGMENT_BODY))
            assert await client.closed() == CloseCode.TOO_LARGE


async def test_a_client_that_says_nothing_is_let_go(tmp_path: Path) -> None:
    async with (
        running(tmp_path, limits=Limits(hello_timeout=0.05)) as server,
        native(server.ws_url) as client,
    ):
        assert await client.closed() == CloseCode.HELLO_TIMEOUT


async def test_asking_too_often_is_answered_and_the_connection_goes_on(tmp_path: Path) -> None:
    async with running(tmp_path, limits=Limits(asks_per_minute=0.001, ask_burst=1)) as server:
        room = await server.new_room()
        async with native(server.ws_url) as client:
            await client.hello(room["tokens"]["editor"])
            for number in (1, 2):
                await client.say(Ask(number, "continue", "write", client.welcome.offset, 0, 0))
            error = await client.hear(Error)
            assert (error.code, error.re, error.ref) == ("rate_limited", "ask", "2")
            await client.say(Ping(1.0))
            await client.hear(Pong)


async def test_edits_over_the_rate_are_read_later_and_none_is_lost(tmp_path: Path) -> None:
    limits = Limits(messages_per_second=200, message_burst=5)
    async with running(tmp_path, limits=limits) as server:
        room = await server.new_room()
        async with native(server.ws_url) as ada, native(server.ws_url) as ben:
            await ada.hello(room["tokens"]["owner"])
            await ben.hello(room["tokens"]["editor"], client_id=2)
            for _ in range(40):
                batch = await ada.type("x")
            await ada.acked(batch)
            await ben.sees("x" * 40)


async def test_the_pieces_of_an_edit_are_charged_for_and_not_its_bytes_alone(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    charges: list[float] = []
    monkeypatch.setattr(TokenBucket, "charge", lambda _bucket, cost=1.0: charges.append(cost) or 0.0)
    room = await server.new_room()
    token = room["tokens"]["editor"]
    async with native(server.ws_url) as ada, plain(server.yjs_url(room["room"], token)) as ben:
        await ada.hello(token)
        before = ada.doc.get_state()
        for _ in range(50):  # each before the other: 50 structs
            ada.story.insert(0, "x")
        await ada.say(Edit(1, ada.doc.get_update(before)))
        await ada.acked(1, "applied")
        await ada.say(Ping(1.0))
        await ada.hear(Pong)
        assert max(charges) > 50 * 256
        charges.clear()
        for _ in range(50):
            ben.story.insert(0, "y")
        await ben.say(SyncUpdate(ben.doc.get_update()))
        await ben.say(SyncStep1(ben.doc.get_state()))  # answered after the edit was charged for
        await ben.hear(SyncStep2)
        assert max(charges) > 50 * 256


async def test_newcomers_of_one_address_come_at_a_rate_and_known_people_as_they_like(tmp_path: Path) -> None:
    async with running(tmp_path, limits=Limits(joins_per_minute=0.001, join_burst=1)) as server:
        room = await server.new_room()
        token = room["tokens"]["viewer"]
        async with native(server.ws_url) as first:
            session = (await first.hello(token)).session
        async with native(server.ws_url) as second:
            await second.say(Hello(VERSION, token, "Ben", 2))
            assert await second.closed() == CloseCode.RATE_LIMITED
        async with plain(server.yjs_url(room["room"], token)) as third:
            assert await third.closed() == CloseCode.RATE_LIMITED
        async with native(server.ws_url) as again:
            await again.hello(token, session=session)


async def test_connections_of_one_address_are_bounded(tmp_path: Path) -> None:
    async with running(tmp_path, limits=Limits(max_connections_per_address=1)) as server:
        room = await server.new_room()
        async with native(server.ws_url) as first:
            await first.hello(room["tokens"]["owner"])
            async with native(server.ws_url) as second:
                assert await second.closed() == CloseCode.RATE_LIMITED
            await first.acked(await first.type("still here"))
            await first.socket.close()
        await server.gateway.connections.emptied()
        async with native(server.ws_url) as third:
            await third.hello(room["tokens"]["owner"])


async def test_a_page_of_another_site_may_not_open_a_socket(server: LiveServer) -> None:
    with pytest.raises(InvalidStatus) as caught:
        async with connect(server.ws_url, origin="https://evil.example"):
            pass
    assert caught.value.response.status_code == 403
    async with connect(server.ws_url, origin=server.url):
        pass


async def test_allowed_origins_are_a_setting(tmp_path: Path) -> None:
    async with running(tmp_path, allowed_origins=("https://friend.example",)) as server:
        async with connect(server.ws_url, origin="https://friend.example"):
            pass
        with pytest.raises(InvalidStatus):
            async with connect(server.ws_url, origin="null"):
                pass


async def test_an_error_in_a_request_leaves_the_connection_open(server: LiveServer) -> None:
    room = await server.new_room()
    async with native(server.ws_url) as client:
        await client.hello(room["tokens"]["owner"])
        await client.say(Stop("no-such-run"))
        assert (await client.hear(Error)).code == "not_found"
        await client.acked(await client.type("on"))


async def test_leaving_frees_everything(server: LiveServer) -> None:
    room = await server.new_room()
    async with asyncio.TaskGroup() as tasks:
        for number in range(5):
            tasks.create_task(_come_and_go(server, room["tokens"]["editor"], number))
    await server.gateway.connections.emptied()
    assert len(server.gateway.connections) == 0
    assert [room.online() for room in server.gateway.hub.loaded()] == [0]


async def _come_and_go(server: LiveServer, token: str, number: int) -> None:
    async with native(server.ws_url) as client:
        await client.hello(token, client_id=number + 1)
