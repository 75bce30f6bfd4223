"""The room's history in two pages: going back, comparing, naming, restoring, forking."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from support.pages import Company
from support.server import ServedProcess

pytestmark = pytest.mark.e2e


async def test_the_past_is_seen_compared_named_and_restored(company: Company, served: ServedProcess) -> None:
    links = (await served.new_room())["links"]
    ada = await company.person("Ada", links["owner"])
    maria = await company.person("Мария", links["editor"])
    await ada.write("The boat was old 🌙.")
    await maria.agrees_with(ada)
    await ada.tab("History")
    await expect(ada.page.locator(".entry").first).to_contain_text("Ada")
    await ada.page.get_by_label("Name this version").fill("First draft")
    await ada.page.get_by_role("button", name="Keep").click()
    await maria.tab("History")
    version = maria.page.locator(".version")
    await expect(version).to_contain_text("First draft")

    await ada.page.get_by_label("Name this version").fill("Mistake")
    await ada.page.keyboard.press("Enter")
    await expect(version).to_have_count(2)
    await ada.page.get_by_role("button", name="Forget the name Mistake").click()
    await expect(version).to_have_count(1)
    # Ada's name is Ada's to forget; Maria may not.
    await expect(maria.page.get_by_role("button", name=re.compile("Forget the name"))).to_have_count(0)

    await ada.write(" Мария gilded it.")
    await maria.agrees_with(ada)
    entries = ada.page.locator(".entry")
    await expect(entries.first).to_contain_text("Ada")

    await version.click()
    past = maria.page.locator(".past")
    await expect(past.locator(".past-text")).to_have_text("The boat was old 🌙.")
    await expect(past.locator(".by").first).to_have_attribute("title", "Ada")
    await expect(maria.story).to_be_hidden()
    # The present goes on for the others meanwhile.
    await ada.write(" Then it sank.")
    await past.get_by_label("Compare with now").check()
    await expect(past.locator("ins").first).to_contain_text("Мария gilded it.")

    await past.get_by_role("button", name="Restore this").click()
    dialog = maria.page.get_by_role("dialog")
    await dialog.get_by_role("button", name="Restore", exact=True).click()
    await expect(past).to_have_count(0)
    await expect(ada.story).to_have_text("The boat was old 🌙.")
    await ada.agrees_with(maria)
    await maria.story.focus()
    await maria.page.keyboard.press("Control+z")
    await ada.sees("The boat was old 🌙. Мария gilded it. Then it sank.")
    await ada.agrees_with(maria)


async def test_a_new_room_begins_where_this_one_stood(company: Company, served: ServedProcess) -> None:
    links = (await served.new_room())["links"]
    ada = await company.person("Ada", links["owner"])
    await ada.write("One.")
    await ada.here()
    await ada.tab("History")
    await ada.page.get_by_label("Name this version").fill("Before")
    await ada.page.get_by_role("button", name="Keep").click()
    await expect(ada.page.locator(".version")).to_contain_text("Before")
    await ada.write(" Two.")
    await ada.here()
    await expect(ada.page.locator(".scrubber")).to_contain_text("Now")
    scrubber = ada.page.get_by_label("Go through the history")
    await scrubber.focus()
    await ada.page.keyboard.press("Home")
    await expect(ada.page.locator(".scrubber")).to_contain_text(re.compile("Change 0 of"))
    await expect(ada.page.locator(".past-text")).to_have_text("The text was empty.")
    await ada.page.locator(".version").click()
    await expect(ada.page.locator(".past-text")).to_have_text("One.")
    await ada.page.get_by_role("button", name="Open as a new room").click()
    link = await ada.page.get_by_role("link", name="Go there").get_attribute("href")
    assert link is not None
    eve = await company.person("Eve", link)
    await expect(eve.story).to_have_text("One.")
    await eve.write("Other. ", at="Control+Home")
    await eve.here()
    await ada.page.keyboard.press("Escape")
    await ada.page.get_by_role("button", name="Back to now").first.click()
    await expect(ada.story).to_have_text("One. Two.")
