"""A speech model's spec -> an engine that joins the worker. All but the building is cheap and imports no runtime.

The spec is one string, the one setting that chooses the model:

    auto                   the prepared English voices, and Russian by espeak-ng where that program is installed
    kokoro-82m             the same, and an error where they are not prepared
    espeak-ng              the program alone
    http://host/v1#model   a server with OpenAI's interface for speech; `#model,voice,voice` names its voices
    none
"""

from __future__ import annotations

import logging
from functools import partial
from pathlib import Path
from typing import Final, TypeAlias

from msgspec import Struct

from antiphon_engines.api import Absent, Engine, EngineUnavailable, Later
from antiphon_engines.catalogue import Description
from antiphon_engines.config import WorkerConfig
from antiphon_engines.model_files import packaged_speech
from antiphon_engines.speech import espeak
from antiphon_engines.speech.speaker import Speaker

logger = logging.getLogger(__name__)
AUTO: Final = "auto"


class PreparedVoices(Struct, frozen=True):
    """The packaged English voices, with espeak-ng for Russian where it is there. `needed`: an error without them."""

    needed: bool


class Program(Struct, frozen=True):
    """espeak-ng."""


class SpeechServer(Struct, frozen=True):
    base: str
    model: str
    voices: tuple[str, ...]


SpeechSource: TypeAlias = PreparedVoices | Program | SpeechServer


def parse(spec: str) -> SpeechSource | None:
    """The model that a speech spec names; None for `none`. Raises EngineUnavailable."""
    spec = spec.strip()
    match spec:
        case "none":
            return None
        case "auto":
            return PreparedVoices(needed=False)
        case packaged_speech.NAME:
            return PreparedVoices(needed=True)
        case espeak.PROGRAM:
            return Program()
    if spec.startswith(("http://", "https://")):
        base, _, names = spec.partition("#")
        model, *voices = [part.strip() for part in names.split(",")]
        if not model:
            raise EngineUnavailable(f"which model of {base}? Give {base}#model, and its voices behind commas")
        return SpeechServer(base, model, tuple(filter(None, voices)))
    raise EngineUnavailable(
        f"there is no speech model {spec!r}: give auto, {packaged_speech.NAME}, {espeak.PROGRAM}, "
        "http://host/v1#model or none"
    )


def describe(spec: str) -> Description | None:
    """A cheap account of a speech spec; None for `none`. Raises EngineUnavailable."""
    match parse(spec):
        case None:
            return None
        case PreparedVoices():
            return Description(name=packaged_speech.NAME, backend="onnxruntime", note="28 English voices")
        case Program():
            return Description(name=espeak.PROGRAM, backend=espeak.PROGRAM, note="a program that speaks")
        case SpeechServer(model=model):
            return Description(name=model, backend="openai", note="a speech server")


def check(cache_dir: Path, spec: str) -> SpeechSource | None:
    """The model that a speech spec names, if everything that it needs is here. Imports no runtime. Raises
    EngineUnavailable."""
    source = parse(spec)
    match source:
        case PreparedVoices(needed=needed):
            try:
                packaged_speech.prepared(cache_dir)
            except EngineUnavailable:
                if needed or espeak.find() is None:
                    raise
        case Program():
            if espeak.find() is None:
                raise EngineUnavailable(f"the program {espeak.PROGRAM} is not installed")
    return source


def later(config: WorkerConfig) -> Later | Absent | None:
    """The engine that joins the worker, or why there is none; None for `none`."""
    name = config.speech_model
    try:
        if (described := describe(name)) is not None:
            name = described.name
        source = check(Path(config.cache_dir), config.speech_model)
    except EngineUnavailable as error:
        logger.info("lines are not spoken: %s", error)
        return Absent("speech", name, error.message)
    return None if source is None else Later("speech", name, partial(_build, source, config))


def _build(source: SpeechSource, config: WorkerConfig) -> Engine:
    from antiphon_engines.speech.engine import SpeechEngine

    speakers: list[Speaker] = []
    weights = ""
    match source:
        case SpeechServer(base=base, model=model, voices=voices):
            from antiphon_engines.speech.remote import RemoteSpeaker

            speakers.append(RemoteSpeaker(base, model, voices, config.speech_key, config.idle_timeout))
        case PreparedVoices():
            from antiphon_engines.speech.kokoro import KokoroSpeaker

            try:
                folder = packaged_speech.prepared(Path(config.cache_dir))
                speakers.append(KokoroSpeaker(folder, min(config.threads, _THREADS)))
                weights = packaged_speech.WEIGHTS
            except EngineUnavailable:
                if source.needed:
                    raise
    if not isinstance(source, SpeechServer) and (program := espeak.find()) is not None:
        speakers.append(espeak.EspeakSpeaker(program))
    return SpeechEngine(speakers, weights=weights, max_jobs=max(3, min(config.max_jobs, 4)))


_THREADS: Final = 2
"""More make its small steps no faster."""
