"""The model's work beside the text: ideas to choose from, private answers, corrections, and trying again."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

from support.pages import Company, Person
from support.server import ServedProcess

pytestmark = pytest.mark.e2e

OPENING = "The lighthouse keeper had not spoken to anyone in forty days. On the forty-first, "
WORDS = re.compile(r"\w")


async def two(company: Company, served: ServedProcess) -> tuple[Person, Person]:
    links = (await served.new_room())["links"]
    ada = await company.person("Ada", links["owner"])
    maria = await company.person("Мария", links["editor"])
    await ada.write(OPENING)
    await ada.agrees_with(maria, OPENING)
    await ada.page.get_by_label("Length").select_option(label="A line")
    return ada, maria


async def test_three_ideas_stand_side_by_side_and_one_is_chosen(
    company: Company, served: ServedProcess
) -> None:
    ada, maria = await two(company, served)
    await ada.page.get_by_role("button", name="Three ideas").click()
    drafts = maria.page.locator(".draft")
    await expect(drafts).to_have_count(3)
    # A colleague's ideas lie over no page before they are wanted.
    await expect(drafts.first).to_be_hidden()
    await maria.page.get_by_role("button", name="Show them").click()
    await expect(maria.page.locator(".draft-growing")).to_have_count(0)
    for number in range(3):
        await expect(drafts.nth(number).locator(".draft-text")).to_have_text(WORDS)
    assert await maria.text() == OPENING
    chosen = (await drafts.nth(1).locator(".draft-text").inner_text()).split("\n")[0].strip()
    await drafts.nth(1).get_by_role("button", name="Choose this").click()
    for person in (ada, maria):
        await expect(person.page.locator(".draft")).to_have_count(0)
        await person.sees(chosen)
    await ada.agrees_with(maria)


async def test_what_is_written_in_private_is_seen_by_one_person(
    company: Company, served: ServedProcess
) -> None:
    ada, maria = await two(company, served)
    await ada.mode("Private")
    await ada.continue_here()
    draft = ada.page.locator(".draft")
    await expect(draft).to_have_count(1)
    await expect(ada.page.locator(".draft-growing")).to_have_count(0)
    await expect(draft.locator(".draft-text")).to_have_text(WORDS)
    await expect(maria.page.locator(".draft")).to_have_count(0)
    await expect(maria.runs).to_have_count(0)
    words = (await draft.locator(".draft-text").inner_text()).split("\n")[0].strip()
    assert await maria.text() == OPENING
    await draft.get_by_role("button", name="Insert into the text").click()
    await expect(draft).to_have_count(0)
    await maria.sees(words)
    await expect(maria.ai.first).to_be_visible()
    await ada.agrees_with(maria)


async def test_none_of_the_ideas_leaves_the_text_alone(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    await ada.page.get_by_role("button", name="Three ideas").click()
    await expect(maria.page.locator(".draft")).to_have_count(3)
    await ada.page.get_by_role("button", name="None of them").click()
    for person in (ada, maria):
        await expect(person.page.locator(".draft")).to_have_count(0)
    await ada.agrees_with(maria, OPENING)


async def test_corrections_come_with_their_reasons_and_are_decided_one_by_one(
    company: Company, served: ServedProcess
) -> None:
    links = (await served.new_room())["links"]
    ada = await company.person("Ada", links["owner"])
    maria = await company.person("Мария", links["editor"])
    await ada.write("He recieve an letter from the the sea.")
    await ada.agrees_with(maria)
    await ada.page.get_by_role("button", name="Fix").click()
    marked = maria.page.locator(".ql-editor [data-suggest-del]")
    await expect(maria.page.locator(".run-done")).to_be_visible()
    await expect(marked.first).to_be_visible()
    count = await marked.count()
    assert count > 1
    await marked.first.hover()
    card = maria.page.locator(".suggestion-card")
    await expect(card.locator("strong")).to_have_text(WORDS)
    await card.get_by_role("button", name="Reject").click()
    await expect(marked).to_have_count(count - 1)
    await ada.runs.first.get_by_role("button", name="Accept").click()
    await expect(ada.page.locator(".ql-editor [data-suggest-del]")).to_have_count(0)
    text = await ada.agrees_with(maria)
    assert text != "He recieve an letter from the the sea."


async def test_a_run_can_be_tried_again(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    await ada.continue_here()
    await expect(maria.page.locator(".run-done")).to_be_visible()
    await ada.runs.first.get_by_role("button", name="Try again").click()
    await expect(maria.runs).to_have_count(2)
    await expect(maria.page.locator(".run-done")).to_have_count(2)
    await expect(maria.runs.last).to_contain_text("Undone")
    text = await ada.agrees_with(maria)
    assert text.replace("\n", "").startswith(OPENING.strip())
    await expect(maria.ai.first).to_be_visible()


async def test_words_are_found_for_a_gap_chosen_with_arrows_and_taken_back(
    company: Company, served: ServedProcess
) -> None:
    links = (await served.new_room())["links"]
    ada = await company.person("Ada", links["owner"])
    maria = await company.person("Мария", links["editor"])
    sentence = "The keeper the rope and tied it to the boat."
    await ada.write(sentence)
    await ada.agrees_with(maria, sentence)
    page, card = ada.page, ada.page.get_by_role("region", name="Words that fit here")
    options, gap = card.get_by_role("option"), ada.page.locator(".gap-words")

    # A cursor inside a word is told so, and nothing is asked.
    await page.keyboard.press("Home")
    await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Alt+Enter")
    await expect(page.get_by_role("alert").filter(has_text="inside a word")).to_be_visible()
    for _ in "he keeper":
        await page.keyboard.press("ArrowRight")
    await page.keyboard.press("Alt+Enter")
    await expect(options.first).to_have_text(WORDS)
    await expect(card.locator("[aria-busy=false]")).to_be_visible()
    assert 1 < await options.count() <= 6
    best = await options.first.inner_text()
    await expect(gap).to_have_text(f" {best}")
    # The arrows choose; the text of nobody changes by that.
    await page.keyboard.press("ArrowDown")
    second = await options.nth(1).inner_text()
    await expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    await expect(gap).to_have_text(f" {second}")
    await card.get_by_role("checkbox").uncheck()
    await expect(gap).to_have_count(0)
    await card.get_by_role("checkbox").check()
    assert await ada.text() == await maria.text() == sentence
    await expect(maria.runs).to_have_count(0)

    # A colleague writes before the gap meanwhile: the words go where the gap is now.
    await maria.page.locator(".ql-editor").press("Control+Home")
    await maria.page.keyboard.type("So: ")
    await ada.sees("So: ")
    await card.get_by_role("listbox").press("Enter")
    filled = f"So: The keeper {second} the rope and tied it to the boat."
    await ada.agrees_with(maria, filled)
    await expect(card).to_have_count(0)
    await expect(gap).to_have_count(0)
    await expect(maria.ai.first).to_have_text(f" {second}")
    await page.locator(".ql-editor").press("Control+z")
    await ada.agrees_with(maria, f"So: {sentence}")

    # A selection is replaced; Esc leaves it as it is, and so does a reader of the page who cannot see it.
    await page.keyboard.press("Control+Shift+End")
    await page.keyboard.press("Alt+Enter")
    await expect(options.first).to_have_text(WORDS)
    await page.keyboard.press("Escape")
    await expect(card).to_have_count(0)
    await ada.agrees_with(maria, f"So: {sentence}")
