"""Erases a person from the data folder of a server that does not run: their name, and the salt of their commitments in
the ledger, whose checkpoints stay valid."""

from __future__ import annotations

import secrets
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct
from msgspec.structs import replace

from antiphon_proto.errors import NotFound
from antiphon_server.jam.recording import Person, read, write
from antiphon_server.store.api import Change, JamEntry, RoomStore, RunRecord, StorageUnavailable
from antiphon_server.store.ledger import SaltGone
from antiphon_server.store.sqlite import SqliteStore

DATABASE: Final = "rooms.sqlite"
NOBODY: Final = "Former member"
_ALL_RUNS: Final = 2**31
_PAGE: Final = 200


class Erased(Struct, frozen=True):
    """`left`: table -> rows that hold the name all the same, since people wrote it."""

    names: tuple[str, ...]
    left: dict[str, int]


async def erase(folder: Path, room: str, participant: str) -> Erased:
    """All sessions of the person are erased. Raises NotFound or StorageUnavailable (the server runs)."""
    if not (folder / DATABASE).is_file():
        raise NotFound(f"there are no rooms in {folder}")
    store = SqliteStore(folder / DATABASE, max_runs=_ALL_RUNS)
    await store.open()
    try:
        names = await _forget(store, room, participant)
    finally:
        await store.close()
    return Erased(names, _rewrite(folder / DATABASE, names))


async def _forget(store: RoomStore, room: str, participant: str) -> tuple[str, ...]:
    stored = await store.load(room)
    if stored is None:
        raise NotFound(f"there is no room {room!r} here")
    known = {member.id: member for member in stored.members}
    if participant not in known:
        raise NotFound(f"there is no member {participant!r} in this room")
    person = known[participant].person or participant
    gone = [member for member in stored.members if person in (member.id, member.person)]
    ids = {member.id for member in gone}
    names = {member.name for member in gone} - {NOBODY}
    changes: list[Change] = [SaltGone(one) for one in sorted(ids)]
    changes += [replace(one, name=NOBODY, session_hash=secrets.token_bytes(32), plain=False) for one in gone]
    changes += [found for run in stored.runs if (found := _without(run, names)) != run]
    after = 0
    while page := await store.jam(room, after=after, limit=_PAGE):
        after = page[-1].seq
        for entry in page:
            events = read(entry)
            for one in events:
                if isinstance(one, Person) and one.participant in ids:
                    names.add(one.name)
            kept = [
                replace(one, name=NOBODY) if isinstance(one, Person) and one.participant in ids else one
                for one in events
            ]
            if kept != events:
                changes.append(JamEntry(entry.seq, entry.from_ms, entry.to_ms, write(kept)))
    store.put(room, changes)
    await store.flush()
    return tuple(sorted(names - {NOBODY}))


def _without(run: RunRecord, names: set[str]) -> RunRecord:
    """A run whose request calls nobody by these names: speakers stand in it as values of their own."""
    return replace(run, prompt=msgspec.json.encode(_renamed(msgspec.json.decode(run.prompt), names)).decode())


def _renamed(value: Any, names: set[str]) -> Any:
    match value:
        case str():
            return NOBODY if value in names else value
        case list():
            return [_renamed(one, names) for one in value]
        case dict():
            return {key: _renamed(one, names) for key, one in value.items()}
    return value


def _rewrite(path: Path, names: tuple[str, ...]) -> dict[str, int]:
    """Write the file anew, so that no deleted bytes stand in its free pages; count the rest."""
    left: dict[str, int] = {}
    try:
        with closing(sqlite3.connect(path, timeout=10)) as database:
            database.execute("VACUUM")
            database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            tables = [
                name for (name,) in database.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            ]
            for table in tables:
                columns = [row[1] for row in database.execute(f"PRAGMA table_info({table})")]
                test = " OR ".join(f"instr(CAST({column} AS BLOB), ?)" for column in columns)
                for name in names:
                    query = f"SELECT count(*) FROM {table} WHERE {test}"
                    [count] = database.execute(query, [name.encode()] * len(columns)).fetchone()
                    if count:
                        left[table] = left.get(table, 0) + count
    except sqlite3.Error as error:
        raise StorageUnavailable(f"cannot rewrite {path}: {error}") from error
    return left
