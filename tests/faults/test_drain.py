"""A server that goes down says so, keeps everything, and comes back with it."""

from __future__ import annotations

import asyncio
import contextlib
import signal
from pathlib import Path

import aiohttp

from antiphon_proto.errors import CloseCode
from antiphon_proto.messages import VERSION, Ack, GoAway, Hello
from support.raw_client import native, plain, upgraded
from support.server import NOTHING_TO_LOAD, running, serving


async def test_a_drain_tells_everybody_keeps_everything_and_closes(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        room = await server.new_room()
        tokens = room["tokens"]
        async with (
            native(server.ws_url) as ada,
            plain(server.yjs_url(room["room"], tokens["editor"])) as yann,
            native(server.ws_url) as silent,
        ):
            await ada.hello(tokens["owner"])
            await yann.sync()
            batch = await ada.type("the last words")
            await ada.acked(batch, "applied")
            server.stop.set()
            assert await ada.closed() == CloseCode.DRAINING
            assert await yann.closed() == CloseCode.DRAINING
            assert await silent.closed() == CloseCode.DRAINING
        [away] = [message for message in ada.heard if isinstance(message, GoAway)]
        assert away.retry_ms > 0
        assert [ack.status for ack in ada.heard if isinstance(ack, Ack)] == ["applied", "durable"]
    async with running(tmp_path) as server, native(server.ws_url) as ada:
        await ada.hello(tokens["owner"])
        assert str(ada.story) == "the last words"


async def test_a_client_that_does_not_answer_the_close_is_cut_off(tmp_path: Path) -> None:
    async with running(tmp_path, drain_timeout=0.05) as server:
        room = await server.new_room()
        reader, writer, _ = await upgraded(server.url)
        async with native(server.ws_url) as ada:
            await ada.hello(room["tokens"]["owner"])
            server.stop.set()
            assert await ada.closed() == CloseCode.DRAINING
    with contextlib.suppress(ConnectionResetError):
        while await reader.read(1000):
            pass
    assert reader.at_eof() or reader.exception() is not None
    writer.close()


async def test_nobody_is_let_in_while_it_drains(tmp_path: Path) -> None:
    async with running(tmp_path) as server:
        room = await server.new_room()
        async with native(server.ws_url) as late:
            await late.socket.ping()
            await server.gateway.hub.drain()
            await late.say(Hello(VERSION, room["tokens"]["owner"], "Late", 1))
            assert await late.closed() == CloseCode.INTERNAL
        async with aiohttp.ClientSession(server.url) as http, http.post("/api/rooms") as answer:
            assert answer.status == 503


async def test_sigterm_ends_a_process_with_status_0_and_loses_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path, *NOTHING_TO_LOAD) as served:
        room = await served.new_room()
        async with native(f"ws{served.url[4:]}/ws") as ada:
            await ada.hello(room["tokens"]["owner"])
            await ada.acked(await ada.type("kept"), "applied")
            ended = asyncio.create_task(served.terminate())
            assert await ada.closed() == CloseCode.DRAINING
            assert await ended == 0
    async with serving(tmp_path, *NOTHING_TO_LOAD) as served:
        assert await _text(served.url, room["tokens"]["owner"]) == "kept"


async def test_a_second_signal_ends_the_process_at_once(tmp_path: Path) -> None:
    patient = {"ANTIPHON_DRAIN_TIMEOUT": "600", "ANTIPHON_LIMITS__CLOSE_TIMEOUT": "60"}
    async with serving(tmp_path, *NOTHING_TO_LOAD, environment=patient) as served:
        reader, writer, _ = await upgraded(served.url)
        served.process.send_signal(signal.SIGTERM)
        assert (await reader.readexactly(1)) == b"\x88"  # a close frame, which this client does not answer
        assert await served.terminate() == 130
        writer.close()


async def _text(url: str, token: str) -> str:
    async with native(f"ws{url[4:]}/ws") as client:
        await client.hello(token)
        return str(client.story)
