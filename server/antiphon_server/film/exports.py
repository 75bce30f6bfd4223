"""Films that are rendered to files: one process at a time, the others wait, each with progress and an end.

A film is only read: whatever happens to the process or the disk, it stays as it is, and can be exported again.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import sys
import tempfile
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final, Literal

import msgspec
from msgspec.structs import replace

from antiphon_proto.errors import NotFound, RateLimited
from antiphon_server.fair_queue import FairQueue
from antiphon_server.film.render import EXITS, RenderJob

State = Literal["waiting", "running", "done", "failed", "cancelled"]
Assets = Callable[[str], Awaitable[bytes | None]]
"""Asset -> its file; None: the room does not have it."""
_SECONDS: Final = 3600.0
_KEPT: Final = 12
"""Exports that are remembered; the oldest that are over go, with their files."""
_WAITING: Final = 6


class FilmExport:
    """One export. `frames` of `total` are done; `problem` says why it failed."""

    def __init__(self, room: str, kind: str, total: int, folder: Path) -> None:
        self.id = secrets.token_urlsafe(12)
        self.room = room
        self.kind = kind
        self.state: State = "waiting"
        self.frames = 0
        self.total = total
        self.problem = ""
        self.code = ""
        """What kind of problem it is: `missing` software, `disk`, `time`, `busy`, `ended`."""
        self.path = folder / f"{self.id}.{kind}"
        self.task: asyncio.Task[None] | None = None
        self.pid: int | None = None
        """Of the process that renders it."""


class FilmExports:
    """Owns the processes and the files, which stand in a folder of their own until `close`."""

    def __init__(self) -> None:
        full = RateLimited("too many films are exported at once; try again in a moment")
        self._queue = FairQueue(1, _WAITING, full)
        self._exports: OrderedDict[str, FilmExport] = OrderedDict()
        self._folder: tempfile.TemporaryDirectory[str] | None = None

    async def begin(self, room: str, job: RenderJob, total: int, assets: Assets, key: str) -> FilmExport:
        """Start an export for `key`, an address; `job.path` is chosen here. Raises RateLimited."""
        live = [one for one in self._exports.values() if one.state in ("waiting", "running")]
        if len(live) >= _KEPT - 1 or self._queue.waiting >= _WAITING:
            raise RateLimited("too many films are exported at once; try again in a moment")
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="antiphon-film-")
        export = FilmExport(room, job.kind, total, Path(self._folder.name))
        self._exports[export.id] = export
        self._forget()
        run = self._run(export, replace(job, path=str(export.path)), assets, key)
        export.task = asyncio.create_task(run, name=f"antiphon-film-export-{export.id}")
        return export

    def get(self, room: str, key: str) -> FilmExport:
        """Raises NotFound."""
        found = self._exports.get(key)
        if found is None or found.room != room:
            raise NotFound("there is no such export in this room")
        return found

    async def cancel(self, export: FilmExport) -> None:
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

    async def _run(self, export: FilmExport, job: RenderJob, assets: Assets, key: str) -> None:
        try:
            async with self._queue.place(key), asyncio.timeout(_SECONDS):
                export.state = "running"
                with tempfile.TemporaryDirectory(prefix="antiphon-film-assets-") as folder:
                    paths: dict[str, str] = {}
                    for asset in job.assets:
                        if (data := await assets(asset)) is not None:
                            path = Path(folder) / asset
                            await asyncio.to_thread(path.write_bytes, data)
                            paths[asset] = str(path)
                    await self._render(export, replace(job, assets=paths))
        except asyncio.CancelledError:
            export.state = "cancelled"
            raise
        except TimeoutError:
            self._fail(export, "time", f"the export took more than {_SECONDS:g} seconds")
        except RateLimited as error:
            self._fail(export, "busy", error.message)
        except OSError as error:
            self._fail(export, "disk", f"the file cannot be written: {error.strerror or error}")

    async def _render(self, export: FilmExport, job: RenderJob) -> None:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            *("-m", "antiphon_server.film.render"),
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
                process.stdin.write(msgspec.msgpack.encode(job))
                await process.stdin.drain()
                process.stdin.close()
            async for line in process.stdout:
                if line.strip().isdigit():
                    export.frames = int(line)
            status = await process.wait()
        finally:
            if process.returncode is None:
                process.kill()
                await process.wait()
            told = (await errors).decode(errors="replace").strip().splitlines()
        if status == 0 and export.path.is_file():
            export.frames, export.state = export.total, "done"
        else:
            why = told[-1][:300] if told and status > 0 else "the exporter was ended"
            self._fail(export, EXITS.get(status, "ended"), why)

    def _fail(self, export: FilmExport, code: str, why: str) -> None:
        export.state, export.code, export.problem = "failed", code, why
        export.path.unlink(missing_ok=True)

    def _forget(self) -> None:
        for key, one in list(self._exports.items()):
            if len(self._exports) <= _KEPT:
                break
            if one.state not in ("waiting", "running"):
                one.path.unlink(missing_ok=True)
                del self._exports[key]
