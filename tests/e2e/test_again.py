"""Trying again while the model writes. The engine is a scripted one, which writes when the test says so."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from playwright.async_api import expect

from support.keyboard import Keyboard
from support.pages import Company, Person
from support.server import PATIENCE, LiveServer, running

pytestmark = pytest.mark.e2e


@pytest_asyncio.fixture(loop_scope="session")
async def server(tmp_path: Path) -> AsyncIterator[LiveServer]:
    async with running(tmp_path / "data") as live:
        live.engine.hold = True
        yield live


async def nth_run(server: LiveServer, person: Person, number: int) -> str:
    """The engine has begun so many runs; the newest one."""
    async with asyncio.timeout(PATIENCE):
        while len(server.engine.requests) < number:
            await person.page.wait_for_timeout(20)
    return list(server.engine.requests)[-1]


async def test_a_run_is_tried_again_from_the_same_place_and_nobody_elses_words_go(
    company: Company, server: LiveServer
) -> None:
    links = (await server.new_room())["links"]
    ada = await company.person("Ada", links["owner"])
    maria = await company.person("Мария", links["editor"])
    await ada.write("The sea was")
    await expect(maria.story).to_have_text("The sea was")
    await ada.here()
    await ada.continue_here()
    first = await nth_run(server, ada, 1)
    server.engine.write(first, " green and")
    for person in (ada, maria):
        await expect(person.story).to_have_text("The sea was green and")
    await maria.write("Море 🌙. ", at="Control+Home")
    await maria.write(" [Maria]", at="Control+End")
    await expect(ada.story).to_have_text("Море 🌙. The sea was green and [Maria]")
    await maria.here()
    await expect(maria.page.get_by_role("button", name="Try again")).to_have_count(0)

    bar = ada.page.locator(".ask-row").get_by_role("button", name="Try again")
    await bar.click()
    second = await nth_run(server, ada, 2)
    assert server.engine.cancelled == [first]
    for person in (ada, maria):
        await expect(person.story).to_have_text("Море 🌙. The sea was [Maria]")
    await expect(ada.page.locator("[data-announcer]")).to_have_text("Continue: again")
    await expect(ada.runs).to_have_count(2)
    await expect(ada.runs.last).to_contain_text("Undone")
    server.engine.write(second, " grey")
    for person in (ada, maria):
        await expect(person.story).to_have_text("Море 🌙. The sea was grey [Maria]")
    await expect(ada.page.locator(".story [data-ai]")).to_have_text(" grey")
    server.engine.finish(second)
    await expect(maria.runs.first).to_contain_text("Done")
    await expect(bar).to_have_count(0)
    assert await ada.agrees_with(maria) == "Море 🌙. The sea was grey [Maria]"


async def test_by_the_keyboard_alone_and_in_russian(company: Company, server: LiveServer) -> None:
    page = await company.page(locale="ru-RU", reduced_motion="reduce")
    ada, keys = company.at(page, "Ада"), Keyboard(page)
    await page.goto((await server.new_room())["links"]["owner"])
    await page.get_by_label("Ваше имя").fill("Ада")
    await keys.press("Enter")
    await ada.here()
    await ada.write("Жил-был")
    await expect(page.locator(".status")).to_contain_text("Сохранено")
    await keys.press("Control+Enter")
    first = await nth_run(server, ada, 1)
    server.engine.write(first, " кот")
    await expect(ada.story).to_have_text("Жил-был кот")
    await keys.press("Control+Shift+Enter")
    second = await nth_run(server, ada, 2)
    await expect(ada.story).to_have_text("Жил-был")
    await expect(ada.story).to_be_focused()
    await expect(page.locator("[data-announcer]")).to_have_text("Продолжение: ещё раз")
    server.engine.write(second, " пёс")
    await expect(ada.story).to_have_text("Жил-был пёс")

    # In the list of runs the focus goes on to the run that takes the place.
    await keys.do(page.locator(".runs").get_by_role("button", name="Ещё раз"))
    third = await nth_run(server, ada, 3)
    await expect(ada.story).to_have_text("Жил-был")
    await expect(page.locator(f'.runs [data-again="{third}"]')).to_be_focused()
    server.engine.write(third, " ёж")
    await expect(ada.story).to_have_text("Жил-был ёж")
    server.engine.finish(third)
    await expect(page.locator(".run-done")).to_have_count(1)
    # And once it has ended, it can be tried again as well.
    await keys.press("Enter")
    fourth = await nth_run(server, ada, 4)
    await expect(ada.story).to_have_text("Жил-был")
    server.engine.finish(fourth)
    assert keys.wrong == []


@pytest.mark.parametrize("mode", ["Private", "Suggest"])
async def test_a_draft_and_a_suggestion_are_tried_again(
    company: Company, server: LiveServer, mode: str
) -> None:
    ada = await company.person("Ada", (await server.new_room())["links"]["owner"])
    await ada.write("The sea was")
    await ada.here()
    await ada.mode(mode)
    await ada.continue_here()
    first = await nth_run(server, ada, 1)
    where = ada.page.locator(".draft-text") if mode == "Private" else ada.suggested
    server.engine.write(first, " green")
    await expect(where).to_have_text(" green")
    card = ada.page.locator(".draft" if mode == "Private" else ".runs")
    await card.get_by_role("button", name="Try again").click()
    second = await nth_run(server, ada, 2)
    server.engine.write(second, " grey")
    server.engine.finish(second)
    await expect(where).to_have_text(" grey")
    await expect(ada.page.locator(".run-done")).to_have_count(1)
    await expect(ada.page.locator(".notice")).to_have_count(0)
