"""`/yjs/{room}`: plain y-websocket clients on the same document as the native ones."""

from __future__ import annotations

import aiohttp
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from antiphon_proto.errors import CloseCode
from antiphon_proto.messages import VERSION, Hello, Revoke
from antiphon_proto.sync import Awareness, AwarenessState, QueryAwareness
from support.raw_client import YjsClient, native, plain
from support.server import LiveServer, bearer


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


async def test_a_plain_client_has_a_pass_of_its_own_and_only_a_ticket_stands_in_an_address(
    server: LiveServer,
) -> None:
    room = await server.new_room()
    invite = room["tokens"]["editor"]
    base = f"ws{server.url[4:]}/yjs/{room['room']}"
    api = f"{server.url}/api/rooms/{room['room']}/pass"
    # A join token in an address is refused, whoever brings it.
    for token in (invite, room["tokens"]["owner"]):
        async with connect(f"{base}?token={token}") as socket:
            with pytest.raises(ConnectionClosed) as closed:
                await socket.recv()
            assert closed.value.rcvd is not None
            assert closed.value.rcvd.code == CloseCode.UNAUTHORIZED
            assert "subprotocol" in closed.value.rcvd.reason
    async with aiohttp.ClientSession() as http:
        async with http.post(api, json={"name": "Deck"}, headers=bearer(invite)) as answer:
            assert answer.status == 201
            own = await answer.json()
        # A ticket opens a plain connection, and nothing else.
        async with http.get(api.removesuffix("/pass"), headers=bearer(own["ticket"])) as answer:
            assert answer.status == 401
        async with native(server.ws_url) as client:
            await client.say(Hello(VERSION, own["ticket"], "x", 5, None, None))
            assert await client.closed() == CloseCode.UNAUTHORIZED
        async with connect(f"{base}?token={own['ticket']}&name=Deck") as socket:
            await YjsClient(socket).sync()
            async with native(server.ws_url) as ada:
                welcome = await ada.hello(room["tokens"]["owner"])
                (deck,) = [one for one in welcome.participants if one.id == own["participant"]]
                assert (deck.name, deck.online) == ("Deck", True)
                # The link ends: the pass of the plain client holds, the link does not.
                headers = {**bearer(room["tokens"]["owner"]), "X-Antiphon-Session": welcome.session}
                link = (await (await http.get(api.replace("/pass", "/links"), headers=headers)).json())[
                    "links"
                ]
                ended = next(one["id"] for one in link if one["role"] == "editor")
                url = api.replace("/pass", f"/links/{ended}")
                async with http.delete(url, headers=headers) as answer:
                    assert answer.status == 200
                async with plain(f"{base}?token={invite}") as refused:
                    assert await refused.closed() == CloseCode.UNAUTHORIZED
                async with http.post(api, headers=bearer(invite)) as answer:
                    assert answer.status == 401
                async with http.post(api, headers=bearer(own["token"])) as answer:
                    again = await answer.json()
                assert again["participant"] == own["participant"]
                async with plain(f"{base}?token={own['token']}&name=Other") as back:
                    await back.sync()
                    # Put out means put out, for this one alone.
                    await ada.say(Revoke(own["participant"]))
                    assert await back.closed() == CloseCode.REVOKED
        async with plain(f"{base}?token={own['token']}") as back:
            assert await back.closed() == CloseCode.REVOKED
        async with http.post(api, headers=bearer(own["token"])) as answer:
            assert answer.status in (401, 403)
