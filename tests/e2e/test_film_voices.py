"""The voices of a film in real browsers: lines are spoken as they are typed, by voices that people choose."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Page, expect

from antiphon_client import connect, create_room
from e2e.test_film import come, shoot
from support.axe import violations
from support.fake_speaker import SECONDS_A_LETTER
from support.pages import Company
from support.patience import PATIENCE
from support.server import LiveServer, running

pytestmark = pytest.mark.e2e

SCRIPT = """INT. HARBOUR OFFICE - NIGHT

ANNA
The ferry has left.

KEEPER
Nobody crosses the water!

ПЁТР
Я подожду.
"""
HEAR = """() => {
    window.heard = [];
    const start = AudioBufferSourceNode.prototype.start;
    AudioBufferSourceNode.prototype.start = function (when = 0, offset = 0, ...rest) {
        window.heard.push({ seconds: this.buffer.duration, ahead: when - this.context.currentTime, offset });
        return start.call(this, when, offset, ...rest);
    };
}"""


@pytest_asyncio.fixture(loop_scope="session")
async def server(tmp_path: Path) -> AsyncIterator[LiveServer]:
    async with running(tmp_path / "data") as live:
        yield live


async def heard(page: Page, count: int) -> list[dict[str, Any]]:
    """The sounds that the page has started, once there are so many."""
    async with asyncio.timeout(PATIENCE):
        while len(found := await page.evaluate("window.heard")) < count:
            await asyncio.sleep(0.05)
    return list(found)


async def test_lines_are_spoken_as_they_are_typed(company: Company, server: LiveServer) -> None:
    links = await create_room(server.url)
    async with connect(links["editor"].link, name="Writer") as writer:
        writer.append(SCRIPT)
        await writer.applied()
        ada = await come(company, links["editor"].link, "Ada", viewport={"width": 1280, "height": 900})
        vic = await come(
            company, links["viewer"].link, "Вика", locale="ru-RU", viewport={"width": 390, "height": 800}
        )
        await ada.page.evaluate(HEAR)
        await ada.page.get_by_label("Film", exact=True).check(force=True)
        await vic.page.get_by_label("Фильм", exact=True).check(force=True)
        await ada.page.get_by_role("button", name="New film from this text").click()
        await expect(ada.page.locator(".film-shot")).to_have_count(4, timeout=30_000)

        # No voices yet: the film plays with its subtitles, and the page says so.
        await ada.page.locator(".film-voices > summary").click()
        await expect(ada.page.get_by_text("This server has no voices")).to_be_visible()
        before = await ada.page.locator(".film-time").text_content()
        server.engine.speaks()
        anna, keeper = (ada.page.get_by_label(f"Voice of {name}") for name in ("ANNA", "KEEPER"))
        await expect(anna).to_have_value("fake_anna")
        await expect(keeper).to_have_value("fake_ben")
        await expect(ada.page.get_by_text("No voice here speaks the language of ПЁТР")).to_be_visible()
        await expect(ada.page.get_by_text("Synthetic voices: a computer speaks")).to_be_visible()
        await expect(ada.page.get_by_role("button", name="Listen to KEEPER")).to_be_enabled()
        # Shots are as long as their lines.
        await expect(ada.page.locator(".film-time")).not_to_have_text(before or "")
        await ada.page.locator(".film-voices").scroll_into_view_if_needed()
        await shoot(ada.page, "voices")
        assert await violations(ada.page) == []

        # A line by itself; then the film, each line at its place.
        await ada.page.get_by_role("button", name="Listen to ANNA").click()
        [line] = await heard(ada.page, 1)
        assert line["seconds"] == pytest.approx(SECONDS_A_LETTER * len("The ferry has left."), abs=0.01)
        await ada.page.keyboard.press("Home")
        await ada.page.get_by_role("button", name="Play", exact=True).click()
        sounds = await heard(ada.page, 3)
        assert sounds[1]["seconds"] == pytest.approx(line["seconds"])
        await ada.page.get_by_role("button", name="Stop", exact=True).first.click()

        # Typed, and heard.
        await ada.page.get_by_label("Speak new lines at once").check()
        count = len(await ada.page.evaluate("window.heard"))
        at = writer.text.index("ferry")
        with writer.one_edit():
            writer.delete(at, at + len("ferry"))
            writer.insert(at, "last ferry of the year")
        fresh = await heard(ada.page, count + 1)
        words = "The last ferry of the year has left."
        assert fresh[-1]["seconds"] == pytest.approx(SECONDS_A_LETTER * len(words), abs=0.01)

        # Another voice is everybody's; whoever only watches may hear, and choose nothing.
        await anna.select_option("fake_ben")
        await vic.page.locator(".film-voices > summary").click()
        theirs = vic.page.get_by_label("Голос: ANNA")
        await expect(theirs).to_have_value("fake_ben")
        await expect(theirs).to_be_disabled()
        await expect(vic.page.get_by_role("button", name="Послушать: ANNA")).to_be_enabled()
        await shoot(vic.page, "voices-viewer")
        assert await violations(vic.page) == []
        await ada.page.emulate_media(color_scheme="dark")
        await ada.page.set_viewport_size({"width": 820, "height": 1100})
        await shoot(ada.page, "voices-dark")
        assert await violations(ada.page) == []
