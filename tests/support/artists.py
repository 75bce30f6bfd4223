"""People at the canvas, in real browsers."""

from __future__ import annotations

import re

from playwright.async_api import Locator, expect

from support.pages import Company, Person, alike
from support.server import ServedProcess

Place = tuple[float, float]


class Artist:
    """A person whose page shows the canvas."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.page = person.page
        self.board: Locator = self.page.get_by_role("application", name="The canvas")

    def objects(self, kind: str = "") -> Locator:
        chosen = f'[data-type="{kind}"]' if kind else ""
        return self.page.locator(f".board-svg g:not(.live-draft) > [data-object]{chosen}")

    async def open(self, view: str = "Canvas") -> Artist:
        await self.page.get_by_role("group", name="What is shown").get_by_text(view, exact=True).click()
        await expect(self.board).to_be_visible()
        return self

    async def tool(self, key: str) -> None:
        await self.board.focus()
        await self.page.keyboard.press(key)

    async def at(self, place: Place) -> Place:
        """A place of the board as one of the page."""
        box = await self.board.bounding_box()
        assert box
        return box["x"] + place[0], box["y"] + place[1]

    async def press(self, *places: Place) -> None:
        """Goes along `places` with the button held, and keeps it held."""
        for index, place in enumerate(places):
            await self.page.mouse.move(*(await self.at(place)), steps=4)
            if index == 0:
                await self.page.mouse.down()

    async def drag(self, *places: Place) -> None:
        await self.press(*places)
        await self.page.mouse.up()

    async def shows_pictures(self, count: int) -> None:
        """So many pictures have come down, and none is waited for."""
        await expect(self.objects("image").locator("image[href^='blob:']")).to_have_count(count)
        await expect(self.objects("frame")).to_have_count(0)

    async def drawn(self) -> list[str]:
        """The page's board, in order: the markup of every object, but for addresses that are a page's own."""
        shown: list[str] = await self.objects().evaluate_all("(all) => all.map((one) => one.outerHTML)")
        return [re.sub('href="blob:[^"]+"', "", one) for one in shown]

    async def agrees_with(self, other: Artist, count: int) -> None:
        """Both come to show the same objects, `count` of them, all saved."""

        async def shown() -> list[list[str]]:
            for artist in (self, other):
                await artist.person.here()
                await expect(artist.objects()).to_have_count(count)
            return [await self.drawn(), await other.drawn()]

        await alike(shown)


async def artists(company: Company, served: ServedProcess, view: str = "Canvas") -> tuple[Artist, Artist]:
    links = (await served.new_room())["links"]
    ada = await Artist(await company.person("Ada", links["owner"])).open(view)
    eve = await Artist(await company.person("Eve", links["editor"])).open(view)
    return ada, eve
