"""`antiphon bench mixed`: texts, pictures and a jam at once on one device, as people get them.

A real server with the embedded models, and in a process of its own a room full of people over the Python SDK
(`antiphon_client.load_test`): one jam, three writers, two painters. The same load is offered twice in one run, once
with the scheduler as it is and once first come, first served (`engine.policy = "fifo"`), each on a server of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import statistics
import sys
import tempfile
from asyncio.subprocess import DEVNULL, PIPE
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import aiohttp

from antiphon_engines.api import EngineUnavailable
from antiphon_server.bench.processes import METRICS_TOKEN, antiphon_server
from antiphon_server.bench.report import Report, Target
from antiphon_server.config import load

SECONDS: Final = 300.0
WRITERS, PAINTERS = 3, 2
_SLACK: Final = 900.0
"""Seconds beyond the load itself after which it is given up: models are prepared and loaded in them."""
_HEARTBEAT: Final = 3.0
"""Seconds after which the gateway has heard the worker's latest account."""


def run(long: bool, seconds: float | None = None) -> Report:
    """Measure for `seconds` with each policy (5 minutes by default). Raises EngineUnavailable."""
    del long  # the default is long already
    return asyncio.run(measure(seconds or SECONDS))


async def measure(seconds: float) -> Report:
    before = os.getloadavg()[0]
    results = {policy: await _under(policy, seconds) for policy in ("deadline", "fifo")}
    ours, fifo = results["deadline"], results["fifo"]
    return Report(
        bench="mixed",
        load=(
            f"one jam, {WRITERS} writers, {PAINTERS} painters for {seconds:g} s with each policy, embedded models, "
            f"over the SDK from a process on the same cores; load average {before:.1f} before it began"
        ),
        results={**results, "first come, first served, by ours": _ratios(fifo, ours)},
        targets=(
            Target("audio gaps after start-up", ours["audio"]["gaps"], "<=", 0),
            Target("gap between a writer's tokens, p95, ms", ours["token gap ms"]["p95"], "<=", 200),
            Target("first preview, p95, ms", ours["first preview ms"]["p95"], "<=", 1000),
            Target(
                "scheduling, CPU time by the loop's own in the engines",
                ours["worker"]["overhead by busy, CPU of the loop"],
                "<=",
                0.03,
            ),
        ),
    )


async def _under(policy: str, seconds: float) -> dict[str, Any]:
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="antiphon-bench-") as data:
        folder = Path(data)
        settings = folder / "bench.toml"
        settings.write_text(
            f'log_level = "error"\ncache_dir = "{load().cache_dir.expanduser()}"\n\n[engine]\npolicy = "{policy}"\n'
        )
        async with (
            antiphon_server(folder, ("--config", str(settings))) as (url, _),
            aiohttp.ClientSession(url) as http,
        ):
            async with http.post("/api/rooms", json={}) as answer:
                answer.raise_for_status()
                link = (await answer.json())["links"]["owner"]
            seen = await _rehearse(link, seconds)
            await asyncio.sleep(_HEARTBEAT)
            async with http.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}) as answer:
                worker = _worker(await answer.text())
    return {**_summary(seen, worker), "load average": {"before": before, "after": os.getloadavg()[0]}}


async def _rehearse(link: str, seconds: float) -> dict[str, Any]:
    people = ["--writers", str(WRITERS), "--painters", str(PAINTERS), "--jam"]
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",
        "-m",
        "antiphon_client.load_test",
        link,
        "--seconds",
        str(seconds),
        *people,
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
    )
    try:
        async with asyncio.timeout(seconds + _SLACK):
            out, complaint = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        lines = complaint.decode(errors="replace").strip().splitlines()
        raise EngineUnavailable(f"the load could not be offered: {(lines or ['it was killed'])[-1][:300]}")
    seen: dict[str, Any] = json.loads(out)
    return seen


def _summary(seen: Mapping[str, Any], worker: Mapping[str, float]) -> dict[str, Any]:
    heard = seen["heard"]
    return {
        "audio": {
            "frames": heard["frames"],
            "gaps": heard["gaps"] if heard["frames"] else None,
            "missing ms": round(heard["missing_ms"], 1),
            "late frames": heard["late"],
            "came before it sounded, ms": _quantiles(heard["margins_ms"], (0.0, 0.01, 0.5)),
        },
        "token gap ms": _quantiles(seen["token_gaps_ms"]),
        "first token ms": _quantiles(seen["first_tokens_ms"]),
        "tokens": seen["tokens"],
        "texts": seen["texts"],
        "first preview ms": _quantiles(seen["first_previews_ms"]),
        "preview gap ms": _quantiles(seen["preview_gaps_ms"]),
        "picture ms": _quantiles(seen["pictures_ms"]),
        "pictures": len(seen["pictures_ms"]),
        "refused": len(seen["refused"]),
        "reasons": sorted(set(seen["refused"]))[:5],
        "worker": {
            "busy s": round(worker["busy_seconds"], 2),
            "overhead s": round(worker["overhead_seconds"], 3),
            "overhead by busy": _divide(worker["overhead_seconds"], worker["busy_seconds"]),
            "overhead by busy, CPU of the loop": _divide(
                worker["overhead_cpu_seconds"], worker["busy_cpu_seconds"]
            ),
            "units": worker["steps"],
            "mean batch": round(worker["advanced_runs"] / worker["steps"], 2) if worker["steps"] else None,
        },
    }


def _ratios(theirs: Mapping[str, Any], ours: Mapping[str, Any]) -> dict[str, float | None]:
    """Above 1: it takes longer, or happens more often, than with ours."""
    ratios = {
        f"{name}, {part}": _divide(theirs[name][part], ours[name][part])
        for name in ("token gap ms", "first token ms", "first preview ms", "picture ms")
        for part in ("p50", "p95", "p99")
    }
    ratios["tokens"] = _divide(theirs["tokens"], ours["tokens"])
    ratios["pictures"] = _divide(theirs["pictures"], ours["pictures"])
    return ratios


def _divide(one: float | None, other: float | None) -> float | None:
    return round(one / other, 4) if one is not None and other else None


def _quantiles(
    values: Sequence[float], points: Sequence[float] = (0.5, 0.95, 0.99)
) -> dict[str, float | None]:
    """By nearest rank, and the most (of margins: the least counts, and is among the points)."""
    ordered = sorted(values)
    named = {"least" if point == 0 else f"p{point * 100:g}": point for point in points}
    found: dict[str, float | None] = {
        name: ordered[min(len(ordered) - 1, int(len(ordered) * point))] if ordered else None
        for name, point in named.items()
    }
    found["mean"] = round(statistics.fmean(ordered), 1) if ordered else None
    found["most"] = ordered[-1] if ordered else None
    return found


def _worker(page: str) -> dict[str, float]:
    """The worker's account, of the metrics page."""
    prefix, suffix = "antiphon_engine_", "_total"
    return {
        name.removeprefix(prefix).removesuffix(suffix): float(value)
        for name, _, value in (line.partition(" ") for line in page.splitlines())
        if name.startswith(prefix) and name.endswith(suffix)
    }
