"""Links that end: what a person sees, on arrival and in the page that is open, and what becomes of their words."""

from __future__ import annotations

import re
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from support.pages import Company, Line, Person
from support.server import LiveServer, running

pytestmark = pytest.mark.e2e

WORDS = {
    "en-US": {
        "name": "Your name",
        "chat": "Chat",
        "say": "Say something",
        "saved": "Saved",
        "offline": "Offline",
        "kept": "Kept in this browser",
        "ended": "This invite link does not open the room",
        "revoked": "You were removed from this room",
        "lobby": "To the lobby",
        "recent": "The link has ended",
        "new": "New room",
    },
    "ru-RU": {
        "name": "Ваше имя",
        "chat": "Чат",
        "say": "Сказать",
        "saved": "Сохранено",
        "offline": "Нет связи",
        "kept": "в этом браузере",
        "ended": "Эта ссылка не открывает комнату",
        "revoked": "Вас удалили из комнаты",
        "lobby": "На главную",
        "recent": "Ссылка больше не действует",
        "new": "Новая комната",
    },
}


@pytest_asyncio.fixture(loop_scope="session")
async def server(tmp_path: Path) -> AsyncIterator[LiveServer]:
    async with running(tmp_path / "data") as live:
        yield live


async def come(company: Company, link: str, locale: str, line: Line | None = None) -> Person:
    page = await company.page(locale=locale)
    eve = company.at(page, "Ева")
    if line is not None:
        await line.lay(page)
    await page.goto(link)
    await page.get_by_label(WORDS[locale]["name"]).fill("Ева")
    await page.keyboard.press("Enter")
    return eve


@pytest.mark.parametrize("locale", WORDS)
async def test_a_link_ends_while_its_page_is_open_and_nothing_typed_is_lost(
    company: Company, server: LiveServer, locale: str
) -> None:
    words = WORDS[locale]
    room = await server.new_room()
    tokens = server.gateway.tokens
    link = tokens.verify(room["tokens"]["editor"]).link
    ending = f"{server.url}/r/{room['room']}#{tokens.issue(room['room'], 'editor', link, lifetime=3600)}"
    ada = await company.person("Ada", room["links"]["owner"])
    line = Line()
    eve = await come(company, ending, locale, line)
    await eve.write("Before. ")
    await expect(ada.story).to_have_text("Before. ")
    # What is not on the server's disk when the line goes would count as not sent.
    await expect(eve.status).to_have_text(words["saved"])
    await eve.page.get_by_role("tab", name=words["chat"]).click()
    await line.cut()
    await expect(eve.status).to_contain_text(words["offline"])
    await eve.write("Жил-был кот 🌙.", meanwhile=True)
    await expect(eve.status).to_contain_text(words["kept"])
    await eve.page.get_by_label(words["say"]).fill("Half a thought")

    # In the page that is open: the words are shown, and there is a way out.
    tokens._clock = lambda: time.time() + 7200
    line.mend()
    page = eve.page
    await expect(page.get_by_role("heading", name=words["ended"])).to_be_visible()
    await expect(page.locator(".refusal-text")).to_have_text(["Жил-был кот 🌙.", "Half a thought"])
    # On arrival: the same.
    await page.reload()
    await expect(page.get_by_role("heading", name=words["ended"])).to_be_visible()
    await expect(page.locator(".refusal-text")).to_have_text(["Жил-был кот 🌙.", "Half a thought"])
    await page.get_by_role("link", name=words["lobby"]).click()
    await expect(page.get_by_role("button", name=words["new"])).to_be_visible()
    await expect(page.locator(".lobby-recent")).to_contain_text(words["recent"])

    # By a new link everything is where it was, also when that link allows less in the list of recent rooms.
    await page.goto(room["links"]["editor"])
    await expect(eve.story).to_have_text("Before. Жил-был кот 🌙.")
    await expect(ada.story).to_have_text("Before. Жил-был кот 🌙.")
    await page.get_by_role("tab", name=words["chat"]).click()
    await expect(page.get_by_label(words["say"])).to_have_value("Half a thought")


@pytest.mark.parametrize("locale", WORDS)
async def test_who_is_put_out_is_told_and_keeps_what_they_had_not_sent(
    company: Company, server: LiveServer, locale: str
) -> None:
    words = WORDS[locale]
    room = await server.new_room()
    ada = await company.person("Ada", room["links"]["owner"])
    eve = await come(company, room["links"]["editor"], locale)
    await eve.write("Mine. ")
    await expect(ada.story).to_have_text("Mine. ")
    await eve.page.get_by_role("tab", name=words["chat"]).click()
    await eve.page.get_by_label(words["say"]).fill("Half a thought")
    await ada.page.get_by_role("button", name="Share").click()
    await ada.page.get_by_role("button", name="Remove Ева").click()
    await ada.page.get_by_role("button", name="Remove", exact=True).click()
    page = eve.page
    for _ in ("in the open page", "on arrival"):
        await expect(page.get_by_role("heading", name=words["revoked"])).to_be_visible()
        await expect(page.locator(".refusal-text")).to_have_text("Half a thought")
        await page.reload()
    await page.get_by_role("link", name=words["lobby"]).click()
    await expect(page.get_by_role("button", name=words["new"])).to_be_visible()
    # The link that they had used opens the room to nobody new.
    guest = await come(company, room["links"]["editor"], locale)
    await expect(guest.page.get_by_role("heading", name=words["ended"])).to_be_visible()
    await expect(guest.page.get_by_role("link", name=words["lobby"])).to_have_attribute(
        "href", re.compile("^/$")
    )
