"""Takes people's edits, from native and plain Yjs clients, and answers for the fate of each.

No edit is lost in silence: a native client gets an ack with the reason; a plain one is asked for missing updates, gets
the current state, or is disconnected so that it comes back and syncs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from antiphon_proto.errors import CloseCode, TooLarge
from antiphon_proto.messages import Ack, AckStatus, Edit, StepKind
from antiphon_server.core.action_log import Hand
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import Member
from antiphon_server.core.rights import Right, may
from antiphon_server.core.seat import Seat
from antiphon_server.document.authorship import Owner
from antiphon_server.document.change import ForeignIds, InvalidUpdate, MissingUpdates
from antiphon_server.net.frames import Frame
from antiphon_server.rooms.plain_edits import EMPTY, PlainEdits


class Edits:
    """`show` sends a plain client the whole document; `suspect`: whether an update stopped the server before."""

    def __init__(
        self,
        room: RoomContext,
        show: Callable[[Seat], None],
        suspect: Callable[[bytes], bool] = lambda _update: False,
    ) -> None:
        self.of_plain = PlainEdits(room, self._take)
        self._room = room
        self._show = show
        self._suspect = suspect

    def native(self, member: Member, seat: Seat, edit: Edit) -> Iterator[None]:
        """Apply a batch, with a stop after each part of a large one, or answer why not."""
        if edit.batch <= member.record.last_batch:
            self._room.delivery.acknowledge(seat, edit.batch)  # sent again after a reconnect
        elif not may(member.role, Right.EDIT):
            _refuse(seat, edit, "denied", f"a {member.role} does not edit")
        elif (held := seat.held) is not None and edit.batch > held.batch:
            # It builds on a batch that was refused for the time being: first comes first.
            _refuse(seat, edit, held.status, held.message)
        elif not self._room.journal.available:
            problem = self._room.journal.problem
            refusal = Ack(edit.batch, "unavailable", 0, str(problem or "the server cannot store more now"))
            seat.held = refusal
            seat.outlet.send(Frame.of(refusal))
        else:
            seat.held = None
            yield from self._apply(member, seat, edit)

    def plain(self, member: Member, seat: Seat, update: bytes, *, live: bool) -> Iterator[None]:
        """Apply, in the same way, an update of a plain Yjs client: a new edit, or the content of its copy."""
        if update == EMPTY:
            return
        if not may(member.role, Right.EDIT):
            self._show(seat)
        elif not self._room.journal.available:
            seat.outlet.close(CloseCode.INTERNAL, "the server cannot store edits now")
        else:
            yield from self.of_plain.take(member, seat, update, live=live)

    def _apply(self, member: Member, seat: Seat, edit: Edit) -> Iterator[None]:
        try:
            yield from self._take(member, seat, edit.update, edit.step)
        except TooLarge as error:
            _refuse(seat, edit, "too_large", error.message)
        except (ForeignIds, MissingUpdates) as error:
            _refuse(seat, edit, "remake", error.message)
        except InvalidUpdate as error:
            _refuse(seat, edit, "invalid", error.message)
        else:
            member.update(last_batch=edit.batch)
            self._room.delivery.acknowledge(seat, edit.batch)

    def _take(
        self, member: Member, seat: Seat, update: bytes, step: StepKind = "", *, own: bool = True
    ) -> Iterator[None]:
        """A large update is checked as a whole and then applied part by part. When a later part is refused, since items
        stand where they may not, the parts before it stay."""
        if self._suspect(update):
            raise InvalidUpdate("this edit stopped the server before; it is kept aside and not applied")
        document = self._room.shared.document
        used: list[int] = []

        def may_use(client: int) -> bool:
            used.append(client)
            return self._room.ids.may_use(member, seat, client)

        read, seat.read = seat.read, None
        try:
            known = read if read is not None and read.update is update else None
            info = document.admit(
                update, may_use, known.found if known else None, known.overlap if known else None
            )
        finally:
            seat.items += document.read
        hand: Hand | None = None
        parts = known.parts if known is not None and known.parts else ((update, info),)
        for part, found in parts:
            if part is not parts[0][0]:
                yield
            change = document.bring(part, found, member.origin)
            self._room.ids.use(member, seat, used, own=own)
            hand = hand or self._room.actions.edit(member.id, change, step)
            self._room.commit(change, Owner(member.id), seat, hand=hand)


def _refuse(seat: Seat, edit: Edit, status: AckStatus, message: str) -> None:
    seat.outlet.send(Frame.of(Ack(edit.batch, status, 0, message[:2000])))
