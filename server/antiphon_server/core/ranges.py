"""Ranges of the story that a message names, as they are now."""

from __future__ import annotations

from functools import partial

from antiphon_proto.errors import PeerError
from antiphon_server.core.context import RoomContext


def located(room: RoomContext, sender: str, offset: int, start: int, end: int) -> tuple[int, int]:
    """[start, end) as `sender` saw it at room offset `offset` -> the same text now, between characters.

    Text that others inserted at its ends is not part of it. Raises PeerError, or Conflict for an old offset.
    """
    if start > end:
        raise PeerError("a range starts before it ends")
    document = room.shared.document
    carry = partial(room.shared.edit_window.carry, offset=offset, now=room.offset, sender=sender)
    first = carry(start, "left" if start == end else "right")
    last = carry(end, "left")
    if max(first, last) > document.length:
        raise PeerError("the place is beyond the end of the text")
    first, last = document.snap(first), document.snap(last)
    return min(first, last), last
