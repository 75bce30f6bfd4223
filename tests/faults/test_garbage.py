"""Whatever bytes arrive: a typed error or a documented close code, no traceback, and nobody else notices."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeAlias

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from websockets.exceptions import ConnectionClosed

from antiphon_proto.codec import encode
from antiphon_proto.errors import CloseCode
from antiphon_proto.messages import (
    Accept,
    Ask,
    Edit,
    Fragment,
    Message,
    Ping,
    Pong,
    Redo,
    Reject,
    Resync,
    Revoke,
    SetPresence,
    Steer,
    Stop,
    Undo,
)
from antiphon_proto.params import TextParams, TextSteer
from antiphon_proto.sync import Awareness, AwarenessState, SyncStep1, SyncStep2, SyncUpdate, encode_y
from antiphon_server.limits import Limits
from support.raw_client import NativeClient, native, plain, upgraded
from support.server import LiveServer, running

DOCUMENTED = {*CloseCode, 1007, 1009}
"""1007 (text that is not UTF-8) and 1009 (too big) are the WebSocket parser's own."""

MARK = "✚"
"""The undisturbed writer's text; no garbage holds it."""

ids = st.sampled_from(["nobody", "r000000000000", "ai", "é" * 64, "\x00"])
numbers = st.sampled_from([0, 1, 2, 7, 100, 2**31, 2**53 - 1])
updates = st.one_of(
    st.binary(max_size=200), st.just(b"\x00\x00"), st.just(b"\x01\x01\x01\x00\x04\x01\x05story\x01x\x00")
)
texts = st.one_of(
    st.text(max_size=30), st.sampled_from(["null", "{}", "[", '{"cursor":{"anchor":1}}', "\ud7ff"])
)
messages: st.SearchStrategy[Message] = st.one_of(
    st.builds(Edit, numbers, updates),
    st.builds(SetPresence, texts),
    st.builds(
        Ask,
        numbers,
        st.sampled_from(["continue", "instruct"]),
        st.sampled_from(["write", "suggest", "private"]),
        numbers,
        numbers,
        numbers,
        texts,
        st.builds(TextParams, max_tokens=st.integers(1, 5)),
    ),
    st.builds(Stop, ids),
    st.builds(Steer, ids, st.builds(TextSteer, temperature=st.just(0.5))),
    st.builds(Accept, ids, numbers, numbers, numbers),
    st.builds(Reject, ids, numbers, st.none(), numbers),
    st.builds(Undo, st.one_of(st.none(), ids)),
    st.just(Redo()),
    st.builds(Revoke, ids),
    st.builds(Resync, texts),
    st.builds(Ping, st.floats(allow_nan=False)),
    st.builds(Fragment, st.integers(0, 5), st.integers(2, 6), st.binary(max_size=50)),
)


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """A valid frame with some bytes changed, cut off or added."""
    data = bytearray(encode(draw(messages)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 3))] = draw(st.binary(max_size=3))
    return bytes(data)


broken_websocket = st.tuples(
    st.sampled_from([b"\x82", b"\x02", b"\x80", b"\x00", b"\x81", b"\x88", b"\x89", b"\xf2", b"\x8f"]),
    st.sampled_from([b"\x00", b"\x85", b"\x7e", b"\xfe\xff\xff", b"\xff" + b"\xff" * 8, b"\x81\x00"]),
    st.binary(max_size=20),
).map(b"".join)
"""Frames that are unmasked, cut, reserved, or claim an absurd size."""
frames = st.one_of(st.binary(max_size=100), messages.map(encode), mangled(), st.text(max_size=10))
yframes = st.one_of(
    st.binary(max_size=100),
    st.builds(SyncStep1, updates).map(encode_y),
    st.builds(SyncStep2, updates).map(encode_y),
    st.builds(SyncUpdate, updates).map(encode_y),
    st.builds(AwarenessState, numbers, numbers, texts).map(lambda state: encode_y(Awareness((state,)))),
    st.text(max_size=10),
)


class Bystanders:
    """A room with a writer and a reader, who must not notice anything."""

    def __init__(self, server: LiveServer, tokens: dict[str, str], room: str) -> None:
        self.server = server
        self.tokens = tokens
        self.room = room
        self._typed = 0

    async def take_seats(self, writer: NativeClient, reader: NativeClient) -> None:
        await writer.hello(self.tokens["owner"], "Writer", client_id=1001)
        await reader.hello(self.tokens["viewer"], "Reader", client_id=1002)
        self._writer, self._reader = writer, reader

    async def undisturbed(self) -> None:
        self._typed += 1
        await self._writer.acked(await self._writer.type(MARK))
        while str(self._reader.story).count(MARK) < self._typed:
            await self._reader.next()


Scene: TypeAlias = Callable[[Callable[[Bystanders], Awaitable[None]]], None]


async def throw(bystanders: Bystanders, garbage: list[bytes | str], role: str | None) -> None:
    """To `/ws`, joined in that role, or before joining."""
    async with native(bystanders.server.ws_url) as client:
        if role is not None:
            await client.hello(bystanders.tokens[role], client_id=7)
        try:
            for data in garbage:
                await client.socket.send(data)
            await client.say(Ping(1.0))
            await client.hear(Pong)
        except ConnectionClosed as error:
            assert error.rcvd is not None, "cut without a close frame"
            assert error.rcvd.code in DOCUMENTED
    await bystanders.undisturbed()


async def throw_plain(bystanders: Bystanders, garbage: list[bytes | str]) -> None:
    """To `/yjs`."""
    url = bystanders.server.yjs_url(bystanders.room, bystanders.tokens["editor"])
    async with plain(url) as client:
        try:
            for data in garbage:
                await client.socket.send(data)
            await client.sync()
        except ConnectionClosed as error:
            assert error.rcvd is not None, "cut without a close frame"
            assert error.rcvd.code in DOCUMENTED
    await bystanders.undisturbed()


async def throw_bytes(bystanders: Bystanders, after_upgrade: bool, garbage: bytes) -> None:
    """To the port itself, as the first bytes or after the upgrade."""
    if after_upgrade:
        _, writer, _ = await upgraded(bystanders.server.url)
    else:
        port = int(bystanders.server.url.rpartition(":")[2])
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    with contextlib.suppress(ConnectionError):
        writer.write(garbage)
        await writer.drain()
        await bystanders.undisturbed()
        writer.close()
        await writer.wait_closed()


@pytest.fixture
def scene(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> Iterator[Scene]:
    """One server for all examples: the next one meets the leftovers of the one before."""
    limits = Limits(rooms_per_minute=1e6, rejoins_per_minute=1e6, asks_per_minute=1e6, ask_burst=10_000)
    with asyncio.Runner() as runner:
        stack = AsyncExitStack()

        async def open_all() -> Bystanders:
            server = await stack.enter_async_context(running(tmp_path, limits=limits))
            room = await server.new_room()
            bystanders = Bystanders(server, room["tokens"], room["room"])
            writer = await stack.enter_async_context(native(server.ws_url))
            reader = await stack.enter_async_context(native(server.ws_url))
            await bystanders.take_seats(writer, reader)
            return bystanders

        bystanders = runner.run(open_all())
        yield lambda thrown: runner.run(thrown(bystanders))
        runner.run(stack.aclose())
    assert [record for record in caplog.records if record.levelno >= logging.ERROR] == []


def test_native_garbage(scene: Scene) -> None:
    @settings(derandomize=True, deadline=None, max_examples=60)
    @given(st.lists(frames, min_size=1, max_size=8), st.sampled_from(["editor", "owner", "viewer", None]))
    def check(garbage: list[bytes | str], role: str | None) -> None:
        scene(lambda bystanders: throw(bystanders, garbage, role))

    check()


def test_plain_garbage(scene: Scene) -> None:
    @settings(derandomize=True, deadline=None, max_examples=40)
    @given(st.lists(yframes, min_size=1, max_size=8))
    def check(garbage: list[bytes | str]) -> None:
        scene(lambda bystanders: throw_plain(bystanders, garbage))

    check()


def test_garbage_below_the_messages(scene: Scene) -> None:
    @settings(derandomize=True, deadline=None, max_examples=40)
    @given(st.booleans(), st.one_of(st.binary(max_size=300), broken_websocket))
    def check(after_upgrade: bool, garbage: bytes) -> None:
        scene(lambda bystanders: throw_bytes(bystanders, after_upgrade, garbage))

    check()
