"""The recent changes of the text by room offset, so that a position stated at an offset can be carried to now."""

from __future__ import annotations

from collections import deque

from msgspec import Struct

from antiphon_proto.document.splices import Side, Splice, fold
from antiphon_proto.errors import Conflict, PeerError


class _Entry(Struct, frozen=True):
    offset: int
    sender: str | None
    splices: tuple[Splice, ...]


class EditWindow:
    """At most `bound` changes; a position from before the oldest cannot be carried."""

    def __init__(self, bound: int) -> None:
        self._entries: deque[_Entry] = deque(maxlen=bound)
        self._forgotten = 0
        """The highest offset that is no longer held in full."""

    def add(self, offset: int, splices: tuple[Splice, ...], sender: str | None) -> None:
        """`splices` will have reached everybody with `offset`; `sender` had them already when they arrived."""
        if not splices:
            return
        if len(self._entries) == self._entries.maxlen:
            self._forgotten = self._entries[0].offset
        # Places need the lengths only: the words would be most of a room's memory.
        moved = tuple(Splice(one.at, one.deleted, one.inserted) for one in splices)
        self._entries.append(_Entry(offset, sender, moved))

    def carry(self, at: int, side: Side, offset: int, now: int, sender: str) -> int:
        """Byte offset `at` as the sender saw it at room offset `offset` -> the same place now.

        The sender saw their own edits that were not yet acknowledged then. Raises PeerError for an
        offset of the future and Conflict for one that is too long ago.
        """
        if offset > now:
            raise PeerError(f"offset {offset} is ahead of this room, which is at {now}")
        if offset < self._forgotten:
            raise Conflict(f"offset {offset} is too old: its positions are no longer known")
        later = [entry for entry in self._later(offset) if entry.sender != sender]
        for entry in later:
            at = fold(at, entry.splices, side)
        return at

    def _later(self, offset: int) -> list[_Entry]:
        found = []
        for entry in reversed(self._entries):
            if entry.offset <= offset:
                break
            found.append(entry)
        return found[::-1]
