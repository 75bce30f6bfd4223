"""Hands the messages of connections to the parts of a room, and answers for their failures."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from functools import partial

from antiphon_proto.errors import AntiphonError, CloseCode, PeerError, ProtocolViolation
from antiphon_proto.messages import ClientMessage, Edit, Error
from antiphon_proto.sync import Awareness, QueryAwareness, SyncStep1, SyncStep2, SyncUpdate, YMessage
from antiphon_server.core.context import RoomContext
from antiphon_server.core.seat import Seat
from antiphon_server.net.frames import Frame
from antiphon_server.rooms.admission import Admission
from antiphon_server.rooms.dispatch import Dispatcher, reference
from antiphon_server.rooms.edits import Edits
from antiphon_server.trust.acts import recorded
from antiphon_server.trust.ledger import Ledger
from antiphon_server.watchdog.beacon import Beacon

log = logging.getLogger(__name__)


class Receiver:
    """Never raises for a peer's fault: the client gets an error, or its connection is closed."""

    def __init__(
        self,
        room: RoomContext,
        beacon: Beacon,
        ledger: Ledger,
        dispatcher: Dispatcher,
        edits: Edits,
        admission: Admission,
    ) -> None:
        self._room = room
        self._ledger = ledger
        self._beacon = beacon
        self._dispatcher = dispatcher
        self._edits = edits
        self._admission = admission

    def native(self, seat: Seat, message: ClientMessage) -> Iterator[None]:
        """Handle a message of a native client, with a stop after each part of long work."""
        update = message.update if isinstance(message, Edit) else None
        return self._served(seat, type(message).__name__, update, partial(self._native, seat, message))

    def yjs(self, seat: Seat, message: YMessage) -> Iterator[None]:
        """Handle a message of a plain Yjs client in the same way."""
        update = message.update if isinstance(message, SyncStep2 | SyncUpdate) else None
        return self._served(seat, type(message).__name__, update, partial(self._yjs, seat, message))

    def _served(
        self, seat: Seat, name: str, update: bytes | None, begin: Callable[[], Iterator[None]]
    ) -> Iterator[None]:
        if seat.gone:
            return
        work = begin()
        while True:
            with self._beacon.serving(self._room.id, name, update):
                try:
                    next(work)
                except StopIteration:
                    return
            yield

    def _native(self, seat: Seat, message: ClientMessage) -> Iterator[None]:
        member = self._room.member_of(seat)
        try:
            steps = self._dispatcher.dispatch(member, seat, message)
            yield from recorded(self._ledger, self._room, member.id, message, steps)
        except ProtocolViolation as error:
            seat.outlet.close(error.close_code, error.message)
        except AntiphonError as error:
            tag, ref = reference(message)
            seat.outlet.send(Frame.of(Error(error.code, error.message[:2000], tag, ref)))
            if not isinstance(error, PeerError):
                log.warning("room %s: %s failed: %s", self._room.id, tag, error)

    def _yjs(self, seat: Seat, message: YMessage) -> Iterator[None]:
        member = self._room.member_of(seat)
        try:
            match message:
                case SyncStep1(state_vector):
                    self._room.flush()
                    self._admission.sync(seat, state_vector)
                case SyncStep2(update) | SyncUpdate(update):
                    yield from self._edits.plain(member, seat, update, live=isinstance(message, SyncUpdate))
                case Awareness(states):
                    for state in states:
                        self._admission.plain_presence(member, seat, state)
                case QueryAwareness():
                    self._admission.send_presences(seat)
        except ProtocolViolation as error:
            seat.outlet.close(error.close_code, error.message)
        except PeerError as error:
            seat.outlet.close(CloseCode.MALFORMED, error.message)
