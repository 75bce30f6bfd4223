"""A music model's spec -> an engine that joins the worker. All but the building is cheap and imports no runtime.

The spec is one string, the one setting that chooses the model:

    embedded              the project's own, which hears people's notes
    models/some-folder    a MusicGen checkpoint, through torch
    organisation/name     a hub repository of MusicGen, such as facebook/musicgen-small
    magenta-rt[:size]     Magenta RealTime 2, through the package of that name
    none
"""

from __future__ import annotations

import json
import logging
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeAlias

from msgspec import Struct

from antiphon_engines.api import Absent, Engine, EngineUnavailable, Later
from antiphon_engines.audio.symbolic import loader
from antiphon_engines.backends.residency import Residency
from antiphon_engines.catalogue import HUB_ID, Description
from antiphon_engines.config import WorkerConfig
from antiphon_engines.model_files import synth_binding
from antiphon_engines.model_files.prepare import Progress

logger = logging.getLogger(__name__)
MAGENTA_SIZE: Final = "mrt2_base"
"""Of the sizes that the package knows, the one that is meant without a word."""


class EmbeddedMusicModel(Struct, frozen=True):
    """The project's own music model and its SoundFont."""


class MusicgenModel(Struct, frozen=True):
    """A MusicGen folder, or the id of a hub repository (`local` False: it may be downloaded)."""

    source: str
    local: bool


class MagentaModel(Struct, frozen=True):
    """Magenta RealTime 2, in a size that its package knows."""

    size: str


MusicSource: TypeAlias = EmbeddedMusicModel | MusicgenModel | MagentaModel


def parse(spec: str) -> MusicSource | None:
    """The model that a music spec names; None for `none`. Looks at the local disk only. Raises EngineUnavailable."""
    spec = spec.strip()
    match spec:
        case "none":
            return None
        case "embedded":
            return EmbeddedMusicModel()
    name, _, size = spec.partition(":")
    if name == "magenta-rt":
        return MagentaModel(size or MAGENTA_SIZE)
    path = Path(spec).expanduser()
    if spec and path.is_dir():
        if _model_type(path) != "musicgen":
            raise EngineUnavailable(f"{spec} is not a MusicGen checkpoint")
        return MusicgenModel(source=str(path), local=True)
    if HUB_ID.fullmatch(spec):
        return MusicgenModel(source=spec, local=False)
    raise EngineUnavailable(
        f"there is no music model {spec!r}: give embedded, a MusicGen folder or hub id, magenta-rt or none"
    )


def describe(spec: str) -> Description | None:
    """A cheap account of a music spec; None for `none`. Raises EngineUnavailable."""
    match parse(spec):
        case None:
            return None
        case EmbeddedMusicModel():
            return Description(name="antiphon-music", backend="numpy", note="the embedded music model")
        case MusicgenModel(source=source, local=local):
            note = "a MusicGen folder" if local else "a hub repository of MusicGen"
            return Description(name=Path(source).name if local else source, backend="torch", note=note)
        case MagentaModel(size=size):
            return Description(name=size, backend="magenta-rt", note="Magenta RealTime 2")


def check(cache_dir: Path, spec: str) -> MusicSource | None:
    """The model that a music spec names, if everything that it needs is here. Imports no runtime. Raises
    EngineUnavailable."""
    source = parse(spec)
    for module, extra in _needs(source):
        if find_spec(module) is None:
            raise EngineUnavailable(f"the band needs {module}; run: pip install 'antiphon[{extra}]'")
    if isinstance(source, EmbeddedMusicModel):
        if not loader.FOLDER.is_dir():
            raise EngineUnavailable("the embedded music model is not part of this installation")
        if not synth_binding.available(cache_dir):
            raise EngineUnavailable("the band has no synthesiser yet; run: antiphon models prepare")
    return source


def prepare(cache_dir: Path, spec: str, progress: Progress) -> None:
    """Fetch the parts that no extra can install; nothing where the extra itself is not installed. Raises
    EngineUnavailable."""
    source = parse(spec)
    if isinstance(source, EmbeddedMusicModel) and all(find_spec(module) for module, _ in _needs(source)):
        synth_binding.prepare(cache_dir, progress)


def later(config: WorkerConfig, residency: Residency | None = None) -> Later | Absent | None:
    """The engine that joins the worker, or why there is none; None for `none`."""
    name = config.music_model
    try:
        if (described := describe(name)) is not None:
            name = described.name
        source = check(Path(config.cache_dir), config.music_model)
    except EngineUnavailable as error:
        logger.warning("there will be no band: %s", error)
        return Absent("audio", name, error.message)
    return None if source is None else Later("audio", name, partial(_build, source, config, residency))


def _build(source: MusicSource, config: WorkerConfig, residency: Residency | None) -> Engine:
    from antiphon_engines.audio import building

    match source:
        case EmbeddedMusicModel():
            return building.build_embedded(config)
        case MusicgenModel(source=folder, local=local):
            return building.build_musicgen(folder, config, residency, local=local)
        case MagentaModel(size=size):
            return building.build_magenta(size, config)


def _needs(source: MusicSource | None) -> tuple[tuple[str, str], ...]:
    """Modules beyond the default install, each with the extra that brings it."""
    match source:
        case None:
            return ()
        case EmbeddedMusicModel():
            return (("av", "music"), ("safetensors", "music"))
        case MusicgenModel():
            return (("av", "music"), ("torch", "torch"), ("transformers", "torch"))
        case MagentaModel():
            return (("av", "music"), ("magenta_rt", "magenta"))


def _model_type(folder: Path) -> str:
    """The model type in a checkpoint's config.json; empty where there is none."""
    try:
        return str(json.loads((folder / "config.json").read_text(encoding="utf-8")).get("model_type", ""))
    except (OSError, ValueError, AttributeError):
        return ""
