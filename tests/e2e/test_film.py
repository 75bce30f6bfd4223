"""The film in real browsers: made from the text, changed together, played in step, watched by a viewer."""

from __future__ import annotations

import asyncio
import io
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import Page, expect

from antiphon_client import Room, connect, create_room
from support.axe import prepare, violations
from support.pages import Company, Person, alike
from support.patience import PATIENCE
from support.server import LiveServer, running

pytestmark = pytest.mark.e2e

SCRIPT = """INT. HARBOUR OFFICE - NIGHT

Anna walks in with a LETTER.

ANNA
The last ferry has already left, hasn't it?

KEEPER
Nobody crosses the water after dark!

DISSOLVE TO:

НАТ. ПРИСТАНЬ - УТРО

Анна бежит к воде.
"""
FRAME = "document.querySelector('.film-picture').dataset.frame"


@pytest_asyncio.fixture(loop_scope="session")
async def server(tmp_path: Path) -> AsyncIterator[LiveServer]:
    async with running(tmp_path / "data") as live:
        yield live


async def come(company: Company, link: str, name: str, **context: object) -> Person:
    page = await company.page(**context)
    await prepare(page)
    person = company.at(page, name)
    await page.goto(link)
    await page.get_by_label("Your name" if "locale" not in context else "Ваше имя").fill(name)
    await page.keyboard.press("Enter")
    await expect(page.locator(".room")).to_be_visible()
    return person


async def frame(page: Page) -> int:
    return int(await page.evaluate(FRAME))


async def shoot(page: Page, name: str) -> None:
    """A picture of the screen, for whoever looks at it."""
    if folder := os.environ.get("FILM_SHOTS"):
        await page.screenshot(path=f"{folder}/{name}.png")


async def test_a_film_is_made_of_the_text_and_everybody_sees_the_same(
    company: Company, server: LiveServer
) -> None:
    links = await create_room(server.url)
    async with connect(links["owner"].link, name="Writer") as writer:
        writer.append(SCRIPT)
        await writer.applied()
        ada = await come(company, links["editor"].link, "Ada", viewport={"width": 1280, "height": 800})
        vic = await come(
            company, links["viewer"].link, "Вика", locale="ru-RU", viewport={"width": 390, "height": 800}
        )
        await ada.page.get_by_label("Film", exact=True).check(force=True)
        await vic.page.get_by_label("Фильм", exact=True).check(force=True)
        await expect(vic.page.get_by_text("Фильма пока нет.")).to_be_visible()
        await ada.page.get_by_role("button", name="New film from this text").click()

        for one in (ada, vic):
            await expect(one.page.locator(".film-shot")).to_have_count(6, timeout=30_000)
            await expect(one.page.locator(".film-scene")).to_have_count(2)
        await expect(ada.page.get_by_text("6 shots were made.")).to_be_visible()
        assert await violations(ada.page) == []
        assert await violations(vic.page) == []
        # On a telephone every button of the bar is on the screen.
        box = await vic.page.locator(".panel-toggle").bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 390
        await shoot(ada.page, "made")

        # A place that one chooses is everybody's, to the frame; all see the same picture.
        await ada.page.locator(".film-shot").nth(2).click()
        where = await frame(ada.page)
        assert where > 0
        await alike(lambda: both(ada, vic))
        for one in (ada, vic):
            await expect(one.page.locator(".film-picture[data-whole=true]")).to_be_visible()
        await expect(vic.page.get_by_role("button", name="Пуск")).to_be_disabled()

        # Keys: a frame, a second, play, stop.
        await ada.page.locator(".film-picture").click()
        await ada.page.keyboard.press("ArrowRight")
        await expect(ada.page.locator(f".film-picture[data-frame='{where + 1}']")).to_be_visible()
        await ada.page.keyboard.press("Shift+ArrowLeft")
        await expect(ada.page.locator(f".film-picture[data-frame='{where - 23}']")).to_be_visible()
        await ada.page.keyboard.press("l")
        for one in (ada, vic):
            await beyond(one.page, where)
        await ada.page.keyboard.press("k")
        await alike(lambda: both(ada, vic))
        assert await frame(ada.page) > where
        await ada.page.keyboard.press("Home")
        await expect(vic.page.locator(".film-picture[data-frame='0']")).to_be_visible()
        await ada.page.keyboard.press("End")
        await alike(lambda: both(ada, vic))
        await shoot(vic.page, "viewer")

        # Fields: one's own, and those of others, in the same shot.
        await ada.page.locator(".film-shot").nth(2).click()
        await ada.page.get_by_label("Size").select_option("extreme_close")
        third = list(writer.film)[2]
        writer.film.update(third, move="shake")
        await writer.wait_for(lambda room: room.film[third]["size"] == "extreme_close", 30)
        await expect(ada.page.get_by_label("Camera")).to_have_value("shake")
        await shoot(ada.page, "form")
        assert await violations(ada.page) == []
        await ada.page.get_by_role("button", name="Undo").first.click()
        await writer.wait_for(lambda room: room.film[third]["size"] == "medium", 30)
        assert writer.film[third]["move"] == "shake"

        await a_picture_is_uploaded(ada.page, vic.page)

        # Words follow the text, new text gets shots, and nobody's shot is lost.
        at = writer.text.index("last ferry")
        with writer.one_edit():
            writer.delete(at, at + len("last ferry"))
            writer.insert(at, "night boat")
        writer.append("\nИВАН\nСтой!\n")
        await expect(ada.page.locator(".film-shot").nth(2)).to_contain_text("The night boat")
        await ada.page.get_by_role("button", name="Shots for new text").click()
        await expect(vic.page.locator(".film-shot")).to_have_count(7)
        await expect(vic.page.locator(".film-shot").last).to_contain_text("Стой!")

        await the_cast_is_dressed(ada.page, writer)
        ada.forgive("409")  # nobody speaks: there is no sound to save
        await the_film_becomes_files(ada.page, vic.page)

        await ada.page.emulate_media(color_scheme="dark")
        await ada.page.set_viewport_size({"width": 820, "height": 1100})
        await shoot(ada.page, "dark")
        assert await violations(ada.page) == []


async def a_picture_is_uploaded(page: Page, watching: Page) -> None:
    """It is on both screens as soon as it is there, though nobody plays or moves the film."""
    file = io.BytesIO()
    Image.new("RGB", (64, 36), (200, 20, 20)).save(file, "PNG")
    red = {"name": "red.png", "mimeType": "image/png", "buffer": file.getvalue()}
    await page.get_by_label("Upload a picture").set_input_files(red)
    for one in (page, watching):
        await one.wait_for_function(
            """() => { const one = document.querySelector(".film-picture");
                const [red, green] = one.getContext("2d").getImageData(one.width / 2, one.height / 2, 1, 1).data;
                return red > 150 && green < 80; }"""
        )


async def the_cast_is_dressed(page: Page, writer: Room) -> None:
    await page.get_by_role("button", name="Cast").click()
    dialog = page.get_by_role("dialog", name="Cast")
    anna = dialog.locator(".film-person", has=page.get_by_role("heading", name="ANNA"))
    await anna.get_by_label("Style").select_option("open_peeps")
    await anna.get_by_role("button", name="Another face").click()

    def chosen(room: Room) -> bool:
        look = room.film.cast.get("ANNA", {})
        return look.get("style") == "open_peeps" and bool(look.get("seed"))

    await writer.wait_for(chosen, 30)
    await page.wait_for_function(
        """() => [...document.querySelectorAll(".film-portrait")].every((one) => one.getContext("2d")
            .getImageData(0, 0, one.width, one.height).data.some((value) => value > 0))"""
    )
    await shoot(page, "cast")
    assert await violations(page) == []
    await page.keyboard.press("Escape")


async def the_film_becomes_files(page: Page, watching: Page) -> None:
    await page.get_by_role("button", name="Export").click()
    dialog = page.get_by_role("dialog", name="Export the film")
    await shoot(page, "export")
    assert await violations(page) == []
    await dialog.get_by_label("Voices (WAV)").check()
    await dialog.get_by_role("button", name="Export").click()
    await expect(dialog.get_by_role("alert")).to_have_text("Nobody speaks aloud in this film yet.")
    await dialog.get_by_label("OTIO").check()
    async with page.expect_download() as coming:
        await dialog.get_by_role("button", name="Export").click()
    assert (await coming.value).suggested_filename == "film.otio"
    await dialog.get_by_label("MP4").check()
    await dialog.get_by_role("button", name="Export").click()
    await dialog.get_by_role("button", name="Cancel").click()
    await expect(dialog.get_by_role("button", name="Export")).to_be_enabled(timeout=30_000)
    await dialog.get_by_label("Storyboard (PDF)").check()
    async with page.expect_download(timeout=60_000) as coming:
        await dialog.get_by_role("button", name="Export").click()
    board = await (await coming.value).path()
    assert (await asyncio.to_thread(board.read_bytes)).startswith(b"%PDF-")
    await expect(dialog.get_by_text("The file is in your downloads.")).to_be_visible()
    await page.keyboard.press("Escape")
    # Who watches may take the film along.
    await watching.get_by_role("button", name="Экспорт").click()
    await expect(watching.get_by_role("dialog", name="Экспорт фильма")).to_be_visible()
    await shoot(watching, "export-ru")
    assert await violations(watching) == []
    await watching.keyboard.press("Escape")


async def beyond(page: Page, where: int) -> None:
    """Wait until the film is past a frame."""
    async with asyncio.timeout(PATIENCE):
        while await frame(page) <= where:
            await asyncio.sleep(0.02)


async def both(*people: Person) -> list[int]:
    return [await frame(one.page) for one in people]
