"""People in real browsers, for the bench: Chromium, and a page in a room that records the times of its changes.

Times are the pages' own, `performance.timeOrigin` + `performance.now()`: Unix milliseconds of this machine's clock.
A MutationObserver sees the changes of a page, so a time is that of the document; the frame that paints
it is up to 17 ms later.
"""

from __future__ import annotations

import os
import shutil
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final, TypeVar

from antiphon_engines.api import EngineUnavailable
from antiphon_server.http.client_files import STATIC

if TYPE_CHECKING:
    from playwright.async_api import Browser, CDPSession, Page

PATIENCE_MS: Final = 120_000.0
"""Longest wait for an expected event; then the bench fails."""
_NAMES: Final = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
_EDITOR: Final = ".ql-editor[contenteditable='true']"

_ARRIVE: Final = """(() => {
    localStorage.setItem("antiphon.name", JSON.stringify(NAME));
    const bench = (window.bench = { opened: null, shown: null, pressed: [], seen: [] });
    const look = () => {
        const editor = document.querySelector(".ql-editor[contenteditable='true']");
        if (!editor) return;
        bench.opened ??= performance.now();
        if (!editor.textContent.replaceAll("\\ufeff", "")) return;
        bench.shown = performance.now();
        arriving.disconnect();
    };
    const arriving = new MutationObserver(look);
    const all = { subtree: true, childList: true, characterData: true, attributeFilter: ["contenteditable"] };
    arriving.observe(document, all);
})()"""
"""Runs before the page's own scripts; the name is known, as that of anybody who was here before."""
_PRESSES: Final = """() => {
    addEventListener("keydown", (event) => bench.pressed.push(performance.timeOrigin + event.timeStamp), true);
}"""
_WATCH: Final = """() => {
    const editor = document.querySelector(".ql-editor");
    const length = (node) => node.textContent.replaceAll("\\ufeff", "").length;
    new MutationObserver(() => {
        const now = performance.timeOrigin + performance.now();
        let written = 0;
        for (const node of editor.querySelectorAll("[data-ai]")) written += length(node);
        bench.seen.push([now, length(editor), written]);
    }).observe(editor, { subtree: true, childList: true, characterData: true });
}"""
_LENGTH: Final = "document.querySelector('.ql-editor').textContent.replaceAll('\\ufeff', '').length"


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A headless Chromium. Raises EngineUnavailable with instructions where playwright, Chromium or the built web
    client is missing, and where a page does not come as far as it is asked to."""
    try:
        from playwright.async_api import Error, async_playwright
    except ImportError:
        raise EngineUnavailable(
            "playwright is needed to drive a browser: pip install 'antiphon[browser]'"
        ) from None
    path = next(filter(None, map(shutil.which, _NAMES)), None)
    if path is None:
        raise EngineUnavailable("a Chromium is needed: install chromium (Debian: apt-get install chromium)")
    if not (STATIC / "index.html").is_file():
        raise EngineUnavailable("the web client has not been built: make web")
    root = hasattr(os, "geteuid") and os.geteuid() == 0  # whose Chromium has no sandbox
    async with async_playwright() as playwright:
        try:
            browser = await playwright.chromium.launch(
                executable_path=path, args=["--no-sandbox"] if root else []
            )
        except Error as error:
            raise EngineUnavailable(f"{path} does not start: {str(error).splitlines()[0]}") from None
        try:
            yield browser
        except Error as error:
            raise EngineUnavailable(f"a page did not come so far: {error.message.splitlines()[0]}") from None
        finally:
            await browser.close()


class Visitor:
    """One person's page, in a browser profile of its own with nothing in its cache."""

    def __init__(self, page: Page, devtools: CDPSession) -> None:
        self.page, self.devtools = page, devtools
        self._kinds: dict[str, str] = {}
        self.transferred: Counter[str] = Counter()
        """Bytes that came over HTTP, headers included and as compressed, by kind: document, script, font ..."""
        devtools.on("Network.responseReceived", self._responded)
        devtools.on("Network.loadingFinished", self._loaded)

    async def enter(self, link: str) -> None:
        """Go to the room and wait until its text can be typed into."""
        await self.page.goto(link, wait_until="commit")
        await self.page.wait_for_function("() => window.bench?.opened")

    async def first_key(self) -> tuple[float, float]:
        """After `enter`, in an empty room: ms from the start of navigation until the editor took keys, and until it
        showed the first one."""
        await self.page.locator(_EDITOR).focus()
        await self.page.keyboard.press("k")
        await self.page.wait_for_function("() => window.bench.shown")
        opened, shown = await self.page.evaluate("() => [bench.opened, bench.shown]")
        return opened, shown

    async def all_loaded(self) -> None:
        """Fonts too."""
        await self.page.wait_for_load_state("load")
        await self.page.evaluate("() => document.fonts.ready.then(() => null)")

    async def note_presses(self) -> None:
        await self.page.evaluate(_PRESSES)

    async def presses(self) -> list[float]:
        """When keys were pressed, Unix ms."""
        times: list[float] = await self.page.evaluate("() => bench.pressed")
        return times

    async def watch(self) -> None:
        await self.page.evaluate(_WATCH)

    async def seen(self) -> list[tuple[float, int, int]]:
        """Of each change that was shown since `watch`: Unix ms, units of the text then, and the model's of them."""
        return [
            (time, length, written) for time, length, written in await self.page.evaluate("() => bench.seen")
        ]

    async def type(self, text: str) -> None:
        """Key by key at the end of the text, as fast as the page takes them."""
        await self.page.locator(_EDITOR).focus()
        await self.page.keyboard.press("Control+End")
        await self.page.keyboard.type(text)

    async def length(self) -> int:
        """UTF-16 units of the text as shown, without line ends."""
        units: int = await self.page.evaluate(f"() => {_LENGTH}")
        return units

    async def shows(self, units: int) -> None:
        await self.page.wait_for_function(f"(units) => {_LENGTH} >= units", arg=units)

    async def saved(self) -> None:
        await self.page.wait_for_function(
            "() => /Saved/.test(document.querySelector('.status')?.textContent ?? '')"
        )

    async def ask(self, length: str) -> None:
        """Let the model go on at the end; `length` is short, medium or long."""
        await self.page.locator(".ask-row button[type=submit]:not([disabled])").wait_for()
        await self.page.locator(".ask-length select").select_option(length)
        await self.page.locator(_EDITOR).focus()
        await self.page.keyboard.press("Control+End")
        await self.page.keyboard.press("Control+Enter")

    async def ended_runs(self, count: int) -> list[str]:
        """Wait for so many runs to end, and read the page's record of each. Raises EngineUnavailable where one
        failed."""
        await self.page.wait_for_function(
            "(count) => document.querySelectorAll('.run-done, .run-failed').length >= count", arg=count
        )
        cards = self.page.locator(".run")
        if failed := await self.page.locator(".run-failed").all_text_contents():
            raise EngineUnavailable(f"the model could not write: {failed[0]}")
        return await cards.locator(".run-state").all_text_contents()

    async def heap(self) -> dict[str, float]:
        """After a forced garbage collection: `heap MB` (10**6 bytes, JavaScript's), `nodes` of the document."""
        await self.devtools.send("HeapProfiler.collectGarbage")
        answer = await self.devtools.send("Performance.getMetrics")
        metrics = {metric["name"]: metric["value"] for metric in answer["metrics"]}
        return {"heap MB": round(metrics["JSHeapUsedSize"] / 1e6, 3), "nodes": metrics["Nodes"]}

    def _responded(self, event: dict[str, Any]) -> None:
        self._kinds[event["requestId"]] = event["type"].lower()

    def _loaded(self, event: dict[str, Any]) -> None:
        self.transferred[self._kinds.get(event["requestId"], "other")] += round(event["encodedDataLength"])


AnyVisitor = TypeVar("AnyVisitor", bound=Visitor)


@asynccontextmanager
async def visitor(browser: Browser, name: str, kind: type[AnyVisitor]) -> AsyncIterator[AnyVisitor]:
    """A fresh profile and a page that has not gone anywhere yet."""
    context = await browser.new_context(locale="en-US", viewport={"width": 1280, "height": 800})
    try:
        await context.add_init_script(_ARRIVE.replace("NAME", f'"{name}"'))
        page = await context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        devtools = await context.new_cdp_session(page)
        for domain in ("Network", "HeapProfiler"):
            await devtools.send(f"{domain}.enable")
        # The CPU's time, which other processes of a busy machine do not lengthen.
        await devtools.send("Performance.enable", {"timeDomain": "threadTicks"})
        yield kind(page, devtools)
    finally:
        await context.close()
