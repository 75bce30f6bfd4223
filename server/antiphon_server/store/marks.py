"""High-water marks: how far each room was once durable, kept apart from the database, so that damage to it is seen.

SQLite drops a damaged end of its write-ahead log in silence, and a missing file is an empty one to it. So after every
commit the newest sequence of each room in it is noted here: a line in a file of its own, written behind the commit and
off the event loop, flushed to the disk at most once a second and never waited for. A mark is never ahead of the
commits, and at most a second behind after a power cut; an ended process loses none that was handed to the system.

The file also holds fingerprints of the signing keys in the order in which they came.
"""

from __future__ import annotations

import asyncio
import logging
import os
import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import IO, Final

log = logging.getLogger(__name__)

SYNC_SECONDS: Final = 1.0
_KEY: Final = "!key"
_COMPACT: Final = 256 * 1024
"""Bytes from which the file is written anew at start, with one line a room."""


def read(path: Path) -> tuple[dict[str, int], list[str]]:
    """Room -> mark, and the fingerprints of keys. Lines that a crash cut are left out. Raises OSError."""
    marks: dict[str, int] = {}
    keys: list[str] = []
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return marks, keys
    for line in data.split(b"\n"):
        body, _, check = line.rpartition(b" ")
        name, _, value = body.decode("ascii", "replace").partition(" ")
        if not name or check != b"%08x" % zlib.crc32(body):
            continue
        if name == _KEY:
            keys.append(value)
        elif value.isdigit():
            marks[name] = int(value)
    return marks, keys


class Marks:
    """The file `path`. `open` before anything else; `note` from the event loop's thread."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.known: dict[str, int] = {}
        self.keys: list[str] = []
        self._file: IO[bytes] | None = None
        self._lines: list[bytes] = []
        self._wake = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self._failed = False

    async def open(self) -> None:
        """Read the file. A damaged one is reported and does not stop the server."""
        try:
            await asyncio.to_thread(self._open)
        except OSError as error:
            self._complain(error)
        self._writer = asyncio.create_task(self._run(), name="marks")

    async def close(self) -> None:
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)
            await self._write(sync=True)
        if self._file is not None:
            self._file.close()
            self._file = None

    def note(self, room: str, seq: int) -> None:
        """The room is durable up to this entry."""
        if self.known.get(room) != seq:
            self.known[room] = seq
            self._add(room, str(seq))

    def note_key(self, fingerprint: str) -> bool:
        """Whether the server had another signing key before."""
        changed = bool(self.keys) and self.keys[-1] != fingerprint
        if changed or not self.keys:
            self.keys.append(fingerprint)
            self._add(_KEY, fingerprint)
        return changed

    def _add(self, name: str, value: str) -> None:
        self._lines.append(_line(name, value))
        self._wake.set()

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        synced, dirty = loop.time(), False
        while True:
            try:
                async with asyncio.timeout(SYNC_SECONDS if dirty else None):
                    await self._wake.wait()
            except TimeoutError:
                pass
            self._wake.clear()
            due = loop.time() - synced >= SYNC_SECONDS
            await self._write(sync=due)
            dirty = not due
            synced = loop.time() if due else synced

    async def _write(self, sync: bool) -> None:
        lines, self._lines = self._lines, []
        if self._file is None:
            return
        try:
            await asyncio.to_thread(_append, self._file, lines, sync)
            self._failed = False
        except OSError as error:
            # Whole lines only count, so that half of one does no harm. The next commit says where its room stands.
            self._complain(error)

    def _open(self) -> None:
        self.known, self.keys = read(self.path)
        if self.path.exists() and self.path.stat().st_size > _COMPACT:
            self._compact()
        descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
        self._file = os.fdopen(descriptor, "ab", buffering=0)
        os.write(descriptor, b"\n")  # ends a line that a crash cut

    def _compact(self) -> None:
        draft = self.path.with_name(self.path.name + ".new")
        lines: Iterable[bytes] = (
            *(_line(_KEY, key) for key in self.keys),
            *(_line(room, str(seq)) for room, seq in self.known.items()),
        )
        try:
            with draft.open("wb") as file:
                file.writelines(lines)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(self.path)
        except OSError:
            draft.unlink(missing_ok=True)  # a full disk: the long file serves as well

    def _complain(self, error: OSError) -> None:
        if not self._failed:
            log.error("cannot note how far rooms are durable in %s: %s", self.path, error.strerror or error)
        self._failed = True


def _line(name: str, value: str) -> bytes:
    body = f"{name} {value}".encode("ascii")
    return b"%s %08x\n" % (body, zlib.crc32(body))


def _append(file: IO[bytes], lines: list[bytes], sync: bool) -> None:
    if lines:
        file.write(b"".join(lines))
    if sync:
        os.fsync(file.fileno())
