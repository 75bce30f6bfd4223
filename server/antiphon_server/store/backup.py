"""Backups of a data folder: a consistent copy of the rooms and their assets, also while a server runs.

    FOLDER/manifest.json    list of the copy: SHA-256 and size of every file, schema, time
    FOLDER/rooms.sqlite     the rooms at one point in time
    FOLDER/assets/...       every asset that they name
    FOLDER/join.key         the key that signs links: without it the links of the rooms are void
    FOLDER/ledger.key       the key that signs the checkpoints of ledgers

The rooms are copied first, by SQLite's own backup, and the assets after them: an asset is on disk before a document
names it, and is deleted days after nothing does. A copy is made beside its place and renamed when it is whole.
"""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from antiphon_proto.errors import AntiphonError, ErrorCode
from antiphon_server.store.tables import SCHEMA_VERSION

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
ROOMS: Final = "rooms.sqlite"
KEY: Final = "join.key"
LEDGER_KEY: Final = "ledger.key"
ASSETS: Final = "assets"
_DRAFT: Final = "draft."
_CHUNK: Final = 1 << 20


class BackupFailed(AntiphonError):
    """A backup that cannot be made, or that is not whole; the message is one clear line."""

    code = ErrorCode.UNAVAILABLE


class FileRecord(Struct, frozen=True):
    sha256: str
    size: int
    """Bytes."""


class Manifest(Struct, frozen=True):
    """The manifest of a backup. `files`: path below the folder -> expected size and hash."""

    format: int
    schema: int
    """Of the rooms' tables."""
    made_ms: int
    """Unix milliseconds."""
    rooms: int
    files: dict[str, FileRecord]

    @property
    def size(self) -> int:
        """Bytes of all files."""
        return sum(record.size for record in self.files.values())


def backup(data_dir: Path, target: Path) -> Manifest:
    """Copy the rooms of `data_dir` into the new folder `target`, which must not exist or be empty.

    Raises BackupFailed."""
    if not (data_dir / ROOMS).is_file():
        raise BackupFailed(f"there are no rooms in {data_dir}")
    with _new_folder(target) as folder:
        schema, rooms = _copy_rooms(data_dir / ROOMS, folder / ROOMS)
        files = {ROOMS: _record(folder / ROOMS)}
        for name in (KEY, LEDGER_KEY, *_assets(data_dir)):
            record = _copy(data_dir / name, folder / name)
            if record is None:
                continue  # an asset that nothing names was deleted meanwhile
            sha256 = Path(name).name.partition(".")[0]
            if name.startswith(f"{ASSETS}/") and record.sha256 != sha256:
                raise BackupFailed(f"{data_dir / name} is damaged: its content is not what its name says")
            files[name] = record
        manifest = Manifest(FORMAT, schema, int(time.time() * 1000), rooms, files)
        (folder / MANIFEST).write_bytes(msgspec.json.format(msgspec.json.encode(manifest)))
    return manifest


def restore(source: Path, data_dir: Path) -> Manifest:
    """Put the backup `source` into the new data folder `data_dir`, which must not exist or be empty.

    Its files are verified before and after. Raises BackupFailed."""
    manifest = verify(source)
    with _new_folder(data_dir) as folder:
        for name, expected in manifest.files.items():
            if _copy(source / name, folder / name) != expected:
                raise BackupFailed(f"{source / name} changed while it was copied")
    return manifest


def verify(source: Path) -> Manifest:
    """Read all of the backup `source`. Raises BackupFailed, which names the file that is missing or damaged."""
    try:
        manifest = msgspec.json.decode((source / MANIFEST).read_bytes(), type=Manifest)
    except FileNotFoundError:
        raise BackupFailed(f"{source} is not a backup: it has no {MANIFEST}") from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        raise BackupFailed(f"{source / MANIFEST} is damaged") from None
    except OSError as error:
        raise _problem(error, source) from error
    if manifest.format > FORMAT or manifest.schema > SCHEMA_VERSION:
        raise BackupFailed(f"{source} was made by a newer antiphon (schema {manifest.schema})")
    for name, expected in manifest.files.items():
        if Path(name).is_absolute() or ".." in Path(name).parts:
            raise BackupFailed(f"{source / MANIFEST} names a file outside the backup")
        try:
            found = _record(source / name)
        except FileNotFoundError:
            raise BackupFailed(f"{source / name} is missing") from None
        except OSError as error:
            raise _problem(error, source / name) from error
        if found != expected:
            raise BackupFailed(f"{source / name} is damaged")
    return manifest


def _copy_rooms(source: Path, target: Path) -> tuple[int, int]:
    """A copy of the database as it is now; returns its schema and how many rooms it holds."""
    try:
        with (
            contextlib.closing(
                sqlite3.connect(f"{source.absolute().as_uri()}?mode=ro", uri=True, timeout=30)
            ) as live,
            contextlib.closing(sqlite3.connect(target)) as copy,
        ):
            # All pages in one step: a server that writes meanwhile would make a copy in several begin again.
            live.backup(copy, pages=-1)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, without a log beside it
            damage = copy.execute("PRAGMA integrity_check").fetchone()[0]
            if damage != "ok":
                raise BackupFailed(f"{source} is damaged: {damage.splitlines()[0]}")
            [schema] = copy.execute("PRAGMA user_version").fetchone()
            if schema > SCHEMA_VERSION:
                raise BackupFailed(f"{source} was written by a newer antiphon (schema {schema})")
            [rooms] = copy.execute("SELECT count(*) FROM rooms").fetchone()
    except sqlite3.Error as error:
        if "full" in str(error):
            raise BackupFailed(f"no space left for {target}") from error
        raise BackupFailed(f"cannot copy {source}: {error}") from error
    os.chmod(target, 0o600)
    with target.open("rb") as file:
        os.fsync(file.fileno())
    return schema, rooms


def _assets(data_dir: Path) -> list[str]:
    folder = data_dir / ASSETS
    return sorted(
        path.relative_to(data_dir).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(_DRAFT)
    )


def _copy(source: Path, target: Path) -> FileRecord | None:
    """Copy a file, with its mode, and hash the copy; None when there is no file."""
    try:
        total, size = hashlib.sha256(), 0
        with source.open("rb") as read:
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with target.open("xb") as written:
                while chunk := read.read(_CHUNK):
                    written.write(chunk)
                    total.update(chunk)
                    size += len(chunk)
                written.flush()
                os.fsync(written.fileno())
        shutil.copymode(source, target)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise _problem(error, target) from error
    return FileRecord(total.hexdigest(), size)


def _record(path: Path) -> FileRecord:
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256")
    return FileRecord(digest.hexdigest(), path.stat().st_size)


@contextmanager
def _new_folder(folder: Path) -> Iterator[Path]:
    """A folder beside `folder` that takes its place when the block ends well; it is gone when it does not."""
    try:
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise BackupFailed(f"{folder} is not empty; name a new folder")
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as error:
        raise _problem(error, folder) from error
    try:
        yield draft
        if folder.exists():
            folder.rmdir()
        draft.rename(folder)
    except OSError as error:
        raise _problem(error, folder) from error
    finally:
        shutil.rmtree(draft, ignore_errors=True)


def _problem(error: OSError, path: Path) -> BackupFailed:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return BackupFailed(f"no space left for {path}")
    return BackupFailed(f"cannot use {path}: {error.strerror or error}")
