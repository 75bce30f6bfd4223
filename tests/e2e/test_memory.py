"""Finding things again, the codex, and performers, in the page."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from support.pages import Company
from support.server import ServedProcess

pytestmark = pytest.mark.e2e


async def test_what_is_found_leads_to_its_place(company: Company, served: ServedProcess) -> None:
    links = (await served.new_room())["links"]
    ada = await company.person("Ada", links["owner"])
    await ada.write("The first line.\n" + 40 * "\n" + "Marta was running along the pier.")
    await ada.comment("The first line.", "She runs later.")
    await ada.tab("Chat")
    field = ada.page.get_by_role("textbox", name="Say something")
    for words in (
        "Should she run at all?",
        "Something else.",
        *(f"Message {number}" for number in range(12)),
    ):
        await field.fill(words)
        await field.press("Enter")
        await expect(ada.page.locator(".said").filter(has_text=words)).to_be_visible()
    await ada.here()

    vic = await company.person("Vic", links["viewer"])
    await vic.sees("running along the pier")
    await vic.page.keyboard.press("Control+Shift+F")
    wanted = vic.page.get_by_role("searchbox", name="Search the room")
    await expect(wanted).to_be_focused()
    await wanted.fill("run")
    hits = vic.page.locator(".search-tab section").filter(has_text="These words").locator(".search-hit")
    await expect(hits).to_have_count(3)
    await expect(hits.filter(has_text="Text").locator("mark")).to_have_text("running")

    await hits.filter(has_text="Text").click()
    await expect(vic.page.locator(".ql-editor p").filter(has_text="running")).to_be_in_viewport()
    assert await vic.page.evaluate("getSelection().toString()") == "running"

    await hits.filter(has_text="Chat").click()
    found = vic.page.locator(".said-found")
    await expect(found).to_contain_text("Should she run at all?")
    await expect(found).to_be_in_viewport()

    await vic.tab("Search")
    await expect(wanted).to_have_value("run")
    await hits.filter(has_text="Comment").click()
    await expect(vic.page.locator(".thread-open")).to_contain_text("She runs later.")
    await expect(vic.page.locator(".ql-editor p").first).to_be_in_viewport()

    # A passage that was deleted since is not found, and an old result says that it is gone.
    await vic.tab("Search")
    text = hits.filter(has_text="Text")
    await expect(text).to_have_count(1)
    await ada.select("Marta was running along the pier.")
    await ada.page.keyboard.press("Delete")
    await ada.here()
    await expect(vic.story).not_to_contain_text("running")
    await text.click()
    await expect(vic.page.locator(".search-tab [role=status]")).to_contain_text("has changed")
    await wanted.fill("running")
    await expect(text).to_have_count(0)
