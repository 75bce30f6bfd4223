"""A music model's spec -> an engine that joins the worker. All but the building is cheap and imports no runtime.

The spec is one string, the one setting that chooses the model: `embedded` or `none`.
"""

from __future__ import annotations

import logging
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

from msgspec import Struct

from antiphon_engines.api import Absent, Engine, EngineUnavailable, Later
from antiphon_engines.catalogue import Description
from antiphon_engines.config import WorkerConfig
from antiphon_engines.text.prepare import Progress

from . import binding, embedded

logger = logging.getLogger(__name__)


class EmbeddedMusicModel(Struct, frozen=True):
    """The project's own music model and its SoundFont."""


MusicSource: TypeAlias = EmbeddedMusicModel


def parse(spec: str) -> MusicSource | None:
    """What a music spec names; None for `none`. Looks at the local disk only. Raises EngineUnavailable."""
    spec = spec.strip()
    match spec:
        case "none":
            return None
        case "embedded":
            return EmbeddedMusicModel()
    raise EngineUnavailable(f"there is no music model {spec!r}: give embedded or none")


def describe(spec: str) -> Description | None:
    """A cheap account of a music spec; None for `none`. Raises EngineUnavailable."""
    match parse(spec):
        case None:
            return None
        case EmbeddedMusicModel():
            return Description(name="antiphon-music", backend="numpy", note="the embedded music model")


def check(cache_dir: Path, spec: str) -> MusicSource | None:
    """What a music spec names, when all that it needs is here. Imports no runtime. Raises EngineUnavailable."""
    source = parse(spec)
    for module in _needs(source):
        if find_spec(module) is None:
            raise EngineUnavailable(f"the band needs {module}; run: pip install 'antiphon[music]'")
    if isinstance(source, EmbeddedMusicModel):
        if not embedded.FOLDER.is_dir():
            raise EngineUnavailable("the embedded music model is not part of this installation")
        if not binding.available(cache_dir):
            raise EngineUnavailable("the band has no synthesiser yet; run: antiphon models prepare")
    return source


def prepare(cache_dir: Path, spec: str, progress: Progress) -> None:
    """Fetch what an extra cannot bring; nothing where the extra itself is not installed. Raises EngineUnavailable."""
    source = parse(spec)
    if isinstance(source, EmbeddedMusicModel) and all(map(find_spec, _needs(source))):
        binding.prepare(cache_dir, progress)


def later(config: WorkerConfig) -> Later | Absent | None:
    """The engine that joins the worker, or why there is none; None for `none`."""
    name = config.music_model
    try:
        if (described := describe(name)) is not None:
            name = described.name
        source = check(Path(config.cache_dir), config.music_model)
    except EngineUnavailable as error:
        logger.warning("there will be no band: %s", error)
        return Absent("audio", name, error.message)
    return None if source is None else Later("audio", name, partial(_build, source, config))


def _build(source: MusicSource, config: WorkerConfig) -> Engine:
    from . import building

    return building.build_embedded(config)


def _needs(source: MusicSource | None) -> tuple[str, ...]:
    """Modules beyond the default install."""
    return () if source is None else ("av", "safetensors")
