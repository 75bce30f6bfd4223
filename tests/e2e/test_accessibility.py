"""Accessibility of every screen by axe-core, in both languages and both widths, each light and dark; and the rules
that axe cannot see: colours of authors under the text, movement, a page that is zoomed in."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from playwright.async_api import Page, expect

from antiphon_server.core.members import AI, COLORS, PROOFREADER
from support import axe
from support.pages import Company
from support.server import ServedProcess

pytestmark = pytest.mark.e2e

WORDS: Mapping[str, Mapping[str, str]] = {
    "en-US": {"name": "Your name", "enter": "Enter the room", "share": "Share"},
    "ru-RU": {"name": "Ваше имя", "enter": "Войти", "share": "Пригласить"},
}
SCREENS = [("en-US", 1280), ("ru-RU", 820)]
SCHEMES = ("light", "dark")
STORY = "The sea was calm. The lighthouse keeper lit the lamp and"

# Of every colour that a person or a model can have: how far the words stand out, 4.5 being the least for text.
CONTRAST = """async (colours) => {
    await new Promise((resolve) => requestAnimationFrame(() => requestAnimationFrame(resolve)));
    const pen = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const layers = (...all) => {
        for (const colour of all) { pen.fillStyle = colour; pen.fillRect(0, 0, 1, 1); }
        return [...pen.getImageData(0, 0, 1, 1).data].slice(0, 3);
    };
    const light = (colour) => {
        const [r, g, b] = colour.map((part) => {
            const share = part / 255;
            return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
        });
        return 0.2126 * r + 0.7152 * g + 0.0722 * b;
    };
    const contrast = (back, ink) => {
        const [low, high] = [light(layers(...back)), light(layers(...back, ink))].sort((a, b) => a - b);
        return (high + 0.05) / (low + 0.05);
    };
    const root = document.documentElement;
    const editor = document.querySelector(".ql-editor");
    const paper = getComputedStyle(document.querySelector(".page")).backgroundColor;
    const kept = root.style.getPropertyValue("--ai");
    const poor = [];
    for (const colour of colours) {
        // Made anew each time: nothing is on its way from the last colour.
        const samples = document.createElement("div");
        samples.innerHTML = '<span class="face">A</span><span class="cursor-flag">A</span>'
            + '<span data-ai="x">A</span><span data-suggest="x">A</span>';
        editor.parentElement.append(samples);
        root.style.setProperty("--author-0", colour);
        root.style.setProperty("--ai", colour);
        samples.style.setProperty("--who", colour);
        const over = getComputedStyle(editor, "::highlight(author-0)").backgroundColor;
        const look = (name, back, ink) => {
            const found = contrast([paper, ...back], ink);
            if (!(found >= 4.5)) poor.push(`${name} in ${colour}: ${found.toFixed(2)}`);
        };
        look("a person's words", [over], getComputedStyle(editor).color);
        for (const sample of samples.children) {
            const { color, backgroundColor } = getComputedStyle(sample);
            const name = sample.className || Object.keys(sample.dataset)[0];
            look(name, [backgroundColor], color);
            if (!sample.className) look(`${name} as an author's`, [backgroundColor, over], color);
        }
        samples.remove();
    }
    root.style.setProperty("--ai", kept);
    return poor;
}"""
MOVING = """() => document.getAnimations()
    .filter((each) => each.playState === "running" && each.effect.getComputedTiming().activeDuration > 1)
    .map((each) => each.effect.target.className)"""


class Looker:
    """Looks at one page again and again, light and dark; `found` lists each fault with its place."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.found: dict[str, list[str]] = {}

    async def __call__(self, screen: str) -> None:
        for scheme in SCHEMES:
            await self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            problems = await axe.violations(self.page)
            problems += [f"moves: {name}" for name in await self.page.evaluate(MOVING)]
            if problems:
                self.found[f"{screen}, {scheme}"] = problems


@pytest.mark.parametrize(("language", "width"), SCREENS)
async def test_every_screen_is_accessible(
    company: Company, served: ServedProcess, language: str, width: int
) -> None:
    words = WORDS[language]
    page = await company.page(
        locale=language, viewport={"width": width, "height": 900}, reduced_motion="reduce"
    )
    await axe.prepare(page)
    look = Looker(page)

    room = await served.new_room()
    await page.goto(served.url)
    await expect(page.locator(".brand").first).to_be_visible()
    await look("lobby")
    await page.goto(f"{served.url}/r/{room['room']}")
    await look("no way in")
    await page.goto(room["links"]["owner"])
    await page.get_by_label(words["name"]).fill("Ada")
    await look("name")
    await page.get_by_role("button", name=re.compile(words["enter"])).click()
    ada = company.at(page, "Ada")
    await ada.here()
    await ada.write(STORY)
    if await page.locator(".panel").count() == 0:
        await page.locator(".panel-toggle").click()

    async def tab(name: str) -> None:
        await page.locator(f"#tab-{name}").click()

    for name in ("runs", "chat", "comments", "history", "document"):
        await tab(name)
        await look(name)
    await ada.select("calm")
    await page.keyboard.press("Control+Alt+m")
    await page.locator(".comment-card textarea").fill("Why?")
    await look("comment")
    await page.keyboard.press("Enter")
    await expect(page.locator(".thread-open")).to_be_visible()
    await look("thread")
    await page.keyboard.press("F1")
    await look("help")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+f")
    await page.locator(".find input").first.fill("the")
    await look("find")
    await page.keyboard.press("Escape")
    await page.locator(".file-menu-root > button").click()
    await look("menu")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name=words["share"]).click()
    await look("share")
    await page.keyboard.press("Escape")

    # The model's text, and the actions on it.
    await tab("runs")
    if width < 1024:
        await page.locator(".panel-close").click()
    await page.locator(".ask-length select").select_option("short")
    await page.locator("input[name=mode][value=suggest]").check(force=True)
    await ada.story.focus()
    await page.keyboard.press("Control+End")
    await page.keyboard.press("Control+Enter")
    await expect(ada.suggested.first).to_be_visible()
    await expect(page.locator(".ask-busy")).to_have_count(0)
    await page.keyboard.press("Control+End")
    await page.keyboard.press("ArrowLeft")
    await expect(page.locator(".suggestion-card")).to_be_visible()
    await look("suggestion")
    await page.locator(".suggestion-card .accept").click()
    await expect(ada.ai.first).to_be_visible()
    await page.keyboard.press("Control+End")
    await page.keyboard.press("ArrowLeft")
    await page.keyboard.press("Control+.")
    await expect(page.locator(".token-card")).to_be_visible()
    await look("token")
    await page.keyboard.press("Escape")
    await page.locator(".ask-tasks .button").nth(-2).click()
    await expect(page.locator(".draft")).to_have_count(3)
    await expect(page.locator(".draft-growing")).to_have_count(0)
    await look("drafts")
    await page.locator(".draft-head .icon-button").click()

    if await page.locator(".panel").count() == 0:
        await page.locator(".panel-toggle").click()
    await look("runs with work")
    await tab("history")
    await page.locator(".entry").filter(has_text="Ada").last.click()
    await expect(page.locator(".past-text")).to_contain_text("sea")
    await look("past")
    await page.locator(".past-head input").check()
    await expect(page.locator(".compared")).to_be_visible()
    await look("compared")
    if width < 1024:
        await page.locator(".panel-close").click()
    await page.locator(".past-head .button").nth(1).click()
    await look("restore")
    await page.keyboard.press("Escape")
    await page.locator(".past-head .primary").click()
    await expect(ada.story).to_be_visible()
    for scheme in SCHEMES:
        await page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        poor = await page.evaluate(CONTRAST, [*COLORS, AI.color, PROOFREADER.color])
        assert poor == [], scheme

    await page.locator("input[name=view]").nth(2).check(force=True)
    await expect(page.locator(".canvas")).to_be_visible()
    await look("canvas")
    board = page.locator(".board")
    await board.focus()
    for key in ("r", "Enter", "Escape", "f", "Enter", "k"):
        await board.press(key)
    await expect(page.locator(".layers")).to_be_visible()
    await page.locator(".frame-card summary").first.click()
    await look("frame, settings and layers")
    await page.locator(".jam-open").click()
    await expect(page.locator(".jam-keys")).to_be_visible()
    await look("jam")
    assert look.found == {}, "\n".join(
        f"{screen}: {one}" for screen, all in look.found.items() for one in all
    )


@pytest.mark.parametrize("language", ["en-US", "ru-RU"])
async def test_zoomed_in_twice_nothing_is_out_of_reach(
    company: Company, served: ServedProcess, language: str
) -> None:
    """A window of 1280 x 800 at 200 %."""
    words = WORDS[language]
    page = await company.page(locale=language, viewport={"width": 640, "height": 400}, device_scale_factor=2)
    await page.goto((await served.new_room())["links"]["owner"])
    await page.get_by_label(words["name"]).fill("Ada")
    await page.get_by_role("button", name=re.compile(words["enter"])).click()
    ada = company.at(page, "Ada")
    await ada.here()
    await ada.write("The sea was calm.\n" * 8)
    await expect(ada.story).to_be_in_viewport()
    controls = page.locator(".topbar button, .topbar label, .ask button, .ask textarea, .ask select")
    for control in await controls.all():
        await expect(control).to_be_in_viewport(ratio=0.9)
    # The line that is written is not under the bar.
    await page.wait_for_function(
        """() => {
            const node = getSelection().getRangeAt(0).startContainer;
            const caret = (node instanceof Element ? node : node.parentElement).getBoundingClientRect().top;
            return 0 < caret && caret < document.querySelector(".ask").getBoundingClientRect().top;
        }"""
    )
    await page.locator(".panel-toggle").click() if await page.locator(".panel").count() == 0 else None
    for name in ("runs", "chat", "comments", "history", "document"):
        await page.locator(f"#tab-{name}").click()
        wide = await page.evaluate("() => document.scrollingElement.scrollWidth > innerWidth")
        assert not wide, name
