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
from antiphon_server.document.state import AI_ORIGIN, OURS, SERVER_ORIGIN
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
        room = self._room
        start, end = located(room, member.id, message.offset, message.start, message.end)
        check(room, start, end, message.text)
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
        put(room, start, end, message.text, message.reason, Owner(member.id, run.info.id))
        room.wake()


def check(room: RoomContext, start: int, end: int, text: str) -> None:
    """Whether `text` may be suggested in place of [start, end). Raises PeerError, Conflict or TooLarge."""
    document = room.shared.document
    if start == end and not text:
        raise PeerError("a suggestion inserts or deletes text")
    if end - start > _LONGEST:
        raise TooLarge(f"at most {_LONGEST} bytes are suggested to be replaced at once")
    if not document.fits(2 * size(text)):
        raise TooLarge("the document is at its bound")
    if any(mark in attributes for _, attributes in document.chunks(start, end) for mark in _OPEN):
        raise Conflict("another suggestion is open in this passage; it is decided first")


def put(
    room: RoomContext,
    start: int,
    end: int,
    text: str,
    reason: str,
    owner: Owner,
    *,
    by_ai: bool = False,
) -> None:
    """Put a suggestion that was checked into the story; `owner` names its run."""
    document = room.shared.document
    run = owner.run
    pieces = document.chunks(start, end)
    origin = AI_ORIGIN if by_ai else SERVER_ORIGIN
    marks: dict[str, object] = {schema.ATTR_REASON: reason} if reason else {}
    if start < end:
        room.commit(
            document.format([(start, end)], {**marks, schema.ATTR_SUGGEST_DELETE: run}, origin), owner
        )
    if text:
        kept = {name: value for name, value in (pieces[0][1] if pieces else {}).items() if name not in OURS}
        made = {schema.ATTR_AI: run} if by_ai else {}
        room.commit(
            document.insert(end, text, {**kept, **marks, **made, schema.ATTR_SUGGEST: run}, origin), owner
        )
