"""A person without a mouse: goes from stop to stop, and every stop on the way has to be seen."""

from __future__ import annotations

import asyncio

from playwright.async_api import Locator, Page, expect

STOPS = 60
"""More than any page has between two things that belong together."""

# The focused element must be in the window, in front, and marked.
_LOOK = """() => {
    const stop = document.activeElement;
    if (!stop || stop === document.body) return "nothing has the focus";
    const said = stop.getAttribute("aria-label") ?? stop.textContent.slice(0, 30);
    const name = `${stop.tagName} ${stop.className} ${said}`;
    const hidden = getComputedStyle(stop).opacity === "0" || stop.getBoundingClientRect().width < 2;
    const shown = hidden ? stop.nextElementSibling ?? stop.parentElement : stop;
    const box = shown.getBoundingClientRect();
    if (box.width < 2 || box.height < 2) return `${name}: has no place`;
    if (box.bottom <= 0 || box.right <= 0 || box.top >= innerHeight || box.left >= innerWidth)
        return `${name}: out of sight`;
    const at = (x, y) => document.elementFromPoint(
        Math.min(Math.max(x, 1), innerWidth - 2), Math.min(Math.max(y, 1), innerHeight - 2));
    const front = [0.5, 0.1, 0.9].some((part) => {
        const top = at(box.left + box.width * part, box.top + box.height * part);
        return top && (shown.contains(top) || top.contains(shown) || top.closest("label")?.contains(shown));
    });
    if (!front) return `${name}: covered`;
    const ring = (each) => {
        const style = each && getComputedStyle(each);
        return style && style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 1;
    };
    const typed = stop.isContentEditable
        || stop.matches("textarea, input:not([type]), input[type=text], input[type=search], input[type=number]");
    const marked = typed || ring(stop) || ring(stop.nextElementSibling) || ring(stop.parentElement);
    return marked ? "" : `${name}: not marked`;
}"""
_LOOKS = 40
_HAS_FOCUS = "(element) => element === document.activeElement"


class Keyboard:
    """`seen` lists the faults of the stops on the way."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.wrong: list[str] = []
        self.press = page.keyboard.press
        self.type = page.keyboard.type

    async def look(self) -> None:
        """A fault of a moment (a page that scrolls, a card that comes) does not count."""
        problem = ""
        for _ in range(_LOOKS):
            problem = await self.page.evaluate(_LOOK)
            if not problem or problem in self.wrong:
                return
            await asyncio.sleep(0.05)
        self.wrong.append(problem)

    async def to(self, stop: Locator, key: str = "Tab") -> None:
        """Presses `key` until `stop` has the focus."""
        await expect(stop).to_be_visible()
        for _ in range(STOPS):
            if await stop.evaluate(_HAS_FOCUS):
                return
            await self.press(key)
            await self.look()
        raise AssertionError(f"{key} does not lead to {stop}")

    async def do(self, stop: Locator, key: str = "Tab") -> None:
        """Goes there, and presses Enter."""
        await self.to(stop, key)
        await self.press("Enter")
