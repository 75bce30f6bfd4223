"""Takes the edits of plain Yjs clients. They know no acks: such a client gets no answer to an accepted edit. Else it
is asked for missing updates, gets the current state, or is disconnected with a reason, so that it comes back and syncs.

After a crash the copy of such a client may hold text of others that the room has lost. Only its authors may bring it
again, so it is left out of this client's updates; a client whose copy still holds it after a while is told.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Protocol
from weakref import WeakKeyDictionary

from antiphon_proto.document.yjs_update import read, without
from antiphon_proto.errors import CloseCode, TooLarge
from antiphon_proto.lanes import Lane
from antiphon_proto.sync import PermissionDenied, SyncStep1, encode_y
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import Member
from antiphon_server.core.seat import Seat
from antiphon_server.document.change import ForeignIds, InvalidUpdate, MissingUpdates
from antiphon_server.net.frames import Frame, websocket_frame, yjs_frame


class Take(Protocol):
    """Applies an update, with stops where it is large, or raises. `own`: its content was written over this
    connection."""

    def __call__(self, member: Member, seat: Seat, update: bytes, *, own: bool) -> Iterator[None]: ...


EMPTY = b"\x00\x00"
"""A Yjs update that says nothing."""
_ASK_SECONDS = 1.0
"""Between two requests for missing updates: another client may still have to send them."""
_FOREIGN_SECONDS = 30.0
"""How long lost text of others may be missing before a client that has it is told."""
_FOREIGN = (
    "this copy holds changes under a client id that belongs to somebody else: start over with a new document"
)


class _Dues:
    """Missing updates of one connection, in both directions."""

    def __init__(self) -> None:
        self.lacks = False
        self.asked_at = float("-inf")
        self.foreign: dict[int, int] = {}
        """Client -> clock: content of others in its copy that the room lacks."""
        self.since = 0.0


class PlainEdits:
    """`take` applies an update or raises."""

    def __init__(self, room: RoomContext, take: Take) -> None:
        self._room = room
        self._take = take
        self._dues: WeakKeyDictionary[Seat, _Dues] = WeakKeyDictionary()

    def take(self, member: Member, seat: Seat, update: bytes, *, live: bool) -> Iterator[None]:
        """Apply an update, with stops where it is large. `live`: the client made it just now; it is not the content of
        its copy."""
        try:
            try:
                yield from self._take(member, seat, update, own=live)
            except ForeignIds as error:
                if live or seat.client_id in error.clients:
                    self._tell(seat)
                    return
                yield from self._leave_out(member, seat, update, error.clients)
        except MissingUpdates:
            dues = self._dues.setdefault(seat, _Dues())
            dues.lacks = True
            self._ask(seat, dues)
        except TooLarge as error:
            seat.outlet.close(CloseCode.TOO_LARGE, error.message)
        except InvalidUpdate as error:
            seat.outlet.close(CloseCode.MALFORMED, error.message)

    def sweep(self, seats: Iterable[Seat]) -> None:
        """Once a second: ask again, and tell whose copy differs for good."""
        clocks = self._room.shared.document.clocks
        for seat in seats:
            if (dues := self._dues.get(seat)) is None:
                continue
            if dues.lacks:
                self._ask(seat, dues)
            dues.foreign = {
                client: clock for client, clock in dues.foreign.items() if clock > clocks.get(client, 0)
            }
            if dues.foreign and self._room.monotonic() - dues.since >= _FOREIGN_SECONDS:
                self._tell(seat)

    def _leave_out(
        self, member: Member, seat: Seat, update: bytes, clients: frozenset[int]
    ) -> Iterator[None]:
        dues = self._dues.setdefault(seat, _Dues())
        if not dues.foreign:
            dues.since = self._room.monotonic()
        for item in read(update)[0]:
            if item.client in clients:
                end = item.clock + item.length
                dues.foreign[item.client] = max(end, dues.foreign.get(item.client, 0))
        yield from self._take(
            member, seat, without(update, clients, self._room.shared.document.clocks), own=False
        )

    def _ask(self, seat: Seat, dues: _Dues) -> None:
        now = self._room.monotonic()
        if now - dues.asked_at >= _ASK_SECONDS:
            dues.asked_at = now
            dues.lacks = False
            seat.outlet.send(yjs_frame(SyncStep1(self._room.shared.document.state_vector())))

    def _tell(self, seat: Seat) -> None:
        denied = websocket_frame(encode_y(PermissionDenied(_FOREIGN)))
        seat.outlet.send(Frame(Lane.EDIT, yjs=denied))
        seat.outlet.close(CloseCode.FOREIGN_ID, _FOREIGN)
