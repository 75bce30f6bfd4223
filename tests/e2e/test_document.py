"""Files in and out, find and replace, alternatives of a model, the form of a script, shares of authors."""

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
    # Another person's: actions of one person within moments are one step of their undo.
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
    await other.page.get_by_label("Import a file…").set_input_files(file)
    await other.sees("The boat was old")
    await expect(other.story.locator("strong")).to_have_text("old")
    assert (await other.text()).strip() == text


async def test_a_file_that_cannot_be_read_says_so_and_changes_nothing(
    company: Company, served: ServedProcess, tmp_path: Path
) -> None:
    ada, maria = await two(company, served)
    # The browser reports requests that the server refuses.
    ada.forgive("Failed to load resource")
    await ada.write("Mine.")
    await maria.sees("Mine.")
    broken = tmp_path / "broken.docx"
    broken.write_bytes(b"PK\x03\x04 not a document")
    await ada.page.get_by_role("button", name="File, find and help").click()
    await ada.page.get_by_label("Import a file…").set_input_files(broken)
    await expect(ada.page.locator(".notice")).to_be_visible()
    assert await ada.agrees_with(maria) == "Mine."


async def test_a_file_asks_what_it_cannot_know_and_says_what_it_lost(
    company: Company, served: ServedProcess, tmp_path: Path
) -> None:
    ada, maria = await two(company, served)
    menu = ada.page.get_by_role("button", name="File, find and help")
    dialog = ada.page.get_by_role("dialog", name="Import")
    bring = ada.page.get_by_label("Import a file…")

    # A text of a few letters could be in several encodings; another reading can be chosen and taken back.
    letter = tmp_path / "letter.txt"
    letter.write_bytes("Лампа горела.".encode("koi8-r"))
    await menu.click()
    await bring.set_input_files(letter)
    await expect(dialog.get_by_role("radio", checked=True)).to_be_focused()
    await dialog.get_by_role("radio", name="windows-1251").check()
    await dialog.get_by_role("radio", name="koi8-r").check()
    await dialog.get_by_role("button", name="Insert").click()
    await expect(dialog).to_have_count(0)
    await maria.sees("Лампа горела.")

    # A page with a title, a list that starts at 3, a picture and a table.
    page = tmp_path / "page.html"
    page.write_text(
        "<title>The Lamp</title><ol start=3><li>three<li>four</ol><img src=x>"
        "<table><tr><td>a</td><td>b</td></tr></table>"
    )
    await menu.click()
    await bring.set_input_files(page)
    await expect(dialog.locator("li")).to_have_text(
        ["1 table became lines, with tabs between the cells", "1 picture left out"]
    )
    await expect(dialog.get_by_label("Name this room “The Lamp”")).to_be_checked()
    await expect(dialog.get_by_role("button", name="Insert")).to_be_focused()
    await dialog.get_by_role("button", name="Insert").click()
    await maria.sees("a\tb")
    await expect(maria.page.get_by_label("Title of the text")).to_have_value("The Lamp")
    await expect(maria.story.locator("li").first).to_have_attribute("data-start", "3")
    # Enter in the item that starts at 3 makes a fourth, and not another third.
    await ada.click_into(ada.story.locator("li").first)
    await ada.page.keyboard.press("End")
    await ada.page.keyboard.press("Enter")
    await ada.page.keyboard.type("new")
    await expect(maria.story.locator("li")).to_have_text(["three", "new", "four"])
    await expect(maria.story.locator("li[data-start]")).to_have_count(1)

    # Nothing of a file comes in when its reader thinks better of it.
    before = await ada.agrees_with(maria)
    await menu.click()
    await bring.set_input_files(letter)
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog).to_have_count(0)
    await expect(menu).to_be_focused()
    assert await ada.agrees_with(maria) == before

    # An export names the things that its format does not have.
    linked = tmp_path / "linked.md"
    linked.write_text("[here](https://a.example/)\n")
    await bring.set_input_files(linked)
    await maria.sees("here")
    await menu.click()
    async with ada.page.expect_download():
        await ada.page.get_by_role("button", name="Text", exact=True).click()
    await expect(ada.page.locator(".notice")).to_contain_text("1 link kept as words only")


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
        await person.tab("Document")
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
    # The names that were heard are offered; Tab takes one.
    await expect(ada.page.get_by_role("term").filter(has_text="Pages, printed")).to_have_count(1)
    await ada.story.focus()
    await ada.page.keyboard.press("Control+End")
    await ada.page.keyboard.type("\n\nM")
    offered = ada.page.get_by_role("listbox", name="Names and places of the script")
    await expect(offered.get_by_role("option")).to_have_text(["MIRA"])
    await ada.page.keyboard.press("Tab")
    await expect(offered).to_be_hidden()
    await ada.page.keyboard.type("\nForty-two.")
    await expect(maria.story.locator('[data-element="dialogue"]')).to_have_text(["Forty-one.", "Forty-two."])
    # Escape leaves the typed text as it is.
    await ada.page.keyboard.type("\n\nIN")
    await expect(offered.get_by_role("option")).to_have_text(["INT. ", "INT./EXT. "])
    await ada.page.keyboard.press("Escape")
    await expect(offered).to_be_hidden()
    await ada.page.keyboard.type("K")
    await maria.sees("INK")
    await maria.page.get_by_text("Prose", exact=True).click()
    await expect(ada.story.locator("[data-element]")).to_have_count(0)
    await ada.agrees_with(maria)


async def test_who_wrote_what_is_shown_in_colours(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    await ada.write("Ada wrote 🌙. ")
    await maria.write("Мария тоже.")
    await ada.sees("тоже.")
    await ada.tab("Document")
    await ada.page.get_by_label("Show in the text as colours").check()
    await ada.shows_highlighted("author-0", ["Ada wrote 🌙. "])
    await ada.shows_highlighted("author-1", ["Мария тоже."])
    await expect(ada.page.locator(".shares li")).to_have_count(2)
    await ada.page.get_by_label("Show in the text as colours").uncheck()
    await ada.shows_highlighted("author-0", [])
