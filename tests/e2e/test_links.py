"""Links that end: the message on arrival and in the open page, and the fate of unsent words."""

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
        "lobby": "Go to the lobby",
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
    # Words that are not on the server's disk when the line goes would count as not sent.
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


SHARE = {
    "en-US": {
        "share": "Share", "name": "Name of a new link", "role": "What it allows", "end": "When it ends",
        "make": "Make a link", "ends": "ends ", "close": "End the link “{}”", "yes": "End the link",
        "also": "Also remove who joined with it", "came": "1 person joined with it",
        "revoked": "You were removed from this room",
    },
    "ru-RU": {
        "share": "Пригласить", "name": "Название новой ссылки", "role": "Что она позволяет", "end": "Срок действия",
        "make": "Создать ссылку", "ends": "действует до ", "close": "Закрыть ссылку «{}»", "yes": "Закрыть ссылку",
        "also": "Удалить и вошедших по ней", "came": "Вошли по ней: 1", "revoked": "Вас удалили из комнаты",
    },
}  # fmt: skip


@pytest.mark.parametrize("locale", SHARE)
async def test_links_are_made_and_ended_one_by_one_in_the_page(
    company: Company, server: LiveServer, locale: str
) -> None:
    words = SHARE[locale]
    room = await server.new_room()
    ada = await come(company, room["links"]["owner"], locale)
    await ada.page.get_by_role("button", name=words["share"], exact=True).click()
    rows = ada.page.locator(".invite")
    await expect(rows).to_have_count(3)
    for name in ("Class 7b", "Press"):
        await ada.page.get_by_label(words["name"]).fill(name)
        await ada.page.get_by_label(words["role"]).select_option("editor")
        await ada.page.get_by_label(words["end"]).select_option("7")
        await ada.page.get_by_role("button", name=words["make"]).click()
        await expect(rows.filter(has_text=name)).to_contain_text(words["ends"])
    links = {
        name: await rows.filter(has_text=name).get_by_role("textbox").input_value()
        for name in ("Class 7b", "Press")
    }
    ben = await come(company, links["Class 7b"], locale)
    cy = await come(company, links["Press"], locale)
    await ben.write("Ben. ")
    await expect(rows.filter(has_text="Class 7b")).to_contain_text(words["came"])
    # Ended, and nobody who came by it is harmed: also after a reload, and by the list of recent rooms.
    await ada.page.get_by_role("button", name=words["close"].format("Class 7b")).click()
    await ada.page.get_by_role("button", name=words["yes"], exact=True).click()
    await expect(rows).to_have_count(4)
    await ben.write("Still here. ")
    await expect(cy.story).to_have_text("Ben. Still here. ")
    await ben.page.reload()
    await expect(ben.story).to_have_text("Ben. Still here. ")
    late = await come(company, links["Class 7b"], locale)
    await expect(late.page.get_by_role("heading", name=WORDS[locale]["ended"])).to_be_visible()
    # Ended, with those who came by it.
    await ada.page.get_by_role("button", name=words["close"].format("Press")).click()
    await ada.page.get_by_text(words["also"]).click()
    await ada.page.get_by_role("button", name=words["yes"], exact=True).click()
    await expect(cy.page.get_by_role("heading", name=words["revoked"])).to_be_visible()
    await ben.write("And here. ", meanwhile=True)
    await expect(ada.story).to_have_text("Ben. Still here. And here. ")
    await expect(rows).to_have_count(3)
