"""The content of a data folder, for `antiphon doctor` and `antiphon rooms`. Read only, while a server runs too."""

from __future__ import annotations

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import msgspec

from antiphon_server.cli.installation import Check
from antiphon_server.store import marks
from antiphon_server.store.api import RoomRecord, Standing, StorageUnavailable
from antiphon_server.store.marked import compare

DATABASE: Final = "rooms.sqlite"
_NAMED: Final = 20


def records(path: Path, rooms: Sequence[str] | None = None) -> dict[str, Standing]:
    """Rooms that exist (of `rooms`, or all) with their newest entry. Raises StorageUnavailable."""
    if not path.exists():
        return {}
    try:
        connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
        try:
            query = (
                "SELECT room, record,"
                " max(coalesce((SELECT max(seq) FROM entries e WHERE e.room = r.room), 0),"
                " coalesce((SELECT max(seq) FROM snapshots s WHERE s.room = r.room), 0)) FROM rooms r"
            )
            wanted = None if rooms is None else set(rooms)
            return {
                room: Standing(msgspec.msgpack.decode(record, type=RoomRecord), seq)
                for room, record, seq in connection.execute(query)
                if wanted is None or room in wanted
            }
        finally:
            connection.close()
    except (sqlite3.Error, msgspec.MsgspecError) as error:
        raise StorageUnavailable(f"cannot read {path}: {error}") from error


def examine(folder: Path) -> list[Check]:
    """Whether every room is as far as it once durably was, and whether the signing key is the one of before."""
    try:
        # The marks first: they are never ahead of the database, also while a server writes both.
        known, keys = marks.read(folder / "rooms.marks")
        found = records(folder / DATABASE)
    except (OSError, StorageUnavailable) as error:
        return [Check("rooms", "missing", str(error), "put a backup of the data folder in its place")]
    if not known and not found:
        return [Check("rooms", "ok", f"none yet in {folder}")]
    damage = compare(known, found)
    checks = [Check("rooms", "missing", str(one), "put a backup in its place") for one in damage[:_NAMED]]
    if len(damage) > _NAMED:
        checks.append(Check("rooms", "missing", f"and {len(damage) - _NAMED} rooms more"))
    if not damage:
        checks.append(Check("rooms", "ok", f"{len(found)} in {folder}, each as far as it was once durable"))
    for room, standing in sorted(found.items()):
        for loss in standing.record.losses:
            text = f"room {room} once lost entries {loss.after + 1} to {loss.until}; its history says so"
            checks.append(Check("rooms", "absent", text))
    if len(keys) > 1:
        text = f"replaced {len(keys) - 1} times: links that were given out before do not open anything"
        checks.append(Check("signing key", "absent", text, "antiphon rooms link ROOM"))
    if keys and not (folder / "join.key").exists():
        text = "missing; a new one would end every link that was given out"
        checks.append(Check("signing key", "missing", text, f"put join.key back into {folder}"))
    return checks
