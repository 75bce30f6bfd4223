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


async def test_quick_hands_lose_no_letter_of_a_new_line(company: Company, served: ServedProcess) -> None:
    """Each line is begun in the frame in which Enter makes it."""
    ada, eve = await two(company, served)
    lines = "\n".join(f"Line {number} ends." for number in range(40))
    await ada.write(lines)
    assert await ada.agrees_with(eve) == lines


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


async def test_whatever_the_browser_would_do_itself_happens_as_the_room_knows_it(
    company: Company, served: ServedProcess
) -> None:
    ada, eve = await two(company, served)
    page, keys = ada.page, ada.page.keyboard
    await page.get_by_label("Title of the text").focus()
    await keys.press("Enter")
    await keys.type("# One")
    await keys.press("Enter")
    await keys.type('She said "no".')
    await keys.press("Enter")
    await keys.type("plain words here")
    # The browser's undo, also where a script calls it, is a step of the room's, and no edit.
    await ada.story.evaluate("() => document.execCommand('undo')")
    await ada.agrees_with(eve, "One\nShe said “no”.\nplain words ")
    await keys.press("Control+y")
    await ada.agrees_with(eve, "One\nShe said “no”.\nplain words here")
    await page.get_by_label("Title of the text").focus()
    await keys.press("Enter")
    await keys.type("Up: ")
    await ada.agrees_with(eve, "Up: One\nShe said “no”.\nplain words here")
    await keys.press("Control+z")
    await ada.agrees_with(eve, "One\nShe said “no”.\nplain words here")
    for words, combination in (("plain", "Control+u"), ("words", "Control+Shift+X"), ("here", "Control+k")):
        await ada.select(words)
        await keys.press(combination)
    await page.get_by_label("Address").fill("javascript:alert(1)")
    await keys.press("Enter")
    await expect(page.get_by_role("alert")).to_contain_text("not a web")
    await page.get_by_label("Address").fill("example.org/a")
    await keys.press("Enter")
    await expect(eve.story.locator("h1")).to_have_text("One")
    await expect(eve.story.locator("u")).to_have_text("plain")
    await expect(eve.story.locator("s")).to_have_text("words")
    await expect(eve.story.locator("a")).to_have_attribute("href", "https://example.org/a")
    assert await ada.agrees_with(eve) == "One\nShe said “no”.\nplain words here"
    # Commands of a script or an extension are announced by nothing.
    ada.forgive("inline style", "inline event handler")
    for command in (
        "justifyCenter",
        "foreColor",
        "insertHorizontalRule",
        "superscript",
        "formatBlock",
        "insertHTML",
    ):
        value = "<table><tr><td>cell</td></tr></table>" if command == "insertHTML" else "#ff0000"
        await ada.story.evaluate(
            "(editor, [command, value]) => { editor.focus(); document.execCommand(command, false, value); }",
            [command, value],
        )
        await ada.agrees_with(eve, "One\nShe said “no”.\nplain words here")
    # The spelling checker's replacement, and a paragraph that begins with Hebrew.
    await ada.story.evaluate(
        """(editor) => {
            const node = editor.querySelector("s").firstChild;
            const range = new StaticRange({
                startContainer: node, startOffset: 0, endContainer: node, endOffset: node.length });
            editor.dispatchEvent(new InputEvent("beforeinput", { inputType: "insertReplacementText",
                data: "swords", targetRanges: [range], bubbles: true, cancelable: true }));
        }"""
    )
    await expect(eve.story.locator("s")).to_have_text("swords")
    await ada.write("\nשלום עולם")
    await eve.sees("שלום")
    last = eve.story.locator("p").last
    assert await last.evaluate("(line) => getComputedStyle(line).direction") == "rtl"
    await ada.agrees_with(eve)


async def test_a_paste_keeps_what_docs_and_word_mean(company: Company, served: ServedProcess) -> None:
    ada, eve = await two(company, served)
    docs = (
        '<b style="font-weight:normal" id="docs-internal-guid-0"><p dir="ltr"><span style="font-weight:700">Loud</span>'
        '<span style="font-style:italic"> thin</span><a href="https://www.google.com/url?q=https://example.org/x&amp;sa=D">'
        '<span style="text-decoration:underline">far</span></a>'
        '<span style="text-decoration:line-through">gone</span></p></b>'
    )
    word = (
        '<html xmlns:w="urn:schemas-microsoft-com:office:word"><head><style><!--'
        "@list l0:level1 {mso-level-number-format:bullet;}"
        " @list l0:level2 {mso-level-number-format:bullet;}--></style></head><body>"
        "<p class=MsoListParagraph style='mso-list:l0 level1 lfo1'><span style='mso-list:Ignore'>·</span>first</p>"
        "<p class=MsoListParagraph style='mso-list:l0 level2 lfo1'><span style='mso-list:Ignore'>o</span>second</p>"
        "</body></html>"
    )
    await paste(ada, {"text/html": docs, "text/plain": "no"})
    await expect(eve.story.locator("strong")).to_have_text("Loud")
    await expect(eve.story.locator("em")).to_have_text(" thin")
    await expect(eve.story.locator("a")).to_have_attribute("href", "https://example.org/x")
    await expect(eve.story.locator("s")).to_have_text("gone")
    await expect(eve.story.locator("u")).to_have_count(0)
    await ada.page.keyboard.press("Enter")
    await paste(ada, {"text/html": word, "text/plain": "no"})
    await expect(eve.story.locator("li")).to_have_text(["first", "second"])
    await expect(eve.story.locator("li.ql-indent-1")).to_have_text("second")
    await expect(eve.story.locator("li").first).to_have_attribute("data-list", "bullet")
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
    # Chromium reports scripts that it does not run and styles that it does not apply.
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
