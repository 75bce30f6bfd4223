"""The engines that the contract suite is run against. A new engine adds its entry to ENGINES."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

import pytest

from antiphon_engines.api import Engine, Modality
from antiphon_engines.config import WorkerConfig
from antiphon_engines.model_files.prepare import prepare_source
from support import openai_server, tiny_checkpoint, tiny_gguf
from support.toy_model import ToyModel, ToyTokenizer


@dataclass(frozen=True)
class EngineCase:
    """`build` makes a fresh engine with at least 3 places; it may ask for session fixtures through the request.

    `exact`: the same seed and prompt give the same text, alone or in any company.
    """

    name: str
    build: Callable[[pytest.FixtureRequest], Engine]
    exact: bool = True
    needs: tuple[str, ...] = ()
    """Modules without which the case is skipped."""
    modality: Modality = "text"

    def make(self, request: pytest.FixtureRequest) -> Engine:
        if missing := [name for name in self.needs if find_spec(name) is None]:
            pytest.skip(f"needs {', '.join(missing)}")
        return self.build(request)


def _toy(request: pytest.FixtureRequest) -> Engine:
    from antiphon_engines.text.engine import TextEngine

    return TextEngine(ToyModel(rows=5), ToyTokenizer(), max_jobs=4, max_batch=3, chunk=32)


def _embedded(request: pytest.FixtureRequest) -> Engine:
    from antiphon_engines.text.engine import TextEngine
    from antiphon_engines.text.onnx_model import OnnxModel
    from antiphon_engines.text.tokenizer import SMOLLM, FolderTokenizer

    folder = request.getfixturevalue("embedded_text_model")
    model = OnnxModel(folder, name="embedded", rows=4, context=512, threads=2)
    tokenizer = FolderTokenizer(folder, chat=SMOLLM, starts=("<|endoftext|>",))
    return TextEngine(model, tokenizer, max_jobs=4, max_batch=3, chunk=32)


def _torch(request: pytest.FixtureRequest) -> Engine:
    from antiphon_engines.text import torch_engine

    folder = request.getfixturevalue("tmp_path")
    tiny_checkpoint.write(folder)
    config = WorkerConfig(
        cache_dir=str(folder), max_jobs=4, max_batch=3, context=256, threads=1, device="cpu"
    )
    return torch_engine.build(str(folder), config, local=True)


def _gguf(request: pytest.FixtureRequest) -> Engine:
    from antiphon_engines.text.gguf import build

    path = tiny_gguf.write(request.getfixturevalue("tmp_path") / "tiny.gguf")
    config = WorkerConfig(cache_dir="unused", max_jobs=4, max_batch=3, context=1536, threads=1, device="cpu")
    return build.stepped(path, config, name="gguf")


def _llama_server(request: pytest.FixtureRequest) -> Engine:
    from antiphon_engines.text.streaming import llama_cpp

    cache_dir = request.getfixturevalue("cache_dir")
    path = prepare_source(cache_dir, lambda stage, part: None)
    config = WorkerConfig(cache_dir=str(cache_dir), max_jobs=3, context=256, threads=1, device="cpu")
    return llama_cpp.build(path, config, name="llama-server")


def _remote(request: pytest.FixtureRequest) -> Engine:
    from antiphon_engines.text.streaming import remote

    running = openai_server.serving()
    server = running.__enter__()
    request.addfinalizer(lambda: running.__exit__(None, None, None))
    server.reply(openai_server.drone())
    return remote.build(server.url, "drone", WorkerConfig(cache_dir="unused", max_jobs=4))


def _stable_diffusion(request: pytest.FixtureRequest) -> Engine:
    from support import tiny_pipelines
    from support.easel import easel

    return easel(tiny_pipelines.stable_diffusion(), max_jobs=4, max_batch=3)


def _sana_sprint(request: pytest.FixtureRequest) -> Engine:
    from support import tiny_pipelines
    from support.easel import easel

    return easel(tiny_pipelines.sana(sprint=True), max_jobs=4, max_batch=3)


def _band(request: pytest.FixtureRequest) -> Engine:
    from antiphon_engines.audio.engine import AudioEngine
    from support.bands import musician

    return AudioEngine(musician(), 4)


def _musicgen(request: pytest.FixtureRequest) -> Engine:
    import torch

    from antiphon_engines.audio.engine import AudioEngine
    from antiphon_engines.audio.musicgen.band import MusicgenMusician
    from support import tiny_musicgen

    model, tokenizer = tiny_musicgen.model(), tiny_musicgen.tokenizer()
    return AudioEngine(MusicgenMusician(model, tokenizer, "tiny", torch.device("cpu")), 4)


def _magenta(request: pytest.FixtureRequest) -> Engine:
    from antiphon_engines.audio.engine import AudioEngine
    from antiphon_engines.audio.magenta import MagentaMusician
    from support.scripted_magenta import MagentaRT2Jax

    return AudioEngine(MagentaMusician(MagentaRT2Jax(), "mrt2_base", "jax"), 4)


def _speech(request: pytest.FixtureRequest) -> Engine:
    from antiphon_engines.speech.engine import SpeechEngine
    from support.fake_speaker import FakeSpeaker

    return SpeechEngine([FakeSpeaker()], max_jobs=4)


ENGINES: list[EngineCase] = [
    EngineCase("toy", _toy),
    EngineCase("embedded", _embedded, needs=("onnxruntime",)),
    # In these a batch may change the last bits of a logit, and with them a text.
    EngineCase("torch", _torch, exact=False, needs=("torch", "transformers")),
    EngineCase("llama-server", _llama_server, exact=False, needs=("xllamacpp",)),
    EngineCase("gguf", _gguf, exact=False, needs=("xllamacpp", "gguf")),
    EngineCase("remote", _remote),
]

_PICTURES = ("torch", "diffusers", "transformers", "PIL")
PAINTERS: list[EngineCase] = [
    EngineCase("stable-diffusion", _stable_diffusion, needs=_PICTURES, modality="image"),
    EngineCase("sana-sprint", _sana_sprint, needs=_PICTURES, modality="image"),
]

BANDS: list[EngineCase] = [
    EngineCase("band", _band, needs=("av", "safetensors"), modality="audio"),
    EngineCase("musicgen", _musicgen, needs=("av", "torch", "transformers"), modality="audio"),
    EngineCase("magenta", _magenta, needs=("av",), modality="audio"),
]

SPEAKERS: list[EngineCase] = [EngineCase("speech", _speech, modality="speech")]
