"""Files that take minutes to make: each in a process of its own, a few at a time, with progress, cancelling and an end.

The process only reads: whatever happens to it or to the disk, the file can be made again.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
import tempfile
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, Literal

from msgspec import Struct

from antiphon_proto.errors import AntiphonError, NotFound, RateLimited
from antiphon_server.fair_queue import FairQueue

State = Literal["waiting", "running", "done", "failed", "cancelled"]
_KEPT: Final = 12
"""Exports that are remembered; the oldest that are over go, with their files."""
_WAITING: Final = 6


class Work(Struct, frozen=True):
    """How a file is made: `arguments` of this Python, which reads `job`'s bytes for the file's path and a folder of its
    own from standard input. `progress` reads a line of its output: the share that is done, 0 to 1, None for other
    lines. `failed` is the error for an exit status and a last line on standard error, `codes` name exit statuses."""

    arguments: tuple[str, ...]
    job: Callable[[Path, Path], Awaitable[bytes]]
    progress: Callable[[bytes], float | None]
    failed: Callable[[int, str], AntiphonError]
    codes: Mapping[int, str] = MappingProxyType({})


class FileExport:
    """One export. `done` is 0 to 1; `problem` says why it failed, in English, `code` in a word: `disk`, `time`, `busy`,
    `ended`, or one of its `Work.codes`."""

    def __init__(self, room: str, kind: str, name: str, folder: Path) -> None:
        self.id = secrets.token_urlsafe(12)
        self.room = room
        self.kind = kind
        self.name = name
        self.state: State = "waiting"
        self.done = 0.0
        self.problem = ""
        self.code = ""
        self.error: AntiphonError | None = None
        self.path = folder / f"{self.id}.{kind}"
        self.task: asyncio.Task[None] | None = None
        self.pid: int | None = None
        """Of the process that makes it."""

    def report(self) -> dict[str, Any]:
        """Its state as JSON."""
        return {
            "id": self.id,
            "state": self.state,
            "done": round(self.done, 4),
            "problem": self.problem,
            "code": self.code,
        }


class FileExports:
    """Owns the processes and the files, which stand in a folder of their own until `close`. `at_once` processes, each
    with `seconds` by the clock."""

    def __init__(self, at_once: int, seconds: float) -> None:
        self._full = RateLimited("too many files are exported at once; try again in a moment")
        self._queue = FairQueue(at_once, _WAITING, self._full)
        self._seconds = seconds
        self._exports: OrderedDict[str, FileExport] = OrderedDict()
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    async def begin(self, room: str, kind: str, name: str, work: Work, key: str) -> FileExport:
        """Start an export for `key`, an address; `name` is the file's. Raises RateLimited."""
        live = [one for one in self._exports.values() if one.state in ("waiting", "running")]
        if len(live) >= _KEPT - 1 or self._queue.waiting >= _WAITING:
            raise RateLimited(self._full.message)
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="antiphon-export-")
        export = FileExport(room, kind, name, Path(self._folder.name))
        self._exports[export.id] = export
        self._forget()
        export.task = asyncio.create_task(self._run(export, work, key), name=f"antiphon-export-{export.id}")
        return export

    def get(self, room: str, key: str) -> FileExport:
        """Raises NotFound."""
        found = self._exports.get(key)
        if found is None or found.room != room:
            raise NotFound("there is no such export in this room")
        return found

    async def wait(self, export: FileExport) -> None:
        """Until it is over; an asker who goes ends it. Raises its AntiphonError."""
        assert export.task is not None
        try:
            await asyncio.wait({export.task})
        except asyncio.CancelledError:
            await self.cancel(export)
            raise
        if export.error is not None:
            raise export.error

    async def cancel(self, export: FileExport) -> None:
        """Stop it, if it still goes on, and delete its file."""
        if export.task is not None and not export.task.done():
            export.task.cancel()
            await asyncio.wait({export.task})
        if export.state != "failed":
            export.state = "cancelled"
        export.path.unlink(missing_ok=True)

    async def close(self) -> None:
        """End everything, and delete the files."""
        tasks = {one.task for one in self._exports.values() if one.task is not None}
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        if self._folder is not None:
            self._folder.cleanup()

    async def _run(self, export: FileExport, work: Work, key: str) -> None:
        try:
            async with self._queue.place(key), asyncio.timeout(self._seconds):
                export.state = "running"
                with tempfile.TemporaryDirectory(prefix="antiphon-export-") as folder:
                    await self._make(export, work, await work.job(export.path, Path(folder)))
        except asyncio.CancelledError:
            export.state = "cancelled"
            raise
        except TimeoutError:
            self._fail(export, work.failed(0, f"it took more than {self._seconds:g} seconds"), "time")
        except AntiphonError as error:
            self._fail(export, error, "busy" if error is self._full else "ended")
        except OSError as error:
            self._fail(export, work.failed(0, f"the disk says: {error.strerror or error}"), "disk")

    async def _make(self, export: FileExport, work: Work, job: bytes) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",  # a module in the working directory must not shadow ours
            *work.arguments,
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        assert process.stdin is not None
        assert process.stdout is not None
        assert process.stderr is not None
        export.pid = process.pid
        errors = asyncio.ensure_future(process.stderr.read())
        try:
            with contextlib.suppress(ConnectionError):
                process.stdin.write(job)
                await process.stdin.drain()
                process.stdin.close()
            async for line in process.stdout:
                if (done := work.progress(line)) is not None:
                    export.done = min(1.0, max(export.done, done))
            status = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            told = (await errors).decode(errors="replace").strip().splitlines()
        if status == 0 and export.path.is_file():
            export.done, export.state = 1.0, "done"
        else:
            why = told[-1][:300] if told and status > 0 else "its process was ended"
            self._fail(export, work.failed(status, why), work.codes.get(status, "ended"))

    def _fail(self, export: FileExport, error: AntiphonError, code: str) -> None:
        export.state, export.problem, export.error, export.code = "failed", error.message, error, code
        export.path.unlink(missing_ok=True)

    def _forget(self) -> None:
        for key, one in list(self._exports.items()):
            if len(self._exports) <= _KEPT:
                break
            if one.state not in ("waiting", "running"):
                one.path.unlink(missing_ok=True)
                del self._exports[key]
