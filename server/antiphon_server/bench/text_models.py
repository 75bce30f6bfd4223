"""`antiphon bench text --model SPEC`: a GGUF model step by step beside llama.cpp's own server, with equal threads, and
what drafts and kept prefixes save.

The subjects run in processes of their own and measure in turns, a short piece each: what else the machine does hits
both. Ratios are medians of those of single rounds. Each part has a share of the time, so that the whole ends: what
could not be measured is no met target."""

from __future__ import annotations

import os
import statistics
import time
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Final

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.catalogue import PackagedGgufCard
from antiphon_engines.text import spec
from antiphon_server.bench.children import AnsweringChild, ChildFailed
from antiphon_server.bench.report import Report, Target
from antiphon_server.config import load

BATCHES: Final = (1, 4)
BEHIND: Final = 48
"""Tokens of prompt behind which streams are decoded."""
PREFIX: Final = 1000
OURS: Final = "antiphon"
THEIRS: Final = "llama.cpp server"
DRAFTS: Final = "drafts"
REWRITING: Final = "rewriting"
CORRECTING: Final = "correcting"
_PASSAGES: Final = 2
_MODULE: Final = "antiphon_server.bench.text_model_subjects"
_UNITS: Final = ("tokens_per_s", "tokens_per_cpu_s")


def run(model: str, long: bool) -> Report:
    """Measure. Raises EngineUnavailable when the model is not prepared or not a GGUF file."""
    path = _file(load().cache_dir.expanduser(), model)
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    rounds, tokens, seconds = (7, 64, 1800) if long else (3, 24, 540)
    return measure(path, threads, rounds, tokens, seconds)


def measure(path: Path, threads: int, rounds: int, tokens: int, seconds: float) -> Report:
    """All parts, in at most about so many seconds."""
    begin = time.monotonic()
    parts = {
        "decoding": _decoding(path, threads, rounds, tokens, begin + 0.55 * seconds),
        DRAFTS: _drafts(path, threads, begin + 0.8 * seconds),
        "prefix": _prefix(path, threads, 1 if rounds < 5 else 3, begin + seconds),
    }
    ratios = _ratios(parts)
    return Report(
        bench="text",
        load=(
            f"{path.name} on {threads} threads; decoding {tokens} tokens per stream behind a prompt of {BEHIND}, in "
            f"turns with llama.cpp's server; rewriting and correcting greedily; load average at each measurement"
        ),
        results={**parts, "ratios": ratios},
        targets=_targets(ratios),
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


class _Turns:
    """Subjects that are asked in turns until a time; `error` says why they stopped early."""

    def __init__(self, names: Sequence[str], path: Path, threads: int, until: float) -> None:
        self._stack = ExitStack()
        self._until = until
        self._children: dict[str, AnsweringChild] = {}
        self.error = ""
        for name in names:
            try:
                child = AnsweringChild(_MODULE, [name, str(path), str(threads)], self._left())
            except ChildFailed as error:
                self.error = f"{name}: {error}"
                return
            self._stack.callback(child.close)
            self._children[name] = child

    def ask(self, name: str, order: Mapping[str, Any]) -> dict[str, Any]:
        """Its answer with the load average; empty once anything has failed."""
        if self.error:
            return {}
        try:
            answer = self._children[name].ask(order, self._left())
        except ChildFailed as error:
            self.error = f"{name}: {error}"
            return {}
        return answer | ({"load": round(os.getloadavg()[0], 2)} if hasattr(os, "getloadavg") else {})

    def close(self) -> dict[str, str]:
        self._stack.close()
        return {"error": self.error} if self.error else {}

    def _left(self) -> float:
        return self._until - time.monotonic()


def _decoding(path: Path, threads: int, rounds: int, tokens: int, until: float) -> dict[str, Any]:
    """By batch: the figures of each round, ours and theirs."""
    turns = _Turns((OURS, THEIRS), path, threads, until)
    found: dict[str, Any] = {f"batch {size}": [] for size in BATCHES}
    for number in range(rounds):
        for size in BATCHES:
            order = {"decode": size, "tokens": tokens, "seed": 1 + 100 * number}
            # The one that begins changes from round to round.
            names = (OURS, THEIRS) if number % 2 == 0 else (THEIRS, OURS)
            pair = {name: turns.ask(name, order) for name in names}
            if all(pair.values()):
                found[f"batch {size}"].append(pair)
    return found | turns.close()


def _prefix(path: Path, threads: int, rounds: int, until: float) -> dict[str, Any]:
    turns = _Turns((OURS,), path, threads, until)
    found = [turns.ask(OURS, {"prefix": PREFIX, "seed": 1 + 2 * number}) for number in range(rounds)]
    return {"first_token_s": [each for each in found if each]} | turns.close()


def _drafts(path: Path, threads: int, until: float) -> dict[str, Any]:
    """By kind: each passage without drafts and with."""
    turns = _Turns((DRAFTS,), path, threads, until)
    found: dict[str, Any] = {REWRITING: [], CORRECTING: []}
    for passage in range(_PASSAGES):
        for kind, pairs in found.items():
            orders = {
                name: {"write": kind, "passage": passage, "drafts": drafts}
                for name, drafts in (("without", False), ("with", True))
            }
            pair = {name: turns.ask(DRAFTS, order) for name, order in orders.items()}
            if all(pair.values()):
                pairs.append({**pair, "equal": pair["without"]["text"] == pair["with"]["text"]})
    return found | turns.close()


def _ratios(parts: Mapping[str, Any]) -> dict[str, Any]:
    """Above 1 is faster; by the clock, and by CPU time, which a busy machine falsifies less."""
    decoding, drafts = parts["decoding"], parts[DRAFTS]
    first = [each["reused"] / each["cold"] for each in parts["prefix"]["first_token_s"]]
    return (
        {
            f"{unit}, against {THEIRS}": {
                f"batch {size}": _median(
                    pair[OURS][unit] / pair[THEIRS][unit] for pair in decoding[f"batch {size}"]
                )
                for size in BATCHES
            }
            for unit in _UNITS
        }
        | {
            f"{unit}, with drafts against without": {
                kind: _saved(drafts[kind], column) for kind in (REWRITING, CORRECTING)
            }
            for unit, column in zip(_UNITS, ("seconds", "cpu"), strict=True)
        }
        | {f"first token, reused prefix of {PREFIX} against cold": _median(first)}
    )


def _saved(pairs: Sequence[Mapping[str, Any]], column: str) -> float | None:
    """Over all passages; the texts may differ by rounding, so it is time by token."""
    by = {
        name: sum(pair[name][column] for pair in pairs) / sum(pair[name]["tokens"] for pair in pairs)
        for name in ("without", "with")
        if pairs
    }
    return round(by["without"] / by["with"], 3) if by else None


def _targets(ratios: Mapping[str, Any]) -> tuple[Target, ...]:
    rates = ratios[f"tokens_per_s, against {THEIRS}"]
    drafts = ratios["tokens_per_s, with drafts against without"]
    return (
        Target("tokens/s at batch 1, against llama.cpp's server", rates["batch 1"], ">=", 1.0),
        Target("tokens/s at batch 4, against llama.cpp's server", rates["batch 4"], ">=", 1.4),
        Target("rewriting with drafts, against without", drafts[REWRITING], ">=", 1.5),
        Target("correcting with drafts, against without", drafts[CORRECTING], ">=", 1.5),
        Target(
            "time to first token, reused prefix of 1000 against cold",
            ratios[f"first token, reused prefix of {PREFIX} against cold"],
            "<=",
            0.1,
        ),
    )


def _median(values: Iterable[float]) -> float | None:
    known = list(values)
    return round(statistics.median(known), 3) if known else None
