"""A music model's spec -> an audio engine that has played once. Call in the worker only."""

from __future__ import annotations

import time
from pathlib import Path

from antiphon_engines.api import Accelerating, AudioRequest, EngineUnavailable, Failed, Segment
from antiphon_engines.audio.engine import AudioEngine
from antiphon_engines.audio.performer_api import Musician
from antiphon_engines.audio.symbolic import loader
from antiphon_engines.audio.symbolic.band import EmbeddedMusician
from antiphon_engines.audio.synthesiser import SoundFont
from antiphon_engines.backends.residency import Residency
from antiphon_engines.config import WorkerConfig
from antiphon_proto.document.jam import BandControls, Transport

_MOST_BANDS = 4
"""Bands at a time: on a CPU a band of four roles takes about a tenth of a core, a restart of its window a frame."""
_TRIED = 5
"""Frames that are played before the engine is offered."""


def build_embedded(config: WorkerConfig) -> AudioEngine:
    """The project's own model. Raises EngineUnavailable."""
    decoder = loader.load_decoder()
    font = SoundFont(loader.soundfont(), Path(config.cache_dir))
    return finish(EmbeddedMusician(decoder, font), config)


def build_musicgen(
    source: str, config: WorkerConfig, residency: Residency | None = None, *, local: bool
) -> AudioEngine:
    """A MusicGen folder, or a hub repository, which may be downloaded. Raises EngineUnavailable."""
    from antiphon_engines.audio.musicgen import band as musicgen

    musician = musicgen.load(source, config, residency, local=local)
    return finish(musician, config, musician.acceleration)


def build_magenta(size: str, config: WorkerConfig) -> AudioEngine:
    """Magenta RealTime 2. Raises EngineUnavailable."""
    from antiphon_engines.audio import magenta

    return finish(magenta.load(size), config)


def finish(musician: Musician, config: WorkerConfig, acceleration: Accelerating | None = None) -> AudioEngine:
    """The engine over a musician, tried out: one that cannot play is refused here. Raises EngineUnavailable."""
    engine = AudioEngine(musician, max(3, min(config.max_jobs, _MOST_BANDS)), acceleration=acceleration)
    request = AudioRequest(
        BandControls(), (Segment(0, Transport(playing=True)),), seed=0, start=time.monotonic() + 60
    )
    job = engine.admit(request)
    for _ in range(_TRIED):
        for output in engine.step([job])[0]:
            if isinstance(output, Failed):
                engine.close()
                raise EngineUnavailable(f"{musician.name} cannot play: {output.message}")
    engine.release(job)
    return engine
