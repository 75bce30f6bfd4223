"""One client of `/ws`: bytes through the session to the room, from `hello` to the last frame."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from aiohttp import web

from antiphon_engines.api import QueueFull
from antiphon_proto.errors import AntiphonError, CloseCode, ErrorCode, NotFound, ProtocolViolation
from antiphon_proto.messages import (
    AddComment,
    AddReply,
    Ask,
    ClientMessage,
    DropPerformer,
    Edit,
    Error,
    Hello,
    Paint,
    Perform,
    Ping,
    Pong,
    PutPerformer,
    Redo,
    ReplaceToken,
    Retry,
    Say,
    Steer,
    Suggest,
    Undo,
)
from antiphon_proto.session import FRAGMENT_DEADLINE, ServerSession
from antiphon_server.core.join_tokens import Unauthorized
from antiphon_server.core.seat import JoinRequest, Seat
from antiphon_server.gateway import Gateway
from antiphon_server.net.frames import Frame
from antiphon_server.net.outbox import Outbox
from antiphon_server.rooms.dispatch import reference
from antiphon_server.rooms.room import Room
from antiphon_server.token_bucket import TokenBucket
from antiphon_server.websocket.socket import arriving, farewell

log = logging.getLogger(__name__)


class Connection:
    """Reads until the client goes; everything that it sends is answered or closes the connection."""

    def __init__(self, gateway: Gateway, outbox: Outbox, address: str, joined: Callable[[], None]) -> None:
        clock = asyncio.get_running_loop().time
        limits = gateway.settings.limits
        self._gateway = gateway
        self._outbox = outbox
        self._address = address
        self._joined = joined
        self._session = ServerSession(max_message=limits.max_message, clock=clock)
        self._asks = TokenBucket(limits.asks_per_minute / 60, limits.ask_burst, clock)
        self._remarks = TokenBucket(limits.remarks_per_minute / 60, limits.remark_burst, clock)
        self._paints = TokenBucket(limits.paints_per_minute / 60, limits.paint_burst, clock)
        self._place: tuple[Room, Seat] | None = None
        self._claim = gateway.turns.claim(address)
        self._part = gateway.unfinished.part(address, self._drop)

    async def run(self, ws: web.WebSocketResponse) -> None:
        limits, traffic = self._gateway.settings.limits, self._gateway.traffic
        try:
            async with asyncio.timeout(limits.hello_timeout) as deadline:
                async for data in arriving(ws, self._outbox, limits, self._items):
                    traffic.received += 1
                    await self._gateway.turns.turn(self._claim)
                    await self._take(data)
                    if self._place is not None:
                        deadline.reschedule(None)
        except TimeoutError:
            self._outbox.close(CloseCode.HELLO_TIMEOUT, "no hello")
            await farewell(ws, self._outbox, limits)
        finally:
            self._session.close()
            self._part.end()
            if self._place is not None:
                room, seat = self._place
                room.leave(seat)

    def _items(self) -> int:
        return self._place[1].items if self._place is not None else 0

    async def _take(self, data: bytes) -> None:
        turns = self._gateway.turns
        try:
            with turns.spending(self._claim):
                message = self._session.receive(data)
                self._part.hold(self._session.held, FRAGMENT_DEADLINE)
            if isinstance(message, Hello):
                await self._join(message)
            elif message is not None:
                await self._handle(message)
        except AntiphonError as error:
            self._outbox.close(close_code(error), error.message)
        except Exception:
            log.exception("a message could not be handled")
            self._outbox.close(CloseCode.INTERNAL, "the server failed")

    def _drop(self, reason: str) -> None:
        """The unfinished message may not be held any longer."""
        self._session.close()
        self._outbox.close(CloseCode.RATE_LIMITED, reason)

    async def _handle(self, message: ClientMessage) -> None:
        turns = self._gateway.turns
        if isinstance(message, Ping):
            self._outbox.send(Frame.of(Pong(message.sent_ms, self._gateway.hub.clock.server_ms())))
        elif not self._allowed(message):
            tag, ref = reference(message)
            text = "too many requests of this kind; wait a little"
            self._outbox.send(Frame.of(Error(ErrorCode.RATE_LIMITED, text, tag, ref)))
        elif self._place is not None:
            room, seat = self._place
            if isinstance(message, Edit):
                self._gateway.traffic.edits += 1
                await self._gateway.reader.read(seat, message.update, room.shared.document)
            await room.ready_to_tell(seat, message)
            await room.pause.over()
            parts = await room.long_work.run(room.receiving(seat, message), turns, self._claim)
            if isinstance(message, Undo | Redo) and parts > 1:
                self._steps().charge(parts - 1)  # a large step is as many as it has parts

    def _allowed(self, message: ClientMessage) -> bool:
        """Takes a place in the rate of its kind."""
        match message:
            case Paint():
                return self._paints.allow()
            case Say(to_ai=True) | Ask() | Retry() | ReplaceToken() | Steer() | Perform():
                return self._asks.allow()
            case Say() | AddComment() | AddReply() | Suggest() | PutPerformer() | DropPerformer():
                return self._remarks.allow()
            case Undo() | Redo():
                return self._steps().allow()
        return True

    def _steps(self) -> TokenBucket:
        """The rate of the member's steps back and forth: a new connection does not refill it."""
        if self._place is None:
            raise ProtocolViolation("nothing comes before `hello`")
        room, seat = self._place
        return self._gateway.step_rate.of(f"{room.id} {seat.participant}")

    async def _join(self, hello: Hello) -> None:
        grant = self._gateway.tokens.verify(hello.token)
        room = await self._gateway.hub.get(grant.room, self._address)
        if self._outbox.close_code is not None:  # a drain began meanwhile
            return
        request = JoinRequest(
            grant=grant,
            name=hello.name,
            client_id=hello.client_id,
            session=hello.session,
            resume=hello.resume,
            kind=hello.kind,
        )
        await self._gateway.check_join(room, request, self._address)
        await room.ready_for(request)
        self._gateway.turns.enter(self._claim, room.id)
        with self._gateway.turns.spending(self._claim):
            self._place = room, room.join(self._outbox, request)
            self._joined()


def close_code(error: AntiphonError) -> CloseCode:
    """The close code for a client that cannot join or go on."""
    match error:
        case ProtocolViolation():
            return error.close_code
        case Unauthorized():
            return CloseCode.UNAUTHORIZED
        case NotFound():
            return CloseCode.NO_ROOM
        case QueueFull():
            return CloseCode.ROOM_FULL
    return CloseCode.RATE_LIMITED if error.code is ErrorCode.RATE_LIMITED else CloseCode.INTERNAL
