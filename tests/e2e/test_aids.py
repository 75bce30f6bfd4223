"""Aids for one writer, and hints for newcomers."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from support.pages import Company
from support.server import ServedProcess

pytestmark = pytest.mark.e2e


async def test_spelling_and_focus_are_one_persons_and_the_goal_is_everybodys(
    company: Company, served: ServedProcess
) -> None:
    links = (await served.new_room())["links"]
    ada = await company.person("Ada", links["owner"])
    maria = await company.person("Мария", links["editor"])
    await ada.write("One two three.\nVier 🌙 fünf.")
    await ada.agrees_with(maria)
    await ada.tab("Document")
    await expect(ada.story).to_have_attribute("spellcheck", "true")
    await ada.page.get_by_label("Check spelling as I type").uncheck()
    await ada.page.get_by_label("Focus:").check()
    await expect(ada.story).to_have_attribute("spellcheck", "false")
    await ada.story.focus()
    await ada.page.keyboard.press("Control+Home")
    here = ada.story.locator("[data-here]")
    await expect(here).to_have_text("One two three.")
    await ada.page.keyboard.press("Control+End")
    await expect(here).to_have_text("Vier 🌙 fünf.")
    await ada.page.get_by_label("Word goal of this room").fill("10")
    await ada.page.keyboard.press("Tab")
    await expect(maria.page.locator(".toolbar-count")).to_have_text("5 of 10 words")
    await expect(maria.story).to_have_attribute("spellcheck", "true")
    await ada.page.reload()
    await ada.here()
    await expect(ada.story).to_have_attribute("spellcheck", "false")
    await ada.tab("Document")
    await ada.page.get_by_label("Focus:").uncheck()
    await expect(here).to_have_count(0)


async def test_a_newcomer_is_told_what_there_is_and_how_to_ask(
    company: Company, served: ServedProcess
) -> None:
    for locale, words, ask in (
        ("en-US", ("One text", "One canvas", "One jam"), "Ask"),
        ("ru-RU", ("Один текст", "Один холст", "Один джем"), "Попросить"),
    ):
        page = await company.page(locale=locale)
        await page.goto(served.url)
        await expect(page.locator(".lobby-parts h2")).to_have_text(list(words))
        await page.goto((await served.new_room())["links"]["owner"])
        await page.locator("#name").fill("Eve")
        await page.keyboard.press("Enter")
        await expect(page.locator(".first-steps dt").first).to_have_text(ask)


async def test_ctrl_slash_opens_the_keys(company: Company, served: ServedProcess) -> None:
    ada = await company.person("Ada", (await served.new_room())["links"]["owner"])
    await ada.story.focus()
    await ada.page.keyboard.press("Control+/")
    dialog = ada.page.get_by_role("dialog")
    await expect(dialog).to_contain_text("Paste without formatting")
    await ada.page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


async def test_a_plain_paste_takes_no_formats(company: Company, served: ServedProcess) -> None:
    ada = await company.person("Ada", (await served.new_room())["links"]["owner"])
    await ada.page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    await ada.page.evaluate(
        """() => navigator.clipboard.write([new ClipboardItem({
            "text/html": new Blob(["<h1>Big <b>words</b></h1>"], { type: "text/html" }),
            "text/plain": new Blob(["Big words"], { type: "text/plain" }),
        })])"""
    )
    await ada.story.focus()
    await ada.page.keyboard.press("Control+Shift+v")
    await ada.sees("Big words")
    await expect(ada.story.locator("h1, strong")).to_have_count(0)
    await ada.page.keyboard.press("Control+End")
    await ada.page.keyboard.press("Control+v")
    await expect(ada.story.locator("strong")).to_have_text("words")
