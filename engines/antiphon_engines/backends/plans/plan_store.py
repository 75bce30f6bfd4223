"""Plans on disk. One is used only when its manifest, its files and its key are as expected.

The check is against damage and mix-ups, not against an enemy: who can write to the folder can also write a matching
manifest, and an engine is code. Keep the folder as private as the rest of the cache.
"""

from __future__ import annotations

import fcntl
import json
import logging
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import msgspec
from msgspec import Struct

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.plans.plan import Plan, PlanKey
from antiphon_engines.model_files import manifest
from antiphon_engines.model_files.atomic_folder import building

logger = logging.getLogger(__name__)
KEY_FILE = "key.json"
_decoder = msgspec.json.Decoder(PlanKey)


class PlanRefused(EngineUnavailable):
    """There is a plan, and it must not be run."""


class Entry(Struct, frozen=True):
    """One folder in `antiphon engines list`."""

    name: str
    key: PlanKey | None
    bytes: int
    problem: str = ""


class Under(Struct, frozen=True):
    """A plan that is being built now, by a process that holds its lock."""

    name: str
    stage: str
    fraction: float


class PlanStore:
    """`folder` is made when the first plan is put."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def find(self, key: PlanKey) -> Plan | None:
        """The plan of exactly this key, every byte checked. Raises PlanRefused for one that is damaged or foreign."""
        folder = self.folder / key.name
        if not folder.is_dir():
            return None
        found = self._read(folder)
        if differing := key.differs(found):
            raise PlanRefused(f"the plan {folder.name} was made for another {' and '.join(differing)}")
        return Plan(key, folder)

    def sound(self, key: PlanKey) -> Plan | None:
        """As `find`; a plan that is refused is dropped, with a line in the log, so that it is built again."""
        try:
            return self.find(key)
        except PlanRefused as error:
            logger.warning("%s; it will be built again", error.message)
            self.drop(key.name)
            return None

    @contextmanager
    def put(self, key: PlanKey) -> Iterator[Path]:
        """A temporary folder that becomes the plan when the block ends well; it replaces one that is there."""
        with building(self.folder / key.name) as folder:
            yield folder
            (folder / KEY_FILE).write_bytes(msgspec.json.format(msgspec.json.encode(key)))
            manifest.write(folder, key.digest)

    def drop(self, name: str) -> None:
        """Delete a plan, if there is one."""
        if name in {entry.name for entry in self.entries()}:
            shutil.rmtree(self.folder / name, ignore_errors=True)

    def entries(self) -> list[Entry]:
        """All plans, the damaged ones too; sizes are compared, contents are not read."""
        entries: list[Entry] = []
        for folder in sorted(self.folder.glob("[!.]*-*-*")):
            size = sum(path.stat().st_size for path in folder.iterdir() if path.is_file())
            try:
                entries.append(Entry(folder.name, self._read(folder, full=False), size))
            except PlanRefused as error:
                entries.append(Entry(folder.name, None, size, error.message))
        return entries

    @contextmanager
    def locked(self, key: PlanKey) -> Iterator[IO[str]]:
        """Only one process builds a plan at a time; others wait here and then find it. The file tells how far it is."""
        self.folder.mkdir(parents=True, exist_ok=True)
        path = self._lock(key.name)
        with path.open("a+", encoding="utf-8") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            try:
                yield file
            finally:
                # Removed while it is held: who waits for the old file finds the plan, and a next one makes a new file.
                path.unlink(missing_ok=True)

    def under_way(self) -> list[Under]:
        """Plans that some process builds now."""
        found = []
        for path in sorted(self.folder.glob(".*.lock")):
            with path.open("r", encoding="utf-8") as file:
                try:
                    fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
                except OSError:
                    stage, fraction = _progress(file.read())
                    found.append(Under(path.name[1 : -len(".lock")], stage, fraction))
        return found

    def _lock(self, name: str) -> Path:
        return self.folder / f".{name}.lock"

    def _read(self, folder: Path, *, full: bool = True) -> PlanKey:
        """The key that a folder says it was made for. Raises PlanRefused."""
        try:
            key = _decoder.decode((folder / KEY_FILE).read_bytes())
            if not manifest.check(folder, key.digest, full=full):
                raise PlanRefused(f"the plan {folder.name} has no manifest of its key")
        except (OSError, msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise PlanRefused(f"the plan {folder.name} is damaged: {error}") from error
        except PlanRefused:
            raise
        except EngineUnavailable as error:
            raise PlanRefused(f"the plan {folder.name} is damaged: {error.message}") from error
        return key


def note_progress(file: IO[str], stage: str, fraction: float) -> None:
    """Report the progress of the build to processes that wait for the lock."""
    file.seek(0)
    file.truncate()
    file.write(json.dumps([stage, round(fraction, 3)]))
    file.flush()


def _progress(text: str) -> tuple[str, float]:
    try:
        stage, fraction = json.loads(text)
        return str(stage), float(fraction)
    except (ValueError, TypeError):
        return "waiting", 0.0
