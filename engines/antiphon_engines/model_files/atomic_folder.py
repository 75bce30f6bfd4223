"""Folders that appear whole or not at all, made by one process at a time."""

from __future__ import annotations

import errno
import fcntl
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from antiphon_engines.api import EngineUnavailable


@contextmanager
def one_at_a_time(folder: Path, waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Wait while another process creates `folder`, and then use its result. `waiting` is called if there is another
    process.

    Raises EngineUnavailable."""
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock = (folder.parent / f".{folder.name}.lock").open("wb")
    except OSError as error:
        raise EngineUnavailable(f"cannot write the model cache {folder.parent}: {error}") from error
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting is not None:
                waiting()
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def building(folder: Path) -> Iterator[Path]:
    """A temporary folder that takes `folder`'s place when the block ends well, so that a killed preparation leaves
    nothing half-made under a real name. Disk errors become EngineUnavailable with one clear line."""
    unfinished: Path | None = None
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
        yield unfinished
        if folder.exists():  # damaged or of an older recipe; or a neighbour was quicker, then ours is as good
            shutil.rmtree(folder)
        unfinished.rename(folder)
    except OSError as error:
        raise _cannot_write(folder.parent, error) from error
    finally:
        if unfinished is not None:
            shutil.rmtree(unfinished, ignore_errors=True)


@contextmanager
def growing(folder: Path) -> Iterator[Path]:
    """As `building`, in a folder that stays when the block fails: the next try continues with its contents."""
    unfinished = folder.parent / f".{folder.name}.partial"
    try:
        unfinished.mkdir(parents=True, exist_ok=True)
        yield unfinished
        if folder.exists():
            shutil.rmtree(folder)
        unfinished.rename(folder)
    except OSError as error:
        raise _cannot_write(folder.parent, error) from error


def _cannot_write(folder: Path, error: OSError) -> EngineUnavailable:
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return EngineUnavailable(f"no space left on the disk of the model cache {folder}")
    return EngineUnavailable(f"cannot write the model cache {folder}: {error}")
