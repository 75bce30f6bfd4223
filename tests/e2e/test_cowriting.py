"""Two pages co-write with the real model."""

from __future__ import annotations

import asyncio

import pytest
from playwright.async_api import expect

from support.pages import Company, Person
from support.server import ServedProcess

pytestmark = pytest.mark.e2e

OPENING = "The lighthouse keeper had not spoken to anyone in forty days. On the forty-first, "


async def two(company: Company, served: ServedProcess) -> tuple[Person, Person]:
    links = (await served.new_room())["links"]
    ada = await company.person("Ada", links["owner"])
    maria = await company.person("Мария", links["editor"])
    return ada, maria


async def test_both_type_while_the_model_writes(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    await ada.write(OPENING)
    await maria.sees("forty-first")
    await ada.continue_here("A paragraph")
    await expect(maria.ai.first).to_be_visible()
    await expect(maria.page.locator(".cursor-model")).to_be_attached()

    await asyncio.gather(
        maria.write("Зима была долгой 🌙. ", at="Control+Home", meanwhile=True),
        ada.write(" [and Ada types at the end]", at="Control+End", meanwhile=True),
    )
    await expect(ada.page.locator(".run-done")).to_be_visible()
    await expect(maria.page.locator(".run-done")).to_be_visible()
    text = await ada.agrees_with(maria)
    assert text.startswith("Зима была долгой 🌙. The lighthouse keeper")
    assert "[and Ada types at the end]" in text


async def test_the_model_goes_on_where_the_cursor_stands(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    await ada.write("Première 🌙\nThe lighthouse keeper lit the\nThe end.")
    await ada.page.keyboard.press("ArrowUp")
    await ada.page.keyboard.press("End")
    await ada.continue_here()
    await expect(ada.page.locator(".run-done")).to_be_visible()
    text = await ada.agrees_with(maria)
    before, after = "Première 🌙\nThe lighthouse keeper lit the", "\nThe end."
    assert text.startswith(before)
    assert text.endswith(after)
    assert len(text) > len(before) + len(after)


async def test_words_typed_inside_the_models_are_a_persons(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    await ada.write(OPENING)
    await ada.continue_here()
    await expect(ada.page.locator(".run-done")).to_be_visible()
    await ada.agrees_with(maria)
    await maria.click_into(maria.ai)
    await maria.page.keyboard.type("MINE")
    await ada.sees("MINE")
    for person in (ada, maria):
        assert "MINE" not in "".join(await person.ai.all_text_contents())
    assert "MINE" in await ada.agrees_with(maria)


async def test_stop_keeps_what_was_written(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    await ada.write(OPENING)
    stopped = maria.page.locator(".run-stopped")
    for _ in range(4):  # the model may end its text by itself before the key arrives
        await ada.continue_here("A page")
        await expect(ada.ai.first).to_be_visible()
        await ada.page.keyboard.press("Escape")
        await expect(ada.page.get_by_role("button", name="Stop")).to_have_count(0)
        await expect(maria.page.locator(".run-running, .run-queued")).to_have_count(0)
        if await stopped.count():
            break
    await expect(stopped.first).to_be_visible()
    await expect(ada.page.get_by_role("button", name="Stop")).to_have_count(0)
    assert len(await ada.agrees_with(maria)) > len(OPENING)


async def test_a_suggestion_is_accepted_in_the_other_page(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    await ada.write(OPENING)
    await ada.mode("Suggest")
    await ada.continue_here()
    await expect(maria.page.locator(".run-done")).to_be_visible()
    suggested = "".join(await maria.suggested.all_text_contents())
    await maria.suggested.first.hover()
    await maria.page.locator(".suggestion-card").get_by_role("button", name="Accept").click()
    await expect(ada.suggested).to_have_count(0)
    await expect(ada.runs.first).to_contain_text("Accepted")
    assert (await ada.agrees_with(maria)).replace("\n", "") == (OPENING + suggested)
    assert "".join(await ada.ai.all_text_contents()) == suggested


@pytest.mark.parametrize("button", ["Make it darker.", "Rewrite"])
async def test_a_suggestion_for_a_selection_replaces_it(
    company: Company, served: ServedProcess, button: str
) -> None:
    ada, maria = await two(company, served)
    await ada.write("The storm came. The boat was old.")
    await ada.mode("Suggest")
    await ada.page.get_by_label("Length").select_option(label="A line")
    await ada.story.focus()
    await ada.page.keyboard.press("Control+Home")
    for _ in "The storm came.":
        await ada.page.keyboard.press("Shift+ArrowRight")
    if button == "Rewrite":
        await ada.page.get_by_role("button", name="Rewrite").click()
    else:
        await ada.page.get_by_role("textbox", name="Ask the model").fill(button)
        await ada.page.keyboard.press("Enter")
    await expect(maria.page.locator(".run-done")).to_be_visible()
    await expect(maria.story.locator("[data-suggest-del]")).to_have_text("The storm came.")
    suggested = "".join(await maria.suggested.all_text_contents())
    await maria.runs.first.get_by_role("button", name="Accept").click()
    await expect(ada.story.locator("[data-suggest-del]")).to_have_count(0)
    await expect(ada.suggested).to_have_count(0)
    assert (await ada.agrees_with(maria)).replace("\n", "") == suggested + " The boat was old."


async def test_a_rejected_suggestion_leaves_nothing(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    await ada.write(OPENING)
    await ada.mode("Suggest")
    await ada.continue_here()
    await expect(ada.page.locator(".run-done")).to_be_visible()
    await ada.runs.first.get_by_role("button", name="Reject").click()
    await expect(maria.suggested).to_have_count(0)
    assert await ada.agrees_with(maria) == OPENING


async def test_undo_of_a_run_and_of_ones_own(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    await ada.write(OPENING)
    await ada.continue_here()
    await expect(maria.page.locator(".run-done")).to_be_visible()
    await maria.write(" And Maria added this.", at="Control+End")
    await ada.sees("And Maria added this.")
    await maria.runs.first.get_by_role("button", name="Undo this").click()
    await expect(ada.ai).to_have_count(0)
    await expect(ada.runs.first).to_contain_text("Undone")
    text = await ada.agrees_with(maria)
    assert text.replace("\n", "") == OPENING + " And Maria added this."

    await maria.story.focus()
    await maria.page.keyboard.press("Control+z")
    await expect(ada.story).not_to_contain_text("And Maria added this.")
    assert OPENING.strip() in await ada.agrees_with(maria)
    await maria.page.keyboard.press("Control+Shift+z")
    await ada.sees("And Maria added this.")


async def test_an_instruction_can_be_steered(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    await ada.write(OPENING)
    await ada.page.get_by_label("Length").select_option(label="A page")
    await ada.page.get_by_role("textbox", name="Ask the model").fill("Describe the storm.")
    await ada.page.keyboard.press("Enter")
    run = maria.page.locator(".run-running")
    await expect(run).to_contain_text("Describe the storm.")
    await expect(run).to_contain_text("for Ada")
    await ada.runs.first.get_by_role("button", name="Steer").click()
    await ada.page.get_by_label("New instruction").fill("Now let it rain.")
    await ada.page.get_by_role("button", name="Apply").click()
    await expect(maria.runs.first).to_contain_text("Now let it rain.")
    await ada.runs.first.get_by_role("button", name="Stop").click()
    await expect(maria.page.locator(".run-stopped")).to_be_visible()
