"""Which model serves, seen and changed in the browser; and an adapter for a picture. The engine is a scripted one: only
the requests to it count."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from msgspec.structs import replace
from playwright.async_api import expect

from antiphon_engines.api import ImageRequest, Remark, TextRequest
from antiphon_proto.params import Adapter
from support.artists import Artist
from support.pages import Company, Person
from support.scripted_engine import AUDIO_INFO, IMAGE_INFO, INFO
from support.server import PATIENCE, LiveServer, running

pytestmark = pytest.mark.e2e


@pytest_asyncio.fixture(loop_scope="session")
async def server(tmp_path: Path) -> AsyncIterator[LiveServer]:
    for name in ("second", "broken"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.json").write_text("{}")
    others = (str(tmp_path / "second"), str(tmp_path / "broken"))
    async with running(tmp_path / "data", text_models=others, models_by="owners") as live:
        painter = replace(IMAGE_INFO, adapters=("pixels", "soft"))
        live.engine.become(replace(live.engine.state, engines=(INFO, painter, AUDIO_INFO)))
        yield live


async def test_an_owner_changes_the_model_and_all_see_it(company: Company, server: LiveServer) -> None:
    links = (await server.new_room())["links"]
    ada = await company.person("Ada", links["owner"])
    eve = await company.person("Eve", links["editor"])
    cards = [person.page.locator('.model-card[data-modality="text"]') for person in (ada, eve)]
    for person in (ada, eve):
        await person.tab("AI")
    choice = cards[0].get_by_label("Model that writes")
    await choice.select_option("second")
    for card in cards:
        await expect(card.locator(".model-name")).to_contain_text("second")
    await expect(cards[1].get_by_label("Model that writes")).to_have_count(0)
    await choice.select_option("broken")
    for card in cards:
        await expect(card).to_contain_text("broken: its file is damaged. second keeps answering.")
    await expect(choice).to_have_value("second")


async def test_a_person_chooses_which_of_two_models_writes_for_them(
    company: Company, server: LiveServer
) -> None:
    def asked() -> list[str]:
        return [each.model for each in server.engine.requests.values() if isinstance(each, TextRequest)]

    async def goes_to(person: Person, model: str) -> None:
        before = len(asked())
        await person.page.keyboard.press("Control+Enter")
        async with asyncio.timeout(PATIENCE):
            while len(asked()) == before:
                await person.page.wait_for_timeout(50)
        assert asked()[-1] == model

    links = (await server.new_room())["links"]
    ada = await company.person("Ada", links["owner"])
    bob = await company.person("Bob", links["editor"])
    choice = ada.page.get_by_label("Model that writes for you")
    await expect(choice).to_have_count(0)
    await ada.write("Once upon a time")
    await goes_to(ada, "")
    state = server.engine.state
    server.engine.become(replace(state, engines=(replace(INFO, beside=("quick",)), *state.engines[1:])))
    await expect(choice.locator("option")).to_have_text(["scripted", "quick"])
    await choice.select_option("quick")
    await ada.story.click()
    await goes_to(ada, "quick")
    await bob.story.click()
    await goes_to(bob, "")
    await ada.page.reload()
    await ada.here()
    await expect(choice).to_have_value("quick")
    # A model that has left is nobody's choice any more.
    server.engine.become(state)
    await expect(choice).to_have_count(0)
    await ada.story.click()
    await goes_to(ada, "")


async def test_a_picture_is_asked_for_with_an_adapter(company: Company, server: LiveServer) -> None:
    links = (await server.new_room())["links"]
    ada = await Artist(await company.person("Ada", links["owner"])).open()
    await ada.tool("f")
    await ada.drag((100, 100), (300, 250))
    await ada.page.get_by_label("What to paint").fill("a red house")
    await ada.page.locator(".frame-settings summary").click()
    await ada.page.get_by_label("Adapter").select_option("pixels")
    await ada.page.get_by_label("How strongly").fill("0.5")
    await ada.page.get_by_role("button", name="Paint", exact=True).click()

    def asked() -> list[ImageRequest]:
        return [each for each in server.engine.requests.values() if isinstance(each, ImageRequest)]

    async with asyncio.timeout(PATIENCE):
        while not asked():
            await ada.page.wait_for_timeout(50)
    assert asked()[0].params.adapters == (Adapter("pixels", 0.5),)


async def test_what_the_models_are_is_said_in_russian(company: Company, server: LiveServer) -> None:
    small = Remark("English; best at continuing a text", "small_english")
    brush = Remark("simple objects; try: a red house, a boat", "embedded_image", ("a red house, a boat",))
    band = Remark("a note that no page knows", "unheard_of")
    engines = (
        replace(INFO, note=small),
        replace(IMAGE_INFO, note=brush),
        replace(AUDIO_INFO, note=band),
    )
    server.engine.become(replace(server.engine.state, engines=engines))
    page = await company.page(locale="ru-RU")
    await page.goto((await server.new_room())["links"]["owner"])
    await page.get_by_label("Ваше имя").fill("Ада")
    await page.keyboard.press("Enter")
    cards = page.locator(".model-card")
    await expect(cards.first).to_contain_text("лучше всего продолжает текст")
    await expect(cards.nth(1)).to_contain_text("попробуйте: a red house, a boat")
    await page.keyboard.press("F1")
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_contain_text("лучше всего продолжает текст")
    await expect(dialog).to_contain_text("a note that no page knows")
    await expect(dialog).not_to_contain_text("best at continuing")
    loading = replace(server.engine.state, status="starting", message="starting the engine worker")
    server.engine.become(loading)
    await expect(cards.first).to_contain_text("Запускается")
