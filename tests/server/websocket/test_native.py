"""A connection's duties to the room and the server, also when its socket fails."""

from __future__ import annotations

import asyncio
import logging
from pathlib import Path

import pytest

from antiphon_engines.api import QueueFull
from antiphon_proto.errors import (
    AntiphonError,
    CloseCode,
    ErrorCode,
    NotFound,
    ProtocolViolation,
    RateLimited,
)
from antiphon_proto.messages import VERSION, Hello, Joined, Left, Ping
from antiphon_server.core.join_tokens import Unauthorized
from antiphon_server.limits import Limits
from antiphon_server.net.connections import Connections
from antiphon_server.net.outbox import Outbox, Traffic
from antiphon_server.rooms.room import Room
from antiphon_server.store.api import StorageUnavailable
from antiphon_server.token_bucket import Buckets
from antiphon_server.websocket.native import close_code
from support.raw_client import native, upgraded
from support.server import LiveServer, running
from support.wires import FakeWire, VirtualClock


def outbox() -> tuple[Outbox, FakeWire]:
    wire = FakeWire()
    return Outbox("native", wire, VirtualClock(), Traffic()), wire


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (ProtocolViolation("x", CloseCode.REVOKED), CloseCode.REVOKED),
        (Unauthorized("x"), CloseCode.UNAUTHORIZED),
        (NotFound("x"), CloseCode.NO_ROOM),
        (QueueFull("x"), CloseCode.ROOM_FULL),
        (RateLimited("x"), CloseCode.RATE_LIMITED),
        (StorageUnavailable("x"), CloseCode.INTERNAL),
        (AntiphonError("x", code=ErrorCode.RATE_LIMITED), CloseCode.RATE_LIMITED),
    ],
)
def test_every_error_has_a_close_code(error: AntiphonError, code: CloseCode) -> None:
    assert close_code(error) is code


async def test_connections_are_bounded_in_all_and_per_address() -> None:
    connections = Connections(total=3, per_address=2)
    with connections.admitted(outbox()[0], "a"), connections.admitted(outbox()[0], "a"):
        with pytest.raises(RateLimited, match="this address"), connections.admitted(outbox()[0], "a"):
            pass
        with connections.admitted(outbox()[0], "b"):
            assert len(connections) == 3
            with pytest.raises(RateLimited, match="full"), connections.admitted(outbox()[0], "c"):
                pass
    await connections.emptied()
    assert len(connections) == 0


async def test_a_drain_closes_everybody_and_cuts_those_who_stay() -> None:
    connections = Connections(total=3, per_address=3)
    polite, rude = outbox(), outbox()
    with connections.admitted(rude[0], "a"):
        with connections.admitted(polite[0], "a"):
            draining = asyncio.create_task(connections.drain(0.01))
            await asyncio.sleep(0)
            assert polite[0].close_code is rude[0].close_code is CloseCode.DRAINING
            with pytest.raises(RateLimited), connections.admitted(outbox()[0], "b"):
                pass
        await draining
        assert rude[1].aborted
        assert not polite[1].aborted


async def test_others_hear_who_comes_and_who_goes(server: LiveServer) -> None:
    room = await server.new_room()
    async with native(server.ws_url) as ada:
        await ada.hello(room["tokens"]["owner"], "Ada")
        async with native(server.ws_url) as ben:
            ben_id = (await ben.hello(room["tokens"]["editor"], "Ben", client_id=2)).participant.id
            assert (await ada.hear(Joined)).participant.name == "Ben"
        assert (await ada.hear(Left)).participant == ben_id


async def test_a_connection_that_is_cut_leaves_the_room(server: LiveServer) -> None:
    room = await server.new_room()
    async with native(server.ws_url) as ada, native(server.ws_url) as ben:
        await ada.hello(room["tokens"]["owner"], "Ada")
        ben_id = (await ben.hello(room["tokens"]["editor"], "Ben", client_id=2)).participant.id
        ben.socket.transport.abort()
        assert (await ada.hear(Left)).participant == ben_id


async def test_the_same_session_takes_over_and_the_older_connection_harms_nobody(server: LiveServer) -> None:
    room = await server.new_room()
    token = room["tokens"]["owner"]
    async with native(server.ws_url) as old, native(server.ws_url) as new:
        first = await old.hello(token)
        second = await new.hello(token, session=first.session)
        assert second.participant.id == first.participant.id
        assert await old.closed() == CloseCode.REPLACED
        await old.socket.wait_closed()
        await new.acked(await new.type("still seated"))


async def test_our_own_failure_closes_one_connection_with_its_code_and_is_logged(
    server: LiveServer, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    room = await server.new_room()
    async with native(server.ws_url) as ada, native(server.ws_url) as ben:
        await ada.hello(room["tokens"]["owner"])
        await ben.hello(room["tokens"]["editor"], client_id=2)
        with monkeypatch.context() as patch:
            patch.setattr(Room, "receiving", lambda *_: 1 / 0)
            await ada.type("x")
            assert await ada.closed() == CloseCode.INTERNAL
        await ben.acked(await ben.type("unharmed"))
    assert [record.levelno for record in caplog.records if "could not be handled" in record.message] == [
        logging.ERROR
    ]


async def test_a_client_that_answers_no_ping_is_let_go(tmp_path: Path) -> None:
    async with running(tmp_path, limits=Limits(heartbeat=0.02)) as server:
        reader, writer, head = await upgraded(server.url)
        assert b"Sec-WebSocket-Extensions" not in head
        assert await reader.read() == b"\x89\x00"  # one ping, and the end
        writer.close()
        await server.gateway.connections.emptied()


async def test_a_message_after_the_close_frame_changes_nothing(server: LiveServer) -> None:
    room = await server.new_room()
    async with native(server.ws_url) as ada:
        await ada.hello(room["tokens"]["owner"])
        await ada.socket.send(b"\xc1")
        for _ in range(20):
            await ada.say(Ping(1.0))
        assert await ada.closed() == CloseCode.MALFORMED
    await server.gateway.connections.emptied()


async def test_who_comes_back_too_often_waits_and_is_sent_away(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        room = await server.new_room()
        token = room["tokens"]["editor"]
        asked: list[str] = []
        waits = [0.0, 0.001, 6.0]

        class Scripted(Buckets):
            def charge(self, key: str) -> float:
                asked.append(key)
                return waits[len(asked) - 1]

        server.gateway.rejoin_rate = Scripted(1, 1, asyncio.get_running_loop().time)
        async with native(server.ws_url) as client:
            session = (await client.hello(token, "Mallory")).session
        for _ in range(2):
            async with native(server.ws_url) as client:
                await client.hello(token, "Mallory", session=session)
        async with native(server.ws_url) as client:
            await client.say(Hello(VERSION, token, "Mallory", 1, session))
            assert await client.closed() == CloseCode.RATE_LIMITED
        assert asked == [f"{room['room']} {session}"] * 3
        async with native(server.ws_url) as other:  # nobody else pays for it
            await other.hello(token, "Ann")


def test_a_bucket_by_key_gives_credit_and_says_how_long() -> None:
    now = 0.0
    buckets = Buckets(0.5, 2, lambda: now)
    assert [buckets.charge("a") for _ in range(4)] == [0, 0, 2, 4]
    assert buckets.charge("b") == 0
    now = 8.0
    assert buckets.charge("a") == 0
    assert buckets.allow("c", 100)  # a full bucket pays for anything
    assert not buckets.allow("c", 1)
