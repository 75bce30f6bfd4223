"""`/yjs/{room}`: plain y-websocket clients on the same document as the native ones."""

from __future__ import annotations

import pytest

from antiphon_proto.errors import CloseCode
from antiphon_proto.sync import Awareness, AwarenessState, QueryAwareness
from support.raw_client import native, plain
from support.server import LiveServer


async def test_plain_and_native_clients_write_one_text(server: LiveServer) -> None:
    room = await server.new_room()
    tokens = room["tokens"]
    async with native(server.ws_url) as ada, plain(server.yjs_url(room["room"], tokens["editor"])) as yann:
        await ada.hello(tokens["owner"])
        await yann.sync()
        await ada.type("naïve ")
        await yann.sees("naïve ")
        await yann.type("日本")
        await ada.sees("naïve 日本")


async def test_a_late_plain_client_gets_the_text(server: LiveServer) -> None:
    room = await server.new_room()
    url = server.yjs_url(room["room"], room["tokens"]["editor"])
    async with native(server.ws_url) as ada:
        await ada.hello(room["tokens"]["owner"])
        await ada.acked(await ada.type("before"), "applied")
    async with plain(url + "&name=Yann") as yann:
        await yann.sync()
        await yann.sees("before")


async def test_awareness_reaches_the_others(server: LiveServer) -> None:
    room = await server.new_room()
    url = server.yjs_url(room["room"], room["tokens"]["editor"])
    async with plain(url) as first, plain(url) as second:
        await first.sync()
        await second.sync()
        await first.say(Awareness((AwarenessState(77, 1, '{"user":{"name":"x"}}'),)))
        while True:
            states = (await second.hear(Awareness)).states
            if any(state.client_id == 77 and state.state != "null" for state in states):
                break
        await second.say(QueryAwareness())
        assert any(state.client_id == 77 for state in (await second.hear(Awareness)).states)


@pytest.mark.parametrize(
    "token", ["", "nonsense", "other"], ids=["none", "not a token", "a token of another room"]
)
async def test_a_bad_token_has_its_close_code(server: LiveServer, token: str) -> None:
    room, other = await server.new_room(), await server.new_room()
    token = other["tokens"]["owner"] if token == "other" else token
    async with plain(server.yjs_url(room["room"], token)) as client:
        assert await client.closed() == CloseCode.UNAUTHORIZED


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", CloseCode.MALFORMED),
        (b"\x00", CloseCode.MALFORMED),
        (b"\x00\x09\x00", CloseCode.MALFORMED),
        (b"\x01\x05abc", CloseCode.MALFORMED),
        ("text", CloseCode.MALFORMED),
    ],
)
async def test_a_malformed_message_has_its_close_code(
    server: LiveServer, data: bytes | str, code: CloseCode
) -> None:
    room = await server.new_room()
    async with plain(server.yjs_url(room["room"], room["tokens"]["editor"])) as client:
        await client.sync()
        await client.socket.send(data)
        assert await client.closed() == code
