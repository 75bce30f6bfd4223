"""People's words since the performers looked last."""

from __future__ import annotations

from typing import Final

from antiphon_server.core.context import RoomContext
from antiphon_server.core.seat import Seat
from antiphon_server.document.anchors import Passage
from antiphon_server.document.authorship import Owner
from antiphon_server.document.change import Change

PAUSE_SECONDS: Final = 8.0
"""Nobody has written for so long: now is a good moment to say something."""
FEWEST: Final = 120
"""Bytes of new text that are worth a look."""
_LONGEST: Final = 2000
"""Bytes of a passage that is looked at, at most; of more the end counts."""


class News:
    """Counts people's own words. Neither runs nor agents count: a performer that looked at the words of another
    program made would answer it, and be answered, for ever."""

    def __init__(self, room: RoomContext) -> None:
        self._room = room
        self._bytes = 0
        self._at = 0.0
        self._passage: Passage | None = None

    def on_commit(self, change: Change, owner: Owner, sender: Seat | None) -> None:
        """Follow a change of the document."""
        if sender is None or owner.run is not None:
            return
        member = self._room.members.get(owner.author)
        if member is None or member.record.kind != "human":
            return
        for splice in change.splices:
            if splice.inserted:
                self._bytes += splice.inserted
                self._at = self._room.monotonic()
                self._passage = self._room.shared.anchors.passage(splice.at, splice.at + splice.inserted)

    def due(self) -> bool:
        """Whether people have written enough, and pause."""
        return (
            self._bytes >= FEWEST
            and self._passage is not None
            and self._room.monotonic() - self._at >= PAUSE_SECONDS
        )

    def take(self) -> tuple[int, int]:
        """[start, end) of the paragraph that was written last; nothing is new after this. Empty: it was deleted."""
        passage, self._passage, self._bytes = self._passage, None, 0
        if passage is None or not passage.ranges:
            return 0, 0
        document = self._room.shared.document
        data = document.data()
        end = passage.ranges[-1][1]
        stripped = len(data[:end].rstrip())
        start = data.rfind(b"\n", 0, stripped) + 1
        stop = data.find(b"\n", stripped)
        stop = len(data) if stop < 0 else stop
        return document.snap(max(start, stop - _LONGEST)), stop
