"""People in real browsers: a Chromium, and a page in a room with the actions and checks of tests."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, TypeVar
from urllib.parse import urlsplit

from playwright.async_api import (
    Browser,
    BrowserContext,
    Locator,
    Page,
    WebSocketRoute,
    async_playwright,
    expect,
)

from antiphon_server.http.client_files import STATIC
from support import ensure_chromium
from support.server import PATIENCE

FLAGS = (
    "--no-sandbox",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-sync",
    "--no-first-run",
)
expect.set_options(timeout=PATIENCE * 1000)


@asynccontextmanager
async def chromium() -> AsyncIterator[Browser]:
    """A headless Chromium. Fails, and says how to mend it, where there is none or the client has not been built."""
    path = ensure_chromium.find()
    assert path, "no Chromium here; run: python tests/support/ensure_chromium.py"
    assert (STATIC / "index.html").is_file(), "the web client has not been built; run: make web"
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=path, args=list(FLAGS))
        try:
            yield browser
        finally:
            await browser.close()


RANGE = """(editor, words) => {
    const walker = document.createTreeWalker(editor, NodeFilter.SHOW_TEXT);
    const nodes = [];
    let text = "";
    while (walker.nextNode()) {
        nodes.push([text.length, walker.currentNode]);
        text += walker.currentNode.data;
    }
    const start = text.indexOf(words);
    if (start < 0) throw new Error(`no ${words} in ${text}`);
    const range = document.createRange();
    const at = (place) => nodes.findLast(([from]) => from <= place);
    const [first, from] = at(start), [last, to] = at(start + words.length - 1);
    range.setStart(from, start - first);
    range.setEnd(to, start + words.length - last);
    return range;
}"""
SELECT = f"""(editor, words) => {{
    getSelection().removeAllRanges();
    getSelection().addRange(({RANGE})(editor, words));
}}"""
# A letter in the middle of an element's words: a point between its two neighbours, whatever the lines.
MIDDLE = """(element) => {
    const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
    const nodes = [];
    while (walker.nextNode()) nodes.push(walker.currentNode);
    const node = nodes.reduce((most, each) => (each.length > most.length ? each : most));
    const half = Math.floor(node.length / 2);
    const next = node.data.slice(half).search(/\\p{L}/u);
    const range = document.createRange();
    range.setStart(node, half + Math.max(0, next));
    range.setEnd(node, half + Math.max(0, next) + 1);
    range.startContainer.parentElement.scrollIntoView({ block: "nearest" });
    const box = range.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
}"""
HIGHLIGHTED = "(name) => [...(CSS.highlights.get(name) ?? [])].map((range) => range.toString())"
T = TypeVar("T")


async def alike(shown: Callable[[], Awaitable[Sequence[T]]], wanted: T | None = None) -> T:
    """The texts of pages, read again and again until all show the same, and that is `wanted` where it is given."""
    last: Sequence[T] = ()
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                last = await shown()
                if all(each == last[0] for each in last) and wanted in (None, last[0]):
                    return last[0]
                await asyncio.sleep(0.02)
    except TimeoutError:
        told = "\n".join(f"  {each!r}" for each in last)
        wish = "" if wanted is None else f"; wanted:\n  {wanted!r}"
        raise AssertionError(f"the pages came to show\n{told}{wish}") from None


class Person:
    """One person's page in a room."""

    def __init__(self, page: Page, name: str, company: Sequence[Person] = ()) -> None:
        self.page = page
        self.name = name
        self._company = company
        self.link = ""
        """The invite link by which they came."""
        self.problems: list[str] = []
        """Complaints of the page: errors, and violations of the content security policy."""
        self._forgiven: tuple[str, ...] = ()
        page.set_default_timeout(PATIENCE * 1000)
        page.on("pageerror", lambda error: self.problems.append(str(error)))
        page.on("console", lambda said: self._heard(said.type, said.text, said.location["url"]))
        self.story: Locator = page.locator(".ql-editor")
        self.status: Locator = page.locator(".status")
        self.runs: Locator = page.locator(".run")
        self.ai: Locator = page.locator(".ql-editor [data-ai]")
        self.suggested: Locator = page.locator(".ql-editor [data-suggest]")

    @property
    def path(self) -> str:
        """The room's address, whatever the network in between."""
        return urlsplit(self.page.url).path

    async def enter(self, link: str) -> None:
        self.link = link
        await self.page.goto(link)
        await self.page.locator("#name").fill(self.name)
        await self.page.keyboard.press("Enter")
        await self.here()

    async def here(self) -> None:
        """In the room, with everything saved, or with nothing to save."""
        await expect(self.status).to_have_class(re.compile(r"\bstatus-good\b"))

    async def write(self, text: str, at: str | None = "Control+End", *, meanwhile: bool = False) -> None:
        """Types `text` key by key, after going to a place with a key. The words of the others in the room are all
        there before that: the end of half of it would be the middle of the whole. `meanwhile`: they write at the same
        time, or are out of reach."""
        if not meanwhile:
            for other in self._company:
                if other.path == self.path and other is not self and not other.page.is_closed():
                    await self.agrees_with(other)
        await self.story.focus()
        if at:
            await self.page.keyboard.press(at)
        await self.page.keyboard.type(text)

    async def continue_here(self, length: str = "A line") -> None:
        """Lets the model go on at the cursor."""
        await self.page.get_by_label("Length").select_option(label=length)
        await self.story.focus()
        await self.page.keyboard.press("Control+Enter")

    async def mode(self, name: str) -> None:
        await self.page.get_by_text(name, exact=True).click()

    async def tab(self, name: str) -> None:
        """Opens a tab of the side panel."""
        await self.page.get_by_role("tab", name=re.compile(f"^{name}")).click()

    async def select(self, words: str) -> None:
        """Selects the first place where these words stand in one line."""
        await self.story.focus()
        await self.story.evaluate(SELECT, words)
        # The editor learns of a selection a moment later; then its button is there.
        await expect(self.page.locator(".comment-button")).to_be_visible()

    async def box_of(self, words: str) -> dict[str, float]:
        """Where these words stand in the window."""
        box: dict[str, float] = await self.story.evaluate(
            f"(editor, words) => {{ const box = ({RANGE})(editor, words).getBoundingClientRect();"
            " return { x: box.x, y: box.y, width: box.width, height: box.height }; }",
            words,
        )
        return box

    async def shows_highlighted(self, name: str, words: list[str]) -> None:
        """A highlight comes to mark these words over the text."""
        await self.page.wait_for_function(
            f"([name, words]) => JSON.stringify(({HIGHLIGHTED})(name)) === JSON.stringify(words)",
            arg=[name, words],
        )

    async def text(self) -> str:
        """The story, a line for each paragraph."""
        lines: list[str] = await self.story.evaluate(
            # Quill holds the place of a format that was chosen for the next letters with a zero-width character.
            # The lines of a long text stand in groups.
            r"(editor) => [...editor.querySelectorAll(':scope > :not(line-group), line-group > *')]"
            r".map((line) => line.textContent.replaceAll('\ufeff', ''))"
        )
        return "\n".join(lines)

    async def comment(self, words: str, text: str) -> None:
        """Comments on these words with the keyboard; waits until it has arrived, which opens it."""
        await self.select(words)
        await self.page.keyboard.press("Control+Alt+m")
        await self.page.keyboard.type(text)
        await self.page.keyboard.press("Enter")
        await expect(self.page.locator(".thread-open")).to_contain_text(text)

    async def click_into(self, passage: Locator) -> None:
        """Puts the caret into the middle of a passage."""
        await self.page.mouse.click(*(await passage.first.evaluate(MIDDLE)))

    async def rest_over(self, passage: Locator) -> None:
        """The pointer comes to the middle of a passage, and stays."""
        x, y = await passage.first.evaluate(MIDDLE)
        await self.page.mouse.move(x, y - 1)
        await self.page.mouse.move(x, y)

    async def sees(self, text: str | re.Pattern[str]) -> None:
        await expect(self.story).to_contain_text(text)

    async def agrees_with(self, other: Person, text: str | None = None) -> str:
        """Everything that the two wrote is saved and shown in both pages; returns the text that they show. Words of the
        server does for somebody (an undo, a suggestion that is accepted) is in it only when the caller has seen that,
        or says which `text` to wait for."""

        async def shown() -> list[str]:
            await self.here()
            await other.here()
            return [await self.text(), await other.text()]

        return await alike(shown, text)

    def forgive(self, *told: str) -> None:
        """A report of the browser on this page, so far and later, is no problem when it contains
        one of these."""
        self._forgiven += told

    @property
    def unforgiven(self) -> list[str]:
        return [one for one in self.problems if not any(each in one for each in self._forgiven)]

    def _heard(self, kind: str, text: str, url: str) -> None:
        # A check of spelling was under way when the server went.
        if url.endswith("/spelling") and "net::" in text:
            return
        # A socket that cannot be opened while the server is away, or that is just ending, is the browser's to report.
        if kind == "error" and not text.startswith(("WebSocket connection", "WebSocket is already in")):
            self.problems.append(text)


class Company:
    """The people of one test; each has a browser profile of their own."""

    def __init__(self, browser: Browser, **context: Any) -> None:
        self.people: list[Person] = []
        self._browser = browser
        self._context = {"locale": "en-US", "viewport": {"width": 1280, "height": 800}} | context
        self._contexts: list[BrowserContext] = []

    async def person(self, name: str, link: str, line: Line | None = None, **context: Any) -> Person:
        """Comes into the room by `link`, over `line` where one is given."""
        person = self.at(await self.page(**context), name)
        if line is not None:
            await line.lay(person.page)
        await person.enter(link)
        return person

    def at(self, page: Page, name: str) -> Person:
        """A person at a page that is open; they come in by themselves."""
        person = Person(page, name, self.people)
        self.people.append(person)
        return person

    async def page(self, **context: Any) -> Page:
        own = await self._browser.new_context(**(self._context | context))
        self._contexts.append(own)
        return await own.new_page()

    async def close(self) -> None:
        """Ends everybody's session; whatever a page complained of is a failure."""
        problems = {person.name: person.unforgiven for person in self.people if person.unforgiven}
        for context in self._contexts:
            await context.close()
        assert problems == {}, problems


class Line:
    """A person's network: it can be cut, and mended."""

    def __init__(self) -> None:
        self._up = True
        self._live: list[WebSocketRoute] = []

    async def lay(self, page: Page) -> None:
        """Before the page opens its first socket."""
        await page.route_web_socket(re.compile("/ws$"), self._route)

    async def cut(self) -> None:
        self._up = False
        for route in self._live:
            await route.close(code=3001, reason="cut")
        self._live.clear()

    def mend(self) -> None:
        self._up = True

    async def _route(self, route: WebSocketRoute) -> None:
        if self._up:
            route.connect_to_server()
            self._live.append(route)
        else:
            await route.close(code=3001, reason="cut")
