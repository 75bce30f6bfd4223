"""A client that stops reading costs a bounded amount and delays nobody."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

from pycrdt import Map
from websockets.asyncio.client import connect

from antiphon_proto.errors import CloseCode
from antiphon_proto.lanes import Lane
from antiphon_proto.messages import Audio, AudioGap, BandStream, Edit, Paint, Perform, Preview, Run
from antiphon_server.limits import Limits
from support.raw_client import MAX, NativeClient, native
from support.server import LiveServer, running

QUEUE = 128 * 1024
WORDS = [f"{number:05}".ljust(16 * 1024) for number in range(64)]
"""1 MB in all: more than the queue, the transport and the kernels hold together."""


async def stalled_client(server: LiveServer, token: str) -> NativeClient:
    """Joined, and reading no more; its kernel takes little."""
    raw = socket.socket()
    raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 16 * 1024)
    host, port = server.url.removeprefix("http://").split(":")
    raw.connect((host, int(port)))
    raw.setblocking(False)
    client = NativeClient(
        await connect(
            server.ws_url, sock=raw, compression=None, max_queue=1, max_size=MAX, ping_interval=None
        )
    )
    await client.hello(token, "Stalled", client_id=99)
    return client


async def test_others_get_everything_while_one_reads_nothing(tmp_path: Path) -> None:
    limits = Limits(queue_bytes=QUEUE, close_timeout=60.0)
    async with running(tmp_path, limits=limits) as server:
        room = await server.new_room()
        tokens = room["tokens"]
        stalled = await stalled_client(server, tokens["editor"])
        async with native(server.ws_url) as writer, native(server.ws_url) as reader:
            await writer.hello(tokens["owner"], client_id=2)
            await reader.hello(tokens["viewer"], client_id=3)
            held = 0
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(reader.sees("".join(WORDS)))
                for word in WORDS:
                    await writer.acked(await writer.type(word), "applied")
                    held = max(held, server.gateway.connections.backlog())
        assert 0 < held <= QUEUE
        assert server.gateway.traffic.resyncs == 1
        assert server.gateway.connections.backlog() == 0
        assert await stalled.closed() == CloseCode.RESYNC

        # It comes back as itself and has everything.
        async with native(server.ws_url) as back:
            assert stalled.welcome is not None
            welcome = await back.hello(
                tokens["editor"], "Stalled", session=stalled.welcome.session, client_id=99
            )
            assert welcome.participant.id == stalled.welcome.participant.id
            await back.sees("".join(WORDS))


async def test_a_client_that_never_reads_again_is_cut_off(tmp_path: Path) -> None:
    limits = Limits(queue_bytes=QUEUE, close_timeout=0.05)
    async with running(tmp_path, limits=limits) as server:
        room = await server.new_room()
        stalled = await stalled_client(server, room["tokens"]["editor"])
        async with native(server.ws_url) as writer:
            await writer.hello(room["tokens"]["owner"], client_id=2)
            for word in WORDS:
                await writer.acked(await writer.type(word), "applied")
        await server.gateway.connections.emptied()
        stalled.socket.transport.abort()
        await stalled.socket.wait_closed()


async def test_previews_reach_a_slow_client_latest_first_and_delay_nobody(tmp_path: Path) -> None:
    limits = Limits(close_timeout=60.0, stall_timeout=600.0)
    async with running(tmp_path, limits=limits) as server:
        server.engine.hold = True
        tokens = (await server.new_room())["tokens"]
        stalled = await stalled_client(server, tokens["viewer"])
        async with native(server.ws_url) as painter:
            await painter.hello(tokens["owner"], client_id=2)
            before = painter.doc.get_state()
            frame = {"type": "frame", "z": "V", "x": 0, "y": 0, "w": 64, "h": 64}
            painter.doc.get("canvas", type=Map)["f"] = Map(frame)
            await painter.say(Edit(1, painter.doc.get_update(before)))
            await painter.say(Paint(1, "f", "text_to_image", "a fox"))
            while (run := (await painter.hear(Run)).run).state != "running":
                pass
            for step in range(400):
                server.engine.preview(run.id, step, bytes([step % 256]) * 16_000)
                while (seen := await painter.hear(Preview)).step != step:
                    pass
            assert seen.jpeg == bytes([399 % 256]) * 16_000
            assert 0 < server.gateway.connections.backlog() <= 64 * 1024 + 256 * 1024
            assert server.gateway.traffic.dropped[Lane.PREVIEW] > 200
            assert server.gateway.traffic.resyncs == 0
        steps = []
        while not steps or steps[-1] != 399:
            steps.append((await stalled.hear(Preview)).step)
        assert steps == sorted(set(steps))
        assert len(steps) < 200
        stalled.socket.transport.abort()
        await stalled.socket.wait_closed()


async def test_the_band_of_a_slow_client_has_a_gap_and_everybody_else_hears_all_of_it(tmp_path: Path) -> None:
    limits = Limits(close_timeout=60.0, stall_timeout=600.0)
    frames = 300
    async with running(tmp_path, limits=limits) as server:
        tokens = (await server.new_room())["tokens"]
        stalled = await stalled_client(server, tokens["viewer"])
        async with native(server.ws_url) as listener:
            await listener.hello(tokens["owner"], client_id=2)
            await listener.say(Perform(1, 7))
            stream = await listener.hear(BandStream)
            for number in range(frames):
                server.engine.sound(stream.run, number * stream.frame, opus=bytes([number % 256]) * 16_000)
                heard = await listener.hear(Audio)
                assert (heard.seq, heard.pts) == (number, number * stream.frame)
            assert 0 < server.gateway.connections.backlog() <= 64 * 1024 + 256 * 1024
            assert server.gateway.traffic.dropped[Lane.AUDIO] > 100
            assert server.gateway.traffic.resyncs == 0
            # It reads on: missing frames are counted, the rest is in order.
            seqs: list[int] = []
            missed = 0
            while not seqs or seqs[-1] != frames - 1:
                match await stalled.next():
                    case Audio(seq=seq):
                        seqs.append(seq)
                    case AudioGap(dropped):
                        missed += dropped
                        if missed + len(seqs) == frames:
                            break
            assert seqs == sorted(set(seqs))
            assert missed + len(seqs) == frames
        stalled.socket.transport.abort()
        await stalled.socket.wait_closed()
