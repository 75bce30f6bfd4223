"""Keeps stored content aside that cannot be applied: the room opens without it, and the operator is told.

An entry that the reader refuses, or on which Yrs fails, is left out when the room is opened (`SharedState.replay`), and
so are later ones that depend on it. A snapshot is replaced by an older one and the entries since then.
"""

from __future__ import annotations

import logging
import sqlite3
from pathlib import Path
from typing import Final

import msgspec
from msgspec.structs import replace

from antiphon_server.document.change import DocumentBroken
from antiphon_server.store.api import Quarantined, RoomStore, StoredRoom

log = logging.getLogger(__name__)
UNREADABLE: Final = (DocumentBroken, msgspec.MsgspecError, ValueError)
"""Errors of opening a room whose snapshot cannot be read."""


async def without_snapshot(store: RoomStore, stored: StoredRoom, why: str, now_ms: int) -> StoredRoom:
    """The room with an older snapshot, or none, and the entries since then. Raises StorageUnavailable."""
    bad = stored.snapshot
    assert bad is not None
    room = stored.record.id
    log.error("room %s: the snapshot at entry %d is kept aside: %s", room, bad.seq, why)
    aside = Quarantined(bad.seq, "snapshot", why[:500], now_ms, bad.state)
    store.put(room, [aside])
    older = await store.snapshot_at(room, bad.seq - 1)
    after = older.seq if older is not None else 0
    last = stored.entries[-1].seq if stored.entries else bad.seq
    entries = await store.history(room, after, last - after)
    return replace(stored, snapshot=older, entries=entries, aside=(*stored.aside, replace(aside, body=b"")))


def kept_aside(database: Path) -> dict[str, int]:
    """Room -> how many of its entries and snapshots are kept aside; empty when there is no such file."""
    if not database.exists():
        return {}
    try:
        connection = sqlite3.connect(f"{database.absolute().as_uri()}?mode=ro", uri=True)
        try:
            rows = connection.execute("SELECT room, count(*) FROM quarantine GROUP BY room ORDER BY room")
            return {str(room): int(count) for room, count in rows}
        finally:
            connection.close()
    except sqlite3.Error:  # of an older server, or in no state to be read: `serve` says so
        return {}
