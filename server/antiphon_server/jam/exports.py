"""What is asked of a jam's record as a file, and the process that makes it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from antiphon_engines.api import EngineUnavailable
from antiphon_proto.errors import AntiphonError, PeerError, TooLarge
from antiphon_server.file_exports import Work
from antiphon_server.jam.export_process import TOO_LONG, ExportJob, FileKind
from antiphon_server.store.api import JamEntry, RoomStore

MAX_PARTS: Final = 64
_PAGE: Final = 200
_PARTS: Final = ("person", "loop", "band")


class Wanted(Struct, frozen=True):
    """A file of a room's record; see `ExportJob`."""

    kind: FileKind
    from_ms: float | None = None
    to_ms: float | None = None
    parts: tuple[tuple[str, str], ...] | None = None


def work(
    store: RoomStore, room: str, names: Mapping[str, str], wanted: Wanted, cache_dir: Path, longest: float
) -> Work:
    """How `wanted` is made; sound of at most `longest` seconds."""

    async def job(path: Path, folder: Path) -> bytes:
        until = None if wanted.to_ms is None else int(wanted.to_ms) + 1
        entries = await _record(store, room, until)
        made = ExportJob(
            str(path),
            str(cache_dir),
            wanted.kind,
            tuple(entry.body for entry in entries),
            room,
            dict(names),
            wanted.from_ms,
            wanted.to_ms,
            wanted.parts,
            longest,
        )
        return await asyncio.to_thread(msgspec.msgpack.encode, made)

    return Work(("-m", "antiphon_server.jam.export_process"), job, _progress, _failed, {TOO_LONG: "long"})


def parts_of(texts: list[str]) -> tuple[tuple[str, str], ...] | None:
    """`person:ID`, `loop:ID`, `band:ROLE` as an export has them; None for none. Raises PeerError."""
    if len(texts) > MAX_PARTS:
        raise PeerError(f"a file is made of {MAX_PARTS} parts at most")
    found = []
    for text in texts:
        part, _, key = text.partition(":")
        if part not in _PARTS or not 0 < len(key) <= 64:
            raise PeerError(f"a part is person:ID, loop:ID or band:ROLE, not {text[:40]!r}")
        found.append((part, key))
    return tuple(found) or None


async def _record(store: RoomStore, room: str, to_ms: int | None) -> list[JamEntry]:
    """From the beginning of the record, which says who is who and which transport is in force."""
    entries: list[JamEntry] = []
    while page := await store.jam(room, after=entries[-1].seq if entries else 0, to_ms=to_ms, limit=_PAGE):
        entries += page
    return entries


def _progress(line: bytes) -> float | None:
    try:
        told = json.loads(line)
        return float(told["done"]) / max(float(told["seconds"]), 1e-3)
    except (ValueError, KeyError, TypeError):
        return None


def _failed(status: int, why: str) -> AntiphonError:
    return TooLarge(why) if status == TOO_LONG else EngineUnavailable(f"the file cannot be made: {why}")
