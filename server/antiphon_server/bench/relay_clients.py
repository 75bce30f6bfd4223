"""Clients that cost the load generator little: most only drain bytes, a few apply updates and time them."""

from __future__ import annotations

import asyncio
import base64
import os
import re
import time
from collections.abc import Callable
from typing import Any, Literal
from urllib.parse import parse_qsl, urlencode, urlsplit

from pycrdt import Doc, Text, TransactionEvent

from antiphon_proto.codec import encode, server_decoder
from antiphon_proto.errors import ProtocolViolation
from antiphon_proto.messages import Edit, Fragment, Hello, Rebuild, Update
from antiphon_proto.schema import STORY
from antiphon_proto.sync import SyncStep1, SyncStep2, SyncUpdate, decode_y, encode_y

Dialect = Literal["native", "yjs"]
EDIT_ID = re.compile(r"(\d{7});")
_MAX = 64 * 1024 * 1024


class DrainClient(asyncio.Protocol):
    """A WebSocket client on a bare transport: answers pings; binary messages go to `on_message`."""

    def __init__(self, url: str, on_message: Callable[[bytes], None] | None = None) -> None:
        self.messages = 0
        self.received_bytes = 0
        self.opened: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.closed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._parts = urlsplit(url)
        self._on_message = on_message
        self._buffer = bytearray()
        self._transport: asyncio.Transport | None = None

    @classmethod
    async def open(cls, url: str, on_message: Callable[[bytes], None] | None = None) -> DrainClient:
        parts = urlsplit(url)
        client = cls(url, on_message)
        await asyncio.get_running_loop().create_connection(
            lambda: client, parts.hostname or "127.0.0.1", parts.port or 80
        )
        await client.opened
        return client

    def send(self, payload: bytes) -> None:
        """One masked binary message."""
        self._frame(0x82, payload)

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        query = dict(parse_qsl(self._parts.query))
        # Ours takes a token as a subprotocol, as y-websocket's `protocols` brings it.
        token = query.pop("token", "")
        protocols = f"Sec-WebSocket-Protocol: antiphon, antiphon.token.{token}\r\n" if token else ""
        target = self._parts.path + (f"?{urlencode(query)}" if query else "")
        key = base64.b64encode(os.urandom(16)).decode()
        transport.write(
            f"GET {target} HTTP/1.1\r\nHost: {self._parts.netloc}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n{protocols}\r\n".encode()
        )

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.opened.done():
            self.opened.set_exception(ConnectionError("closed before the handshake"))
        if not self.closed.done():
            self.closed.set_result(None)

    def data_received(self, data: bytes) -> None:
        self.received_bytes += len(data)
        self._buffer += data
        if not self.opened.done():
            head, found, rest = bytes(self._buffer).partition(b"\r\n\r\n")
            if not found:
                return
            if b" 101 " not in head.split(b"\r\n")[0]:
                self.opened.set_exception(ConnectionError(head.split(b"\r\n")[0].decode()))
                return
            self._buffer = bytearray(rest)
            self.opened.set_result(None)
        self._take_frames()

    def _take_frames(self) -> None:
        buffer, at = self._buffer, 0
        while len(buffer) - at >= 2:
            size, start = buffer[at + 1] & 0x7F, at + 2
            if size == 126:
                size, start = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
            elif size == 127:
                size, start = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
            if len(buffer) < start + size:
                break
            opcode = buffer[at] & 0x0F
            if opcode == 9:
                self._frame(0x8A, bytes(buffer[start : start + size]))
            elif opcode == 8:
                self.close()
            elif opcode == 2:
                self.messages += 1
                if self._on_message is not None:
                    self._on_message(bytes(buffer[start : start + size]))
            at = start + size
        del buffer[:at]

    def _frame(self, first: int, payload: bytes) -> None:
        size = len(payload)
        if size < 126:
            head = bytes((first, 0x80 | size))
        elif size < 65536:
            head = bytes((first, 0x80 | 126)) + size.to_bytes(2, "big")
        else:
            head = bytes((first, 0x80 | 127)) + size.to_bytes(8, "big")
        if self._transport is not None and not self._transport.is_closing():
            self._transport.write(head + b"\0\0\0\0" + payload)  # a mask of zeros leaves the payload as it is


class Observer:
    """Applies updates to a document and notes when each edit became visible."""

    def __init__(self, dialect: Dialect) -> None:
        self.seen: dict[int, float] = {}
        self.doc: Doc[Any] = Doc()
        self._story: Text = self.doc.get(STORY, type=Text)
        self._subscription = self._story.observe(self._on_story)
        self._decoder = server_decoder()
        self._parts: list[bytes] = []
        self.on_message = self._native if dialect == "native" else self._yjs

    def _native(self, data: bytes) -> None:
        message = self._decoder.decode(data, _MAX)
        if isinstance(message, Fragment):
            self._parts.append(message.body)
            if len(self._parts) < message.count:
                return
            message = self._decoder.decode(b"".join(self._parts), _MAX)
            self._parts.clear()
        if isinstance(message, Update | Rebuild):
            self.doc.apply_update(message.update)

    def _yjs(self, data: bytes) -> None:
        try:
            message = decode_y(data, _MAX)
        except ProtocolViolation:
            return
        if isinstance(message, SyncStep2 | SyncUpdate):
            self.doc.apply_update(message.update)

    def _on_story(self, event: Any) -> None:
        now = time.perf_counter()
        for part in event.delta:
            inserted = part.get("insert")
            if isinstance(inserted, str):
                for found in EDIT_ID.findall(inserted):
                    self.seen.setdefault(int(found), now)


class Writer:
    """Makes edits in a document of its own: each appends one number that observers recognise."""

    def __init__(self, client: DrainClient, dialect: Dialect) -> None:
        self._client = client
        self._dialect = dialect
        self._batch = 0
        self.doc: Doc[Any] = Doc()
        self._story: Text = self.doc.get(STORY, type=Text)
        self._subscription = self.doc.observe(self._on_transaction)

    def write(self, edit: int) -> None:
        self._story += f"{edit:07d};"

    def _on_transaction(self, event: TransactionEvent) -> None:
        if self._dialect == "yjs":
            self._client.send(encode_y(SyncUpdate(event.update)))
        else:
            self._batch += 1
            self._client.send(encode(Edit(self._batch, event.update)))


def greeting(dialect: Dialect, token: str, number: int) -> bytes:
    """A client's first messages."""
    if dialect == "yjs":
        return encode_y(SyncStep1(b"\0"))
    return encode(Hello(1, token, f"load {number}", 1_000_000 + number))
