"""`antiphon bench room`: latencies of a writing room, measured in browsers.

A real server with the embedded text model, and real Chromium pages (`room_pages`): first visits with a cold cache; key
presses in one page until they stand in another; the model's words as they come in a page, beside the worker's own
account; and the memory of both pages after many edits. Browser, server and model share this machine's cores.
"""

from __future__ import annotations

import asyncio
import os
import random
import re
import tempfile
import time
from bisect import bisect_left
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from msgspec import Struct

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.model_files.prepare import prepare_embedded
from antiphon_server.bench.processes import METRICS_TOKEN, antiphon_server
from antiphon_server.bench.report import Report, Target
from antiphon_server.bench.room_pages import Visitor, chromium, visitor
from antiphon_server.config import load

if TYPE_CHECKING:
    from playwright.async_api import Browser

_OPENING: Final = "The lighthouse keeper had not spoken to anyone in forty days. On the forty-first, "
_LINE: Final = "and then the rain came over the harbour, and nobody was left on the quay at all"
_PAUSE: Final = (0.06, 0.14)
"""Seconds between two key presses: someone who types fast. Uneven, so that they do not fall in step with the ticks."""
_HEARTBEAT: Final = 3.0
"""Seconds after which the gateway has heard the worker's latest account, unless the machine is held up."""
_ACCOUNTS: Final = 20
"""So many heartbeats are waited for."""


class Load(Struct, frozen=True):
    """How much of each is measured. `length` is short, medium or long."""

    visits: int = 5
    presses: int = 300
    runs: int = 3
    length: str = "medium"
    edits: int = 10_000


LONG: Final = Load(visits=15, presses=1500, runs=8, length="long")


def run(long: bool) -> Report:
    """Measure. Raises EngineUnavailable when the model, playwright, Chromium or the built client is missing."""
    return asyncio.run(measure(LONG if long else Load(), load().cache_dir.expanduser()))


async def measure(load: Load, cache: Path) -> Report:
    """Raises EngineUnavailable."""
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="antiphon-bench-") as data:
        settings = Path(data) / "bench.toml"
        settings.write_text(
            f'log_level = "error"\ncache_dir = "{cache}"\nimage_model = "none"\nmusic_model = "none"\n'
        )
        async with chromium() as browser:
            prepare_embedded(cache, "int8", lambda stage, part: None)
            async with (
                antiphon_server(Path(data), ("--config", str(settings))) as (url, _),
                aiohttp.ClientSession(url) as http,
            ):
                results = {
                    "first visit": await _visits(browser, http, load.visits),
                    "key press to the other page ms": await _presses(browser, http, load.presses),
                    "tokens": await _runs(browser, http, load),
                    "memory": await _edits(browser, http, load.edits),
                }
    visit = results["first visit"]
    return Report(
        bench="room",
        load=(
            f"{load.visits} first visits with a cold cache; {load.presses} key presses at about 10 a second; "
            f"{load.runs} continuations ({load.length}); {load.edits} edits by key presses; one or two Chromium "
            f"{browser.version} pages, the server and its model on the same cores; load average {before:.1f} before"
        ),
        results=results,
        targets=(
            Target("first load as transferred, KiB", visit["transferred KiB"]["all"], "<=", 300),
            Target("interactive, s", visit["first key shown ms"]["p50"] / 1000, "<=", 1),
        ),
    )


async def new_room(http: aiohttp.ClientSession) -> tuple[str, str]:
    """Links of a new room: the owner's, an editor's."""
    async with http.post("/api/rooms", json={}) as answer:
        answer.raise_for_status()
        links = (await answer.json())["links"]
        return links["owner"], links["editor"]


async def _visits(browser: Browser, http: aiohttp.ClientSession, count: int) -> dict[str, Any]:
    """Each to an empty room of its own, from a profile of its own. The key is pressed over the browser's remote
    control, whose own time is in the figure."""
    opened, shown = [], []
    for _ in range(count):
        link, _ = await new_room(http)
        async with visitor(browser, "Ada", Visitor) as ada:
            await ada.enter(link)
            times = await ada.first_key()
            opened.append(times[0])
            shown.append(times[1])
            await ada.all_loaded()
            transferred = dict(ada.transferred)
    sizes = {kind: round(size / 1024, 1) for kind, size in sorted(transferred.items())}
    return {
        "editor takes keys ms": quantiles(opened, (0.5,)),
        "first key shown ms": quantiles(shown, (0.5,)),
        "transferred KiB": {**sizes, "all": round(sum(transferred.values()) / 1024, 1)},
    }


async def _presses(browser: Browser, http: aiohttp.ClientSession, count: int) -> dict[str, Any]:
    owner, editor = await new_room(http)
    async with visitor(browser, "Ada", Visitor) as ada, visitor(browser, "Maria", Visitor) as maria:
        await ada.enter(owner)
        await maria.enter(editor)
        await ada.type("Once ")
        await maria.shows(len("Once "))
        start = await maria.length()
        await maria.watch()
        await ada.note_presses()
        for _ in range(count):
            await ada.page.keyboard.press(random.choice("abcdefghijklmnopqrstuvwxyz"))
            await asyncio.sleep(random.uniform(*_PAUSE))
        await maria.shows(start + count)
        delays = arrivals(await ada.presses(), await maria.seen(), start)
    return {**quantiles(delays, (0.5, 0.95, 0.99)), "presses": len(delays)}


def arrivals(pressed: Sequence[float], seen: Sequence[tuple[float, int, int]], start: int) -> list[float]:
    """Milliseconds from each press to the first change after which the other page held its character; each press adds
    one to the `start` characters, and nothing else does."""
    lengths = [length for _, length, _ in seen]
    return [
        seen[bisect_left(lengths, start + nth)][0] - moment for nth, moment in enumerate(pressed, start=1)
    ]


async def _runs(browser: Browser, http: aiohttp.ClientSession, load: Load) -> dict[str, Any]:
    """Ada asks, Maria looks on."""
    owner, editor = await new_room(http)
    waits: list[float] = []
    gaps: list[float] = []
    seconds, tokens, counted = 0.0, 0, 0
    before = await _account(http)
    async with visitor(browser, "Ada", Visitor) as ada, visitor(browser, "Maria", Visitor) as maria:
        await ada.enter(owner)
        await maria.enter(editor)
        await maria.watch()
        await ada.note_presses()
        for nth in range(1, load.runs + 1):
            await ada.type(_OPENING)
            held = max((written for _, _, written in await maria.seen()), default=0)
            await ada.ask(load.length)
            asked = (await ada.presses())[-1]
            said = await maria.ended_runs(nth)
            times = growth(await maria.seen(), held)
            total = sum(map(_tokens, said))
            if len(times) < 2:  # the model had nothing to say
                tokens = total
                continue
            waits.append(times[0] - asked)
            gaps += [later - earlier for earlier, later in zip(times, times[1:], strict=False)]
            seconds += (times[-1] - times[0]) / 1000
            counted += total - tokens - 1  # the first one's making came before it was seen
            tokens = total
    after = await _account_of(http, before["tokens"] + tokens)
    made, busy = (after[name] - before[name] for name in ("tokens", "busy_seconds"))
    seen, written = _divide(counted, seconds), _divide(made, busy)
    return {
        "asked to first words in the other page ms": quantiles(waits, (0.5,)),
        "between changes in the page ms": quantiles(gaps, (0.5, 0.95, 0.99)),
        "per second as seen in the page": seen,
        "per second that the engine was busy, prompts included": written,
        "seen by made": _divide(seen, written),
        "counted in the page": tokens,
        "made by the engine": int(made),
    }


def growth(seen: Sequence[tuple[float, int, int]], held: int) -> list[float]:
    """When the page came to hold more of the model's words than ever before, `held` at first."""
    times = []
    for moment, _, written in seen:
        if written > held:
            times.append(moment)
            held = written
    return times


def _tokens(said: str) -> int:
    """Of the state on a run's card."""
    found = re.search(r"(\d+) tokens?$", said)
    return int(found[1]) if found else 0


async def _account_of(http: aiohttp.ClientSession, tokens: float) -> dict[str, float]:
    """The worker's, as soon as it knows of so many tokens."""
    for _ in range(_ACCOUNTS):
        await asyncio.sleep(_HEARTBEAT)
        account = await _account(http)
        if account["tokens"] >= tokens:
            break
    return account


async def _account(http: aiohttp.ClientSession) -> dict[str, float]:
    """The worker's, off the metrics page."""
    async with http.get("/metrics", headers={"Authorization": f"Bearer {METRICS_TOKEN}"}) as answer:
        answer.raise_for_status()
        page = await answer.text()
    found = re.findall(r"^antiphon_engine_(tokens|busy_seconds)_total (\S+)$", page, re.MULTILINE)
    return {name: float(value) for name, value in found}


async def _edits(browser: Browser, http: aiohttp.ClientSession, count: int) -> dict[str, Any]:
    """Every key press is an edit; a line end comes after each line. Heaps are read when both pages are at rest."""
    owner, editor = await new_room(http)
    async with visitor(browser, "Ada", Visitor) as ada, visitor(browser, "Maria", Visitor) as maria:
        await ada.enter(owner)
        await maria.enter(editor)
        pages = {"who types": ada, "who reads": maria}
        before = {who: await page.heap() for who, page in pages.items()}
        start = time.monotonic()
        typed = await _fill(ada, count)
        await ada.saved()
        await maria.shows(typed)
        seconds = time.monotonic() - start
        after = {who: await page.heap() for who, page in pages.items()}
        if await maria.length() != typed:
            raise EngineUnavailable("the pages do not agree; their memory means nothing")
    return {
        "edits": count,
        "edits per second": _divide(count, seconds),
        **{
            f"page of {who}": {
                "heap before MB": before[who]["heap MB"],
                "heap after MB": after[who]["heap MB"],
                "bytes by edit": round((after[who]["heap MB"] - before[who]["heap MB"]) * 1e6 / count),
                "nodes before": int(before[who]["nodes"]),
                "nodes after": int(after[who]["nodes"]),
            }
            for who in pages
        },
    }


async def _fill(page: Visitor, count: int) -> int:
    """So many key presses; the characters that they make, without line ends."""
    text = (_LINE + "\n") * (count // (len(_LINE) + 1) + 1)
    await page.type(text[:count])
    return len(text[:count].replace("\n", ""))


def _divide(one: float | None, other: float | None) -> float | None:
    return round(one / other, 3) if one is not None and other else None


def quantiles(values: Sequence[float], points: Sequence[float]) -> dict[str, float | None]:
    """By nearest rank, and the most."""
    ordered = sorted(values)
    found: dict[str, float | None] = {
        f"p{point * 100:g}": round(ordered[min(len(ordered) - 1, int(len(ordered) * point))], 1)
        if ordered
        else None
        for point in points
    }
    found["most"] = round(ordered[-1], 1) if ordered else None
    return found
