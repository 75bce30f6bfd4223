"""Undo in the page: the effect of Ctrl+Z on each surface, beside the model, and without a network."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import Locator, expect

from support.artists import Artist
from support.pages import Company, Line
from support.server import LiveServer, running

pytestmark = pytest.mark.e2e


# Each stretch of the text with the names and attributes of the elements that it stands in.
MARKS = """(editor) => {
    const walker = document.createTreeWalker(editor, NodeFilter.SHOW_TEXT);
    const found = [];
    while (walker.nextNode()) {
        const around = [];
        for (let at = walker.currentNode.parentElement; at !== editor; at = at.parentElement)
            around.push(at.tagName, ...[...at.attributes].map((each) => `${each.name}=${each.value}`).sort());
        found.push([walker.currentNode.data, ...around]);
    }
    return found;
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def scripted(tmp_path: Path) -> AsyncIterator[LiveServer]:
    async with running(tmp_path / "data") as live:
        yield live


async def test_ctrl_z_takes_the_last_thing_that_one_did_in_view(
    company: Company, scripted: LiveServer
) -> None:
    links = (await scripted.new_room())["links"]
    ada = await company.person("Ada", links["owner"])
    page = ada.page
    undo = page.get_by_role("toolbar", name="Formatting").get_by_role("button", name="Undo my last edit")
    await expect(undo).to_be_disabled()
    await ada.write("She walked home. ")
    await ada.here()
    # Continue: the model's words go first, and one's own typing stays whole.
    await ada.continue_here()
    await expect(ada.ai.first).to_be_visible()
    await expect(page.locator(".run-done")).to_have_count(1)
    await page.keyboard.press("Control+z")
    await expect(ada.ai).to_have_count(0)
    assert (await ada.text()).strip() == "She walked home."
    await page.keyboard.press("Control+Shift+z")
    await expect(ada.ai.first).to_be_visible()
    await page.keyboard.press("Control+z")
    await expect(ada.ai).to_have_count(0)
    # Accept: first the suggestion is open again, then it is gone.
    await ada.mode("Suggest")
    await ada.continue_here()
    await ada.runs.first.get_by_role("button", name="Accept").click()
    await expect(ada.suggested).to_have_count(0)
    await ada.story.focus()
    await page.keyboard.press("Control+z")
    await expect(ada.suggested.first).to_be_visible()
    await page.keyboard.press("Control+z")
    await expect(ada.suggested).to_have_count(0)
    assert (await ada.text()).strip() == "She walked home."
    # Words go one by one.
    await page.keyboard.press("Control+z")
    await expect(ada.story).to_contain_text("She walked")
    await expect(ada.story).not_to_contain_text("home")
    await page.keyboard.press("Control+y")
    await ada.sees("She walked home.")

    # Five quick strokes are five steps, and no step on the board touches the text that it hides.
    artist = await Artist(ada).open()
    await artist.tool("p")
    for number in range(5):
        await artist.drag((150 + 40 * number, 200), (160 + 40 * number, 300))
    await expect(artist.objects("stroke")).to_have_count(5)
    for left in (4, 3):
        await artist.tool("Control+z")
        await expect(artist.objects("stroke")).to_have_count(left)
    # Wherever the focus is, as long as the board is in view.
    await page.locator(".canvas").get_by_role("button", name="Undo my last edit").click()
    await expect(artist.objects("stroke")).to_have_count(2)
    for left in (1, 0):
        await page.keyboard.press("Control+z")
        await expect(artist.objects("stroke")).to_have_count(left)
    await expect(page.locator(".canvas").get_by_role("button", name="Undo my last edit")).to_be_disabled()
    await artist.tool("Control+z")
    await artist.tool("Control+y")
    await expect(artist.objects("stroke")).to_have_count(1)
    await page.get_by_role("group", name="What is shown").get_by_text("Text", exact=True).click()
    await ada.sees("She walked home.")

    # A step that acts out of sight brings the page there.
    await ada.write("\n" * 60 + "far")
    await page.keyboard.press("Control+Home")
    await page.keyboard.type("near ")
    await page.keyboard.press("Control+z")
    await expect(ada.story).not_to_contain_text("near")
    await page.keyboard.press("Control+z")
    await expect(ada.story).not_to_contain_text("far")
    await page.wait_for_function(
        "() => document.querySelector('.ql-editor').lastElementChild"
        ".getBoundingClientRect().top < innerHeight"
    )


async def test_without_a_network_steps_go_back_here_and_are_known_afterwards(
    company: Company, scripted: LiveServer
) -> None:
    links = (await scripted.new_room())["links"]
    line = Line()
    ada = await company.person("Ada", links["owner"], line)
    maria = await company.person("Maria", links["editor"])
    page = ada.page
    await ada.write("Saved. ")
    await ada.agrees_with(maria)
    await line.cut()
    await expect(ada.status).not_to_have_class(re.compile(r"\bstatus-good\b"))
    await ada.write("one two three", meanwhile=True)
    for gone in ("three", "two", "one"):
        await ada.sees(gone)
        await page.keyboard.press("Control+z")
        await expect(ada.story).not_to_contain_text(gone)
    # Saved edits are the server's to undo: the person is told.
    await page.keyboard.press("Control+z")
    await expect(page.get_by_text("saved changes can be undone when the connection is back")).to_be_visible()
    await ada.sees("Saved.")
    for back in ("one", "two"):
        await page.keyboard.press("Control+y")
        await ada.sees(back)
    await maria.write(" Meanwhile.", meanwhile=True)
    line.mend()
    await page.get_by_role("button", name="Try now").evaluate_all(
        "(all) => all.forEach((one) => one.click())"
    )
    await maria.sees("one two")
    await ada.agrees_with(maria)
    # The steps are as they were made.
    await ada.story.focus()
    await page.keyboard.press("Control+z")
    await expect(maria.story).not_to_contain_text("two")
    await page.keyboard.press("Control+z")
    await expect(maria.story).not_to_contain_text("one")
    for back in ("one", "two", "three"):
        await page.keyboard.press("Control+y")
        await maria.sees(back)
    await maria.sees("Meanwhile.")


async def test_steps_around_an_accepted_rewrite_lead_back_and_again_through_equal_texts(
    company: Company, scripted: LiveServer
) -> None:
    """Own typing before and behind the model's words goes and comes by itself, in order; the words of others, also
    in the middle of the rewritten sentence, is there throughout."""
    links = (await scripted.new_room())["links"]
    ada = await company.person("Ada", links["owner"])
    eve = await company.person("Eve", links["editor"])
    keys = ada.page.keyboard
    await ada.write("The storm came. The boat was old.")
    await eve.write("\nEve was there.")
    await ada.agrees_with(eve)
    await ada.mode("Suggest")
    await ada.select("The storm came.")
    await ada.page.get_by_role("button", name="Rewrite").click()
    await expect(ada.suggested.first).to_be_visible()
    await expect(ada.page.locator(".run-done")).to_have_count(1)
    await ada.runs.first.get_by_role("button", name="Accept").click()
    await expect(ada.suggested).to_have_count(0)
    rewritten = "".join(await ada.ai.all_text_contents())
    await ada.write("Before: ", at="Control+Home")
    await ada.select("old.")
    await keys.press("ArrowRight")
    await keys.type(" And wet.")
    await eve.select(rewritten[-4:])
    await eve.page.keyboard.press("ArrowLeft")
    await eve.page.keyboard.type("(Eve)")
    await ada.sees("(Eve)")
    whole = await ada.agrees_with(eve)
    assert (
        whole == f"Before: {rewritten[:-4]}(Eve){rewritten[-4:]} The boat was old. And wet.\nEve was there."
    )

    await ada.story.focus()
    undo = ada.page.get_by_role("toolbar", name="Formatting").get_by_role("button", name="Undo my last edit")
    redo = ada.page.get_by_role("toolbar", name="Formatting").get_by_role("button", name="Redo", exact=True)

    async def marks() -> list[list[str]]:
        found: list[list[str]] = await ada.story.evaluate(MARKS)
        return found

    shown = [await marks()]

    async def step(key: str, left: Locator) -> list[list[str]]:
        before = await ada.story.inner_html()
        await keys.press(key)
        await ada.page.wait_for_function(
            "(before) => document.querySelector('.ql-editor').innerHTML !== before", arg=before
        )
        await ada.agrees_with(eve)
        text = await ada.text()
        assert text.count("(Eve)") == text.count("Eve was there.") == 1
        await expect(left).to_be_visible()
        return await marks()

    while await undo.is_enabled():
        shown.append(await step("Control+z", undo))
        assert len(shown) < 40
    assert (await ada.text()).replace("\n", "") == "(Eve)Eve was there."
    # Typing word by word, the verdict, the request, and the first sentences.
    texts = len(shown)
    assert texts > 8
    again = [shown[-1]]
    for _ in range(texts - 1):
        await expect(redo).to_be_enabled()
        again.append(await step("Control+y", redo))
    assert again == shown[::-1]
    await expect(redo).to_be_disabled()
    assert await ada.agrees_with(eve) == whole
