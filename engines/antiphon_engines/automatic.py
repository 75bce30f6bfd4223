"""`auto`: the small text model serves at once; the best one that is fast enough here takes over, with the small one
beside it.

The speed of a model on this machine is measured once by `antiphon_engines.probe` and kept beside its files, for this
processor and this number of threads. A measurement below the bound is not kept: a busy machine is slow today only."""

from __future__ import annotations

import json
import os
import platform
import shutil
from pathlib import Path
from typing import Final

from msgspec import Struct

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.catalogue import PackagedGgufCard, find
from antiphon_engines.config import DEFAULT_TEXT_MODEL
from antiphon_engines.model_files.machine import free_memory
from antiphon_engines.text import spec as text_spec

AUTO: Final = "auto"
LADDER: Final = ("qwen2.5-1.5b",)
"""Names of the catalogue that write better than the small one, the best first."""
LEAST_SPEED: Final = 8.0
"""Tokens per second of one text: reading speed."""
_LEAST_FREE: Final = 3_000_000_000
"""Bytes of disk and of memory without which no large model is fetched or loaded."""
_PROBED: Final = "speed.json"


class Obstacle(Struct, frozen=True):
    """Why a better model does not serve, in a line; `key` names it, with `values` in their places."""

    text: str
    key: str
    values: tuple[str, ...] = ()


def resolved(cache_dir: Path, spec: str, threads: int) -> str:
    """`spec` itself; for `auto` the model that serves at once: the small one, beside which a better one is loaded, or
    where the small one is not prepared a better one that has shown its speed."""
    if spec.strip() != AUTO:
        return spec
    if is_prepared(cache_dir, DEFAULT_TEXT_MODEL):
        return DEFAULT_TEXT_MODEL
    ready = (
        name
        for name in LADDER
        if is_prepared(cache_dir, name) and is_fast(cache_dir, name, threads) and memory_obstacle() is None
    )
    return next(ready, DEFAULT_TEXT_MODEL)


def is_prepared(cache_dir: Path, name: str) -> bool:
    """Whether the model of that name can be loaded without a download."""
    try:
        text_spec.check(cache_dir, name)
    except EngineUnavailable:
        return False
    return True


def is_fetched_by_name(cache_dir: Path, spec: str) -> bool:
    """Whether the spec is a model of the catalogue that must be downloaded before it can serve, without terms to accept
    first."""
    card = find(spec)
    return isinstance(card, PackagedGgufCard) and not card.terms_url and not is_prepared(cache_dir, spec)


def missing_obstacle(name: str) -> Obstacle | None:
    """The missing package that the model needs, or None."""
    problem = text_spec.missing_module(name)
    return Obstacle(problem, "failed", (problem,)) if problem else None


def is_fast(cache_dir: Path, name: str, threads: int) -> bool:
    """Whether it has shown its speed on this machine."""
    try:
        known = json.loads(_probe_file(cache_dir, name).read_text(encoding="utf-8"))
        return bool(known["machine"] == _machine(threads) and known["tokens_per_second"] >= LEAST_SPEED)
    except (OSError, ValueError, KeyError, TypeError):
        return False


def note_speed(cache_dir: Path, name: str, threads: int, tokens_per_second: float) -> Obstacle | None:
    """Keep a measured speed; returns why the model is too slow, or None."""
    if tokens_per_second < LEAST_SPEED:
        made = f"{tokens_per_second:.1f}"
        return Obstacle(
            f"it makes {made} tokens per second here, fewer than {LEAST_SPEED:.0f}",
            "slow",
            (made, f"{LEAST_SPEED:.0f}"),
        )
    state = {"machine": _machine(threads), "tokens_per_second": round(tokens_per_second, 2)}
    file = _probe_file(cache_dir, name)
    fresh = file.with_suffix(".new")
    fresh.write_text(json.dumps(state), encoding="utf-8")
    fresh.replace(file)
    return None


def disk_obstacle(cache_dir: Path) -> Obstacle | None:
    """Why nothing large is fetched."""
    folder = next(each for each in (cache_dir, *cache_dir.parents) if each.exists())
    free = shutil.disk_usage(folder).free
    return _lacks("disk", "disk space", free)


def memory_obstacle() -> Obstacle | None:
    """Why no second large model is loaded."""
    free = free_memory()
    return None if free is None else _lacks("memory", "memory", free)


def size_of(name: str) -> int:
    """Megabytes to fetch; 0 for a model that is not packaged."""
    card = find(name)
    return card.download_mb if isinstance(card, PackagedGgufCard) else 0


def _lacks(key: str, what: str, free: int) -> Obstacle | None:
    if free >= _LEAST_FREE:
        return None
    has, needed = f"{free / 1e9:.1f}", f"{_LEAST_FREE / 1e9:.0f}"
    return Obstacle(f"{has} GB of {what} are free, and it wants {needed}", key, (has, needed))


def _probe_file(cache_dir: Path, name: str) -> Path:
    return cache_dir / "text" / name / _PROBED


def _machine(threads: int) -> str:
    model = platform.processor()
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
        model = next(line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    except (OSError, StopIteration):
        pass
    return f"{platform.machine()} {model} {os.cpu_count()} {threads}"
