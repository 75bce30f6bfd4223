"""Any GGUF file through llama.cpp (`xllamacpp`, extra `[gguf]`).

llama.cpp's own server runs inside the worker process, on a loopback port behind a key of this process; it batches its
slots and keeps their prompt caches. The output of a seed may depend on the other rows of its batch."""

from __future__ import annotations

import mmap
import secrets
import struct
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from antiphon_engines.api import NO_REMARK, EngineInfo, EngineUnavailable, Remark
from antiphon_engines.config import WorkerConfig
from antiphon_engines.text.story_prompts import family_of
from antiphon_engines.text.streaming.loop_thread import LoopThread
from antiphon_engines.text.streaming.remote import OpenAISource
from antiphon_engines.text.streaming.streamed import StreamedEngine

_QUIET = -1
_CONNECT = 10.0
_SILENCE = 600.0
"""Seconds: a long prompt on a slow CPU is silent for a while, and a server that dies takes this process with it."""
_PROMPT_CACHE_MIB = 256
_METADATA = 64 << 20
"""Bytes at the front of the file that hold its metadata, vocabulary included."""


def build(path: Path, config: WorkerConfig, *, name: str, note: Remark = NO_REMARK) -> GgufEngine:
    """Load the file; about a second per GB. Raises EngineUnavailable when llama.cpp cannot load it."""
    key = secrets.token_urlsafe(24)
    server = _serve(path, config, key)
    info = EngineInfo(
        modality="text",
        name=name,
        device=_device(config),
        backend="llama.cpp",
        max_jobs=config.max_jobs,
        max_batch=config.max_jobs,
        note=note,
    )
    chats = _has_chat_template(path)
    source = OpenAISource(
        f"{server.listening_address}/v1",
        name,
        api_key=key,
        connect_timeout=_CONNECT,
        idle_timeout=_SILENCE,
        chats=chats,
        family=family_of(name) if chats else None,
    )
    return GgufEngine(info, source, LoopThread("llama.cpp-text"), server)


class GgufEngine(StreamedEngine):
    """A StreamedEngine that owns the server it streams from."""

    def __init__(self, info: EngineInfo, source: OpenAISource, thread: LoopThread, server: Any) -> None:
        super().__init__(info, source, thread)
        self._server = server

    def close(self) -> None:
        super().close()
        self._server = None  # its destructor ends the server's threads and frees the model


def _serve(path: Path, config: WorkerConfig, key: str) -> Any:
    import xllamacpp

    params = xllamacpp.CommonParams()
    params.model.path = str(path)
    params.n_ctx = config.context * config.max_jobs
    params.n_parallel = config.max_jobs
    # ggml's threads wait for each other by spinning: where the gateway or a neighbour takes one of their cores, every
    # token waits for the kernel's scheduler (24 tokens on two loaded cores: 9-45 s with two threads, 1.7 s with one).
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = max(1, config.threads - 1)
    params.n_threads_http = config.max_jobs + 2
    params.n_batch = max(config.prefill_chunk, config.max_jobs)
    params.cache_ram_mib = _PROMPT_CACHE_MIB
    params.api_keys = [key]
    params.cors_origins = "http://127.0.0.1"
    params.ui = params.warmup = False
    params.verbosity = _QUIET
    if config.device == "cpu":
        params.n_gpu_layers = 0
    try:
        server = xllamacpp.Server(params)
    except RuntimeError as error:
        raise EngineUnavailable(
            f"llama.cpp cannot load {path}: the file is damaged, of an unknown architecture, or too large "
            f"({config.context} tokens of context for {config.max_jobs} jobs)"
        ) from error
    _await_loop(server.listening_address, key)
    return server


def _await_loop(address: str, key: str) -> None:
    """Wait until the server's loop has answered once. A server that is closed before its loop has begun never ends: its
    destructor waits for a thread that was told to stop too early. Raises EngineUnavailable."""
    place = urlsplit(address)
    connection = HTTPConnection(place.hostname or "127.0.0.1", place.port, timeout=_SILENCE)
    try:
        connection.request("GET", "/slots", headers={"Authorization": f"Bearer {key}"})
        connection.getresponse().read()
    except (OSError, HTTPException) as error:
        raise EngineUnavailable(f"llama.cpp's server does not answer: {error}") from error
    finally:
        connection.close()


def _device(config: WorkerConfig) -> str:
    """The device that llama.cpp offloads to; the wheel from PyPI knows CPUs only, others know CUDA, ROCm or Metal."""
    import xllamacpp

    names = [str(device["name"]).lower() for device in xllamacpp.get_device_info()]
    return next((name for name in names if name != "cpu"), "cpu") if config.device != "cpu" else "cpu"


def _has_chat_template(path: Path) -> bool:
    """Whether the file's metadata hold the key `tokenizer.chat_template`. Without one the model is a base model, and
    llama.cpp would put ChatML around our words, which such a model has never seen."""
    key = b"tokenizer.chat_template"
    with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        return view.find(struct.pack("<Q", len(key)) + key, 0, _METADATA) >= 0
