"""`antiphon bench text`: the embedded model beside other runtimes on this machine's cores.

Each subject runs in a child process of its own, one after the other, with the same prompts, threads and sampling:
that is the only honest way to read its peak memory, and a crash of one is a line in the report. A subject that does
not finish in time keeps its figures so far. Rates include
sampling; ours also includes log-probabilities and alternatives, which the others are not asked for.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from importlib.util import find_spec
from typing import Any, Final

from antiphon_engines.model_files import prepare
from antiphon_server.bench.children import measured
from antiphon_server.bench.report import Report, Target
from antiphon_server.config import load

BATCHES: Final = (1, 4, 8)
PROMPTS: Final = (200, 1000)
_SUBJECTS: Final[dict[str, tuple[str, ...]]] = {
    "antiphon int8": ("onnxruntime",),
    "transformers fp32": ("torch", "transformers"),
    "llama.cpp Q4_1": ("xllamacpp",),
}
"""Name of each subject, and the modules without which it is left out."""


def run(long: bool, model: str | None = None) -> Report:
    """Measure; `model` is the spec of a GGUF model that is measured instead.

    Raises EngineUnavailable when the embedded model is not prepared and cannot be."""
    if model is not None:
        from antiphon_server.bench import text_models

        return text_models.run(model, long)
    cache = load().cache_dir.expanduser()
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    prepare.prepare_embedded(cache, "int8", _silent)
    if find_spec("transformers") and find_spec("torch"):
        prepare.prepare_transformers(cache, _silent)
    prepare.prepare_source(cache, _silent)
    repeats, tokens, seconds = (5, 64, 1800) if long else (2, 24, 160)
    subjects = [name for name, modules in _SUBJECTS.items() if all(find_spec(module) for module in modules)]
    deadline = time.monotonic() + seconds
    results = {}
    for index, name in enumerate(subjects):
        patience = (deadline - time.monotonic()) / (len(subjects) - index)
        arguments = [name, str(cache), str(threads), str(repeats), str(tokens)]
        results[name] = measured("antiphon_server.bench.text_subjects", arguments, patience)
    return Report(
        bench="text",
        load=(
            f"SmolLM2-135M-Instruct on {threads} threads; decoding {tokens} tokens per stream behind a prompt of "
            f"{PROMPTS[0]}, median of {repeats}; batch is streams at once"
        ),
        results={**results, "ratios": _ratios(results)},
        targets=_targets(results),
    )


def _ratios(results: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Ours by theirs, per batch size: above 1 is faster."""
    ours = results.get("antiphon int8", {})
    return {
        f"tokens per second, against {name}": {
            f"batch {size}": _divide(_rate(ours, size), _rate(theirs, size)) for size in BATCHES
        }
        for name, theirs in results.items()
        if theirs is not ours
    }


def _targets(results: Mapping[str, Mapping[str, Any]]) -> tuple[Target, ...]:
    ours, reference, llama = (results.get(name, {}) for name in _SUBJECTS)
    first = ours.get("first_token_s", {}).get(f"prompt {PROMPTS[-1]}", {})
    return (
        Target(
            "tokens/s at batch 1, against transformers fp32",
            _divide(_rate(ours, 1), _rate(reference, 1)),
            ">=",
            3,
        ),
        Target("tokens/s at batch 8, against llama.cpp", _divide(_rate(ours, 8), _rate(llama, 8)), ">=", 1.5),
        Target(
            "time to first token, reused prefix of 1000 against cold",
            _divide(first.get("reused"), first.get("cold")),
            "<=",
            0.1,
        ),
    )


def _rate(figures: Mapping[str, Any], batch: int) -> float | None:
    rate: float | None = figures.get("tokens_per_s", {}).get(f"batch {batch}")
    return rate


def _divide(one: float | None, other: float | None) -> float | None:
    return round(one / other, 3) if one and other else None


def _silent(stage: str, fraction: float) -> None:
    """Preparation shows no progress here: standard output belongs to the report."""
