"""Keeps the author list equal to the text: each delta of Yrs is checked against the length of the text after it.

Lengths are counted as in the text: a character has its bytes in UTF-8, an embed one, a format none. Where the sums
differ the change is computed from the texts before and after, and the author list is rebuilt from the log; both are
logged and counted at `/metrics`.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence

from antiphon_server.document.authorship import Authorship
from antiphon_server.document.state import SERVER, SharedState
from antiphon_server.room_limits import RoomLimits
from antiphon_server.store.api import Entry, Snapshot

log = logging.getLogger(__name__)


class Recounts:
    """How often it was necessary, in this process."""

    def __init__(self) -> None:
        self.changes = 0
        """Changes whose delta by Yrs contradicted the text."""
        self.lists = 0
        """Author lists that were made anew."""


def recounted(
    shared: SharedState, limits: RoomLimits, base: Snapshot | None, entries: Sequence[Entry], room: str
) -> bool:
    """Compare the author list with the text; where they differ, make it anew from `entries`, which follow `base`
    without a gap. Returns whether they did."""
    length = shared.document.length
    if shared.authorship.length == length:
        return False
    log.error(
        "room %s: the author list counts %d bytes and the text %d: it is made anew from the log",
        room,
        shared.authorship.length,
        length,
    )
    again = SharedState(limits, base)
    for entry in entries:
        again.replay(entry)
    shared.authorship = _fitted(again.authorship, length)
    return True


def _fitted(authorship: Authorship, length: int) -> Authorship:
    """A list of that length: text that the log does not account for is the server's."""
    if authorship.length > length:
        authorship.delete(length, authorship.length - length)
    elif authorship.length < length:
        authorship.insert(authorship.length, length - authorship.length, SERVER)
    return authorship
