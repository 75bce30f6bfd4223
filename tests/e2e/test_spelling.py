"""Faults that are underlined while people write, and the actions on each."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from support.pages import Company
from support.server import ServedProcess

pytestmark = pytest.mark.e2e
WORD = """(editor, [start, end]) => {
    const range = document.createRange();
    range.setStart(editor.querySelector("p").firstChild, start);
    range.setEnd(editor.querySelector("p").firstChild, end);
    const box = range.getBoundingClientRect();
    return [box.left + box.width / 2, box.top + box.height / 2];
}"""
CARET = "() => [getSelection().anchorNode.data, getSelection().anchorOffset]"


async def test_faults_are_underlined_and_one_key_corrects_them(
    company: Company, served: ServedProcess
) -> None:
    links = (await served.new_room())["links"]
    ada = await company.person("Ada", links["owner"])
    maria = await company.person("Мария", links["editor"], locale="ru-RU")
    await ada.write("Yesterday Zorblatt went to the market evry morning, as `evri` and Zorblatt did.\n")
    await ada.write("Она ничего не знаеш о старом доме, и Зорблатт тоже не знает.\n")
    await ada.agrees_with(maria)
    # Names, code and cues are left alone; both pages are checked.
    for person in (ada, maria):
        await person.shows_highlighted("misspelt", ["evry", "знаеш"])
    await expect(ada.story.locator("p").first).to_have_attribute("spellcheck", "false")
    # The word that is being typed is not finished; behind it the last fault is corrected with one key.
    await ada.write("She was definatly")
    await ada.page.keyboard.type(" late")
    await ada.shows_highlighted("misspelt", ["evry", "знаеш", "definatly"])
    await ada.page.keyboard.press("Control+.")
    await ada.sees("She was definitely late")
    await ada.page.keyboard.type(" again")
    await ada.sees("She was definitely late again")
    await ada.shows_highlighted("misspelt", ["evry", "знаеш"])
    # Somebody else's edits neither move the caret nor the marks off their words.
    await ada.story.evaluate("(editor) => getSelection().collapse(editor.querySelector('p').firstChild, 41)")
    card = ada.page.locator(".spelling-card")
    await expect(card).to_contain_text("Did you mean to spell evry this way?")
    await maria.write("Well. ", "Control+Home")
    await ada.sees("Well. Yesterday")
    await expect(card).to_be_visible()
    assert await ada.page.evaluate(CARET) == [await ada.story.locator("p").first.inner_text(), 47]
    await ada.page.keyboard.press("Tab")
    await ada.sees("went to the market every morning")
    await expect(card).to_have_count(0)
    await expect(ada.story).to_be_focused()
    # It was an edit of hers like any other: undone as one, and hers in the server's records.
    await ada.page.keyboard.press("Control+z")
    await ada.sees("went to the market evry morning")
    await ada.shows_highlighted("misspelt", ["evry", "знаеш"])
    await ada.agrees_with(maria)


async def test_dictionaries_are_a_persons_and_the_rooms(company: Company, served: ServedProcess) -> None:
    links = (await served.new_room())["links"]
    ada = await company.person("Ada", links["owner"])
    maria = await company.person("Мария", links["editor"], locale="ru-RU")
    await ada.write("The old zorblings slept in the wuzzle all day, and the other wuzzle was empty.")
    await ada.agrees_with(maria)
    for person in (ada, maria):
        await person.shows_highlighted("misspelt", ["zorblings", "wuzzle", "wuzzle"])
    # The reason comes in the reader's language.
    await maria.story.focus()
    await maria.story.evaluate(
        "(editor) => getSelection().collapse(editor.querySelector('p').firstChild, 12)"
    )
    card = maria.page.locator(".spelling-card")
    await expect(card).to_contain_text("Этого слова нет в словаре.")
    # The pointer alone is enough to read it.
    left, top = await ada.story.evaluate(WORD, [8, 17])
    await ada.page.mouse.move(left, top)
    await expect(ada.page.locator(".spelling-card")).to_contain_text("zorblings")
    await card.get_by_role("button", name="В слова комнаты").click()
    for person in (ada, maria):
        await person.shows_highlighted("misspelt", ["wuzzle", "wuzzle"])
    await ada.story.evaluate("(editor) => getSelection().collapse(editor.querySelector('p').firstChild, 34)")
    await ada.page.get_by_role("button", name="Add to my words").click()
    await ada.shows_highlighted("misspelt", [])
    await maria.shows_highlighted("misspelt", ["wuzzle", "wuzzle"])
    # The room's is undone as a step of who added it; each person's lasts over a visit.
    await maria.story.focus()
    await maria.page.keyboard.press("Control+z")
    await ada.shows_highlighted("misspelt", ["zorblings"])
    await ada.page.reload()
    await ada.here()
    await ada.shows_highlighted("misspelt", ["zorblings"])
    await ada.tab("Document")
    await ada.page.get_by_text("My words (1)").click()
    new = ada.page.get_by_label("My words: a new word")
    await new.fill("two words")
    await expect(ada.page.get_by_text("A word has no blanks")).to_be_visible()
    await new.fill("Zorblings")
    await new.press("Enter")
    await ada.shows_highlighted("misspelt", [])
    await ada.page.get_by_role("button", name="Take out zorblings").click()
    await ada.shows_highlighted("misspelt", ["zorblings"])
    await ada.page.get_by_role("button", name="Take out wuzzle").click()
    await ada.shows_highlighted("misspelt", ["zorblings", "wuzzle", "wuzzle"])
    # Without it nothing is marked, and the browser's own check is off as well.
    await ada.page.get_by_label("Check spelling as I type").uncheck()
    await ada.shows_highlighted("misspelt", [])
    await expect(ada.story).to_have_attribute("spellcheck", "false")
