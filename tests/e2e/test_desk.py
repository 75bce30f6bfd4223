"""The writer's desk: find and replace, files in and out, a model's alternatives, the form of a script."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from support.pages import Company, Person
from support.server import ServedProcess

pytestmark = pytest.mark.e2e


async def two(company: Company, served: ServedProcess) -> tuple[Person, Person]:
    links = (await served.new_room())["links"]
    return await company.person("Ada", links["owner"]), await company.person("Мария", links["editor"])


async def test_one_undo_takes_back_a_replace_all(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    text = "The sea 🌙 and the sea. Море, a seagull."
    # Another person's: what one person does within moments is one step of their undo.
    await maria.write(text)
    await ada.agrees_with(maria, text)
    await ada.story.focus()
    await ada.page.keyboard.press("Control+f")
    await ada.page.get_by_role("textbox", name="Find", exact=True).fill("sea")
    await ada.page.get_by_label("Whole words").check()
    await expect(ada.page.locator(".find-count")).to_have_text("1 of 2")
    await ada.page.get_by_role("textbox", name="Replace with").fill("ocean")
    await ada.page.get_by_role("button", name="All", exact=True).click()
    await maria.sees("The ocean 🌙 and the ocean. Море, a seagull.")
    await ada.page.keyboard.press("Escape")
    await expect(ada.page.locator(".find")).to_have_count(0)
    await expect(ada.story).to_be_focused()
    await ada.here()
    await ada.page.keyboard.press("Control+z")
    await maria.sees(text)
    await ada.agrees_with(maria, text)


async def test_a_story_goes_out_as_a_file_and_comes_back(
    company: Company, served: ServedProcess, tmp_path: Path
) -> None:
    ada, maria = await two(company, served)
    await ada.write("Ночь 🌙\nThe boat was ")
    await ada.page.keyboard.press("Control+b")
    await ada.page.keyboard.type("old")
    text = await ada.agrees_with(maria, "Ночь 🌙\nThe boat was old")
    await ada.page.get_by_role("button", name="File, find and help").click()
    async with ada.page.expect_download() as coming:
        await ada.page.get_by_role("button", name="Markdown", exact=True).click()
    file = tmp_path / "story.md"
    await (await coming.value).save_as(file)
    assert "**old**" in file.read_text("utf-8")

    other = await company.person("Eve", (await served.new_room())["links"]["owner"])
    await other.page.get_by_role("button", name="File, find and help").click()
    await other.page.get_by_label("Bring a file in…").set_input_files(file)
    await other.sees("The boat was old")
    await expect(other.story.locator("strong")).to_have_text("old")
    assert (await other.text()).strip() == text


async def test_a_file_that_cannot_be_read_says_so_and_changes_nothing(
    company: Company, served: ServedProcess, tmp_path: Path
) -> None:
    ada, maria = await two(company, served)
    # The browser reports what the server refuses.
    ada.forgive("Failed to load resource")
    await ada.write("Mine.")
    await maria.sees("Mine.")
    broken = tmp_path / "broken.docx"
    broken.write_bytes(b"PK\x03\x04 not a document")
    await ada.page.get_by_role("button", name="File, find and help").click()
    await ada.page.get_by_label("Bring a file in…").set_input_files(broken)
    await expect(ada.page.locator(".notice")).to_be_visible()
    assert await ada.agrees_with(maria) == "Mine."


async def test_another_word_takes_the_place_of_the_models(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    await ada.write("The lighthouse keeper lit the lamp and")
    await ada.continue_here()
    await expect(ada.page.locator(".run-done")).to_be_visible()
    before = await ada.agrees_with(maria)
    await ada.click_into(ada.ai)
    await ada.page.keyboard.press("Control+.")
    card = ada.page.locator(".token-card")
    await expect(card).to_be_visible()
    other = card.locator(".token-other:not(:disabled)").first
    await other.click()
    await expect(card).to_have_count(0)
    await expect(maria.runs).to_have_count(2)
    await expect(maria.page.locator(".run-done")).to_have_count(2)
    assert await ada.agrees_with(maria) != before


async def test_the_form_of_a_script_is_everybodys(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    for person in (ada, maria):
        await person.tab("Desk")
    await ada.page.get_by_text("Screenplay", exact=True).click()
    await ada.write("INT. LIGHTHOUSE - NIGHT\n\nMIRA\n(quietly)\nForty-one.\n\nThe lamp turns.")
    for element, words in (
        ("scene", "INT. LIGHTHOUSE - NIGHT"),
        ("character", "MIRA"),
        ("parenthetical", "(quietly)"),
        ("dialogue", "Forty-one."),
        ("action", "The lamp turns."),
    ):
        await expect(maria.story.locator(f'[data-element="{element}"]')).to_have_text(words)
    outline = maria.page.locator(".outline-line")
    await expect(outline).to_have_text("INT. LIGHTHOUSE - NIGHT")
    await outline.click()
    await maria.page.get_by_text("Prose", exact=True).click()
    await expect(ada.story.locator("[data-element]")).to_have_count(0)
    await ada.agrees_with(maria)


async def test_who_wrote_what_is_shown_in_colours(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    await ada.write("Ada wrote 🌙. ")
    await maria.write("Мария тоже.")
    await ada.sees("тоже.")
    await ada.tab("Desk")
    await ada.page.get_by_label("Show in the text as colours").check()
    await ada.shows_highlighted("author-0", ["Ada wrote 🌙. "])
    await ada.shows_highlighted("author-1", ["Мария тоже."])
    await expect(ada.page.locator(".shares li")).to_have_count(2)
    await ada.page.get_by_label("Show in the text as colours").uncheck()
    await ada.shows_highlighted("author-0", [])
