"""A large file that grows part by part, and goes on from its last whole part after a failure or a kill."""

from __future__ import annotations

import json
import os
import shutil
from pathlib import Path
from typing import IO, Final

from antiphon_engines.api import EngineUnavailable

_CHUNK: Final = 1 << 20
_SPARE: Final = 64 << 20
"""Bytes of disk that are left alone."""


class JoinedFile:
    """`<folder>/<name>` and, beside it, how many parts of which `recipe` it holds.

    `size` is the file's expected size in bytes; 0 where that is not known. Parts of another recipe are dropped. Disk
    errors are raised as OSError."""

    STATE: Final = "joined.json"

    def __init__(self, folder: Path, name: str, recipe: str, size: int) -> None:
        self.path = folder / name
        self._state = folder / self.STATE
        self._recipe = recipe
        self._limit = size
        self.parts, self.size = self._resume()

    def append(self, part: IO[bytes]) -> None:
        """Add the next part. Raises EngineUnavailable when the file would grow beyond its size."""
        size = self.size
        with self.path.open("ab") as out:
            while data := part.read(_CHUNK):
                size += len(data)
                if self._limit and size > self._limit:
                    raise EngineUnavailable(f"the parts of {self.path.name} are larger than the file itself")
                out.write(data)
            out.flush()
            os.fsync(out.fileno())
        self.parts, self.size = self.parts + 1, size
        self._note()

    def restart(self) -> None:
        """Drop the present state."""
        self._state.unlink(missing_ok=True)
        self.path.unlink(missing_ok=True)
        self.parts = self.size = 0

    def finish(self) -> None:
        """The file is whole: nothing but it stays."""
        self._state.unlink(missing_ok=True)

    def _note(self) -> None:
        state = {"recipe": self._recipe, "parts": self.parts, "size": self.size}
        fresh = self._state.with_suffix(".new")
        fresh.write_text(json.dumps(state), encoding="utf-8")
        fresh.replace(self._state)

    def _resume(self) -> tuple[int, int]:
        """Parts and bytes that are whole; a part that was left incomplete by a kill is cut off."""
        try:
            state = json.loads(self._state.read_text(encoding="utf-8"))
            parts, size = int(state["parts"]), int(state["size"])
            if state["recipe"] == self._recipe and parts > 0 and self.path.stat().st_size >= size > 0:
                os.truncate(self.path, size)
                return parts, size
        except (OSError, ValueError, KeyError, TypeError):
            pass  # nothing there that can be gone on with
        self.restart()
        return 0, 0


def require_space(folder: Path, needed: int, what: str) -> None:
    """Raises EngineUnavailable when the disk of `folder` has no room for `needed` more bytes."""
    free = shutil.disk_usage(folder).free - _SPARE
    if needed > free:
        raise EngineUnavailable(
            f"{what} needs {_mb(needed)} MB more disk space in {folder}, and {_mb(max(free, 0))} MB are free"
        )


def _mb(count: int) -> int:
    return -(-count // 1_000_000)
