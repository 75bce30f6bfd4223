"""Rooms in one SQLite file: write-ahead log, group commit, nothing acknowledged before it is on disk.

`put` only queues. One writer task takes all that is queued, commits it in one transaction with `synchronous=FULL`
(a power cut loses nothing that was called durable), and then calls the callbacks. When the disk refuses, the
batch stays queued, new changes are refused with a clear error, and the writer tries again with back-off: an edit
is either on its way to disk or was never acknowledged.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import fcntl
import logging
import os
import sqlite3
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Any

import msgspec
from sqlalchemy import event, insert, text
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from antiphon_proto.errors import Conflict
from antiphon_server.store import ledger_rows, rows, tables
from antiphon_server.store.api import (
    Change,
    Committed,
    Entry,
    EntryHead,
    JamEntry,
    Quarantined,
    RoomRecord,
    RunRecord,
    RunTokens,
    Snapshot,
    Standing,
    StorageFull,
    StorageUnavailable,
    StoredRoom,
)
from antiphon_server.store.ledger import Leaf, TileHash

log = logging.getLogger(__name__)

_pack = msgspec.msgpack.Encoder().encode
_RETRY_SECONDS = (0.05, 0.2, 1.0, 5.0)


class SqliteStore:
    """A `RoomStore` in the file `path` (created, with its folder, when absent).

    `max_pending` bounds the queued bytes: past it `put` refuses. Commits begin at least `interval` seconds apart (one
    costs as much as a hundred edits), unless a caller waits in `flush`. A room is loaded with its newest `max_runs`
    runs. One process at a time may hold the file.
    """

    def __init__(
        self,
        path: Path,
        *,
        max_pending: int = 64 * 1024 * 1024,
        interval: float = 0.15,
        max_runs: int = 1000,
    ) -> None:
        self._path = path
        self._max_runs = max_runs
        self._max_pending = max_pending
        self._interval = interval
        self._engine: AsyncEngine | None = None
        self._lock: IO[bytes] | None = None
        self._writer: asyncio.Task[None] | None = None
        self._queue: list[tuple[str, Sequence[Change], Committed | None]] = []
        self._pending = 0
        self._taken = 0
        self._written = 0
        self._wake = asyncio.Event()
        self._hurry = asyncio.Event()
        self._progress = asyncio.Condition()
        self._closing = False
        self._problem: StorageUnavailable | None = None

    @property
    def problem(self) -> StorageUnavailable | None:
        return self._problem

    # Life -------------------------------------------------------------------------------------------------

    async def open(self) -> None:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self._lock = self._take_lock()
            # People's words are nobody else's to read; SQLite gives its other files the mode of this one.
            os.close(os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600))
            try:
                await self._begin(alone=False)
            except (sqlite3.Error, DBAPIError, OSError) as error:
                await self._dispose()
                await self._begin(alone=True)
                self._problem = _storage_error(error, self._path)
                log.error("store: %s; rooms can be read, and nothing can be written now", self._problem)
        except (OSError, sqlite3.Error, DBAPIError) as error:
            await self._let_go()
            raise _storage_error(error, self._path) from error
        except StorageUnavailable:
            await self._let_go()
            raise
        self._writer = asyncio.create_task(self._write_loop(), name="store-writer")

    async def _begin(self, alone: bool) -> None:
        """`alone`: over one connection that keeps the index of the log in memory. SQLite otherwise needs room for it on
        the disk, and without any a server could not even show its rooms."""
        _probe(self._path, alone)
        self._engine = _make_engine(self._path, alone)
        async with self._engine.begin() as connection:
            await _migrate(connection)

    async def close(self) -> None:
        self._closing = True
        self._wake.set()
        self._hurry.set()
        if self._writer is not None:
            await self._writer
            self._writer = None
        await self._let_go()
        if self._queue:
            problem = self._problem or StorageUnavailable("the store closed before it could write")
            abandoned, self._queue = self._queue, []
            for _, _, committed in abandoned:
                _call(committed, problem)
            raise problem

    async def _dispose(self) -> None:
        if self._engine is not None:
            await self._engine.dispose()
            self._engine = None

    async def _let_go(self) -> None:
        await self._dispose()
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _take_lock(self) -> IO[bytes]:
        lock = open(self._path.with_name(self._path.name + ".lock"), "ab")  # noqa: SIM115 (held until close)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            lock.close()
            raise StorageUnavailable(f"{self._path} is in use by another antiphon server") from error
        return lock

    # Writing ----------------------------------------------------------------------------------------------

    async def create(self, record: RoomRecord, contents: Sequence[Change] = ()) -> None:
        try:
            async with self._open_engine().begin() as connection:
                await connection.execute(insert(tables.rooms).values(room=record.id, record=_pack(record)))
                await rows.write(connection, ((record.id, contents),))
        except IntegrityError as error:
            raise Conflict(f"room {record.id} exists") from error
        except (DBAPIError, OSError) as error:
            raise _storage_error(error, self._path) from error

    def put(self, room: str, changes: Sequence[Change], committed: Committed | None = None) -> None:
        if self._writer is None or self._closing:
            raise StorageUnavailable("the store is closed")
        if self._problem is not None:
            raise self._problem
        size = sum(map(_size, changes))
        if self._pending and self._pending + size > self._max_pending:
            raise StorageUnavailable(f"{self._pending} bytes wait for the disk; no more can be taken now")
        self._queue.append((room, tuple(changes), committed))
        self._pending += size
        self._taken += 1
        self._wake.set()

    async def flush(self) -> None:
        goal = self._taken
        self._hurry.set()
        async with self._progress:
            await self._progress.wait_for(lambda: self._written >= goal or self._problem is not None)
        if self._written < goal and self._problem is not None:
            raise self._problem

    async def _write_loop(self) -> None:
        """Take all that is queued, commit it, tell; again, until closed and empty (or closed and refused)."""
        failures = 0
        next_commit = 0.0
        clock = asyncio.get_running_loop().time
        while self._problem is not None and not self._closing and not await self._writable():
            await self._pause(_RETRY_SECONDS[-1] / 5)
        while True:
            await self._wake.wait()
            self._wake.clear()
            if not self._queue:
                if self._closing:
                    return
                self._hurry.clear()
                continue
            await self._gather(next_commit - clock())
            next_commit = clock() + self._interval
            batch = self._queue[:]
            try:
                async with self._open_engine().begin() as connection:
                    await rows.write(connection, ((room, changes) for room, changes, _ in batch))
            except (DBAPIError, OSError) as error:
                before, self._problem = self._problem, _storage_error(error, self._path)
                if str(before) != str(
                    self._problem
                ):  # once, and not at every attempt of a disk that stays full
                    log.error("store: %s", self._problem)
                await self._announce()
                if self._closing:
                    return
                await self._pause(_RETRY_SECONDS[min(failures, len(_RETRY_SECONDS) - 1)])
                failures += 1
                continue
            failures = 0
            if self._problem is not None:
                log.info("store: everything that waited is on disk")
            self._problem = None
            del self._queue[: len(batch)]
            self._pending -= sum(_size(change) for _, changes, _ in batch for change in changes)
            self._written += len(batch)
            for _, _, committed in batch:
                _call(committed, None)
            await self._announce()
            if self._queue or self._closing:
                self._wake.set()

    async def _writable(self) -> bool:
        """Whether the disk takes something again, after a start without room."""
        try:
            async with self._open_engine().begin() as connection:
                await connection.execute(text(f"PRAGMA user_version={tables.SCHEMA_VERSION}"))
        except (DBAPIError, OSError):
            return False
        log.info("store: the disk takes what is written again")
        self._problem = None
        return True

    async def _gather(self, seconds: float) -> None:
        """Wait for more entries, so that one commit serves all; cut short when a caller waits for the commit."""
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._hurry.wait()
        self._hurry.clear()

    async def _pause(self, seconds: float) -> None:
        """Wait before trying again; closing cuts it short."""
        try:
            async with asyncio.timeout(seconds):
                while not self._closing:
                    await self._wake.wait()
                    self._wake.clear()
        except TimeoutError:
            pass
        self._wake.set()

    async def _announce(self) -> None:
        async with self._progress:
            self._progress.notify_all()

    # Reading ----------------------------------------------------------------------------------------------

    async def load(self, room: str) -> StoredRoom | None:
        await self.flush()
        async with self._reading() as connection:
            return await rows.load(connection, room, self._max_runs)

    async def standing(self, rooms: Sequence[str]) -> dict[str, Standing]:
        async with self._reading() as connection:
            return await rows.standing(connection, rooms)

    async def history(self, room: str, after: int, limit: int) -> tuple[Entry, ...]:
        await self.flush()
        async with self._reading() as connection:
            return await rows.entries(connection, room, after, limit)

    async def jam(
        self, room: str, *, after: int = 0, from_ms: int = 0, to_ms: int | None = None, limit: int = 1000
    ) -> tuple[JamEntry, ...]:
        await self.flush()
        async with self._reading() as connection:
            return await rows.jam(connection, room, after, from_ms, to_ms, limit)

    async def heads(self, room: str, after: int, before: int, limit: int) -> tuple[EntryHead, ...]:
        await self.flush()
        async with self._reading() as connection:
            return await rows.heads(connection, room, after, before, limit)

    async def leaves(self, room: str, first: int, limit: int) -> tuple[Leaf, ...]:
        await self.flush()
        async with self._reading() as connection:
            return await ledger_rows.leaves(connection, room, first, limit)

    async def tile_hashes(self, room: str, level: int, first: int, limit: int) -> tuple[TileHash, ...]:
        await self.flush()
        async with self._reading() as connection:
            return await ledger_rows.tile_hashes(connection, room, level, first, limit)

    async def snapshot_at(self, room: str, seq: int) -> Snapshot | None:
        await self.flush()
        async with self._reading() as connection:
            return await rows.snapshot(connection, room, seq)

    @asynccontextmanager
    async def _reading(self) -> AsyncIterator[AsyncConnection]:
        try:
            async with self._open_engine().connect() as connection:
                yield connection
        except (DBAPIError, OSError) as error:
            raise _storage_error(error, self._path) from error

    def _open_engine(self) -> AsyncEngine:
        if self._engine is None:
            raise StorageUnavailable("the store is closed")
        return self._engine


_ALONE = "PRAGMA locking_mode=EXCLUSIVE"


def _probe(path: Path, alone: bool) -> None:
    """Open the file once without aiosqlite, whose thread outlives a connection that could not be opened."""
    connection = sqlite3.connect(path)
    try:
        if alone:
            connection.execute(_ALONE)
        connection.execute("PRAGMA journal_mode=WAL")
    finally:
        connection.close()


def _make_engine(path: Path, alone: bool) -> AsyncEngine:
    pool = {"pool_size": 1, "max_overflow": 0} if alone else {}
    engine = create_async_engine(f"sqlite+aiosqlite:///{path}", connect_args={"timeout": 10}, **pool)

    @event.listens_for(engine.sync_engine, "connect")
    def _pragmas(connection: Any, _record: object) -> None:
        cursor = connection.cursor()
        if alone:
            cursor.execute(_ALONE)
        cursor.execute("PRAGMA journal_mode=WAL")
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.close()

    return engine


async def _migrate(connection: AsyncConnection) -> None:
    """Make the tables, or bring them up to date, or refuse a file that a newer server made."""
    found = (await connection.execute(text("PRAGMA user_version"))).scalar_one()
    if found > tables.SCHEMA_VERSION:
        raise StorageUnavailable(f"the data was written by a newer antiphon (schema {found})")
    for version in range(found or tables.SCHEMA_VERSION, tables.SCHEMA_VERSION):
        for statement in tables.MIGRATIONS[version]:
            await connection.execute(text(statement))
    await connection.run_sync(tables.metadata.create_all)
    if found != tables.SCHEMA_VERSION:
        await connection.execute(text(f"PRAGMA user_version={tables.SCHEMA_VERSION}"))


def _size(change: Change) -> int:
    """About how many bytes a change holds while it waits."""
    match change:
        case Entry():
            return len(change.update) + 100
        case JamEntry() | RunTokens() | Quarantined():
            return len(change.body) + 100
        case Snapshot():
            return len(change.state) + len(change.authorship)
        case RunRecord():
            return len(change.prompt) + len(change.params) + 500
        case _:
            return 500


def _storage_error(error: Exception, path: Path) -> StorageUnavailable:
    """One clear line for an error of the disk or of SQLite."""
    cause = error.orig if isinstance(error, DBAPIError) and error.orig is not None else error
    words = str(cause)
    if getattr(cause, "errno", None) in (errno.ENOSPC, errno.EDQUOT) or "disk is full" in words:
        return StorageFull(f"no space left for {path}")
    if isinstance(cause, OSError) and cause.errno is not None:
        words = os.strerror(cause.errno)
    return StorageUnavailable(f"cannot use {path}: {words}")


def _call(committed: Committed | None, problem: StorageUnavailable | None) -> None:
    """A callback that raises must not stop the writer."""
    if committed is None:
        return
    try:
        committed(problem)
    except Exception:
        log.exception("a durability callback failed")
