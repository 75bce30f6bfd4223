"""Where the TinySoundFont binding comes from.

The package `tinysoundfont` (MIT; wheels for Python 3.11 and 3.12 on x86_64, sources for others) declares `pyaudio` as a
dependency, which has no wheels for Linux and does not build without PortAudio's headers, and needs it only to play on
this machine's own loudspeaker. An extra cannot leave a dependency out, so it is fetched without it, against the hashes
in `synthesiser.txt`, and unpacked beside the prepared models. If the package is installed, that one is used.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import sysconfig
from pathlib import Path
from typing import Any, Final

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.model_files.atomic_folder import building, one_at_a_time
from antiphon_engines.model_files.prepare import Progress
from antiphon_engines.model_files.wheels import locked_wheel

MODULE: Final = "tinysoundfont"
VERSION: Final = "tinysoundfont==0.3.7"
LOCK: Final = Path(__file__).with_name("synthesiser.txt")


def folder(cache_dir: Path) -> Path:
    """Where the unpacked wheel lies; its binary is of one interpreter and platform."""
    return cache_dir / "music" / f"{VERSION}-{sys.implementation.cache_tag}-{sysconfig.get_platform()}"


def available(cache_dir: Path) -> bool:
    """Whether `load` will find it. Imports nothing."""
    return importlib.util.find_spec(MODULE) is not None or (folder(cache_dir) / MODULE).is_dir()


def prepare(cache_dir: Path, progress: Progress) -> None:
    """Fetch the binding if it is not there. Raises EngineUnavailable."""
    if available(cache_dir):
        return
    progress("download", 0.0)
    cache_dir.mkdir(parents=True, exist_ok=True)
    with one_at_a_time(folder(cache_dir)):
        if not available(cache_dir):
            with building(folder(cache_dir)) as unfinished, locked_wheel(LOCK, cache_dir) as wheel:
                wheel.extractall(unfinished)
    progress("download", 1.0)


def load(cache_dir: Path) -> Any:
    """The module. Raises EngineUnavailable with the command that brings it."""
    if importlib.util.find_spec(MODULE) is None:
        if not (folder(cache_dir) / MODULE).is_dir():
            raise EngineUnavailable("the band has no synthesiser yet; run: antiphon models prepare")
        sys.path.append(str(folder(cache_dir)))
    try:
        return importlib.import_module(MODULE)
    except ImportError as error:
        raise EngineUnavailable(f"the band's synthesiser cannot be loaded: {error}") from error
