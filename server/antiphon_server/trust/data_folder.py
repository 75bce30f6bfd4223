"""The ledgers of a data folder, read while a server runs or not."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any, Final

from antiphon_proto.errors import NotFound
from antiphon_server.store.api import StorageUnavailable
from antiphon_server.store.ledger import Leaf, SignedCheckpoint, TileHash
from antiphon_server.trust import notes
from antiphon_server.trust.verify import Log, Report, verify

DATABASE: Final = "rooms.sqlite"
_TABLES: Final = ("ledger_leaves", "ledger_tiles", "ledger_checkpoints", "ledger_salts")


def examine(folder: Path, room: str = "", saved: notes.Checkpoint | None = None) -> list[Report]:
    """Of every room that has a ledger, or of `room`. `saved` is compared with the room that it names. Raises NotFound
    or StorageUnavailable."""
    path = folder / DATABASE
    if not path.is_file():
        raise NotFound(f"there are no rooms in {folder}")
    public = notes.Signer.load(folder).public if (folder / notes.FILE).exists() else None
    uri = f"{path.absolute().as_uri()}?mode=ro"
    try:
        with closing(sqlite3.connect(uri, uri=True, timeout=10)) as database:
            database.text_factory = lambda text: text.decode(errors="replace")
            rooms = {name for (name,) in database.execute("SELECT room FROM rooms")}
            with_ledger = _rooms_with_ledgers(database)
            if room and room not in rooms | with_ledger:
                raise NotFound(f"there is no room {room!r} in {folder}")
            reports = []
            for name in [room] if room else sorted(with_ledger):
                report = Report(name)
                if name not in rooms:
                    report.damage.append("there is no such room: these rows belong to another one")
                kept = saved if saved is not None and saved.origin.rpartition("/")[2] == name else None
                _examine(database, report, public, kept)
                reports.append(report)
            return reports
    except sqlite3.Error as error:
        raise StorageUnavailable(f"cannot read {path}: {error}") from error


def newest(folder: Path, room: str) -> SignedCheckpoint:
    """The newest checkpoint of a room. Raises NotFound or StorageUnavailable."""
    path = folder / DATABASE
    query = "SELECT size, note FROM ledger_checkpoints WHERE room = ? ORDER BY size DESC LIMIT 1"
    try:
        with closing(
            sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=10)
        ) as database:
            row = database.execute(query, (room,)).fetchone()
    except sqlite3.Error as error:
        raise StorageUnavailable(f"cannot read {path}: {error}") from error
    if row is None:
        raise NotFound("this room has no checkpoint yet")
    return SignedCheckpoint(*row)


def _examine(
    database: sqlite3.Connection, report: Report, public: bytes | None, saved: notes.Checkpoint | None
) -> None:
    """Readable parts are checked; others are named."""
    tiles = _rows(database, "level, number, hash FROM ledger_tiles", "level, number", report)
    notes_ = _rows(database, "size, note FROM ledger_checkpoints", "size", report)
    salts = _rows(database, "person, salt FROM ledger_salts", "person", report)
    leaves = _rows(database, "number, body, hash FROM ledger_leaves", "number", report)
    log = Log(
        report.room,
        (Leaf(number, _bytes(body), _bytes(made)) for number, body, made in leaves),
        [SignedCheckpoint(size, str(note)) for size, note in notes_],
        public,
        [TileHash(level, number, _bytes(made)) for level, number, made in tiles],
        {str(person): _bytes(salt) for person, salt in salts},
    )
    verify(log, report, saved)


def _rows(database: sqlite3.Connection, what: str, order: str, report: Report) -> Iterator[tuple[Any, ...]]:
    table = what.rpartition(" ")[2]
    last: tuple[Any, ...] = ()
    try:
        for last in database.execute(f"SELECT {what} WHERE room = ? ORDER BY {order}", (report.room,)):
            yield last
    except sqlite3.DatabaseError as error:
        place = f"after {last[0]}" if last else "at all"
        report.damage.append(f"{table} cannot be read {place}: {error}")


def _rooms_with_ledgers(database: sqlite3.Connection) -> set[str]:
    present = {name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")}
    return {
        name
        for table in _TABLES
        if table in present
        for (name,) in database.execute(f"SELECT DISTINCT room FROM {table}")
    }


def _bytes(value: Any) -> bytes:
    return value if isinstance(value, bytes) else b""
