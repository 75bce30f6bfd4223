"""The writing surface: formats, hostile paste, characters of more than one unit, large pastes."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.async_api import expect

from support.pages import Company, Person
from support.server import ServedProcess, serving

pytestmark = pytest.mark.e2e

PASTE = """(editor, data) => {
    const clipboard = new DataTransfer();
    for (const [kind, value] of Object.entries(data)) clipboard.setData(kind, value);
    editor.dispatchEvent(
        new ClipboardEvent("paste", { clipboardData: clipboard, bubbles: true, cancelable: true }));
}"""


async def two(company: Company, served: ServedProcess) -> tuple[Person, Person]:
    links = (await served.new_room())["links"]
    return await company.person("Ada", links["owner"]), await company.person("Eve", links["editor"])


async def paste(person: Person, data: dict[str, str]) -> None:
    await person.story.focus()
    await person.story.evaluate(PASTE, data)


async def test_formats_reach_the_other_page(company: Company, served: ServedProcess) -> None:
    ada, eve = await two(company, served)
    await ada.write("Chapter one")
    await ada.page.get_by_role("button", name="Heading", exact=True).click()
    await ada.write("\n", at=None)
    await ada.page.get_by_role("button", name="Bold").click()
    await ada.page.keyboard.type("dark")
    await ada.page.keyboard.press("Control+b")
    await ada.page.keyboard.type(" and plain")
    await expect(eve.story.locator("h1")).to_have_text("Chapter one")
    await expect(eve.story.locator("strong")).to_have_text("dark")
    await ada.agrees_with(eve)


async def test_a_hostile_paste_is_reduced_to_what_the_room_knows(
    company: Company, served: ServedProcess
) -> None:
    ada, eve = await two(company, served)
    html = (
        "<h2>Head</h2><p onclick='window.hurt=1'>one <b>bold</b> <span data-ai='forged' "
        "style='color:red;position:fixed'>two</span><img src=x onerror='window.hurt=1'>"
        "<script>window.hurt=1</script><iframe src='//example.org'></iframe>"
        "<a href='javascript:window.hurt=1'>link</a></p>"
    )
    await paste(ada, {"text/html": html, "text/plain": "no"})
    await eve.sees("link")
    # Chromium reports what it does not run and does not apply.
    ada.forgive("inline event handler", "inline style")
    assert "hurt" not in await ada.agrees_with(eve)
    for person in (ada, eve):
        kinds = await person.story.evaluate(
            "(e) => [...new Set([...e.querySelectorAll('*')].map(x => x.tagName))]"
        )
        assert set(kinds) <= {"H2", "P", "STRONG", "SPAN", "BR"}
        assert await person.ai.count() == 0
        assert await person.story.locator("[style]").count() == 0
        assert await person.page.evaluate("() => window.hurt") is None


async def test_an_emoji_that_becomes_its_neighbour_stays_whole(
    company: Company, served: ServedProcess
) -> None:
    ada, eve = await two(company, served)
    await ada.write("a😀b")
    await eve.sees("a😀b")
    # The two share their first UTF-16 unit: a comparison by units would edit half of the character.
    await ada.story.evaluate("(editor) => { editor.querySelector('p').firstChild.data = 'a😁b'; }")
    await eve.sees("a😁b")
    assert await ada.agrees_with(eve) == "a😁b"


async def test_a_pasted_novel_arrives(company: Company, served: ServedProcess) -> None:
    ada, eve = await two(company, served)
    # A megabyte of UTF-8; somebody else writes on meanwhile, and is not slowed.
    novel = "".join(f"Глава {number}. {'Ночь 🌙 и море. ' * 20}\n" for number in range(1850))
    assert len(novel.encode()) > 1_000_000
    await paste(ada, {"text/plain": novel})
    await eve.sees("Глава 1849.")
    assert await ada.agrees_with(eve) == novel


async def test_the_keyboard_is_enough(company: Company, served: ServedProcess) -> None:
    ada, _ = await two(company, served)
    await ada.story.focus()
    await ada.page.keyboard.press("Tab")
    await expect(ada.page.get_by_role("textbox", name="Ask the model")).to_be_focused()
    await ada.page.keyboard.press("Shift+Tab")
    await expect(ada.story).to_be_focused()


async def test_more_than_the_room_holds_is_refused_in_words_and_nothing_is_lost(
    company: Company, tmp_path: Path, embedded_text_model: Path, cache_dir: Path
) -> None:
    limits = {"ANTIPHON_LIMITS__MAX_DOCUMENT": "65536"}
    async with serving(tmp_path, "--cache-dir", str(cache_dir), environment=limits) as served:
        ada, eve = await two(company, served)
        await ada.write("Mine.")
        await eve.sees("Mine.")
        await paste(ada, {"text/plain": "Ночь 🌙 " * 20_000})
        await expect(ada.page.locator(".notice")).to_contain_text("more than the room can hold")
        assert await ada.agrees_with(eve) == "Mine."
        await ada.write(" Still.")
        await eve.sees("Mine. Still.")
