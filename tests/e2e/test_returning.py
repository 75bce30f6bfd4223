"""State after a page, or the server, begins anew: tokens, second thoughts, unsent words, the past."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.async_api import expect

from support.artists import Artist
from support.pages import Company, Line, Person
from support.server import ServedProcess, serving

pytestmark = pytest.mark.e2e

START = "The lighthouse keeper had not spoken to anyone for three winters."


async def hover_the_models_words(person: Person) -> None:
    """Rests over one of the model's words until the card is there."""
    await person.rest_over(person.ai)
    await expect(person.page.locator(".token-card")).to_be_visible()


async def test_alternatives_and_second_thoughts_outlive_page_and_server(
    company: Company, tmp_path: Path, embedded_text_model: Path, cache_dir: Path
) -> None:
    arguments = ("--cache-dir", str(cache_dir))
    async with serving(tmp_path, *arguments) as first:
        links = (await first.new_room())["links"]
        ada = await company.person("Ada", links["owner"])
        await ada.write(START)
        await ada.continue_here()
        await expect(ada.runs.first).to_contain_text(re.compile("Done|Stopped"))
        maria = await company.person("Мария", links["editor"])
        await hover_the_models_words(maria)
        port = urlsplit(first.url).port
        assert await first.terminate() == 0
    async with serving(tmp_path, *arguments, f"--port={port}"):
        await maria.page.reload()
        await maria.here()
        await hover_the_models_words(maria)
        other = maria.page.locator(".token-other").first
        await expect(other).to_be_enabled()
        await other.click()
        await expect(maria.page.locator(".run").first).to_contain_text("Another word")
        await ada.page.reload()
        await ada.here()
        known = await ada.runs.count()
        old = ada.runs.filter(has_text="Continue").first
        await old.get_by_role("button", name="Try again").click()
        await expect(ada.runs).to_have_count(known + 1)
        await expect(ada.runs.first).to_contain_text(re.compile("Done|Stopped"))
        await expect(ada.page.locator(".notice")).to_have_count(0)
        await ada.sees(START)


async def test_words_that_were_not_sent_are_not_lost(company: Company, served: ServedProcess) -> None:
    line = Line()
    ada = await company.person("Ada", (await served.new_room())["links"]["owner"], line)
    await ada.tab("Chat")
    field = ada.page.get_by_label("Say something")
    await line.cut()
    await expect(ada.status).to_contain_text("Offline")
    await field.fill("Wait for me 🌙")
    await field.press("Enter")
    await expect(field).to_have_value("Wait for me 🌙")
    await ada.tab("History")
    await ada.tab("Chat")
    await expect(field).to_have_value("Wait for me 🌙")
    line.mend()
    await ada.page.reload()
    await ada.here()
    await ada.tab("Chat")
    await expect(field).to_have_value("Wait for me 🌙")
    await field.press("Enter")
    await expect(ada.page.locator(".said")).to_contain_text("Wait for me 🌙")
    await expect(field).to_have_value("")


async def test_words_written_offline_outlive_a_reload(company: Company, served: ServedProcess) -> None:
    links = (await served.new_room())["links"]
    line = Line()
    ada = await company.person("Ada", links["owner"], line)
    maria = await company.person("Мария", links["editor"])
    await ada.write("Before. ")
    await maria.sees("Before.")
    await line.cut()
    await expect(ada.status).to_contain_text("Offline")
    await ada.write("Жил-был кот 🌙. ", meanwhile=True)
    await maria.write("Meanwhile. ", at="Control+Home", meanwhile=True)
    await maria.here()
    await expect(ada.status).to_contain_text("Kept in this browser")
    line.mend()
    await ada.page.reload()
    await expect(ada.page.locator(".notice")).to_contain_text("in the text again")
    assert await ada.agrees_with(maria) == "Meanwhile. Before. Жил-был кот 🌙. "
    await ada.page.reload()
    assert await ada.agrees_with(maria) == "Meanwhile. Before. Жил-был кот 🌙. "


@pytest.mark.parametrize(("method", "locale"), [("getAll", "en-US"), ("put", "ru-RU")])
async def test_a_browser_that_keeps_nothing_says_so(
    company: Company, served: ServedProcess, method: str, locale: str
) -> None:
    """Its store opens, and cannot be read, or is full."""
    line = Line()
    page = await company.page(locale=locale)
    await page.add_init_script(
        f"IDBObjectStore.prototype.{method} = () => {{ throw new DOMException('no', 'QuotaExceededError'); }}"
    )
    ada = Person(page, "Ada")
    company.people.append(ada)
    await line.lay(page)
    await page.goto((await served.new_room())["links"]["owner"])
    await page.locator("#name").fill("Ada")
    await page.keyboard.press("Enter")
    await ada.write("Before. ")
    await expect(ada.status).to_have_text(re.compile("^(Saved|Сохранено)$"))
    await line.cut()
    await expect(ada.status).to_contain_text(re.compile("Offline|Нет связи"))
    await ada.write("Жил-был кот 🌙.")
    told = re.compile("This browser cannot save|Этот браузер не может сохранить")
    await expect(ada.status).to_contain_text(told)
    line.mend()  # the page tries again by itself
    await expect(ada.status).to_have_text(re.compile("^(Saved|Сохранено)$"))
    await expect(ada.story).to_have_text("Before. Жил-был кот 🌙.")


async def test_the_canvas_of_the_past_is_shown(company: Company, served: ServedProcess) -> None:
    ada = await company.person("Ada", (await served.new_room())["links"]["owner"])
    page = ada.page
    await ada.write("A boat.")
    artist = await Artist(ada).open()
    await artist.tool("p")
    await artist.drag((200, 200), (260, 240), (320, 280))
    await expect(artist.objects("stroke")).to_have_count(1)
    await ada.here()
    await artist.tool("Control+a")
    await artist.tool("Delete")
    await expect(artist.objects()).to_have_count(0)
    await ada.here()
    await ada.tab("History")
    scrubber = page.locator(".scrubber input")
    await expect(page.locator(".entry").first).to_be_visible()
    await scrubber.press("ArrowLeft")
    past = page.locator(".past")
    await expect(past.locator("[data-type=stroke]")).to_have_count(1)
    await expect(page.locator(".canvas")).to_be_hidden()
    await past.get_by_role("button", name="Back to now").click()
    await expect(page.locator(".canvas")).to_be_visible()
