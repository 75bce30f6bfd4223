"""The event log of a room's document: writes entries to the store, and replays them.

Every change is a separate entry with its author. Periodic snapshots hold the state after all entries, and the places of
the newest runs, so that the room loads fast.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable, Iterator

import msgspec
from msgspec import Struct

from antiphon_server.core.journal import Journal
from antiphon_server.core.run_places import RunPlaces
from antiphon_server.core.run_registry import RunEntry
from antiphon_server.document.authorship import Owner
from antiphon_server.document.recount import Recounts, recounted
from antiphon_server.document.state import Credits, SharedState
from antiphon_server.room_limits import RoomLimits
from antiphon_server.store.api import Entry, Quarantined, RunRecord, Snapshot, StoredRoom
from antiphon_server.watchdog.beacon import Beacon
from antiphon_server.watchdog.suspects import Suspects

log = logging.getLogger(__name__)


class Draft(Struct, frozen=True):
    """A snapshot that lacks the state of the document."""

    seq: int
    at_ms: int
    authors: bytes
    places: tuple[RunRecord, ...]
    entries: int
    bytes: int


_BYTES_PER_ENTRY = 8192
"""Of a document: to write so many costs about as much as to replay one entry."""


class EventLog:
    """`seq` is the number of the last entry; 0 before the first."""

    def __init__(
        self,
        shared: SharedState,
        places: RunPlaces,
        journal: Journal,
        limits: RoomLimits,
        unix_ms: Callable[[], int],
        room: str = "",
        recounts: Recounts | None = None,
    ) -> None:
        self.seq = 0
        self._room = room
        self._recounts = recounts or Recounts()
        self._base: Snapshot | None = None
        self._since: list[Entry] = []
        """The entries since that snapshot: the author list can be rebuilt from them."""
        self._shared = shared
        self._places = places
        self._journal = journal
        self._limits = limits
        self._unix_ms = unix_ms
        self._entries = self._bytes = 0  # since the last snapshot
        self.aside: list[Quarantined] = []
        """Entries that could not be applied when the room was opened, now or before."""

    def replayed(self, stored: StoredRoom, suspects: Suspects, beacon: Beacon) -> Iterator[None]:
        """Replay the stored entries, with a stop after each. Entries that stopped the server before, or that cannot be
        applied, are kept aside."""
        self.seq = stored.snapshot.seq if stored.snapshot else 0
        self._base = stored.snapshot
        room = stored.record.id
        for entry in stored.entries:
            self.seq = max(self.seq, entry.seq)
            if suspects.refuses(room, entry.update):
                self._shared.leave_out(entry, "it stopped this server before")
                continue
            self._since.append(entry)
            with beacon.serving(room, "loading", entry.update):
                self._places.wake(entry.seq)
                at = self._places.at(entry.run)
                self._places.replayed(entry.run, at, self._shared.replay(entry))
            self._bytes += len(entry.update)
            yield
        self._places.wake()
        self._entries = len(stored.entries)
        self._recount()
        self.aside += stored.aside
        known = {(one.seq, one.kind) for one in stored.aside}
        for entry, why in self._shared.aside:
            log.error("room %s: entry %d of %s is kept aside: %s", room, entry.seq, entry.author, why)
            if (entry.seq, "entry") not in known:
                self.aside.append(Quarantined(entry.seq, "entry", why, self._unix_ms(), entry.update))
                self._journal.add(self.aside[-1])

    def enter(self, update: bytes, owner: Owner, credits: Credits | None) -> None:
        """The document has changed."""
        self.seq += 1
        self._entries += 1
        self._bytes += len(update)
        packed = msgspec.msgpack.encode(credits) if credits else b""
        self._since.append(Entry(self.seq, owner.author, update, self._unix_ms(), owner.run, packed))
        self._journal.add(self._since[-1])

    @property
    def long(self) -> bool:
        """Enough has gathered for another snapshot: more in a large document, which costs more to write."""
        size = self._shared.document.size
        entries = max(self._limits.snapshot_entries, size // _BYTES_PER_ENTRY)
        return self._entries >= entries or self._bytes >= max(self._limits.snapshot_bytes, size // 4)

    def snapshot(self, runs: Iterable[RunEntry]) -> None:
        """Write the document as it is, if it has changed since it was written last."""
        if (draft := self.draft(runs)) is not None:
            self.write(draft, self._shared.document.checkpoint())

    def draft(self, runs: Iterable[RunEntry]) -> Draft | None:
        """The same, but for the state, which is to be made elsewhere; None when nothing has changed."""
        if not self._entries:
            return None
        self._recount()
        places = tuple(self._places.snapshot(runs, self.seq))
        return Draft(self.seq, self._unix_ms(), self._shared.authors(), places, self._entries, self._bytes)

    def write(self, draft: Draft, state: bytes) -> None:
        """Write a snapshot, unless a newer one was written meanwhile."""
        if self._base is not None and self._base.seq >= draft.seq:
            return
        self._entries -= draft.entries
        self._bytes -= draft.bytes
        self._base = Snapshot(draft.seq, state, draft.authors, draft.at_ms)
        self._since = [entry for entry in self._since if entry.seq > draft.seq]
        self._journal.add(self._base, *draft.places)

    def _recount(self) -> None:
        """Hold the author list to the text."""
        shared, recounts = self._shared, self._recounts
        recounts.changes += shared.document.recounts
        shared.document.recounts = 0
        recounts.lists += recounted(shared, self._limits, self._base, self._since, self._room)
