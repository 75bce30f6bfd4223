"""A page that types into a long text, for `bench/typing.py`.

A press is timed from the key (the event's own time stamp) to the end of the frame that shows it: the message that is
posted in the frame's callback arrives when style, layout and paint are done. Chromium's own account of the same
(Event Timing: until the frame is on the screen, in steps of 8 ms, nothing below 16 ms) stands beside it.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from antiphon_server.bench.room_pages import Visitor

if TYPE_CHECKING:
    pass

_CARET: Final = """(editor, [part, words]) => {
    const lines = editor.querySelectorAll("p, h1, h2, li, blockquote");
    const line = lines[Math.min(lines.length - 1, Math.floor(lines.length * part))];
    line.scrollIntoView({ block: "center" });
    const walker = document.createTreeWalker(line, NodeFilter.SHOW_TEXT);
    let node = walker.nextNode() ?? line, next;
    while ((next = walker.nextNode())) node = next;
    const end = node.nodeType === Node.TEXT_NODE ? node.length : 0;
    editor.focus({ preventScroll: true });
    getSelection().setBaseAndExtent(node, Math.max(0, end - words), node, end);
    bench.line = line;
}"""
"""Put the caret, or the last units of it selected, at the end of the line that stands so far down the text."""

_TIME: Final = """() => {
    bench.frames = [];
    bench.events = [];
    bench.seen = [];
    const after = (then) => requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => { port1.close(); then(performance.now()); };
        port2.postMessage(null);
    });
    let pressed = 0;
    const editor = document.querySelector(".ql-editor");
    editor.addEventListener("keydown", (event) => {
        pressed = event.timeStamp;
        bench.pressed.push(performance.timeOrigin + pressed);
        const from = pressed;
        // Behind the input that the key makes, if it makes one.
        setTimeout(() => after((now) => bench.frames.push(now - from)));
    }, true);
    new PerformanceObserver((list) => {
        for (const { interactionId, name, duration } of list.getEntries())
            if (interactionId && name !== "keyup") bench.events.push([interactionId, duration]);
    }).observe({ type: "event", durationThreshold: 16 });
    // In a page that looks on: when the line that is written in had so many units on the screen.
    const units = () => bench.line.textContent.replaceAll("\\ufeff", "").length;
    if (bench.line) new MutationObserver(() => {
        const length = units(), from = bench.received;
        after((now) => bench.seen.push([performance.timeOrigin + now, length, now - from]));
    }).observe(bench.line, { subtree: true, childList: true, characterData: true });
    return bench.line ? units() : 0;
}"""
"""Begin to time; the units of the chosen line."""

_UNDERLINES: Final = """() => {
    bench.marks = [];
    const after = (then) => requestAnimationFrame(() => {
        const { port1, port2 } = new MessageChannel();
        port1.onmessage = () => { port1.close(); then(performance.now()); };
        port2.postMessage(null);
    });
    let last = 0;
    document.querySelector(".ql-editor").addEventListener("keydown", (event) => (last = event.timeStamp), true);
    const { set } = HighlightRegistry.prototype;
    HighlightRegistry.prototype.set = function (name, marks) {
        set.call(this, name, marks);
        if (name !== "misspelt") return this;
        const words = [...marks].map(String), from = last;
        after((now) => bench.marks.push([words, now - from]));
        return this;
    };
}"""
"""Note which words are underlined, and how long after the last key the frame with them was painted."""

_RECEIVE: Final = """(() => {
    window.WebSocket = class extends WebSocket {
        constructor(...given) {
            super(...given);
            this.addEventListener("message", () => (bench.received = performance.now()));
        }
    };
})()"""
"""Runs before the page's own scripts: when the last message came is known."""

_PASTE: Final = """([html, text]) => {
    const data = new DataTransfer();
    if (html) data.setData("text/html", html);
    data.setData("text/plain", text);
    const editor = document.querySelector(".ql-editor");
    editor.focus();
    bench.blocks = [];
    bench.observer = new PerformanceObserver((list) => {
        for (const { duration } of list.getEntries()) bench.blocks.push(duration);
    });
    bench.observer.observe({ type: "longtask" });
    const paste = new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true });
    editor.dispatchEvent(paste);
}"""
_SAVED: Final = "() => document.querySelector('.status')?.classList.contains('status-good')"
_WHOLE: Final = "() => !document.querySelector('.showing')"
"""A long text comes into the page part by part."""
_UNITS: Final = """() => {
    let units = 0;
    for (const line of document.querySelectorAll(".ql-editor :is(p, h1, h2, li, blockquote)"))
        units += line.textContent.length + 1;
    return units;
}"""
_METRICS: Final = {
    "page": "TaskDuration",
    "scripts": "ScriptDuration",
    "style": "RecalcStyleDuration",
    "layout": "LayoutDuration",
}


class Pasted(Struct, frozen=True):
    """Seconds until all stood in the page, and until it was saved; the longest time that the page stood still, ms."""

    shown: float
    saved: float
    longest_block_ms: float


class Typist(Visitor):
    """A visitor whose key presses are timed."""

    async def enter(self, link: str) -> None:
        await self.page.add_init_script(_RECEIVE)
        await super().enter(link)

    async def paste(self, html: str, text: str, units: int) -> Pasted:
        """Paste, and wait until the page has `units` and all is saved."""
        start = time.monotonic()
        await self.page.evaluate(_PASTE, [html, text])
        await self.has(units)
        shown = time.monotonic() - start
        await self.saved()
        saved = time.monotonic() - start
        blocks: list[float] = await self.page.evaluate(
            "() => { bench.observer.disconnect(); return bench.blocks; }"
        )
        return Pasted(shown, saved, max(blocks, default=0.0))

    async def has(self, units: int) -> None:
        """Wait until the page shows so many units, line ends included."""
        await self.page.wait_for_function(f"(units) => ({_UNITS})() >= units", arg=units, polling=200)

    async def saved(self) -> None:
        """All of the text is in the page, and all that was written is saved."""
        await self.page.wait_for_function(_SAVED, polling=50)
        await self.page.wait_for_function(_WHOLE, polling=50)

    async def caret(self, part: float, selected: int = 0) -> None:
        """Into the line that stands so far down the text (0 to 1), at its end."""
        await self.page.locator(".ql-editor").evaluate(_CARET, [part, selected])

    async def comment(self, part: float, words: str) -> None:
        """On the last words of a line."""
        await self.caret(part, 12)
        await self.page.locator(".comment-button button").click()
        await self.page.locator(".comment-card textarea").fill(words)
        await self.page.keyboard.press("Enter")
        await self.page.locator(".comment-card").wait_for(state="detached")

    async def open(self, tab: str | None) -> None:
        """A tab of the panel; None: no panel."""
        if (await self.page.locator(".panel").count() > 0) != (tab is not None):
            await self.page.locator(".panel-toggle").click()
        if tab is not None:
            await self.page.locator(f"#tab-{tab}").click()

    async def time(self) -> int:
        """From now on. The units of the line that `caret` chose."""
        units: int = await self.page.evaluate(_TIME)
        return units

    async def painted(self, count: int) -> tuple[list[float], list[float]]:
        """Milliseconds from each of `count` presses to the end of its frame; and as the browser says (16: or less)."""
        await self.page.wait_for_function("(count) => bench.frames.length >= count", arg=count)
        # The observer of events is told a moment later.
        await self.page.wait_for_timeout(200)
        frames, events = await self.page.evaluate("() => [bench.frames, bench.events]")
        longest: dict[int, float] = {}
        for key, duration in events:
            longest[key] = max(duration, longest.get(key, 0.0))
        told = list(longest.values())
        return frames, told + [16.0] * (len(frames) - len(told))

    async def seen_lengths(self, units: int) -> list[tuple[float, int, float]]:
        """Of each frame of a page that looks on: Unix ms, units of the line, ms since the message that brought them;
        after the line has so many."""
        await self.page.wait_for_function(
            "(units) => (bench.seen.at(-1)?.[1] ?? 0) >= units", arg=units, timeout=60_000
        )
        seen = await self.page.evaluate("() => bench.seen")
        return [(moment, length, since) for moment, length, since in seen]

    async def note_underlines(self) -> None:
        """From now on."""
        await self.page.evaluate(_UNDERLINES)

    async def underlined(self, word: str) -> float:
        """Wait until the word is underlined; ms from the last key to the end of the first frame that showed it."""
        answer = await self.page.wait_for_function(
            "(word) => bench.marks.find(([words]) => words.includes(word))", arg=word
        )
        since: float = (await answer.json_value())[1]
        return since

    @asynccontextmanager
    async def busy(self, presses: int) -> AsyncIterator[dict[str, float]]:
        """Milliseconds of CPU for each press, of this page's main thread: filled when the block ends."""
        found: dict[str, float] = {}
        before = await self._metrics()
        yield found
        after = await self._metrics()
        for name, metric in _METRICS.items():
            found[name] = round((after[metric] - before[metric]) * 1000 / presses, 2)

    async def _metrics(self) -> dict[str, float]:
        answer: dict[str, Any] = await self.devtools.send("Performance.getMetrics")
        return {metric["name"]: metric["value"] for metric in answer["metrics"]}
