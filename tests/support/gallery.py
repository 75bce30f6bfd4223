"""Every screen of the page in both languages, light and dark, in three widths, as contact sheets to look at.

    PYTHONPATH=tests .venv/bin/python -m support.gallery FOLDER [SCREEN ...]

A real server with the embedded models and a real Chromium, as in the browser tests. One sheet for each screen and
language.
"""

from __future__ import annotations

import argparse
import asyncio
import io
import re
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.async_api import Page, Route, expect

from support.artists import Artist
from support.pages import Company, Person, chromium
from support.server import ServedProcess, serving

WIDTHS = ((1280, 800), (820, 1100), (390, 844))
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")
HEIGHT = 700
"""Pixels of a picture's height on a sheet."""
GAP = 8
WORDS = {
    "en": {
        "locale": "en-US",
        "name": "Ada Lovelace",
        "text": "The lighthouse keeper had not spoken to anyone in forty days. ",
        "say": "Shall he open the door?",
        "comment": "Is it an oil lamp?",
        "title": "The Keeper",
        "find": "keepers",
        "script": "EXT. LIGHTHOUSE - NIGHT\n\nAnna runs up the stairs. It rains.\n\nANNA\nThe last ferry has left, "
        "hasn't it?\n\nKEEPER\nNobody crosses the water after dark!\n",
    },
    "ru": {
        "locale": "ru-RU",
        "name": "Мария Склодовская",
        "text": "Смотритель маяка сорок дней ни с кем не говорил. ",
        "say": "Пусть он откроет дверь?",
        "comment": "Это керосиновая лампа?",
        "title": "Смотритель",
        "find": "смотрителя",
        "script": "НАТ. МАЯК - НОЧЬ\n\nАнна бежит вверх по лестнице. Идёт дождь.\n\nАННА\nПоследний паром ушёл, да?\n\n"
        "СМОТРИТЕЛЬ\nПосле темноты никто не переправляется!\n",
    },
}


class Gallery:
    """One person's page, which is photographed in all widths and schemes."""

    def __init__(self, company: Company, served: ServedProcess, language: str, folder: Path) -> None:
        self.company = company
        self.served = served
        self.language = language
        self.words = WORDS[language]
        self.folder = folder

    async def page(self) -> Page:
        return await self.company.page(locale=self.words["locale"])

    async def person(self, link: str, name: str = "") -> Person:
        person = self.company.at(await self.page(), name or self.words["name"])
        person.forgive("Failed to load resource")
        await person.page.goto(link)
        await person.page.locator("form input").first.fill(person.name)
        await person.page.keyboard.press("Enter")
        await person.here()
        return person

    async def room(self) -> Person:
        return await self.person((await self.served.new_room())["links"]["owner"])

    async def sheet(self, page: Page, name: str, *widths: int) -> None:
        """A contact sheet of the page as it is now, in all widths (or these): light above, dark below."""
        rows: list[list[Image.Image]] = [[] for _ in SCHEMES]
        for width, height in WIDTHS:
            if widths and width not in widths:
                continue
            await page.set_viewport_size({"width": width, "height": height})
            for row, scheme in zip(rows, SCHEMES, strict=True):
                await page.emulate_media(color_scheme=scheme)
                await page.wait_for_timeout(250)  # the page follows the new size
                shot = Image.open(io.BytesIO(await page.screenshot(animations="disabled")))
                row.append(shot.resize((shot.width * HEIGHT // shot.height, HEIGHT)))
        wide = sum(each.width + GAP for each in rows[0])
        sheet = Image.new("RGB", (wide, len(rows) * (HEIGHT + GAP)), "#808080")
        for top, pictures in enumerate(rows):
            left = 0
            for picture in pictures:
                sheet.paste(picture, (left, top * (HEIGHT + GAP)))
                left += picture.width + GAP
        path = self.folder / f"{name}-{self.language}.png"
        sheet.save(path)
        print(path, flush=True)
        await page.set_viewport_size({"width": 1280, "height": 800})
        await page.emulate_media(color_scheme="light")


async def entrance(gallery: Gallery) -> None:
    """The lobby, the prompt for a name, and a link that does not open the room."""
    page = await gallery.page()
    page.on("console", lambda _: None)
    await page.goto(gallery.served.url)
    await expect(page.locator(".lobby")).to_be_visible()
    await gallery.sheet(page, "lobby")
    link = (await gallery.served.new_room())["links"]["owner"]
    await page.goto(link)
    await expect(page.locator("form input")).to_be_visible()
    await gallery.sheet(page, "name")
    await page.goto(link.split("#")[0] + "#wrong")
    await page.reload()
    await page.locator("form input").first.fill("X")
    await page.keyboard.press("Enter")
    await expect(page.locator("h1")).to_be_visible()
    await gallery.sheet(page, "denied")


async def text(gallery: Gallery) -> None:
    """The text with a run, and each tab of the side panel."""
    ada = await gallery.room()
    page, words = ada.page, gallery.words
    await page.locator(".title").fill(words["title"])
    await ada.write(words["text"] * 3)
    await ada.write("\n" + words["text"] * 4)
    await page.keyboard.press("Control+Enter")
    await page.wait_for_timeout(300)
    if await page.locator(".ask-doubt").count():
        await page.keyboard.press("Control+Enter")
    await expect(page.locator(".run-done")).to_be_visible()
    await gallery.sheet(page, "runs")
    await page.locator(".panel-toggle").click()
    await gallery.sheet(page, "text")
    await page.locator(".panel-toggle").click()
    await page.locator("#tab-chat").click()
    await page.locator(".panel textarea").fill(words["say"])
    await page.keyboard.press("Enter")
    await expect(page.locator(".said")).to_be_visible()
    await gallery.sheet(page, "chat")
    await ada.select(words["text"][4:12])
    await page.keyboard.press("Control+Alt+m")
    await page.keyboard.type(words["comment"])
    await page.keyboard.press("Enter")
    await expect(page.locator(".thread")).to_be_visible()
    await gallery.sheet(page, "comments")
    await page.locator("#tab-document").click()
    await page.locator(".document-tab input[type=checkbox]").last.check()
    await gallery.sheet(page, "document")
    await page.locator("#tab-history").click()
    await expect(page.locator(".panel-history li").first).to_be_visible()
    await gallery.sheet(page, "history")
    await page.locator(".panel-history li button").nth(1).click()
    await expect(page.locator(".past")).to_be_visible()
    await gallery.sheet(page, "past")
    await page.locator(".panel-toggle").click()
    await gallery.sheet(page, "past-alone")
    await page.locator(".panel-toggle").click()
    await page.route("**/history?*", damaged)
    await page.locator("#tab-chat").click()
    await page.locator("#tab-history").click()
    await expect(
        page.locator(".panel-history [role=alert], .panel-history .notice, .panel-history .field-error")
    ).to_be_visible()
    await gallery.sheet(page, "history-damaged")


async def damaged(route: Route) -> None:
    """The server's storage lost some changes: that is not to be had from a server that is well."""
    answer = await route.fetch()
    body = await answer.json()
    body["missing"] = [{"after": 3, "until": 9, "noticed_ms": 1_790_000_000_000}]
    await route.fulfill(response=answer, json=body)


async def dialogs(gallery: Gallery) -> None:
    """Everything that opens over the page."""
    ada = await gallery.room()
    page, words = ada.page, gallery.words
    await ada.write(words["text"] * 2)
    await page.locator(".share-open").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await gallery.sheet(page, "share")
    await page.keyboard.press("Escape")
    await page.keyboard.press("F1")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await gallery.sheet(page, "help")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Control+f")
    await page.keyboard.type(words["text"][4:9])
    await gallery.sheet(page, "find")
    await page.keyboard.press("Escape")
    await ada.select(words["text"][4:12])
    await page.keyboard.press("Control+k")
    await expect(page.get_by_role("dialog")).to_be_visible()
    await gallery.sheet(page, "link")
    await page.keyboard.press("Escape")
    menu = page.locator(".file-menu-root > button")
    await menu.click()
    await gallery.sheet(page, "file-menu")
    letter = gallery.folder / "letter.txt"
    letter.write_bytes("Лампа горела.".encode("koi8-r"))
    await page.locator(".file-menu-root input[type=file]").set_input_files(letter)
    await expect(page.get_by_role("dialog")).to_be_visible()
    await gallery.sheet(page, "import-encoding")
    await page.keyboard.press("Escape")
    html = gallery.folder / "page.html"
    html.write_text("<title>The Lamp</title><img src=x><table><tr><td>a</td><td>b</td></tr></table>")
    await menu.click()
    await page.locator(".file-menu-root input[type=file]").set_input_files(html)
    await expect(page.get_by_role("dialog")).to_be_visible()
    await gallery.sheet(page, "import-losses")
    await page.keyboard.press("Escape")
    broken = gallery.folder / "broken.docx"
    broken.write_bytes(b"PK")
    await menu.click()
    await page.locator(".file-menu-root input[type=file]").set_input_files(broken)
    await expect(page.locator(".notice")).to_be_visible()
    await gallery.sheet(page, "notice")


async def canvas(gallery: Gallery) -> None:
    """The canvas with a frame, a picture, a mask, and the layers."""
    ada = await gallery.room()
    page = ada.page
    await page.locator(".panel-toggle").click()
    await page.locator(".views label").nth(2).click()
    artist = Artist(ada)
    artist.board = page.locator(".board")
    await expect(artist.board).to_be_visible()
    await gallery.sheet(page, "canvas-empty")
    await artist.tool("p")
    await artist.drag((120, 420), (180, 380), (260, 440), (330, 390))
    await artist.tool("f")
    await artist.drag((420, 100), (680, 360))
    await page.locator(".frame-card input.field").first.fill("a red apple")
    await gallery.sheet(page, "frame")
    paint = page.locator(".frame-card button.primary").first
    await expect(paint).to_be_enabled()
    await paint.click()
    await artist.shows_pictures(1)
    await artist.tool("v")
    await artist.objects("image").click()
    await gallery.sheet(page, "picture")
    await artist.tool("k")
    await gallery.sheet(page, "layers")
    await page.locator(".views label").nth(1).click()
    await gallery.sheet(page, "both")


async def jam(gallery: Gallery) -> None:
    """The jam, playing, beside the text and alone."""
    ada = await gallery.room()
    page = ada.page
    await page.locator(".panel-toggle").click()
    await page.locator(".jam-open").click()
    await expect(page.locator(".jam")).to_be_visible()
    await gallery.sheet(page, "jam-closed-sound")
    await page.locator(".jam-join").click()
    await expect(page.locator(".jam-meters")).to_be_visible()
    await page.locator(".jam-play").click()
    await page.locator(".jam-place").click()
    for key in "adgj":
        await page.keyboard.press(key, delay=120)
    await gallery.sheet(page, "jam")
    popovers = page.locator(".jam-pop > summary")
    for number in range(await popovers.count()):
        await popovers.nth(number).click()
        await gallery.sheet(page, f"jam-popover-{number + 1}")
        await popovers.nth(number).click()


async def search(gallery: Gallery) -> None:
    """The search of the room, and the document tab with codex and performers."""
    ada = await gallery.room()
    page = ada.page
    await ada.write(gallery.words["text"] * 3)
    await page.keyboard.press("Control+Shift+F")
    await page.locator(".search-tab input").fill(gallery.words["find"])
    await expect(page.locator(".search-hit").first).to_be_visible()
    await gallery.sheet(page, "search")
    await page.locator("[role=tab]").nth(4).click()
    await gallery.sheet(page, "document")


async def film(gallery: Gallery) -> None:
    """The film of a script: its shots, a shot's form, the voices, the cast and the export."""
    ada = await gallery.room()
    page = ada.page
    await ada.write(gallery.words["script"])
    await page.locator(".panel-toggle").click()
    await page.locator(".views label").last.click()
    await page.locator(".film-make").click()
    await expect(page.locator(".film-shot").first).to_be_visible(timeout=60_000)
    await gallery.sheet(page, "film")
    await page.locator(".film-shot-row").first.click()
    await page.locator(".film-voices > summary").click()
    await gallery.sheet(page, "film-shot")
    for name, number in (("film-cast", -2), ("film-export", -1)):
        await page.locator(".film-tools button").nth(number).click()
        await expect(page.locator("dialog[open], [role=dialog]").first).to_be_visible()
        await gallery.sheet(page, name)
        await page.keyboard.press("Escape")


SCENES: dict[str, Callable[[Gallery], Awaitable[None]]] = {
    "entrance": entrance,
    "text": text,
    "dialogs": dialogs,
    "canvas": canvas,
    "jam": jam,
    "search": search,
    "film": film,
}


async def run(folder: Path, scenes: list[str], languages: list[str]) -> None:
    with tempfile.TemporaryDirectory() as data:
        async with serving(Path(data)) as served, chromium() as browser:
            for language in languages:
                for scene in scenes:
                    company = Company(browser)
                    try:
                        await SCENES[scene](Gallery(company, served, language, folder))
                    except Exception as error:
                        print(f"{scene} ({language}): {re.sub(chr(10), ' ', str(error))[:600]}", flush=True)
                    finally:
                        await company.close()


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument(
        "scenes", nargs="*", metavar="SCENE", help=f"of {', '.join(SCENES)}; all when none is named"
    )
    parser.add_argument("--language", choices=list(WORDS), action="append")
    chosen = parser.parse_args()
    chosen.folder.mkdir(parents=True, exist_ok=True)
    asyncio.run(run(chosen.folder, chosen.scenes or list(SCENES), chosen.language or list(WORDS)))


if __name__ == "__main__":
    main()
