"""Assets as files: `FOLDER/{room}/{sha256}.{width}x{height}.{png|jpg|webp|wav}`.

The name says all that is known of an asset, so there is no index that could disagree with the files. A file is written
beside its place, flushed to the disk, and then renamed: a name never stands for half a picture. One thread writes, one
asset after the other, so that the bounds of a room hold without locks.
"""

from __future__ import annotations

import asyncio
import contextlib
import errno
import hashlib
import logging
import os
import re
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Final

from antiphon_server.assets.store import AssetBounds, AssetDamaged, AssetInfo, AssetsFull, MediaType
from antiphon_server.store.api import StorageFull, StorageUnavailable

log = logging.getLogger(__name__)

_DRAFT: Final = "draft."
_ROOM: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_SHA: Final = re.compile(r"[0-9a-f]{64}")
_NAME: Final = re.compile(r"([0-9a-f]{64})\.([0-9]{1,6})x([0-9]{1,6})\.(png|jpg|webp|wav)")
_SUFFIX: Final[dict[MediaType, str]] = {
    "image/png": "png",
    "image/jpeg": "jpg",
    "image/webp": "webp",
    "audio/wav": "wav",
}
_TYPE: Final = {suffix: media_type for media_type, suffix in _SUFFIX.items()}


class AssetFiles:
    """An `AssetStore` in `folder` (made when the first asset comes)."""

    def __init__(self, folder: Path, bounds: AssetBounds | None = None) -> None:
        self._folder = folder
        self._bounds = bounds or AssetBounds()
        self._writer = ThreadPoolExecutor(1, "asset-writer")

    async def put(self, room: str, info: AssetInfo, data: bytes) -> None:
        loop = asyncio.get_running_loop()
        await loop.run_in_executor(self._writer, self._put, room, info, data)

    async def find(self, room: str, sha256: str) -> AssetInfo | None:
        if not _SHA.fullmatch(sha256):
            return None
        return await asyncio.to_thread(self._find, room, sha256)

    async def read(self, room: str, info: AssetInfo) -> bytes:
        return await asyncio.to_thread(self._read, room, info)

    async def rooms(self) -> tuple[str, ...]:
        return await asyncio.to_thread(self._rooms)

    async def aged(self, room: str, before: float) -> tuple[AssetInfo, ...]:
        return await asyncio.to_thread(self._aged, room, before)

    async def remove(self, room: str, sha256: str, before: float) -> bool:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._writer, self._remove, room, sha256, before)

    async def tidy(self, room: str, before: float) -> None:
        await asyncio.get_running_loop().run_in_executor(self._writer, self._tidy, room, before)

    async def close(self) -> None:
        await asyncio.to_thread(self._writer.shutdown)

    # In threads ---------------------------------------------------------------------------------------

    def _put(self, room: str, info: AssetInfo, data: bytes) -> None:
        folder = self._of(room)
        try:
            held = {known.sha256: known.size for known in self._all(room)}
            known = folder / _name(info)
            if info.sha256 in held:
                if known.exists() and not _whole(known.read_bytes(), info.sha256):
                    _write(known, data)  # the new bytes repair a damaged file
                os.utime(known)
                return
            if len(held) >= self._bounds.count:
                raise AssetsFull(f"the room holds {len(held)} pictures, as many as it may")
            if sum(held.values()) + len(data) > self._bounds.bytes:
                raise AssetsFull(f"the pictures of the room would be over {self._bounds.bytes} bytes")
            folder.mkdir(parents=True, exist_ok=True)
            _write(folder / _name(info), data)
        except OSError as error:
            raise _problem(error, folder) from error

    def _find(self, room: str, sha256: str) -> AssetInfo | None:
        return next((known for known in self._all(room, f"{sha256}.*") if known.sha256 == sha256), None)

    def _read(self, room: str, info: AssetInfo) -> bytes:
        path = self._of(room) / _name(info)
        try:
            data = path.read_bytes()
        except OSError as error:
            raise _problem(error, path) from error
        if not _whole(data, info.sha256):
            log.error("the file of an asset is damaged: %s", path)
            raise AssetDamaged(f"the file of the picture {info.sha256[:12]} is damaged on the server's disk")
        return data

    def _rooms(self) -> tuple[str, ...]:
        try:
            names = [entry.name for entry in self._folder.iterdir() if entry.is_dir()]
        except FileNotFoundError:
            return ()
        except OSError as error:
            raise _problem(error, self._folder) from error
        return tuple(sorted(name for name in names if _ROOM.fullmatch(name)))

    def _aged(self, room: str, before: float) -> tuple[AssetInfo, ...]:
        folder = self._of(room)
        try:
            return tuple(info for info in self._all(room) if (folder / _name(info)).stat().st_mtime < before)
        except OSError as error:
            raise _problem(error, folder) from error

    def _remove(self, room: str, sha256: str, before: float) -> bool:
        folder = self._of(room)
        try:
            for info in list(self._all(room, f"{sha256}.*")):
                path = folder / _name(info)
                if path.stat().st_mtime >= before:
                    return False
                path.unlink()
            return True
        except OSError as error:
            raise _problem(error, folder) from error

    def _tidy(self, room: str, before: float) -> None:
        folder = self._of(room)
        try:
            for draft in folder.glob(f"{_DRAFT}*"):
                if draft.stat().st_mtime < before:
                    draft.unlink()
        except OSError as error:
            raise _problem(error, folder) from error

    def _all(self, room: str, pattern: str = "*") -> Iterator[AssetInfo]:
        for path in self._of(room).glob(pattern):
            if (parts := _NAME.fullmatch(path.name)) is not None:
                sha256, width, height, suffix = parts.groups()
                yield AssetInfo(sha256, _TYPE[suffix], path.stat().st_size, int(width), int(height))

    def _of(self, room: str) -> Path:
        if not _ROOM.fullmatch(room):
            raise ValueError(f"not the id of a room: {room!r}")
        return self._folder / room


def _whole(data: bytes, sha256: str) -> bool:
    return hashlib.sha256(data).hexdigest() == sha256


def _name(info: AssetInfo) -> str:
    return f"{info.sha256}.{info.width}x{info.height}.{_SUFFIX[info.type]}"


def _write(path: Path, data: bytes) -> None:
    draft = path.with_name(f"{_DRAFT}{secrets.token_hex(8)}")
    try:
        with draft.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink()
        raise
    for folder in (path.parent, path.parent.parent, path.parent.parent.parent):
        _sync(folder)  # the names must be on disk too, those of new folders included


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _problem(error: OSError, path: Path) -> StorageUnavailable:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StorageFull(f"no space left for {path}")
    return StorageUnavailable(f"cannot use {path}: {error.strerror or error}")
