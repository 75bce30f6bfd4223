"""Clients that send exactly the bytes of a test, over real sockets."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import parse_qsl, urlencode, urlsplit

from pycrdt import Doc, Text
from websockets import Subprotocol
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from antiphon_proto.codec import encode
from antiphon_proto.messages import (
    VERSION,
    Ack,
    Edit,
    Hello,
    Message,
    Rebuild,
    Resume,
    ServerMessage,
    Update,
    Welcome,
)
from antiphon_proto.session import ClientSession
from antiphon_proto.sync import SyncStep1, SyncStep2, SyncUpdate, YMessage, decode_y, encode_y
from support.patience import PATIENCE

MAX = 64 * 1024 * 1024
M = TypeVar("M")


class NativeClient:
    """One connection to `/ws` with its own copy of the document."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.doc: Doc[Any] = Doc()
        self.story: Text = self.doc.get("story", type=Text)
        self.heard: list[ServerMessage] = []
        self.welcome: Welcome | None = None
        self._session = ClientSession(max_message=MAX, clock=time.monotonic)
        self._batch = 0
        self._seen: bytes = self.doc.get_state()

    async def say(self, message: Message) -> None:
        await self.socket.send(encode(message))

    async def hello(
        self,
        token: str,
        name: str = "Ada",
        *,
        client_id: int = 1,
        session: str | None = None,
        resume: Resume | None = None,
    ) -> Welcome:
        await self.say(Hello(VERSION, token, name, client_id, session, resume))
        self.welcome = await self.hear(Welcome)
        if not self.welcome.resumed:
            await self.hear(Rebuild)
        return self.welcome

    async def next(self) -> ServerMessage:
        """The next message; document changes are applied to the copy."""
        async with asyncio.timeout(PATIENCE):
            while True:
                data = await self.socket.recv()
                assert isinstance(data, bytes)
                message = self._session.receive(data)
                if message is not None:
                    break
        self.heard.append(message)
        if isinstance(message, Update | Rebuild):
            self.doc.apply_update(message.update)
        return message

    async def hear(self, kind: type[M]) -> M:
        """Read on until a message of that kind comes."""
        while True:
            message = await self.next()
            if isinstance(message, kind):
                return message

    async def type(self, text: str) -> int:
        """Append to the story and send the edit; returns its batch."""
        before = self.doc.get_state()
        self.story += text
        self._batch += 1
        await self.say(Edit(self._batch, self.doc.get_update(before)))
        return self._batch

    async def acked(self, batch: int, status: str = "durable") -> Ack:
        while True:
            ack = await self.hear(Ack)
            if ack.batch == batch and ack.status == status:
                return ack

    async def sees(self, text: str) -> None:
        """Read on until the story is `text`."""
        while str(self.story) != text:
            await self.next()

    async def closed(self) -> int:
        """Read on until the server closes; returns its code."""
        try:
            while True:
                await self.next()
        except ConnectionClosed as error:
            assert error.rcvd is not None, "the connection was cut without a close frame"
            return error.rcvd.code


class YjsClient:
    """One plain y-websocket connection."""

    def __init__(self, socket: ClientConnection) -> None:
        self.socket = socket
        self.doc: Doc[Any] = Doc()
        self.story: Text = self.doc.get("story", type=Text)

    async def say(self, message: YMessage) -> None:
        await self.socket.send(encode_y(message))

    async def next(self) -> YMessage | None:
        """The next message; changes are applied, and a state vector is answered as y-websocket does."""
        async with asyncio.timeout(PATIENCE):
            data = await self.socket.recv()
        assert isinstance(data, bytes)
        message = decode_y(data, MAX)
        if isinstance(message, SyncStep2 | SyncUpdate):
            self.doc.apply_update(message.update)
        elif isinstance(message, SyncStep1):
            await self.say(SyncStep2(self.doc.get_update(message.state_vector)))
        return message

    async def hear(self, kind: type[M]) -> M:
        while True:
            message = await self.next()
            if isinstance(message, kind):
                return message

    async def sync(self) -> None:
        await self.say(SyncStep1(self.doc.get_state()))
        await self.hear(SyncStep2)

    async def type(self, text: str) -> None:
        before = self.doc.get_state()
        self.story += text
        await self.say(SyncUpdate(self.doc.get_update(before)))

    async def sees(self, text: str) -> None:
        while str(self.story) != text:
            await self.next()

    async def closed(self) -> int:
        try:
            while True:
                await self.next()
        except ConnectionClosed as error:
            assert error.rcvd is not None, "the connection was cut without a close frame"
            return error.rcvd.code


@asynccontextmanager
async def native(url: str) -> AsyncIterator[NativeClient]:
    async with connect(url, compression=None, max_size=MAX) as socket:
        yield NativeClient(socket)


@asynccontextmanager
async def plain(url: str) -> AsyncIterator[YjsClient]:
    """`url` as of `LiveServer.yjs_url`: its token goes as a subprotocol, as y-websocket's `protocols` brings it."""
    parts = urlsplit(url)
    query = dict(parse_qsl(parts.query))
    token = query.pop("token", "")
    address = parts._replace(query=urlencode(query)).geturl()
    protocols = [Subprotocol("antiphon"), Subprotocol(f"antiphon.token.{token}")] if token else None
    async with connect(address, compression=None, max_size=MAX, subprotocols=protocols) as socket:
        yield YjsClient(socket)


UPGRADE = (
    b"GET /ws HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


async def upgraded(url: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
    """A WebSocket to `/ws` whose client does nothing by itself; and the head of the server's answer."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(url.rpartition(":")[2]))
    writer.write(UPGRADE)
    head = await reader.readuntil(b"\r\n\r\n")
    assert b" 101 " in head
    return reader, writer, head
