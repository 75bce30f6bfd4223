"""`antiphon bench image`: the embedded image model, painting for several people at once in a real worker process,
beside the stock pipeline that paints the same pictures one after another.

Both are measured in turns, round by round, so that a machine that is shared disturbs them alike; the ratios are medians
of the rounds. Ours sends a preview of every step and a finished PNG over the worker's channel; the stock pipeline makes
the picture only.
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median
from typing import Any, Final

from antiphon_engines.api import ImageRequest
from antiphon_engines.config import WorkerConfig
from antiphon_engines.host.host import EngineHost
from antiphon_engines.host.worker_process import environment
from antiphon_engines.image import spec
from antiphon_engines.ipc.events import Done, Failed, Preview, Progressed, RunEvent
from antiphon_proto.errors import AntiphonError
from antiphon_proto.params import ImageParams
from antiphon_server.bench.report import Report, Target
from antiphon_server.config import load

USERS: Final = (1, 2, 4, 8)
PROMPTS: Final = ("a red house", "a yellow sun", "a green tree", "a blue car")
LONG: Final = 60
"""Steps of the picture that is under way when a second person comes."""
_FACTORY: Final = "antiphon_server.bench.image_subjects:engines"


class PaintingFailed(AntiphonError):
    """A run of the bench failed; the message is the engine's."""


@dataclass
class _Run:
    """One run as its owner sees it; times are seconds since it was submitted."""

    began: float = field(default_factory=time.perf_counter)
    previews: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    steps: list[float] = field(default_factory=list)
    end: float = 0.0
    failure: str = ""
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def __call__(self, event: RunEvent) -> None:
        now = time.perf_counter() - self.began
        match event:
            case Preview(jpeg=jpeg):
                self.previews.append(now)
                self.sizes.append(len(jpeg))
            case Progressed(step=step) if step:
                self.steps.append(now)
            case Done():
                self.end = now
            case Failed(message=message):
                self.failure = message
        self.news.set()

    async def until(self, condition: Callable[[_Run], bool]) -> None:
        """Raises PaintingFailed."""
        while not condition(self):
            if self.failure:
                raise PaintingFailed(self.failure)
            self.news.clear()
            await self.news.wait()


def run(long: bool) -> Report:
    """Measure. Raises EngineUnavailable where pictures cannot be painted."""
    spec.check("embedded")
    return asyncio.run(_measure(12 if long else 4))


async def _measure(rounds: int) -> Report:
    threads = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    config = WorkerConfig(str(load().cache_dir.expanduser()), image_model="embedded", threads=threads)
    host = EngineHost(config, factory=_FACTORY)
    await host.start()
    try:
        await host.wait_ready()
        easel = _Easel(host)
        facts = host.state.engines[0].image
        assert facts is not None
        stock = await _Stock.start(threads, facts.steps, facts.guidance)
        try:
            results = await _compare(easel, stock, rounds)
        finally:
            await stock.close()
        results["previews"] = await _preview_cost(easel, facts.steps, rounds)
        results["second person while a long picture is painted"] = await _newcomer(easel, rounds)
    finally:
        await host.close()
    return Report(
        bench="image",
        load=(
            f"the embedded model at {facts.width} x {facts.height}, {facts.steps} steps, guidance "
            f"{facts.guidance}, on {threads} threads; users ask at the same time; medians of {rounds} rounds"
        ),
        results=results,
        targets=_targets(results),
    )


class _Easel:
    """Submits runs to the worker and waits for them."""

    def __init__(self, host: EngineHost) -> None:
        self._host = host
        self._count = 0

    def begin(self, share: str, prompt: str, *, previews: int = 1, **params: Any) -> _Run:
        self._count += 1
        run = _Run()
        request = ImageRequest("text_to_image", prompt, ImageParams(**params), previews=previews)
        self._host.submit(f"bench{self._count}", 0, share=share, request=request, sink=run)
        return run

    async def paint(self, users: int, **options: Any) -> list[_Run]:
        """As many people, one picture each, all at once. Raises PaintingFailed."""
        runs = [
            self.begin(f"user{user}", PROMPTS[user % len(PROMPTS)], seed=user, **options)
            for user in range(users)
        ]
        for each in runs:
            await each.until(lambda run: run.end > 0)
        return runs


class _Stock:
    """The stock pipeline in a process of its own."""

    def __init__(self, process: asyncio.subprocess.Process, steps: int, guidance: float) -> None:
        self._process = process
        self._steps = steps
        self._guidance = guidance

    @classmethod
    async def start(cls, threads: int, steps: int, guidance: float) -> _Stock:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            "-m",
            "antiphon_server.bench.image_subjects",
            str(threads),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env=environment(),
        )
        stock = cls(process, steps, guidance)
        await stock._answer()
        return stock

    async def paint(self, users: int) -> float:
        """Seconds for as many pictures, one after another."""
        assert self._process.stdin is not None
        prompts = [PROMPTS[user % len(PROMPTS)] for user in range(users)]
        request = {"prompts": prompts, "steps": self._steps, "guidance": self._guidance}
        self._process.stdin.write(json.dumps(request).encode() + b"\n")
        return float((await self._answer())["seconds"])

    async def close(self) -> None:
        if self._process.returncode is None:
            self._process.kill()
        await self._process.wait()

    async def _answer(self) -> dict[str, Any]:
        """Raises PaintingFailed when it has died."""
        assert self._process.stdout is not None
        line = await self._process.stdout.readline()
        if not line:
            raise PaintingFailed("the stock pipeline ended without an answer")
        answer: dict[str, Any] = json.loads(line)
        return answer


async def _compare(easel: _Easel, stock: _Stock, rounds: int) -> dict[str, Any]:
    for users in USERS:  # the first of each size is slower, and the scheduler learns its cost
        await easel.paint(users)
    await stock.paint(1)
    ours: dict[int, list[list[_Run]]] = {users: [] for users in USERS}
    theirs: dict[int, list[float]] = {users: [] for users in USERS}
    for _ in range(rounds):
        for users in USERS:
            ours[users].append(await easel.paint(users))
            theirs[users].append(await stock.paint(users))
    return {
        **{f"{users} users": _account(ours[users], theirs[users]) for users in USERS},
        "bytes per preview, most": max(
            size for rounds_of in ours.values() for runs in rounds_of for run in runs for size in run.sizes
        ),
    }


def _account(rounds: Sequence[Sequence[_Run]], stock: Sequence[float]) -> dict[str, Any]:
    everyone = [run for runs in rounds for run in runs]
    totals = [max(run.end for run in runs) for runs in rounds]
    rates = [len(run.previews) / run.end for run in everyone]
    return {
        "first preview ms, median": _ms([run.previews[0] for run in everyone]),
        "first preview ms, slowest": round(max(run.previews[0] for run in everyone) * 1000, 1),
        "final ms, median": _ms([run.end for run in everyone]),
        "all finals ms, median": _ms(totals),
        "previews per second of one picture": round(median(rates), 1),
        "previews per second at each viewer": round(
            median(
                sum(len(run.previews) for run in runs) / total
                for runs, total in zip(rounds, totals, strict=True)
            ),
            1,
        ),
        "stock one after another ms, median": _ms(stock),
        "ours by stock": round(median(own / other for own, other in zip(totals, stock, strict=True)), 3),
    }


async def _preview_cost(easel: _Easel, steps: int, rounds: int) -> dict[str, Any]:
    """Cost of previews, and their size at 256 pixels."""
    with_previews, without = [], []
    for _ in range(2 * rounds):
        with_previews.append((await easel.paint(1))[0].end)
        without.append((await easel.paint(1, previews=0))[0].end)
    [large] = await easel.paint(1, width=256, height=256)
    return {
        "cost per step ms": round((median(with_previews) - median(without)) / steps * 1000, 2),
        "step ms without": round(median(without) / steps * 1000, 1),
        "bytes at 256 px, most": max(large.sizes),
    }


async def _newcomer(easel: _Easel, rounds: int) -> dict[str, Any]:
    waits, steps_between, in_steps = [], [], []
    for _ in range(rounds):
        running = easel.begin("first", PROMPTS[0], steps=LONG, seed=1)
        await running.until(lambda run: len(run.steps) >= 8)
        pace = (running.steps[-1] - running.steps[0]) / (len(running.steps) - 1)
        taken = len(running.steps)
        newcomer = easel.begin("second", PROMPTS[1], seed=2)
        await newcomer.until(lambda run: bool(run.previews))
        steps_between.append(len(running.steps) - taken)
        waits.append(newcomer.previews[0])
        in_steps.append(newcomer.previews[0] / pace)
        await newcomer.until(lambda run: run.end > 0)
        await running.until(lambda run: run.end > 0)
    return {
        "first preview ms, median": _ms(waits),
        "steps of the running picture meanwhile, median": median(steps_between),
        "steps of the running picture meanwhile, most": max(steps_between),
        "first preview in steps of the running picture alone, median": round(median(in_steps), 2),
    }


def _targets(results: dict[str, Any]) -> tuple[Target, ...]:
    newcomer = results["second person while a long picture is painted"]
    return (
        Target(
            "first preview on an idle worker, ms", results["1 users"]["first preview ms, median"], "<=", 150
        ),
        Target(
            "steps of a running picture until a second person's first preview, median",
            newcomer["steps of the running picture meanwhile, median"],
            "<=",
            2,
        ),
        Target(
            "time of 4 users' pictures, by the stock pipeline's",
            results["4 users"]["ours by stock"],
            "<=",
            0.8,
        ),
        Target("bytes per preview at 256 px", results["previews"]["bytes at 256 px, most"], "<=", 12 * 1024),
    )


def _ms(seconds: Sequence[float]) -> float:
    return round(median(seconds) * 1000, 1)
