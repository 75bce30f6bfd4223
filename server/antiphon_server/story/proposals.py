"""Suggestions of participants: their own words, which wait in the story for a decision like those of a run."""

from __future__ import annotations

from typing import Final

import msgspec

from antiphon_proto import schema
from antiphon_proto.errors import Conflict, PeerError, TooLarge
from antiphon_proto.messages import Suggest
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import Member
from antiphon_server.core.ranges import located
from antiphon_server.core.run_registry import Order
from antiphon_server.document.authorship import Owner
from antiphon_server.document.state import OURS, SERVER_ORIGIN
from antiphon_server.document.text_index import size

_LONGEST: Final = 64 * 1024
"""Bytes of a passage."""
_OPEN: Final = (schema.ATTR_SUGGEST, schema.ATTR_SUGGEST_DELETE)


class Proposals:
    """Each suggestion is a run that has ended: accepting, rejecting and undoing it are those of any run."""

    def __init__(self, room: RoomContext) -> None:
        self._room = room

    def suggest(self, member: Member, message: Suggest) -> None:
        """Put a member's suggestion into the story. Raises PeerError, Conflict, TooLarge; then nothing changed."""
        room, document = self._room, self._room.shared.document
        start, end = located(room, member.id, message.offset, message.start, message.end)
        if start == end and not message.text:
            raise PeerError("a suggestion adds words or takes a passage out")
        if end - start > _LONGEST:
            raise TooLarge(f"at most {_LONGEST} bytes are suggested to be replaced at once")
        if not document.fits(2 * size(message.text)):
            raise TooLarge("the document is at its bound")
        pieces = document.chunks(start, end)
        if any(mark in attributes for _, attributes in pieces for mark in _OPEN):
            raise Conflict("another suggestion is open in this passage; it is decided first")
        order = Order(
            ask=message.suggest,
            participant=member.id,
            author=member.id,
            task="suggest",
            mode="suggest",
            instruction="",
            length=0,
            seed=0,
            model="",
            params="{}",
            prompt=msgspec.json.encode({"reason": message.reason}).decode(),
        )
        run = room.runs.start(order, room.unix_ms())
        run.update(state="done")
        room.actions.adopt(run, member.id)
        owner = Owner(member.id, run.info.id)
        reason = {schema.ATTR_REASON: message.reason} if message.reason else {}
        if start < end:
            marks = {**reason, schema.ATTR_SUGGEST_DELETE: run.info.id}
            room.commit(document.format([(start, end)], marks, SERVER_ORIGIN), owner)
        if message.text:
            kept = {
                name: value for name, value in (pieces[0][1] if pieces else {}).items() if name not in OURS
            }
            marks = {**kept, **reason, schema.ATTR_SUGGEST: run.info.id}
            room.commit(document.insert(end, message.text, marks, SERVER_ORIGIN), owner)
        room.wake()
