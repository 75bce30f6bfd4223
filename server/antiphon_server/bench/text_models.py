"""`antiphon bench text --model SPEC`: a GGUF model step by step beside llama.cpp's own server, with equal threads, and
what drafts save. Each subject runs in a child process of its own, one after the other."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.catalogue import PackagedGgufCard
from antiphon_engines.text import spec
from antiphon_server.bench.children import measured
from antiphon_server.bench.report import Report, Target
from antiphon_server.config import load

BATCHES: Final = (1, 4)
BEHIND: Final = 48
"""Tokens of prompt behind which streams are decoded."""
OURS: Final = "antiphon"
THEIRS: Final = "llama.cpp server"
DRAFTS: Final = "drafts"


def run(model: str, long: bool) -> Report:
    """Measure. Raises EngineUnavailable when the model is not prepared or not a GGUF file."""
    path = _file(load().cache_dir.expanduser(), model)
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    repeats, tokens, seconds = (5, 64, 1800) if long else (1, 16, 600)
    deadline, results = time.monotonic() + seconds, {}
    for name in (OURS, THEIRS, DRAFTS):
        patience = deadline - time.monotonic()
        arguments = [name, str(path), str(threads), str(repeats), str(tokens)]
        results[name] = measured("antiphon_server.bench.text_model_subjects", arguments, patience)
    return Report(
        bench="text",
        load=(
            f"{path.name} on {threads} threads; decoding {tokens} tokens per stream behind a prompt of {BEHIND}, "
            f"median of {repeats}; rewriting and correcting greedily"
        ),
        results={**results, "ratios": _ratios(results)},
        targets=_targets(results),
    )


def _file(cache: Path, model: str) -> Path:
    match spec.check(cache, model):
        case spec.GgufFile(path=path):
            return path
        case PackagedGgufCard() as card:
            return spec.locate(cache, card)
        case _:
            raise EngineUnavailable(
                f"{model} is not a GGUF model; without --model the embedded one is measured"
            )


def _ratios(results: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Above 1 is faster; by the clock, and by CPU time, which a busy machine falsifies less."""
    ours, theirs, drafts = (results.get(name, {}) for name in (OURS, THEIRS, DRAFTS))
    return {
        f"{unit}, against {THEIRS}": {
            f"batch {size}": _divide(_of(ours, unit, f"batch {size}"), _of(theirs, unit, f"batch {size}"))
            for size in BATCHES
        }
        for unit in ("tokens_per_s", "tokens_per_cpu_s")
    } | {
        f"{unit}, with drafts against without": {
            kind: _divide(_of(figures, unit, "with drafts"), _of(figures, unit, "without"))
            for kind, figures in drafts.items()
            if isinstance(figures, dict)
        }
        for unit in ("tokens_per_s", "tokens_per_cpu_s")
    }


def _targets(results: Mapping[str, Mapping[str, Any]]) -> tuple[Target, ...]:
    ratios = _ratios(results)
    rates = ratios[f"tokens_per_s, against {THEIRS}"]
    drafts = ratios["tokens_per_s, with drafts against without"]
    first = results.get(OURS, {}).get("first_token_s", {}).get("prompt 1000", {})
    return (
        Target("tokens/s at batch 1, against llama.cpp's server", rates["batch 1"], ">=", 1.0),
        Target("tokens/s at batch 4, against llama.cpp's server", rates["batch 4"], ">=", 1.4),
        Target("rewriting with drafts, against without", drafts.get("rewriting"), ">=", 1.5),
        Target("correcting with drafts, against without", drafts.get("correcting"), ">=", 1.5),
        Target(
            "time to first token, reused prefix of 1000 against cold",
            _divide(first.get("reused"), first.get("cold")),
            "<=",
            0.1,
        ),
    )


def _of(figures: Mapping[str, Any], unit: str, key: str) -> float | None:
    value: float | None = figures.get(unit, {}).get(key)
    return value


def _divide(one: float | None, other: float | None) -> float | None:
    return round(one / other, 3) if one and other else None
