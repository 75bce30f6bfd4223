"""All engines of a worker, and the folders that their models are in. A spec, the setting that chooses a model, is read
by the `spec` module of its modality."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Final

from msgspec.structs import replace

from antiphon_engines.api import Absent, Engines, EngineUnavailable, Later, Modality
from antiphon_engines.audio import spec as music
from antiphon_engines.backends.plans.choices import Family
from antiphon_engines.backends.plans.planning import HUB, folder_of
from antiphon_engines.backends.residency import Residency
from antiphon_engines.config import WorkerConfig
from antiphon_engines.image import spec as image
from antiphon_engines.model_files.machine import free_memory
from antiphon_engines.speech import spec as speech
from antiphon_engines.text import spec as text

_LEAST_FREE: Final = 1_000_000_000
"""Bytes of memory that are left when an earlier text model stays beside the one that serves."""


def engines(config: WorkerConfig) -> Engines:
    """Everything that a worker serves. Text must be there; voices, pictures and the band join later, for some of their
    libraries take seconds to load, and what cannot be loaded is reported as absent. Raises EngineUnavailable."""
    residency = Residency(config.device_memory * 2**20)
    writer = text.build(config, residency)
    # The band loads in two seconds and is not made to wait for torch.
    others = (music.later(config, residency), speech.later(config), image.later(config, residency))
    wanted = [each for each in others if each is not None]
    return Engines(
        (writer,),
        absent=tuple(each for each in wanted if isinstance(each, Absent)),
        later=tuple(each for each in wanted if isinstance(each, Later)),
        other=partial(_other, config, residency),
        beside=partial(_beside, config),
    )


def _beside(config: WorkerConfig, modality: Modality) -> int:
    """Text models are small enough to stay side by side, unless memory is short now."""
    free = free_memory()
    short = free is not None and free < _LEAST_FREE
    return config.text_beside if modality == "text" and not short else 0


def _other(config: WorkerConfig, residency: Residency, modality: Modality, spec: str) -> Later | Absent:
    """Another model of a modality, to be loaded. Raises EngineUnavailable for a spec that names none."""
    found: Later | Absent | None
    match modality:
        case "text":
            changed = replace(config, text_model=spec)
            text.check(Path(config.cache_dir), spec)
            found = Later("text", text.describe(spec).name, partial(text.build, changed, residency))
        case "image":
            found = image.later(replace(config, image_model=spec), residency)
        case "audio":
            found = music.later(replace(config, music_model=spec), residency)
        case "speech":
            found = speech.later(replace(config, speech_model=spec))
    if found is None:
        raise EngineUnavailable("a model's place can be taken by another one only")
    return found


def model_folder(family: Family, config: WorkerConfig) -> Path | None:
    """Where the model that is set for `family` is stored; None when that model has no networks that a plan can run.
    Raises EngineUnavailable when it is not on this disk."""
    match family:
        case "image":
            return None if config.image_model == "none" else folder_of(config.image_model)
        case "text":
            writer = text.parse(config.text_model)
            hub = Path(config.cache_dir) / HUB
            return folder_of(writer.source, hub) if isinstance(writer, text.TransformersModel) else None
        case "music":
            band = music.parse(config.music_model)
            return folder_of(band.source) if isinstance(band, music.MusicgenModel) else None
