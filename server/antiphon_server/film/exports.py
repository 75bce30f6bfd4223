"""A film as a file: the work of a process that renders it (`antiphon_server.film.render`).

A film is only read: whatever happens to the process or the disk, it stays as it is, and can be exported again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import msgspec
from msgspec.structs import replace

from antiphon_engines.api import EngineUnavailable
from antiphon_server.file_exports import Work
from antiphon_server.film.render import EXITS, RenderJob

Assets = Callable[[str], Awaitable[bytes | None]]
"""Asset -> its file; None: the room does not have it."""


def work(job: RenderJob, total: int, assets: Assets) -> Work:
    """How `job`, a film of `total` frames, is rendered; its paths are chosen here."""

    async def prepared(path: Path, folder: Path) -> bytes:
        paths: dict[str, str] = {}
        for asset in job.assets:
            if (data := await assets(asset)) is not None:
                copy = folder / asset
                await asyncio.to_thread(copy.write_bytes, data)
                paths[asset] = str(copy)
        return await asyncio.to_thread(msgspec.msgpack.encode, replace(job, path=str(path), assets=paths))

    def progress(line: bytes) -> float | None:
        return int(line) / max(total, 1) if line.strip().isdigit() else None

    return Work(("-m", "antiphon_server.film.render"), prepared, progress, _failed, EXITS)


def _failed(_status: int, why: str) -> EngineUnavailable:
    return EngineUnavailable(why)
