"""Changes that the browser makes to a text by itself: its editing commands as menus and systems give them,
and words dragged with the mouse."""

from __future__ import annotations

import pytest
from playwright.async_api import CDPSession, expect

from support.pages import Company, Person
from support.server import ServedProcess

pytestmark = pytest.mark.e2e

# Chromium's names; `Input.dispatchKeyEvent` runs them as its menus do.
COMMANDS = (
    "deleteWordBackward", "deleteWordForward", "deleteToEndOfLine", "deleteToBeginningOfLine", "yank", "transpose",
    "insertNewline", "insertLineBreak", "insertNewlineInQuotedContent", "toggleBold", "toggleItalic",
    "toggleUnderline", "strikethrough", "subscript", "alignCenter", "alignJustified", "insertOrderedList",
    "insertUnorderedList", "indent", "outdent", "removeFormat", "unlink", "insertHorizontalRule", "insertTab",
    "insertBacktab", "makeTextWritingDirectionRightToLeft", "deleteToEndOfParagraph", "deleteBackward",
    "deleteForward", "deleteBackwardByDecomposingPreviousCharacter", "setMark", "deleteToMark", "undo", "redo", "undo",
)  # fmt: skip
CARET = """(editor, [line, offset, end]) => {
    const lines = editor.querySelectorAll("p, li");
    const chosen = lines[Math.min(line, lines.length - 1)];
    const node = document.createTreeWalker(chosen, NodeFilter.SHOW_TEXT).nextNode() ?? chosen;
    const most = node.length ?? 0;
    editor.focus();
    getSelection().setBaseAndExtent(node, Math.min(offset, most), node, Math.min(end, most));
}"""


async def command(devtools: CDPSession, name: str) -> None:
    await devtools.send("Input.dispatchKeyEvent", {"type": "keyDown", "key": "F13", "commands": [name]})
    await devtools.send("Input.dispatchKeyEvent", {"type": "keyUp", "key": "F13"})


async def drag(person: Person, words: str, onto: str, *, copy: bool = False) -> None:
    """Selected words, with the mouse, to the beginning of others."""
    await person.select(words)
    box, to = await person.box_of(words), await person.box_of(onto)
    mouse, keys = person.page.mouse, person.page.keyboard
    await mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    await mouse.down()
    await mouse.move(box["x"] + box["width"] / 2 + 8, box["y"] + box["height"] / 2 + 8, steps=3)
    if copy:
        await keys.down("Control")
    await mouse.move(to["x"] + 1, to["y"] + to["height"] / 2, steps=5)
    await mouse.up()
    if copy:
        await keys.up("Control")


async def test_commands_of_menus_and_dragged_words_are_the_same_in_both_pages(
    company: Company, served: ServedProcess
) -> None:
    links = (await served.new_room())["links"]
    ada, eve = await company.person("Ada", links["owner"]), await company.person("Eve", links["editor"])
    devtools = await ada.page.context.new_cdp_session(ada.page)
    await ada.write("First line of words here.\nSecond line of words there.\nThird line, and more of it.")
    start = await ada.agrees_with(eve)
    await drag(ada, "words here", "line of words there")
    moved = start.replace("words here", "", 1).replace("line of words there", "words hereline of words there")
    await ada.agrees_with(eve, moved)
    await drag(ada, "Third", "First", copy=True)
    await ada.agrees_with(eve, f"Third{moved}")
    await ada.page.keyboard.press("Control+z")
    await ada.agrees_with(eve, moved)
    await ada.page.keyboard.press("Control+z")
    await ada.agrees_with(eve, start)

    # The browser says that it did not apply the style that a command would give.
    ada.forgive("inline style")
    for number, name in enumerate(COMMANDS):
        await ada.story.evaluate(CARET, [1, 5 + number % 7, 5 + number % 7 + (3 if number % 3 == 0 else 0)])
        await command(devtools, name)
        text = await ada.agrees_with(eve)
        assert text.startswith("First line of words here.\n")
        if len(text) < 70:
            await ada.page.keyboard.type("more words for it ")
    # Dictation.
    await ada.story.evaluate(CARET, [0, 5, 5])
    await devtools.send("Input.insertText", {"text": " dictated, in one piece"})
    await ada.agrees_with(eve)
    assert (await ada.text()).startswith("First dictated, in one piece line")

    # All of a long text, whose lines are not laid out where nobody sees them; and typing over it is one step.
    await ada.story.evaluate(
        """(editor) => {
            const data = new DataTransfer();
            data.setData("text/plain", Array.from({ length: 700 }, (_, nth) => `Line ${nth} of many.`).join("\\n"));
            editor.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true, cancelable: true }));
        }"""
    )
    await expect(eve.story).to_contain_text("Line 699 of many.")
    await expect(eve.story.locator("line-group").first).to_be_attached()
    whole = await ada.agrees_with(eve)
    await ada.story.focus()
    await command(devtools, "selectAll")
    await ada.page.keyboard.type("X")
    await ada.agrees_with(eve, "X")
    await command(devtools, "undo")
    await ada.agrees_with(eve, whole)
