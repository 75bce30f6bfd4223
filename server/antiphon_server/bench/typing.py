"""`antiphon bench typing`: from a key to the screen, by the length of the text, and in a second page.

A real server and two real Chromium pages (`typing_pages`). Ada pastes a novel, comments on it, and types in the middle
of it; Maria looks on at the same place. Browser and server share this machine's cores.
"""

from __future__ import annotations

import asyncio
import os
import random
import tempfile
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import aiohttp
from msgspec import Struct

from antiphon_engines.model_files.prepare import prepare_embedded
from antiphon_server.bench.processes import Usage, antiphon_server
from antiphon_server.bench.report import Report, Target
from antiphon_server.bench.room import new_room, quantiles
from antiphon_server.bench.room_pages import chromium, visitor
from antiphon_server.bench.typing_pages import Typist
from antiphon_server.config import load as load_settings

if TYPE_CHECKING:
    from playwright.async_api import Browser

_PAUSE: Final = (0.09, 0.17)
"""Seconds between two keys: about eight a second."""
_PARAGRAPH: Final = 305
_WORDS: Final = (
    "harbour light rain over stones nobody had asked whose boat it was that lay there since winter"
)
_LETTERS: Final = "abcdefghijklmnoprstuv"
_KEYS: Final = "etaoinshrdlu etaoin"


class Load(Struct, frozen=True):
    """`presses` for each size and panel."""

    sizes: tuple[int, ...] = (0, 100_000, 690_000, 1_000_000)
    presses: int = 60
    enters: int = 10
    comments: int = 4
    faults: int = 12
    """Misspelt words, each followed by a pause."""


LONG: Final = Load(presses=300, enters=30, comments=40, faults=60)
SHORT: Final = Load(sizes=(0, 20_000), presses=12, enters=3, comments=1, faults=4)
TABS: Final = (None, "document", "comments", "history")


def run(long: bool, short: bool = False) -> Report:
    """Measure. Raises EngineUnavailable when playwright, Chromium or the built client is missing."""
    return asyncio.run(
        measure(SHORT if short else LONG if long else Load(), load_settings().cache_dir.expanduser())
    )


async def measure(load: Load, cache: Path) -> Report:
    """Raises EngineUnavailable."""
    before = os.getloadavg()[0]
    with tempfile.TemporaryDirectory(prefix="antiphon-bench-") as data:
        settings = Path(data) / "bench.toml"
        settings.write_text(
            f'log_level = "error"\ncache_dir = "{cache}"\nimage_model = "none"\nmusic_model = "none"\n'
        )
        prepare_embedded(cache, "int8", lambda stage, part: None)
        async with (
            chromium() as browser,
            antiphon_server(Path(data), ("--config", str(settings))) as (url, usage),
            aiohttp.ClientSession(url) as http,
        ):
            results = {
                f"{size} characters": await _typed(browser, http, usage, size, load) for size in load.sizes
            }
    largest = results[f"{load.sizes[-1]} characters"]
    slowest = max(largest[_name(tab)]["key to paint ms"]["p95"] for tab in TABS)
    seen = max(largest[_name(tab)]["update to paint in the second page ms"]["p95"] for tab in TABS)
    return Report(
        bench="typing",
        load=(
            f"{load.presses} letters at about 8 a second and {load.enters} line ends in the middle of each text, "
            f"with {load.comments} comments; two Chromium {browser.version} pages and the server on the same cores; "
            f"load average {before:.1f} before"
        ),
        results=results,
        targets=(
            Target(f"key to paint at {load.sizes[-1]} characters, p95 ms", slowest, "<=", 33),
            Target("update to paint in the second page, p95 ms", seen, "<=", 33),
            Target("last key to underline, p95 ms", largest["last key to underline ms"]["p95"], "<=", 150),
        ),
    )


def _name(tab: str | None) -> str:
    return f"{tab} open" if tab else "no panel"


async def _typed(
    browser: Browser, http: aiohttp.ClientSession, usage: Usage, size: int, load: Load
) -> dict[str, Any]:
    owner, editor = await new_room(http)
    found: dict[str, Any] = {}
    async with visitor(browser, "Ada", Typist) as ada, visitor(browser, "Maria", Typist) as maria:
        await ada.enter(owner)
        text = novel(size)
        if text:
            html = "".join(
                f"<h2>{line}</h2>" if _is_heading(line) else f"<p>{line}</p>" for line in text.split("\n")
            )
            pasted = await ada.paste(html, text, len(text))
            found["paste"] = {
                "until shown s": round(pasted.shown, 2),
                "until saved s": round(pasted.saved, 2),
                "page stood still at most ms": round(pasted.longest_block_ms),
            }
            for nth in range(load.comments):
                await ada.comment((nth + 1) / (load.comments + 2), f"Is this said twice? {nth}")
        await maria.enter(editor)
        await maria.has(len(text))
        for tab in TABS:
            found[_name(tab)] = await _presses(ada, maria, tab, usage, load)
        found["last key to underline ms"] = await _underlines(ada, load.faults)
    return found


async def _underlines(ada: Typist, count: int) -> dict[str, float | None]:
    """Misspelt words, no two alike, typed one by one in the middle of the text, with a pause behind each."""
    await ada.page.reload()
    await ada.page.wait_for_function("() => window.bench?.opened")
    await ada.saved()
    await ada.caret(0.5)
    await ada.note_underlines()
    found: list[float] = []
    for nth in range(count + 1):
        word = f"zq{_LETTERS[nth // 20]}{_LETTERS[nth % 20]}rble"
        for key in f" {word},":
            await ada.page.keyboard.press("Space" if key == " " else key)
            await asyncio.sleep(random.uniform(*_PAUSE))
        # The first one also starts the helper process and loads the dictionary.
        found.append(await ada.underlined(word))
    return {"first": round(found[0]), **quantiles(found[1:], (0.5, 0.95))}


async def _presses(ada: Typist, maria: Typist, tab: str | None, usage: Usage, load: Load) -> dict[str, Any]:
    """Letters, which both pages time; then line ends."""
    for page in (ada, maria):
        await page.page.reload()
        await page.page.wait_for_function("() => window.bench?.opened")
        await page.saved()
        await page.open(tab)
    await maria.caret(0.5)
    start = await maria.time()
    await ada.caret(0.5)
    await ada.time()
    await asyncio.sleep(1.0)
    served = usage.cpu_seconds()
    async with ada.busy(load.presses) as writing, maria.busy(load.presses) as reading:
        for key in _keys(load.presses):
            await ada.page.keyboard.press(key)
            await asyncio.sleep(random.uniform(*_PAUSE))
        frames, told = await ada.painted(load.presses)
        seen = await maria.seen_lengths(start + load.presses)
    served = usage.cpu_seconds() - served
    other = delays(await ada.presses(), seen, start)
    for _ in range(load.enters):
        await ada.page.keyboard.press("Enter")
        await asyncio.sleep(random.uniform(*_PAUSE))
    ends, _ = await ada.painted(load.presses + load.enters)
    points = (0.5, 0.95)
    return {
        "key to paint ms": quantiles(frames, points),
        "as the browser says, in steps of 8 ms": quantiles(told, points),
        "Enter to paint ms": quantiles(ends[load.presses :], points),
        "update to paint in the second page ms": quantiles([since for _, _, since in seen], points),
        "key to paint in the second page ms": quantiles(other, points),
        "CPU ms a key": {
            "first": writing,
            "second": reading,
            "server": round(served * 1000 / load.presses, 2),
        },
    }


def _keys(count: int) -> Iterator[str]:
    for nth in range(count):
        key = _KEYS[nth % len(_KEYS)]
        yield "Space" if key == " " else key


def delays(pressed: Sequence[float], seen: Sequence[tuple[float, int, float]], start: int) -> list[float]:
    """Milliseconds from each press to the first frame of the other page that had its letter; `start` units stood in
    the line before, and each press adds one."""
    lengths = [length for _, length, _ in seen]
    return [
        seen[bisect_left(lengths, start + nth)][0] - moment
        for nth, moment in enumerate(pressed, start=1)
        if start + nth <= lengths[-1]
    ]


def novel(size: int) -> str:
    """About so many characters of English-looking words: chapters of sixty paragraphs, one of which is a heading."""
    chosen = random.Random(7)
    lines: list[str] = []
    length = 0
    while length < size:
        line = f"Chapter {len(lines) // 60 + 1}" if len(lines) % 60 == 0 else _paragraph(chosen)
        lines.append(line)
        length += len(line) + 1
    return "\n".join(lines)


def _is_heading(line: str) -> bool:
    return line.startswith("Chapter ")


def _paragraph(chosen: random.Random) -> str:
    words = _WORDS.split()
    said = chosen.choice(words).capitalize()
    length = chosen.uniform(0.4, 1.6) * _PARAGRAPH
    while len(said) < length:
        said += f" {chosen.choice(words)}"
    return f"{said}."
