"""Two pages co-write with the real model; where a run has to be under way, with a scripted one that waits for the
test."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from antiphon_proto.params import TextSteer
from support.pages import SELECT, Company, Person
from support.server import PATIENCE, LiveServer, ServedProcess, running

pytestmark = pytest.mark.e2e

OPENING = "The lighthouse keeper had not spoken to anyone in forty days. On the forty-first, "
# The editor is told of a caret or a selection that moved only after the next action: fast hands, or a slow page.
ASK_FROM_THE_SECOND_LINE = """(editor) => {
    const words = editor.children[1].firstChild;
    getSelection().collapse(words, words.length);
    editor.dispatchEvent(new KeyboardEvent("keydown", { key: "Enter", ctrlKey: true, bubbles: true }));
}"""
SELECT_AND_LEAVE = f"""(editor, words) => {{
    ({SELECT})(editor, words);
    document.querySelector(".ask textarea").focus();
}}"""


@pytest_asyncio.fixture(loop_scope="session")
async def scripted(tmp_path: Path) -> AsyncIterator[LiveServer]:
    """A server whose runs begin, and write and end when the test says so."""
    async with running(tmp_path / "data") as live:
        live.engine.hold = True
        yield live


async def begun(server: LiveServer) -> str:
    """The run that is under way."""
    async with asyncio.timeout(PATIENCE):
        while not server.engine.requests:
            await asyncio.sleep(0.02)
    [run] = server.engine.requests
    return run


async def two(company: Company, served: ServedProcess | LiveServer) -> tuple[Person, Person]:
    links = (await served.new_room())["links"]
    ada = await company.person("Ada", links["owner"])
    maria = await company.person("Мария", links["editor"])
    return ada, maria


async def test_both_type_while_the_model_writes(company: Company, scripted: LiveServer) -> None:
    ada, maria = await two(company, scripted)
    await ada.write(OPENING)
    await ada.continue_here("A paragraph")
    run = await begun(scripted)
    words = [f"wave{number} " for number in range(15)]

    async def model() -> None:
        for word in words:
            scripted.engine.write(run, word)
            await maria.sees(word.strip())

    scripted.engine.write(run, "a ")
    await expect(maria.ai.first).to_be_visible()
    await expect(maria.page.locator(".cursor-model")).to_be_attached()
    await asyncio.gather(
        model(),
        maria.write("Зима была долгой 🌙. ", at="Control+Home", meanwhile=True),
        ada.write(" [and Ada types at the end]", at="Control+End", meanwhile=True),
    )
    scripted.engine.finish(run)
    for person in (ada, maria):
        await expect(person.page.locator(".run-done")).to_be_visible()
    text = await ada.agrees_with(maria)
    assert text.startswith(f"Зима была долгой 🌙. {OPENING}")
    # Ada began at the end as she saw it; neither of the two comes into the other's words.
    typed = " [and Ada types at the end]"
    assert text.count(typed) == 1
    # A run ends without the blank behind its last word.
    assert text.replace(typed, "").endswith("a " + "".join(words).rstrip())


async def test_the_model_goes_on_where_the_cursor_stands(company: Company, served: ServedProcess) -> None:
    ada, maria = await two(company, served)
    await ada.write("Première 🌙\nThe lighthouse keeper lit the\nThe end.")
    await ada.page.get_by_label("Length").select_option(label="A line")
    await ada.story.focus()
    await ada.story.evaluate(ASK_FROM_THE_SECOND_LINE)
    await expect(ada.page.locator(".run-done")).to_be_visible()
    text = await maria.agrees_with(ada)
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
    assert "MINE" in await ada.agrees_with(maria)
    for person in (ada, maria):
        assert "MINE" not in "".join(await person.ai.all_text_contents())


async def test_stop_keeps_what_was_written(company: Company, scripted: LiveServer) -> None:
    ada, maria = await two(company, scripted)
    await ada.write(OPENING)
    await ada.continue_here("A page")
    run = await begun(scripted)
    scripted.engine.write(run, "he sang")
    await expect(ada.ai.first).to_be_visible()
    await ada.page.keyboard.press("Escape")
    await expect(maria.page.locator(".run-stopped")).to_be_visible()
    await expect(ada.page.get_by_role("button", name="Stop")).to_have_count(0)
    assert scripted.engine.cancelled == [run]
    assert await ada.agrees_with(maria) == OPENING + "he sang"


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
    for person in (ada, maria):
        await expect(person.suggested).to_have_count(0)
        assert "".join(await person.ai.all_text_contents()) == suggested


@pytest.mark.parametrize("button", ["Make it darker.", "Rewrite"])
async def test_a_suggestion_for_a_selection_replaces_it(
    company: Company, served: ServedProcess, button: str
) -> None:
    ada, maria = await two(company, served)
    await ada.write("The storm came. The boat was old.")
    await ada.mode("Suggest")
    await ada.page.get_by_label("Length").select_option(label="A line")
    await ada.story.focus()
    await ada.story.evaluate(SELECT_AND_LEAVE, "The storm came.")
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

    # That she took the run back is the last that Maria did; before it came her words, one by one.
    await maria.story.focus()
    await maria.page.keyboard.press("Control+z")
    await expect(ada.ai.first).to_be_visible()
    await maria.page.keyboard.press("Control+Shift+z")
    await expect(ada.ai).to_have_count(0)
    await maria.page.keyboard.press("Control+z")
    await expect(ada.ai.first).to_be_visible()
    for gone in ("this.", "added"):
        await maria.page.keyboard.press("Control+z")
        await expect(ada.story).not_to_contain_text(gone)
    assert OPENING.strip() in await ada.agrees_with(maria)


async def test_an_instruction_can_be_steered(company: Company, scripted: LiveServer) -> None:
    ada, maria = await two(company, scripted)
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
    [(_, change)] = scripted.engine.steered
    assert isinstance(change, TextSteer)
    assert change.instruction == "Now let it rain."
    await ada.runs.first.get_by_role("button", name="Stop").click()
    await expect(maria.page.locator(".run-stopped")).to_be_visible()
