"""One WebSocket of either dialect: its transport as a `Wire`, and its messages at the permitted rate."""

from __future__ import annotations

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator, Callable

from aiohttp import WSMsgType, web

from antiphon_proto.errors import CloseCode
from antiphon_server.limits import Limits
from antiphon_server.net.outbox import CLOSE_TIMEOUT, Outbox
from antiphon_server.token_bucket import TokenBucket

_NOTSENT_LOWAT = 16 * 1024
_ITEM_BYTES = 256
"""Charge of one item of an edit, in bytes: reading and applying it takes as long as relaying so many."""
_TCP_NOTSENT_LOWAT = getattr(socket, "TCP_NOTSENT_LOWAT", 25)


class TransportWire:
    """The transport under an upgraded request. `TCP_NOTSENT_LOWAT` keeps the kernel from swallowing megabytes for a
    client that has stopped reading, so that the backlog is seen at once (measured: 0.25 s instead of 5 s)."""

    def __init__(self, transport: asyncio.Transport) -> None:
        self._transport = transport
        connection = transport.get_extra_info("socket")
        if connection is not None:
            with contextlib.suppress(OSError):
                connection.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _NOTSENT_LOWAT)

    def write(self, data: bytes | memoryview) -> None:
        if not self._transport.is_closing():
            self._transport.write(data)

    def waiting(self) -> int:
        return 0 if self._transport.is_closing() else self._transport.get_write_buffer_size()

    def abort(self) -> None:
        self._transport.abort()

    def end(self) -> None:
        """Nothing more will be written: close after the waiting frames have gone out, or after a short time."""
        self._transport.close()
        if self._transport.get_write_buffer_size():
            asyncio.get_running_loop().call_later(CLOSE_TIMEOUT, self._transport.abort)


def new_socket(limits: Limits, max_size: int) -> web.WebSocketResponse:
    """Not yet upgraded. Compression is off: frames are built once for all, and hold compressed data where it pays."""
    return web.WebSocketResponse(
        compress=False,
        protocols=("antiphon",),
        heartbeat=limits.heartbeat,
        max_msg_size=max_size,
        autoclose=False,
        timeout=5.0,
    )


async def upgrade(ws: web.WebSocketResponse, request: web.Request) -> TransportWire:
    """Answer the upgrade. Raises ConnectionResetError when the client is gone already."""
    await ws.prepare(request)
    transport = request.transport
    if transport is None:
        raise ConnectionResetError("the client is gone")
    return TransportWire(transport)


async def arriving(
    ws: web.WebSocketResponse, outbox: Outbox, limits: Limits, items: Callable[[], int] = lambda: 0
) -> AsyncIterator[bytes]:
    """The binary messages of a client until either side closes.

    A client that sends faster than it may is read later: its own edits wait in its own socket, and none is lost.
    `items` counts the pieces of all its edits so far, which are charged for as bytes.
    """
    time = asyncio.get_running_loop().time
    messages = TokenBucket(limits.messages_per_second, limits.message_burst, time)
    volume = TokenBucket(limits.bytes_per_second, limits.byte_burst, time)
    charged = 0
    while True:
        message = await ws.receive()
        if message.type is WSMsgType.BINARY:
            if outbox.close_code is None:  # after our close frame we only wait for the client's
                yield message.data
            fresh = items() - charged
            charged += fresh
            wait = max(messages.charge(), volume.charge(len(message.data) + _ITEM_BYTES * fresh))
            if wait > 0:
                await asyncio.sleep(wait)
        elif message.type is WSMsgType.TEXT:
            outbox.close(CloseCode.MALFORMED, "messages are binary")
        else:
            return


async def farewell(ws: web.WebSocketResponse, outbox: Outbox, limits: Limits) -> None:
    """After our close frame: read on until the client has answered it, or the outbox has cut the connection.

    Closing a socket that holds unread bytes resets it, and the client might never see why.
    """
    async for _ in arriving(ws, outbox, limits):
        pass
