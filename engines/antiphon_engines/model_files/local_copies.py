"""A model's file that is already on this machine: at a given path, or in the cache of the model hub."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.model_files import manifest
from antiphon_engines.model_files.joined_file import require_space


def hub_copies(repository: str, name: str) -> Iterator[Path]:
    """Files of that name in the hub's cache, of any revision."""
    if repository:
        folder = _hub_cache() / f"models--{repository.replace('/', '--')}" / "snapshots"
        yield from sorted(folder.glob(f"*/{name}"))


def take(source: Path, target: Path, sha256: str) -> bool:
    """Have `source` at `target` when it is the file of that hash: by a second name for it, else by a copy.

    Raises EngineUnavailable where the disk is too small, OSError where a file cannot be read or written.
    """
    source = source.resolve(strict=True)
    if manifest.sha256(source) != sha256:
        return False
    target.unlink(missing_ok=True)
    try:
        os.link(source, target)
    except OSError:  # another disk, or a file system without hard links
        require_space(target.parent, source.stat().st_size, target.name)
        shutil.copyfile(source, target)
    return True


def take_named(source: Path, target: Path, sha256: str) -> None:
    """`take` of a given file. Raises EngineUnavailable when it is another file or cannot be read."""
    try:
        taken = take(source, target, sha256)
    except OSError as error:
        raise EngineUnavailable(f"cannot take {source}: {error.strerror or error}") from error
    if not taken:
        raise EngineUnavailable(f"{source} is another file: its SHA-256 is not {sha256}")


def _hub_cache() -> Path:
    if folder := os.environ.get("HF_HUB_CACHE"):
        return Path(folder).expanduser()
    if home := os.environ.get("HF_HOME"):
        return Path(home).expanduser() / "hub"
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "huggingface" / "hub"
