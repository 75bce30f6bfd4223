"""The whole of a writer's way without a mouse, and with every stop of it in sight."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from support.keyboard import Keyboard
from support.pages import Company
from support.server import ServedProcess

pytestmark = pytest.mark.e2e

OPENING = "The lighthouse keeper had not spoken to anyone in forty days. On the forty-first, "


async def test_writing_with_the_model(company: Company, served: ServedProcess) -> None:
    page = await company.page(reduced_motion="reduce")
    ada = company.at(page, "Ada")
    keys = Keyboard(page)
    await page.goto(served.url)
    await keys.do(page.get_by_role("button", name="New room"))
    await expect(page.get_by_label("Your name")).to_be_focused()
    await keys.type("Ada")
    await keys.press("Enter")
    await ada.here()

    # The first stop leads past the bar into the text.
    await keys.do(page.get_by_role("button", name="Skip to the text"))
    await expect(ada.story).to_be_focused()
    await keys.type(OPENING)
    await keys.to(page.get_by_label("Length"))
    await keys.press("ArrowUp")
    await expect(page.get_by_label("Length")).to_have_value("short")

    # Suggest: decided in the card at the caret.
    await keys.to(page.get_by_role("radio", name="Write"), "Shift+Tab")
    await keys.press("ArrowRight")
    await expect(page.get_by_role("radio", name="Suggest")).to_be_checked()
    await keys.to(page.get_by_role("textbox", name="Ask the model"), "Shift+Tab")
    await keys.press("Control+Enter")
    await expect(page.locator(".run-done")).to_be_visible()
    await keys.to(ada.story, "Shift+Tab")
    await keys.press("Control+End")
    await keys.press("ArrowLeft")
    await expect(page.locator(".suggestion-card")).to_be_visible()
    await keys.do(page.locator(".suggestion-card").get_by_role("button", name="Reject"))
    await expect(ada.suggested).to_have_count(0)
    await expect(ada.story).to_be_focused()

    # Private: a draft, put into the text; the focus stays in the bar that it stood in.
    await keys.to(page.get_by_role("radio", name="Suggest"))
    await keys.press("ArrowRight")
    await keys.press("Control+Enter")
    await expect(page.locator(".draft")).to_have_count(1)
    await expect(page.locator(".draft-growing")).to_have_count(0)
    await keys.do(page.get_by_role("button", name="Insert into the text"), "Shift+Tab")
    await expect(page.locator(".draft")).to_have_count(0)
    await expect(ada.ai.first).to_be_visible()
    await expect(page.get_by_role("textbox", name="Ask the model")).to_be_focused()

    # Undone in the list of runs; the focus stays in its card.
    await keys.press("F6")
    await expect(page.get_by_role("tab", name="AI")).to_be_focused()
    await keys.do(page.get_by_role("button", name="Undo this"))
    await expect(ada.ai).to_have_count(0)
    await expect(page.locator(".run").first.locator(":focus")).to_have_count(1)

    # Write, and stop; the model may have ended by itself before the key arrives.
    await keys.to(page.get_by_role("radio", name="Private"), "Shift+Tab")
    await keys.press("ArrowLeft")
    await keys.press("ArrowLeft")
    await expect(page.get_by_role("radio", name="Write")).to_be_checked()
    await keys.to(page.get_by_label("Length"))
    await keys.press("End")
    await keys.to(ada.story, "Shift+Tab")
    await keys.press("Control+Enter")
    await expect(ada.ai.first).to_have_text(re.compile(r"\w\W+\w"))
    await keys.press("Escape")
    await expect(page.locator(".run-running, .run-queued")).to_have_count(0)
    await expect(page.locator("[data-announcer]")).to_have_text(re.compile("Continue: (Stopped|Done)"))
    await expect(ada.story).to_be_focused()

    # Other words for one of the model's.
    await keys.press("Control+Home")
    for _ in range(len(OPENING) + 2):
        await keys.press("ArrowRight")
    await keys.press("Control+.")
    await expect(page.locator(".token-card .token-other:focus")).to_have_count(1)
    await keys.press("Escape")
    await expect(page.locator(".token-card")).to_have_count(0)
    await expect(ada.story).to_be_focused()
    assert keys.wrong == []


async def test_everything_around_the_text(company: Company, served: ServedProcess) -> None:
    ada = await company.person("Ada", (await served.new_room())["links"]["owner"])
    page, keys = ada.page, Keyboard(ada.page)
    await keys.press("F6")
    await keys.press("F6")
    await expect(ada.story).to_be_focused()
    await keys.type("The boat was old.")
    await keys.press("Enter")
    # The toolbar is one stop, and arrows go about in it.
    await keys.to(page.get_by_role("button", name="Bold"), "Shift+Tab")
    for _ in range(4):
        await keys.press("ArrowRight")
    await expect(page.get_by_role("button", name="Heading", exact=True)).to_be_focused()
    await keys.press("Enter")
    await expect(ada.story).to_be_focused()
    await keys.type("Dawn")
    await expect(ada.story.locator("h1")).to_have_text("Dawn")

    await keys.press("Control+Home")
    await keys.press("Shift+End")
    await keys.do(page.get_by_role("button", name="Comment on the selection"))
    await keys.type("Which boat?")
    await keys.press("Enter")
    await expect(page.locator(".thread-open")).to_contain_text("Which boat?")
    await expect(ada.story).to_be_focused()
    await keys.press("Shift+F6")  # past the top bar, round to the panel
    await keys.press("Shift+F6")
    tab = page.get_by_role("tab", name="Comments")
    await expect(tab).to_be_focused()
    await keys.do(page.get_by_role("button", name="Resolve"))
    await keys.do(page.get_by_role("button", name="Open again"))
    await expect(page.get_by_role("button", name="Resolve")).to_be_visible()

    await keys.to(tab, "Shift+Tab")
    await keys.press("ArrowLeft")
    await keys.to(page.get_by_role("textbox", name="Say something"))
    await keys.type("Hello 🌙")
    await keys.do(page.get_by_role("button", name="Send"))
    await expect(page.locator(".said-text")).to_have_text("Hello 🌙")
    await expect(page.get_by_role("textbox", name="Say something")).to_be_focused()

    await keys.to(page.get_by_role("tab", name="Chat"), "Shift+Tab")
    await keys.press("ArrowRight")
    await keys.press("ArrowRight")
    await keys.to(page.get_by_label("Name this version"))
    await keys.type("Dawn")
    await keys.press("Enter")
    await expect(page.locator(".version")).to_have_count(1)
    await keys.press("F6")
    await keys.press("F6")
    await expect(ada.story).to_be_focused()
    await ada.write(" Night.")
    await ada.here()
    await keys.press("Shift+F6")
    await keys.press("Shift+F6")
    await keys.do(page.locator(".version"))
    await keys.do(page.get_by_role("button", name="Restore this"), "Shift+Tab")
    # A dialog keeps the keyboard to itself.
    dialog = page.get_by_role("dialog")
    for _ in range(6):
        await keys.press("Tab")
        await expect(dialog.locator(":focus")).to_have_count(1)
        await keys.look()
    await keys.do(dialog.get_by_role("button", name="Restore", exact=True))
    await expect(page.locator(".past")).to_have_count(0)
    await expect(ada.story).not_to_contain_text("Night.")
    await expect(ada.story).to_be_focused()

    await keys.press("Shift+F6")
    menu = page.get_by_role("button", name="File, find and help")
    await keys.do(menu)
    async with page.expect_download():
        await keys.do(page.get_by_role("button", name="Markdown", exact=True))
    await expect(menu).to_be_focused()
    await keys.press("Enter")
    await keys.do(page.get_by_role("button", name=re.compile("^Help")))
    await expect(dialog).to_be_visible()
    await keys.press("Escape")
    await expect(menu).to_be_focused()
    share = page.get_by_role("button", name="Share")
    await keys.do(share, "Shift+Tab")
    await keys.to(dialog.get_by_role("button", name="Copy").first)
    await keys.press("Escape")
    await expect(dialog).to_have_count(0)
    await expect(share).to_be_focused()
    await keys.do(page.locator(".panel-toggle"))
    await expect(page.locator(".panel")).to_have_count(0)
    await expect(page.locator(".panel-toggle")).to_be_focused()
    assert keys.wrong == []
