"""Repairs changes that a client may not make to the canvas, the jam or the film, before anybody else sees them."""

from __future__ import annotations

from antiphon_proto.errors import ErrorCode
from antiphon_proto.messages import Error
from antiphon_server.core.context import RoomContext
from antiphon_server.core.seat import Seat
from antiphon_server.document.authorship import Owner
from antiphon_server.document.canvas import Mended
from antiphon_server.document.change import Change
from antiphon_server.document.state import SERVER, SERVER_ORIGIN

_TOLD = 8
"""Repaired objects of one edit that its sender is told about."""


class Repairs:
    def __init__(self, room: RoomContext) -> None:
        self._room = room

    def on_commit(self, change: Change, owner: Owner, sender: Seat | None) -> None:
        """Commit the repairs of a change, and tell its sender about them."""
        if owner == SERVER or not (change.objects or change.jam or change.film):
            return
        room, limits, shared = self._room, self._room.limits, self._room.shared
        mended: list[Mended] = []
        if change.objects:
            repair, mended = shared.document.mend(
                change.objects, limits.max_objects, limits.max_points, SERVER_ORIGIN
            )
            room.commit(repair, SERVER)
        if change.jam:
            repair, more = shared.document.mend_jam(change.jam, owner.author, shared.maker, SERVER_ORIGIN)
            room.commit(repair, SERVER)
            mended += more
        if change.film:
            repair, more = shared.document.mend_film(change.film, SERVER_ORIGIN)
            room.commit(repair, SERVER)
            mended += more
        for one in mended[:_TOLD]:
            if sender is not None:
                key = one.id[:64]
                error = Error(ErrorCode.INVALID, f"object {key}: {one.what}", "edit", key)
                room.tell(sender.participant, error)
