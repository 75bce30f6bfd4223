"""Accessibility of every screen by axe-core, in both languages, light and dark, on a desktop and on a tablet."""

from __future__ import annotations

import re
from collections.abc import Mapping

import pytest
from playwright.async_api import expect

from support import axe
from support.pages import Company, Person
from support.server import ServedProcess

pytestmark = [pytest.mark.e2e, pytest.mark.asyncio(loop_scope="module")]

WORDS: Mapping[str, Mapping[str, str]] = {
    "en-US": {"name": "Your name", "enter": "Enter the room", "share": "Share", "canvas": "Canvas", "text": "Text"},
    "ru-RU": {"name": "Ваше имя", "enter": "Войти", "share": "Пригласить", "canvas": "Холст", "text": "Текст"},
}  # fmt: skip
SCREENS = [("en-US", "light", 1280), ("ru-RU", "dark", 820), ("en-US", "dark", 1280), ("ru-RU", "light", 820)]


@pytest.mark.parametrize(("language", "scheme", "width"), SCREENS)
async def test_every_screen_is_accessible(
    company: Company, served: ServedProcess, language: str, scheme: str, width: int
) -> None:
    words = WORDS[language]
    view = {"width": width, "height": 900}
    page = await company.page(locale=language, color_scheme=scheme, viewport=view, reduced_motion="reduce")
    await axe.prepare(page)
    found: dict[str, list[str]] = {}

    async def look(screen: str) -> None:
        found[screen] = await axe.violations(page)

    await page.goto(served.url)
    await expect(page.locator(".brand").first).to_be_visible()
    await look("lobby")
    links = (await served.new_room())["links"]
    await page.goto(links["owner"])
    await page.get_by_label(words["name"]).fill("Ada")
    await look("name")
    await page.get_by_role("button", name=re.compile(words["enter"])).click()
    ada = Person(page, "Ada")
    await expect(ada.story).to_be_visible()
    await ada.write("The sea was calm. The boat was old.")
    if await page.locator(".panel").count() == 0:
        await page.locator(".topbar .icon-button").last.click()
    for tab in ("runs", "chat", "comments", "history", "desk"):
        await page.locator(f"#tab-{tab}").click()
        await look(tab)
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
    await look("find")
    await page.keyboard.press("Escape")
    await page.locator(".file-menu-root > button").click()
    await look("menu")
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name=words["share"]).click()
    await look("share")
    await page.keyboard.press("Escape")
    await page.get_by_text(words["canvas"], exact=True).click()
    await expect(page.locator(".canvas")).to_be_visible()
    await look("canvas")
    assert {screen: problems for screen, problems in found.items() if problems} == {}
