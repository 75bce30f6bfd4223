"""Input methods beside other people: whatever is composed, by whomever and wherever others write, stands in the room
once. ANTIPHON_COMPOSING_ROUNDS asks for more rounds than the few of the suite, ANTIPHON_COMPOSING_SEED for others."""

from __future__ import annotations

import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from playwright.async_api import CDPSession, expect

from support.pages import Company, Person, alike
from support.server import ServedProcess

pytestmark = pytest.mark.e2e

ROUNDS = int(os.environ.get("ANTIPHON_COMPOSING_ROUNDS", "8"))
SEED = int(os.environ.get("ANTIPHON_COMPOSING_SEED", "1"))
# The intermediate texts of an input method, and the word.
METHODS = {
    "dead key": (["´"], "é"),
    "Japanese": (["n", "に", "にh", "にほ", "にほn", "にほん"], "日本"),
    "Korean": (["ㅎ", "하", "한", "한ㄱ", "한그"], "한글"),
    "Chinese": (["n", "ni", "ni h", "ni ha", "ni hao"], "你好"),
    "Vietnamese": (["t", "ti", "tie", "tiê", "tiên", "tiêng"], "tiếng"),
    "phone": (["l", "la", "lan", "lante", "lantern"], "lantern"),
}
# The caret goes to a random place in a line that has these words, or at its end.
PLACE = """(editor, [line, share]) => {
    const lines = [...editor.querySelectorAll("p, h1, li, blockquote")];
    const chosen = lines[line % lines.length];
    const walker = document.createTreeWalker(chosen, NodeFilter.SHOW_TEXT);
    const nodes = [];
    while (walker.nextNode()) nodes.push(walker.currentNode);
    const node = nodes[Math.floor(share * nodes.length)];
    const range = document.createRange();
    let at = node ? Math.round(share * node.length) : 0;
    // Not inside somebody's word, and not inside a character.
    while (node && at > 0 && at < node.length && node.data[at - 1] !== " ") at -= 1;
    range.setStart(node ?? chosen, at);
    getSelection().removeAllRanges();
    getSelection().addRange(range);
    editor.focus();
}"""


class Writer:
    """A person with an input method."""

    def __init__(self, person: Person, keys: CDPSession) -> None:
        self.person = person
        self._keys = keys
        self.steps: list[str] = []
        """Intermediate texts that the input method has still to show."""
        self.word = ""

    async def go(self, chance: random.Random) -> None:
        await self.person.story.evaluate(PLACE, [chance.randrange(20), chance.random()])

    async def shows(self, text: str) -> None:
        end = len(text.encode("utf-16-le")) // 2
        await self._keys.send(
            "Input.imeSetComposition", {"text": text, "selectionStart": end, "selectionEnd": end}
        )

    async def commits(self, text: str) -> None:
        await self._keys.send("Input.insertText", {"text": text})

    async def leaves(self) -> None:
        """The focus goes while a word is being composed: the browser ends it with the text on screen."""
        await self.person.story.evaluate("(editor) => editor.blur()")


@asynccontextmanager
async def writers(company: Company, served: ServedProcess) -> AsyncIterator[list[Writer]]:
    links = (await served.new_room())["links"]
    found = []
    for name in ("Ada", "Bo", "Eve"):
        person = await company.person(name, links["owner" if name == "Ada" else "editor"])
        found.append(Writer(person, await person.page.context.new_cdp_session(person.page)))
    yield found


async def test_what_is_composed_is_there_once(company: Company, served: ServedProcess) -> None:
    chance = random.Random(SEED)
    async with writers(company, served) as people:
        ada = people[0].person
        await ada.write("The first line. \nA second line here. \n\nThe last line of four. ")
        await alike(lambda: texts(people))
        words: list[str] = []
        for number in range(ROUNDS):
            told = await one_round(people, chance, number)
            text = await alike(lambda: saved(people))
            words += told
            wrong = {word: text.count(word) for word in words if text.count(word) != 1}
            assert not wrong, f"seed {SEED}, round {number}: {wrong} in {text!r}"
        # The room's text, read anew.
        await people[2].person.page.reload()
        await people[2].person.here()
        assert await alike(lambda: saved(people)) == text


async def one_round(people: list[Writer], chance: random.Random, number: int) -> list[str]:
    """Some compose, the others write, in small steps that are mixed; returns the words that must be there after it."""
    told: list[str] = []
    composers = chance.sample(people, chance.randint(1, 3))
    for writer in people:
        await writer.go(chance)
        if writer in composers:
            method = chance.choice(list(METHODS))
            writer.steps, result = list(METHODS[method][0]), METHODS[method][1]
            writer.word = f"{result}{number}{writer.person.name} "
        else:
            words = [f"w{number}{writer.person.name}{at} " for at in range(chance.randint(1, 6))]
            told += words
            # A stream stays where it began; a person goes about.
            writer.word, writer.steps = "", words
    going = list(people)
    while going:
        writer = chance.choice(going)
        if writer.steps and writer.word:
            await writer.shows(writer.steps.pop(0))
        elif writer.steps:
            if chance.random() < 0.3:
                await writer.go(chance)
            if chance.random() < 0.2:
                await writer.person.page.keyboard.press("Enter")
            if chance.random() < 0.15:
                await writer.person.page.keyboard.press("Control+b")
            await writer.person.page.keyboard.insert_text(writer.steps.pop(0))
        else:
            going.remove(writer)
            if not writer.word:
                continue
            match chance.choice(["commit", "commit", "commit", "cancel", "leave"]):
                case "commit":
                    await writer.commits(writer.word)
                    told.append(writer.word)
                case "cancel":
                    await writer.shows("")
                case "leave":
                    # The text on screen by then is the word.
                    await writer.shows(writer.word)
                    await writer.leaves()
                    told.append(writer.word)
    return told


async def texts(people: list[Writer]) -> list[str]:
    return [await writer.person.text() for writer in people]


async def saved(people: list[Writer]) -> list[str]:
    for writer in people:
        await writer.person.here()
    return await texts(people)


async def test_a_model_writes_into_the_line_of_a_composition(company: Company, served: ServedProcess) -> None:
    async with writers(company, served) as (ada, bo, eve):
        await ada.person.write("In the boat sat a fox. ")
        await alike(lambda: texts([ada, bo, eve]))
        await ada.person.story.evaluate(PLACE, [0, 0.99])
        await ada.shows("に")
        # In her own line, while the word is being composed.
        await bo.person.story.evaluate(PLACE, [0, 0.99])
        await bo.person.continue_here()
        await expect(bo.person.ai.first).to_be_visible()
        await ada.shows("にほ")
        await expect(bo.person.page.get_by_role("button", name="Stop", exact=True)).to_have_count(0)
        assert await ada.person.ai.count() == 0
        assert "にほ" in await ada.person.text()
        await ada.commits("日本")
        text = await alike(lambda: saved([ada, bo, eve]))
        assert text.count("日本") == 1
        assert text.startswith("In the boat sat a fox. ")
        assert await ada.person.ai.count() > 0
