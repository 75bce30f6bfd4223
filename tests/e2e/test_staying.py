"""A page whose surroundings change: reloads, cuts, restarts, other windows."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from support.pages import SELECT, Company, Line
from support.server import ServedProcess, serving

pytestmark = pytest.mark.e2e


async def test_a_reload_keeps_text_name_and_seat(company: Company, served: ServedProcess) -> None:
    ada = await company.person("Ada", (await served.new_room())["links"]["owner"])
    await ada.page.get_by_label("Title of the text").fill("Night")
    await ada.write("Ночь была тиха 🌙")
    await ada.here()
    await ada.page.reload()
    await ada.here()
    await ada.sees("Ночь была тиха 🌙")
    await expect(ada.page.get_by_label("Title of the text")).to_have_value("Night")
    await expect(ada.page.get_by_role("img", name="Ada (you)")).to_have_count(1)
    await expect(ada.page.locator(".face:not(.face-ai)")).to_have_count(1)


async def test_the_token_leaves_the_address_bar(company: Company, served: ServedProcess) -> None:
    room = await served.new_room()
    ada = await company.person("Ada", room["links"]["owner"])
    assert ada.page.url == f"{served.url}/r/{room['room']}"


async def test_a_second_tab_is_a_second_person(company: Company, served: ServedProcess) -> None:
    links = (await served.new_room())["links"]
    ada = await company.person("Ada", links["owner"])
    # A window that a page opens gets a copy of its session storage, as a duplicated tab does.
    async with ada.page.context.expect_page() as opened:
        await ada.page.evaluate("() => { window.open(location.href); }")
    tab = await opened.value
    await expect(tab.locator(".face:not(.face-ai)")).to_have_count(2)
    await expect(ada.page.locator(".face:not(.face-ai)")).to_have_count(2)
    await ada.here()


async def test_words_written_offline_arrive(company: Company, served: ServedProcess) -> None:
    links = (await served.new_room())["links"]
    line = Line()
    ada = await company.person("Ada", links["owner"], line)
    maria = await company.person("Мария", links["editor"])
    await ada.write("Before. ")
    await maria.sees("Before.")
    await line.cut()
    await expect(ada.status).to_contain_text("Offline")
    await ada.write("Written offline 🌙. ", meanwhile=True)
    await maria.write("Meanwhile. ", at="Control+Home", meanwhile=True)
    await maria.here()
    line.mend()
    # The page may try by itself in the very moment, and the button goes.
    await ada.page.get_by_role("button", name="Try now").evaluate_all(
        "(all) => all.forEach((one) => one.click())"
    )
    await expect(ada.status).to_contain_text("Saved")
    assert await ada.agrees_with(maria) == "Meanwhile. Before. Written offline 🌙. "


async def test_the_pages_survive_a_power_cut_of_the_server(
    company: Company, tmp_path: Path, embedded_text_model: Path, cache_dir: Path
) -> None:
    arguments = ("--cache-dir", str(cache_dir))
    async with serving(tmp_path, *arguments) as first:
        links = (await first.new_room())["links"]
        ada = await company.person("Ada", links["owner"])
        maria = await company.person("Мария", links["editor"])
        await ada.write("Written before. ")
        await ada.agrees_with(maria)
        first.kill()
        await expect(ada.status).to_contain_text("Offline")
        await ada.write("Written in the dark. ", meanwhile=True)
        port = first.url.rpartition(":")[2]
        async with serving(tmp_path, *arguments, f"--port={port}"):
            assert await maria.agrees_with(ada) == "Written before. Written in the dark. "
            await maria.write("And after.")
            await ada.sees("And after.")


async def test_a_viewer_reads_along(company: Company, served: ServedProcess) -> None:
    links = (await served.new_room())["links"]
    ada = await company.person("Ada", links["owner"])
    eve = await company.person("Eve", links["viewer"])
    await ada.write("Read this.")
    await eve.sees("Read this.")
    await expect(eve.status).to_have_text("Read only")
    await expect(eve.story).to_have_attribute("contenteditable", "false")
    await expect(eve.page.get_by_role("button", name="Continue")).to_have_count(0)

    # Nor anything else that would be refused: no tools, no history, nothing in the chat. Readers may comment.
    await ada.comment("Read", "Really?")
    await ada.tab("Chat")
    field = ada.page.get_by_role("textbox", name="Say something")
    await field.fill("Hello, reader")
    await field.press("Enter")
    await expect(eve.page.get_by_role("toolbar")).to_have_count(0)
    await expect(eve.page.get_by_role("tab", name="History")).to_have_count(0)
    await eve.tab("Comments")
    await eve.page.locator(".thread-quote").click()
    await expect(eve.page.locator(".thread-open")).to_contain_text("Really?")
    await expect(eve.page.locator(".thread").get_by_role("button", name="Delete")).to_have_count(0)
    field = eve.page.get_by_role("textbox", name="Reply")
    await field.fill("Really 🌙.")
    await field.press("Enter")
    await ada.tab("Comments")
    await expect(ada.page.locator(".thread-open")).to_contain_text("Really 🌙.")
    await eve.tab("Chat")
    await expect(eve.page.locator(".said-text")).to_have_text("Hello, reader")
    await expect(eve.page.locator(".chat-foot")).to_have_count(0)
    await eve.tab("Document")
    await expect(eve.page.get_by_role("radio", name="Screenplay")).to_be_disabled()
    await expect(eve.page.get_by_label("Tone")).not_to_be_editable()
    await eve.story.evaluate(SELECT, "Read")
    await expect(eve.page.locator(".comment-button")).to_be_visible()
    await eve.page.get_by_role("button", name="File, find and help").click()
    await expect(eve.page.get_by_role("button", name="Import a file…")).to_have_count(0)


async def test_a_removed_member_is_out_and_told(company: Company, served: ServedProcess) -> None:
    links = (await served.new_room())["links"]
    ada = await company.person("Ada", links["owner"])
    eve = await company.person("Eve", links["editor"])
    await ada.page.get_by_role("button", name="Share").click()
    old = await ada.page.get_by_role("textbox", name="Can write").input_value()
    await ada.page.get_by_role("button", name="Remove Eve").click()
    await ada.page.get_by_role("button", name="Remove", exact=True).click()
    await expect(eve.page.get_by_role("heading", name="You were removed from this room")).to_be_visible()
    await expect(ada.page.get_by_role("textbox", name="Can write")).not_to_have_value(old)


async def test_a_wrong_link_says_so(company: Company, served: ServedProcess) -> None:
    room = (await served.new_room())["room"]
    page = await company.page()
    await page.add_init_script(
        "new MutationObserver(() => { window.sawRoom ||= document.querySelector('.ql-editor') !== null; })"
        ".observe(document, { childList: true, subtree: true });"
    )
    await page.goto(f"{served.url}/r/{room}")
    await expect(page.get_by_role("heading", name="You need an invite link")).to_be_visible()
    await page.goto(f"{served.url}/r/{room}#wrong")
    await page.get_by_label("Your name").fill("Eve")
    await page.get_by_role("button", name="Enter the room").click()
    await expect(page.get_by_role("heading", name="This invite link does not open the room")).to_be_visible()
    assert await page.evaluate("() => window.sawRoom") is False, "no room is shown that is then taken away"
    # Of a room that is not there, and in another language.
    page = await company.page(locale="ru-RU", viewport={"width": 820, "height": 1180})
    await page.goto(f"{served.url}/r/nowhere#wrong")
    await page.locator("#name").fill("Eve")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("heading")).to_have_text(
        re.compile("Эта ссылка не открывает комнату|Такой комнаты нет")
    )


async def test_the_lobby_opens_a_room_and_remembers_it(company: Company, served: ServedProcess) -> None:
    page = await company.page()
    await page.goto(served.url)
    await page.get_by_role("button", name="New room").click()
    await page.get_by_label("Your name").fill("Ada")
    await page.get_by_role("button", name="Enter the room").click()
    await page.get_by_label("Title of the text").fill("My first room")
    await expect(page.locator(".status")).to_have_text("Saved")
    await page.goto(served.url)
    await page.get_by_role("link", name="My first room").click()
    await expect(page.get_by_label("Title of the text")).to_have_value("My first room")
    await expect(page.get_by_role("button", name="Share")).to_be_visible()
