"""The pictures of the user guide, from a running server: `.venv/bin/python docs/screenshots.py` (part of `make docs`).

A real server with the embedded models and two people in a real Chromium, with the helpers of the browser tests. The
pictures go to `docs/_screenshots`, which is not committed. The text of the model differs each time.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import Locator, expect

DOCS = Path(__file__).resolve().parent
sys.path.insert(0, str(DOCS.parent / "tests"))

from support.artists import Artist  # noqa: E402
from support.pages import Company, Person, chromium  # noqa: E402
from support.server import ServedProcess, serving  # noqa: E402

FOLDER = DOCS / "_screenshots"
SIZE = {"width": 1280, "height": 800}
LOADING = 300_000
"""Milliseconds that a model may take to load on a busy machine."""

STORY = {
    "en": [
        "The lighthouse keeper had not spoken to anyone in forty days. Every evening he climbed the stairs, "
        "lit the lamp and listened to the sea.",
        "On the forty-first evening somebody knocked at the door. ",
    ],
    "ru": [
        "Смотритель маяка сорок дней ни с кем не говорил. Каждый вечер он поднимался по лестнице, "
        "зажигал лампу и слушал море.",
        "На сорок первый вечер кто-то постучал в дверь. ",
    ],
}
NAMES = {"en": ("Ada", "Theo"), "ru": ("Мария", "Фёдор")}


class Studio:
    """Two people in a room, and where their pictures go."""

    def __init__(self, company: Company, served: ServedProcess, language: str) -> None:
        self.company = company
        self.served = served
        self.language = language

    async def room(self) -> tuple[Person, Person]:
        links = (await self.served.new_room())["links"]
        first, second = NAMES[self.language]
        return await self.enter(first, links["owner"]), await self.enter(second, links["editor"])

    async def enter(self, name: str, link: str) -> Person:
        person = self.company.at(await self.company.page(), name)
        person.link = link
        await person.page.goto(link)
        await person.page.locator("form input").first.fill(name)
        await person.page.keyboard.press("Enter")
        await person.here()
        return person

    async def save(self, person: Person, name: str, part: Locator | None = None) -> None:
        """A picture of the window, or of a part of it."""
        suffix = "" if self.language == "en" else f"-{self.language}"
        path = FOLDER / f"{name}{suffix}.png"
        await (part or person.page).screenshot(path=path, animations="disabled")
        print(f"  {path.name}", flush=True)


async def lobby(studio: Studio) -> None:
    page = await studio.company.page()
    await page.goto(studio.served.url)
    await expect(page.locator(".lobby")).to_be_visible()
    await page.screenshot(path=FOLDER / "lobby.png", animations="disabled")
    print("  lobby.png", flush=True)


async def story(studio: Studio) -> None:
    """The text, from the first line to the history."""
    ada, theo = await studio.room()
    first, second = STORY["en"]
    await ada.page.get_by_label("Title of the text").fill("The Keeper")
    await ada.write(first + "\n")
    await theo.write(second)
    await ada.agrees_with(theo)
    await ada.page.keyboard.press("Control+End")
    await ada.continue_here("A paragraph")
    await expect(ada.ai.first).to_be_visible(timeout=LOADING)
    await studio.save(ada, "writing")
    await finished(ada)
    await ada.rest_over(ada.ai)
    await expect(ada.page.locator(".token-card")).to_be_visible()
    await studio.save(ada, "word")
    await ada.page.mouse.move(5, 5)
    await ada.mode("Suggest")
    await ada.continue_here()
    await expect(ada.page.get_by_role("button", name="Accept").first).to_be_visible(timeout=LOADING)
    await finished(ada)
    await studio.save(ada, "suggestion")
    await theo.comment("lit the lamp", "Is it an oil lamp?")
    await ada.tab("Comments")
    await ada.page.locator(".thread").first.click()
    await studio.save(ada, "comments")
    await ada.tab("Document")
    await ada.page.get_by_label("Show in the text as colours").check()
    await ada.page.wait_for_function(
        "() => [...CSS.highlights.keys()].some((name) => name.startsWith('author'))"
    )
    await studio.save(ada, "authors")
    await ada.tab("History")
    await ada.page.get_by_label("Name this version").fill("First draft")
    await ada.page.get_by_role("button", name="Keep").click()
    await ada.write(" Nobody answered.")
    await ada.page.locator(".version").click()
    await ada.page.locator(".past").get_by_label("Compare with now").check()
    await expect(ada.page.locator(".past ins").first).to_be_visible()
    await studio.save(ada, "history")


async def finished(person: Person) -> None:
    await expect(person.page.locator(".run-running, .run-queued")).to_have_count(0, timeout=LOADING)


async def share(studio: Studio) -> None:
    ada, _ = await studio.room()
    await ada.page.get_by_role("button", name="Share").click()
    await expect(ada.page.get_by_role("dialog")).to_be_visible()
    await studio.save(ada, "share")


async def canvas(studio: Studio) -> None:
    """Four pictures from words, then a mask over one of them."""
    people = await studio.room()
    ada, theo = [await Artist(person).open() for person in people]
    await theo.tool("p")
    await theo.drag((120, 420), (180, 380), (260, 440), (330, 390), (400, 430))
    await ada.tool("f")
    await ada.drag((480, 100), (660, 280))
    await ada.page.get_by_label("What to paint").fill("a red apple")
    paint = ada.page.get_by_role("button", name="Paint", exact=True)
    await expect(paint).to_be_enabled(timeout=LOADING)
    await studio.save(people[0], "frame")
    await ada.page.get_by_title("Four pictures, each from another seed").click()
    await ada.shows_pictures(4)
    await ada.tool("v")
    await ada.objects("image").first.click()
    await expect(ada.page.get_by_role("button", name="Paint over")).to_be_visible()
    await ada.page.keyboard.press("k")
    await studio.save(people[0], "canvas")
    await ada.page.keyboard.press("k")
    await ada.page.get_by_role("button", name="Paint over").click()
    await expect(ada.page.locator(".mask-overlay")).to_be_visible()
    box = await ada.objects("image").first.bounding_box()
    board = await ada.board.bounding_box()
    assert box
    assert board
    x, y = box["x"] - board["x"] + box["width"] / 2, box["y"] - board["y"] + box["height"] / 2
    await ada.drag((x - 40, y - 20), (x + 10, y), (x + 40, y + 25))
    await studio.save(people[0], "mask")


async def jam(studio: Studio) -> None:
    """Two people and the band."""
    people = await studio.room()
    ada, theo = people
    for person in people:
        await person.page.get_by_role("button", name="Jam", exact=True).click()
        await person.page.get_by_role("button", name="Join the sound").click()
        await expect(person.page.locator(".jam-meters")).to_be_visible()
    region = ada.page.get_by_role("region", name="The jam")
    await region.get_by_role("button", name="Use the whole window").click()
    await region.get_by_role("button", name="Play", exact=True).click()
    start = region.get_by_role("button", name="Start the band")
    await expect(start).to_be_enabled(timeout=LOADING)
    await start.click()
    await expect(ada.page.locator(".jam-legend-band").first).to_be_visible()
    for words in ("jazz", "slow ballad"):
        await ada.page.locator(".jam-prompt-add input").fill(words)
        await ada.page.keyboard.press("Enter")
    await asyncio.sleep(4)  # music takes time
    for person in people:
        await person.page.locator(".jam-place").click()
    for key in "adgjgd":
        for person in people:
            await person.page.keyboard.press(key, delay=120)
    await studio.save(ada, "jam")


async def russian(studio: Studio) -> None:
    """The room in Russian."""
    first, second = STORY["ru"]
    maria, fyodor = await studio.room()
    await maria.write(first + "\n")
    await fyodor.write(second)
    await maria.agrees_with(fyodor)
    await studio.save(maria, "writing")


SCENES: dict[str, tuple[str, Callable[[Studio], Awaitable[None]]]] = {
    "lobby": ("en", lobby),
    "story": ("en", story),
    "share": ("en", share),
    "canvas": ("en", canvas),
    "jam": ("en", jam),
    "russian": ("ru", russian),
}


async def main(scenes: list[str]) -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as data:
        async with chromium() as browser, serving(Path(data), "--text-model=smollm2-135m") as served:
            for name in scenes:
                language, scene = SCENES[name]
                locale = {"en": "en-US", "ru": "ru-RU"}[language]
                company = Company(browser, viewport=SIZE, locale=locale)
                print(name, flush=True)
                try:
                    await scene(Studio(company, served, language))
                finally:
                    for person in company.people:
                        person.forgive("")  # the browser tests look after what a page complains of
                    await company.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Pictures of the user guide.")
    parser.add_argument("scenes", nargs="*", default=list(SCENES), help=", ".join(SCENES))
    asyncio.run(main(parser.parse_args().scenes))
