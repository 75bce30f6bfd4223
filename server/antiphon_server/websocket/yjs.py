"""`/yjs/{room}`: a plain y-websocket client on the same document (y-protocols sync and awareness)."""

from __future__ import annotations

import logging
from collections.abc import Callable

from aiohttp import web

from antiphon_proto.errors import AntiphonError, CloseCode
from antiphon_proto.sync import SyncStep2, SyncUpdate, decode_y
from antiphon_server.core.join_tokens import Unauthorized
from antiphon_server.core.seat import JoinRequest, Seat
from antiphon_server.gateway import Gateway
from antiphon_server.net.outbox import Outbox
from antiphon_server.rooms.room import Room
from antiphon_server.websocket.native import close_code
from antiphon_server.websocket.socket import arriving

log = logging.getLogger(__name__)

GUEST = "Yjs guest"
"""The name of a plain Yjs client that gives none."""


class YjsConnection:
    """The token comes with the upgrade, so the client is in the room from the first frame on. `ticket`: it stood in the
    address, where only a ticket may."""

    def __init__(
        self,
        gateway: Gateway,
        outbox: Outbox,
        room: str,
        token: str,
        ticket: bool,
        name: str,
        address: str,
        joined: Callable[[], None],
    ) -> None:
        self._gateway = gateway
        self._outbox = outbox
        self._room = room
        self._token = token
        self._ticket = ticket
        self._name = name or GUEST
        self._address = address
        self._joined = joined
        self._claim = gateway.turns.claim(address)

    async def run(self, ws: web.WebSocketResponse) -> None:
        place = await self._join()
        try:
            items = (lambda: place[1].items) if place is not None else (lambda: 0)
            async for data in arriving(ws, self._outbox, self._gateway.settings.limits, items):
                if place is not None:
                    await self._gateway.turns.turn(self._claim)
                    await self._take(*place, data)
        finally:
            if place is not None:
                room, seat = place
                room.leave(seat)

    async def _join(self) -> tuple[Room, Seat] | None:
        try:
            tokens = self._gateway.tokens
            grant = tokens.verify_ticket(self._token) if self._ticket else tokens.verify(self._token)
            if grant.room != self._room:
                raise Unauthorized("the token is for another room")
            room = await self._gateway.hub.get(grant.room, self._address)
            request = JoinRequest(grant=grant, name=self._name, client_id=0, dialect="yjs")
            if self._outbox.close_code is not None:  # a drain began meanwhile
                return None
            await self._gateway.check_join(room, request, self._address)
            self._gateway.turns.enter(self._claim, room.id)
            with self._gateway.turns.spending(self._claim):
                seat = room.join(self._outbox, request)
                self._joined()
                return room, seat
        except AntiphonError as error:
            self._outbox.close(close_code(error), error.message)
        except Exception:
            log.exception("a client could not join")
            self._outbox.close(CloseCode.INTERNAL, "the server failed")
        return None

    async def _take(self, room: Room, seat: Seat, data: bytes) -> None:
        turns = self._gateway.turns
        traffic = self._gateway.traffic
        traffic.received += 1
        try:
            with turns.spending(self._claim):
                message = decode_y(data, self._gateway.settings.limits.max_message)
            if message is None:
                return
            if isinstance(message, SyncStep2 | SyncUpdate):
                traffic.edits += 1
                await self._gateway.reader.read(seat, message.update, room.shared.document)
            await room.ready_to_tell(seat, message)
            await room.pause.over()
            await room.long_work.run(room.receiving_yjs(seat, message), turns, self._claim)
        except AntiphonError as error:
            self._outbox.close(close_code(error), error.message)
        except Exception:
            log.exception("a message could not be handled")
            self._outbox.close(CloseCode.INTERNAL, "the server failed")
