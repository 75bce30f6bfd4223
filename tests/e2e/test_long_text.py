"""Texts that are so long that their lines stand in groups: every edit is as in a short one."""

from __future__ import annotations

import random

import pytest
from playwright.async_api import expect

from support.pages import Company, Person, alike
from support.server import ServedProcess

pytestmark = pytest.mark.e2e

LINES = "document.querySelectorAll('.ql-editor :is(p, h1, h2, blockquote, li)')"
# Places are [line, offset]; the caret is put there, or the text between two of them is selected.
PUT = f"""(editor, [from, to]) => {{
    const place = ([line, offset]) => {{
        const element = {LINES}[line];
        const walker = document.createTreeWalker(element, NodeFilter.SHOW_TEXT);
        let node = walker.nextNode();
        if (!node) return [element, 0];
        while (offset > node.length) {{
            offset -= node.length;
            const next = walker.nextNode();
            if (!next) return [node, node.length];
            node = next;
        }}
        return [node, offset];
    }};
    editor.focus({{ preventScroll: true }});
    getSelection().setBaseAndExtent(...place(from), ...place(to));
    place(to)[0].parentElement.scrollIntoView({{ block: "center" }});
}}"""
LENGTHS = f"() => [...{LINES}].map((line) => line.textContent.replaceAll('\\ufeff', '').length)"
GROUPS = "(editor) => [...editor.querySelectorAll('line-group')].map((group) => group.children.length)"
COPY = """(editor) => {
    const data = new DataTransfer();
    editor.dispatchEvent(new ClipboardEvent("copy", { clipboardData: data, bubbles: true, cancelable: true }));
    return [data.getData("text/html"), data.getData("text/plain")];
}"""
PASTE = """(editor, [html, text]) => {
    const data = new DataTransfer();
    if (html) data.setData("text/html", html);
    data.setData("text/plain", text);
    editor.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
}"""
# Quill's first line of each group, so that edits at the edges are not left to luck.
EDGES = f"""(editor) => {{
    const lines = [...{LINES}];
    return [...editor.querySelectorAll("line-group")].map((group) => {{
        const first = group.firstElementChild;
        return lines.indexOf(first.tagName === "OL" ? first.firstElementChild : first);
    }});
}}"""


def novel(lines: int) -> tuple[str, str]:
    html, text = [], []
    for nth in range(lines):
        words = f"Line {nth} of the long text."
        text.append(words)
        tag = "h2" if nth % 90 == 0 else "li" if 200 <= nth < 240 else "p"
        if nth == 200:
            html.append("<ul>")
        html.append(f"<{tag}>{words}</{tag}>")
        if nth == 239:
            html.append("</ul>")
    return "".join(html), "\n".join(text)


async def put(person: Person, start: tuple[int, int], end: tuple[int, int] | None = None) -> None:
    await person.page.bring_to_front()
    await person.story.evaluate(PUT, [start, end or start])


async def step(person: Person, chosen: random.Random, nth: int) -> None:
    """One edit at a random place, every second time at the edge of a group."""
    lengths: list[int] = await person.page.evaluate(LENGTHS)
    edges: list[int] = await person.story.evaluate(EDGES)
    line = chosen.choice(edges) if edges and nth % 2 == 0 else chosen.randrange(len(lengths))
    line = min(line, len(lengths) - 5)
    keys = person.page.keyboard
    what = nth % 12
    if what == 0:
        await put(person, (line, 0))
        await keys.press("Backspace")
    elif what == 1:
        await put(person, (line, lengths[line]))
        await keys.press("Enter")
        await keys.type(f"new {nth}.")
    elif what == 2:
        await put(person, (max(0, line - 1), 3), (line + 2, min(4, lengths[line + 2])))
        await keys.type(f"over {nth}")
    elif what == 3:
        await put(person, (max(0, line - 60), 0), (line, 0))
        await keys.press("Delete")
    elif what in (4, 5):
        await put(person, (line, lengths[line] // 2))
        await person.story.evaluate(
            PASTE, ["", "\n".join(f"pasted {nth}/{at}" for at in range(5 if what == 4 else 70))]
        )
    elif what == 6:
        await put(person, (line, lengths[line]))
        await keys.press("Delete")
    elif what == 7:
        await put(person, (line, 0), (line + 3, 0))
        await person.page.get_by_role("button", name="Bulleted list").click()
    elif what == 8:
        await put(person, (line, 1))
        await person.page.get_by_role("button", name="Heading", exact=True).click()
    elif what == 9:
        await put(person, (max(0, line - 2), 0), (line, 2))
        html, text = await person.story.evaluate(COPY)
        assert "line-group" not in html
        await put(person, (line + 1, 0))
        await person.story.evaluate(PASTE, [html, text])
    else:
        await put(person, (line, min(2, lengths[line])))
        await keys.type(f"<{nth}>")


async def test_any_edit_of_a_long_text_is_the_same_in_both_pages(
    company: Company, served: ServedProcess
) -> None:
    """Property: random edits of two people, at the edges of groups above all; a page that is read anew says the same,
    and no page had to be built anew from the text (which it would report)."""
    links = (await served.new_room())["links"]
    ada, eve = await company.person("Ada", links["owner"]), await company.person("Eve", links["editor"])
    chosen = random.Random(15)
    html, text = novel(900)
    await ada.story.focus()
    await ada.story.evaluate(PASTE, [html, text])
    await expect(eve.story).to_contain_text("Line 899 of the long text.")
    await ada.agrees_with(eve)
    for page in (ada, eve):
        assert sum(await page.story.evaluate(GROUPS)) > 700
    # The copied text has the lines, and no trace of the groups.
    await put(ada, (50, 5), (350, 4))
    copied, plain = await ada.story.evaluate(COPY)
    assert "line-group" not in copied
    assert copied.count("<p") + copied.count("<h2") + copied.count("<li") == 301
    assert plain.count("Line") == 300
    for nth in range(36):
        await step(chosen.choice((ada, eve)), chosen, nth)
        if nth % 6 == 5:
            await ada.agrees_with(eve)
    # Steps back and again are the same too.
    await ada.page.bring_to_front()
    await ada.story.focus()
    for _ in range(4):
        await ada.page.keyboard.press("Control+z")
    await alike(lambda: shown(ada, eve))
    # An input method composes in the first line of a group while the other joins that line's neighbours.
    line = (await ada.story.evaluate(EDGES))[1]
    await put(ada, (line, 2))
    devtools = await ada.page.context.new_cdp_session(ada.page)
    await devtools.send("Input.imeSetComposition", {"text": "ni", "selectionStart": 2, "selectionEnd": 2})
    await eve.story.evaluate(PUT, [(line, 0), (line, 0)])
    await eve.page.keyboard.press("Backspace")
    await eve.story.evaluate(PUT, [(line - 3, 0), (line - 3, 0)])
    await eve.page.keyboard.type("beside ")
    await devtools.send("Input.insertText", {"text": "你"})
    assert "你" in await ada.agrees_with(eve)
    # The quiet look at all of it finds nothing either, and puts lines into groups that have grown.
    await ada.page.wait_for_timeout(5000)
    assert max(await ada.story.evaluate(GROUPS)) <= 250
    before = await ada.text()
    await eve.page.reload()
    # A page that comes to a long text shows it part by part.
    assert await ada.agrees_with(eve, before) == before


async def shown(*people: Person) -> list[str]:
    return [await person.text() for person in people]


async def test_a_large_paste_comes_part_by_part_and_goes_as_one(
    company: Company, served: ServedProcess
) -> None:
    """The text has it at once; the pages show it in parts, amid the words that both write meanwhile."""
    links = (await served.new_room())["links"]
    ada, eve = await company.person("Ada", links["owner"]), await company.person("Eve", links["editor"])
    await ada.write("first line\nlast line")
    await eve.sees("last line")
    _, text = novel(3000)
    await put(ada, (0, len("first line")))
    await ada.page.evaluate("() => { window.parts = 0; }")
    await ada.story.evaluate(
        """(editor) => new MutationObserver(() => { if (document.querySelector(".showing")) window.parts += 1; })
            .observe(document.querySelector(".page"), { childList: true, subtree: true })"""
    )
    await ada.story.evaluate(PASTE, ["", f"\n{text}"])
    # Both write before all of it can be seen.
    await ada.page.keyboard.type("!")
    await eve.page.bring_to_front()
    await eve.story.focus()
    await eve.page.keyboard.press("Control+Home")
    await eve.page.keyboard.type("Eve: ")
    await eve.page.keyboard.press("Control+End")
    await eve.page.keyboard.type(" (Eve)")
    assert await ada.page.evaluate("() => window.parts") > 3
    await eve.sees("Line 2999 of the long text.")
    whole = await ada.agrees_with(eve)
    assert whole.count("\n") == 3001
    assert whole.count("!") == 1
    assert whole.replace("!", "") == f"Eve: first line\n{text}\nlast line (Eve)"
    # Ada's own: the sign, then all that was pasted.
    await ada.page.bring_to_front()
    await ada.story.focus()
    await ada.page.keyboard.press("Control+z")
    await ada.page.keyboard.press("Control+z")
    await ada.agrees_with(eve, "Eve: first line\nlast line (Eve)")
    await ada.page.keyboard.press("Control+y")
    again = await ada.agrees_with(eve, whole.replace("!", ""))
    # Somebody who comes now sees all of it.
    await eve.page.reload()
    await eve.here()
    assert await ada.agrees_with(eve, again) == again


async def test_keys_reach_the_ends_of_a_long_text(company: Company, served: ServedProcess) -> None:
    """Also where the browser has not laid the lines out yet; letters typed at once stand there, all of them."""
    links = (await served.new_room())["links"]
    ada, eve = await company.person("Ada", links["owner"]), await company.person("Eve", links["editor"])
    html, text = novel(2000)
    await ada.story.focus()
    await ada.story.evaluate(PASTE, [html, text])
    # All of it: both may agree on a part of it before.
    await eve.sees("Line 1999 of the long text.")
    whole = await ada.agrees_with(eve)
    keyboard = eve.page.keyboard
    await eve.page.bring_to_front()
    await eve.story.focus()
    for round_ in range(3):
        await keyboard.press("Control+Home")
        await keyboard.type(f"[{round_}")
        await keyboard.press("Control+End")
        await keyboard.type(f"{round_}]")
    whole = f"[2[1[0{whole}0]1]2]"
    assert await eve.agrees_with(ada, whole) == whole
    # A caret that a click or a script left between lines.
    await eve.story.evaluate(
        "(editor) => getSelection().collapse(editor.querySelectorAll('line-group')[9], 0)"
    )
    await keyboard.type("(all of this)")
    assert "\n(all of this)" in await eve.agrees_with(ada)
    await keyboard.press("Control+Shift+End")
    await keyboard.press("Control+Shift+Home")
    await keyboard.type("start")
    # All from the beginning to the caret was selected, backwards, by the second key.
    assert (await eve.agrees_with(ada)).startswith("startLine")
    await keyboard.press("Control+a")
    await keyboard.type("new")
    assert (await eve.agrees_with(ada, "new")).strip() == "new"
