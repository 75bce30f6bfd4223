"""Pages behind a network that is slow, hangs, breaks or is not there: they say so, keep typed text, and recover."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from support.network import network
from support.pages import Company
from support.server import ServedProcess

pytestmark = pytest.mark.e2e


async def test_a_slow_line_that_keeps_breaking(company: Company, served: ServedProcess) -> None:
    links = (await served.new_room())["links"]
    maria = await company.person("Мария", links["editor"])
    async with network(served.url) as far:
        ada = await company.person("Ada", links["owner"].replace(served.url, far.url))
        ada.forgive("net::ERR_")
        far.delay = 0.15
        for number in range(4):
            await ada.write(f"Волна {number} 🌊. ", meanwhile=True)
            far.cut()
            await maria.write(f"Shore {number}. ", at="Control+Home", meanwhile=True)
        await expect(ada.story).to_contain_text("Shore 3.")
        await expect(maria.story).to_contain_text("Волна 3 🌊.")
        text = await ada.agrees_with(maria)
        for number in range(4):
            assert text.count(f"Волна {number} 🌊. ") == 1
            assert text.count(f"Shore {number}. ") == 1
        await ada.page.context.close()


async def test_a_line_that_hangs_is_noticed(company: Company, served: ServedProcess) -> None:
    links = (await served.new_room())["links"]
    maria = await company.person("Мария", links["editor"])
    async with network(served.url) as far:
        page = await company.page()
        await page.clock.install()
        ada = company.at(page, "Ada")
        await ada.enter(links["owner"].replace(served.url, far.url))
        far.hang()
        await ada.write("Into the silence 🌙. ", meanwhile=True)
        await expect(ada.status).to_contain_text("Saving")
        # TCP believes in the line for many minutes; the page for some 25 seconds, which pass at once here.
        for _ in range(4):
            await page.clock.fast_forward(10_000)
        await expect(ada.status).to_contain_text("Offline")
        await expect(page.locator("[data-announcer]")).to_contain_text("Offline. Keep writing")
        await ada.write("Still here. ", meanwhile=True)
        await maria.write("Meanwhile. ", at="Control+Home", meanwhile=True)
        far.cut()
        far.flow()
        await page.clock.fast_forward(20_000)
        await ada.sees("Meanwhile.")
        await expect(page.locator("[data-announcer]")).to_contain_text("Connected again")
        # Both wrote into the empty text, so either may come first.
        apart = "Into the silence 🌙. Still here. "
        assert await ada.agrees_with(maria) in (f"Meanwhile. {apart}", f"{apart}Meanwhile. ")
        await page.context.close()


@pytest.mark.parametrize(
    ("language", "unreachable"), [("en-US", "the server does not answer"), ("ru-RU", "сервер не отвечает")]
)
async def test_what_needs_the_server_says_that_it_is_not_there(
    company: Company, served: ServedProcess, language: str, unreachable: str
) -> None:
    page = await company.page(locale=language, viewport={"width": 820, "height": 1180})
    ada = company.at(page, "Ada")
    ada.forgive("Failed to load resource", "net::ERR_INTERNET_DISCONNECTED")
    await page.goto(served.url)
    await page.context.set_offline(True)
    create = page.locator(".lobby-create button")
    await create.click()
    await expect(page.locator(".lobby-create [role=alert]")).to_contain_text(unreachable)
    await page.context.set_offline(False)
    await create.click()
    await page.locator("#name").fill("Ada")
    await page.keyboard.press("Enter")
    await ada.here()
    await ada.write("Kept.")
    await ada.here()

    await page.context.set_offline(True)
    await page.locator(".file-menu-root > button").click()
    await page.locator(".file-menu-formats button").first.click()
    await expect(page.locator(".notice").filter(has_text=unreachable).first).to_be_visible()
    await page.keyboard.press("Escape")
    await page.locator(".panel-toggle").click()
    await page.locator("#tab-history").click()
    await expect(page.locator(".panel [role=alert]")).to_contain_text(unreachable)
    await page.context.set_offline(False)
    await page.locator("#tab-runs").click()
    await page.locator("#tab-history").click()
    await expect(page.locator(".entry").first).to_be_visible()
    assert (await ada.text()).strip() == "Kept."
