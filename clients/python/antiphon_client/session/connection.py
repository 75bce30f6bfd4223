"""The connection of a room, opened again whenever it breaks: requests and edits go out in order, messages come in."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import time
from collections import deque
from collections.abc import Callable
from typing import Protocol, TypeVar

from websockets.asyncio.client import connect as open_websocket
from websockets.exceptions import ConnectionClosed, InvalidHandshake

from antiphon_client.errors import ClientError, JoinRefused
from antiphon_client.session.replica import Replica
from antiphon_proto.codec import client_decoder, encode, encode_frames
from antiphon_proto.errors import CloseCode, ProtocolViolation
from antiphon_proto.messages import MAX_FRAME, Edit, Hello, Message, ServerMessage
from antiphon_proto.session import ClientSession

log = logging.getLogger(__name__)

MAX_MESSAGE = 64 * 1024 * 1024
"""Largest message taken from the server, bytes, in fragments."""
MAX_REQUESTS = 256
"""Requests that may wait to be sent; one more raises ClientError."""
_FIRST_DELAY, _LAST_DELAY = 0.2, 10.0
_REFUSED_DELAY = 0.5
_DECODER = client_decoder()
"""Holds the bounds that the server holds us to."""

M = TypeVar("M", bound=Message)


class _Socket(Protocol):
    async def send(self, data: bytes) -> None: ...


class Connection:
    """`hello` makes the first message of each connection; `receive` hears every message; `lost` each end.

    Nothing but `hello` is sent before `ready` is set: the room sets it when its copy is in step with the server.
    """

    def __init__(
        self,
        url: str,
        replica: Replica,
        hello: Callable[[], Hello],
        receive: Callable[[ServerMessage], None],
        lost: Callable[[], None],
    ) -> None:
        self.ready = False
        self._url = url
        self._replica = replica
        self._hello = hello
        self._receive = receive
        self._lost = lost
        self._requests: deque[Message] = deque()
        self._wake = asyncio.Event()
        self._retry_edit_at: float | None = None

    # Sending -----------------------------------------------------------------------------------------------

    def request(self, message: Message, *, first: bool = False) -> None:
        """Send when it can be. Raises ClientError when too many wait, or when it breaks a bound of the protocol."""
        if len(self._requests) >= MAX_REQUESTS and not first:
            raise ClientError(f"{MAX_REQUESTS} requests wait for the connection")
        if first:
            self._requests.appendleft(bounded(message))
        else:
            self._requests.append(bounded(message))
        self.wake()

    def is_waiting(self, message: Message) -> bool:
        """Whether this very message has not been sent yet."""
        return any(one is message for one in self._requests)

    def withdraw(self, message: Message) -> None:
        """Do not send it, if it has not been sent yet."""
        kept = [one for one in self._requests if one is not message]
        self._requests.clear()
        self._requests.extend(kept)

    def wake(self) -> None:
        """There may be something to send."""
        self._wake.set()

    def repeat_edit(self, *, refused: bool) -> None:
        """Send the batch in flight again: at once, or a little later because the server was busy."""
        self._retry_edit_at = time.monotonic() + (_REFUSED_DELAY if refused else 0)
        self.wake()

    def forget_edit(self) -> None:
        """The batch that was to be repeated is not to be."""
        self._retry_edit_at = None

    # Life ---------------------------------------------------------------------------------------------------

    async def run(self) -> None:
        """Connect, and reconnect until cancelled. Raises JoinRefused when reconnecting cannot succeed."""
        delay = _FIRST_DELAY
        while True:
            began = time.monotonic()
            try:
                await self._connect_once()
            except (OSError, ConnectionClosed, InvalidHandshake, TimeoutError) as error:
                log.info("connection to %s lost: %s", self._url, error)
            finally:
                self.ready = False
                self._lost()
            if time.monotonic() - began > _LAST_DELAY:
                delay = _FIRST_DELAY
            await asyncio.sleep(delay * random.uniform(0.5, 1.5))
            delay = min(2 * delay, _LAST_DELAY)

    async def _connect_once(self) -> None:
        """One connection, from hello to its end."""
        async with open_websocket(self._url, compression=None, max_size=MAX_FRAME) as socket:
            session = ClientSession(max_message=MAX_MESSAGE, clock=time.monotonic)
            await socket.send(encode(self._hello()))
            writer = asyncio.create_task(self._write(socket), name="antiphon-writer")
            try:
                async for data in socket:
                    message = session.receive(data if isinstance(data, bytes) else data.encode())
                    if message is not None:
                        self._receive(message)
            except ConnectionClosed:
                pass
            finally:
                writer.cancel()
                await asyncio.wait({writer})
            code = socket.close_code or 1006
            if code in CloseCode.__members__.values() and not CloseCode(code).retry:
                raise JoinRefused(code, socket.close_reason or "")

    async def _write(self, socket: _Socket) -> None:
        """Send waiting messages in order: requests that were made before an edit still go before it."""
        with contextlib.suppress(ConnectionClosed):
            while True:
                timeout = None
                if self.ready:
                    while self._requests:
                        sent = self._requests[0]
                        await _send(socket, sent)
                        self.withdraw(sent)  # it may be the first one no longer
                    edit = self._due_edit()
                    if edit is not None:
                        await _send(socket, edit)
                    if self._retry_edit_at is not None:
                        timeout = max(0.0, self._retry_edit_at - time.monotonic())
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(timeout):
                        await self._wake.wait()
                self._wake.clear()

    def _due_edit(self) -> Edit | None:
        if self._retry_edit_at is not None:
            if time.monotonic() < self._retry_edit_at:
                return None
            self._retry_edit_at = None
            return self._replica.flight
        return self._replica.take_batch()


def bounded(message: M) -> M:
    """`message`. Raises ClientError where it breaks a bound of the protocol, which would cost the connection."""
    try:
        _DECODER.decode(encode(message), MAX_MESSAGE)
    except (ProtocolViolation, UnicodeEncodeError) as error:
        raise ClientError(f"this cannot be asked: {error}") from None
    return message


async def _send(socket: _Socket, message: Message) -> None:
    for frame in encode_frames(message):
        await socket.send(frame)
