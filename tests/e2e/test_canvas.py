"""Two pages draw on one canvas, and the real image model paints in it before their eyes."""

from __future__ import annotations

import base64
import re
from pathlib import Path

import pytest
from playwright.async_api import expect

from support.artists import Artist, artists
from support.pages import Company
from support.picture_files import opened, picture
from support.server import ServedProcess

pytestmark = pytest.mark.e2e

# Every step of a picture that a page has shown, with the text beside it.
WATCH = """() => {
    window.seen = [];
    new MutationObserver(() => {
        const step = Number(document.querySelector('.frame-preview')?.dataset.step ?? 0);
        const said = document.querySelector('.frame-badge')?.textContent ?? "";
        if (step > 0 && said && window.seen.at(-1)?.[0] !== step) window.seen.push([step, said]);
    }).observe(document.body, { subtree: true, childList: true, attributes: true });
}"""


DROP = """([name, data, x, y]) => {
    const bytes = Uint8Array.from(atob(data), (each) => each.charCodeAt(0));
    const dropped = new DataTransfer();
    dropped.items.add(new File([bytes], name));
    const { left, top } = document.querySelector(".board").getBoundingClientRect();
    const init = { bubbles: true, cancelable: true, dataTransfer: dropped, clientX: left + x, clientY: top + y };
    document.querySelector(".canvas").dispatchEvent(new DragEvent("drop", init));
}"""


async def test_two_draw_together(company: Company, served: ServedProcess) -> None:
    ada, eve = await artists(company, served, "Both")
    await ada.person.write("Beside the text")
    await ada.tool("p")
    await ada.press((150, 200), (250, 260), (350, 200))
    # Eve sees the hand and its stroke while it is being drawn.
    await expect(eve.page.locator(".live-draft path")).to_have_count(1)
    await expect(eve.page.locator(".hand-name")).to_have_text("Ada")
    await expect(eve.objects()).to_have_count(0)
    await ada.page.mouse.up()
    await expect(eve.objects("stroke")).to_have_count(1)
    await expect(eve.page.locator(".live-draft path")).to_have_count(0)
    await eve.tool("r")
    await eve.drag((200, 320), (300, 400))
    await ada.agrees_with(eve, 2)
    # Undo takes back one's own work and nothing else.
    await ada.tool("Control+z")
    await expect(eve.objects("stroke")).to_have_count(0)
    await expect(eve.objects("shape")).to_have_count(1)
    await ada.tool("Control+Shift+Z")
    await ada.agrees_with(eve, 2)
    await eve.person.agrees_with(ada.person, "Beside the text")


async def test_select_move_stretch_order_and_rub_out(company: Company, served: ServedProcess) -> None:
    ada, eve = await artists(company, served)
    await ada.tool("r")
    await ada.drag((200, 200), (300, 280))
    rectangle = eve.objects("shape").locator("rect")
    await expect(rectangle).to_have_attribute("x", "200")
    await ada.drag((200, 240), (260, 240))
    await expect(rectangle).to_have_attribute("x", "260")
    # The selection's frame includes half of the line's width.
    await ada.drag((362, 282), (464, 364))
    await expect(rectangle).to_have_attribute("width", re.compile("^19[0-9]|^20[0-9]"))
    await ada.tool("t")
    await ada.board.click(position={"x": 300, "y": 250})
    await ada.page.get_by_label("Text on the canvas").fill("Ночь 🌙\nand day")
    await ada.page.keyboard.press("Escape")
    await expect(eve.objects("text").locator("text")).to_have_text(["Ночь 🌙", "and day"])
    await ada.page.get_by_role("button", name="To the back").click()
    await expect(eve.objects().first).to_have_attribute("data-type", "text")
    await ada.tool("e")
    await ada.drag((300, 150), (300, 500))
    await ada.agrees_with(eve, 0)


async def test_the_keyboard_draws_too(company: Company, served: ServedProcess) -> None:
    ada, eve = await artists(company, served)
    await ada.tool("o")
    await ada.page.keyboard.press("Enter")
    await expect(eve.objects("shape")).to_have_count(1)
    before = await eve.drawn()
    await ada.page.keyboard.press("Shift+ArrowRight")
    await expect(eve.objects("shape").locator("ellipse")).not_to_have_attribute(
        "cx", re.findall('cx="([^"]+)"', before[0])[0]
    )
    await ada.page.keyboard.press("Delete")
    await expect(eve.objects()).to_have_count(0)
    await ada.page.keyboard.press("+")
    await expect(ada.page.get_by_role("button", name="125 %")).to_be_visible()


async def test_a_picture_comes_in_and_the_board_goes_out(
    company: Company, served: ServedProcess, tmp_path: Path
) -> None:
    ada, eve = await artists(company, served)
    await ada.page.locator(".canvas input[type=file]").set_input_files(
        {"name": "dot.png", "mimeType": "image/png", "buffer": picture(size=(40, 30))}
    )
    await expect(eve.objects("image").locator("image")).to_have_attribute("href", re.compile("^blob:"))
    # The picture is selected and has its card: what it shows, and its file, are within reach.
    described = ada.page.get_by_label("What it shows")
    await described.fill("A dot — точка")
    await described.blur()
    await expect(eve.objects("image").locator("title")).to_have_text("A dot — точка")
    await ada.page.get_by_label("Save as a file").click()
    async with ada.page.expect_download() as coming:
        await ada.page.get_by_role("button", name="PNG", exact=True).click()
    await (await coming.value).save_as(tmp_path / "one.png")
    assert opened((tmp_path / "one.png").read_bytes()).info["Description"] == "A dot — точка"
    await ada.page.get_by_label("Save as a file").click()
    await ada.tool("p")
    await ada.drag((150, 200), (250, 260))
    await ada.page.keyboard.press("Escape")
    for kind, start in (("PNG", b"\x89PNG"), ("SVG", b"<svg ")):
        await ada.page.get_by_label("Save as a file").click()
        async with ada.page.expect_download() as coming:
            await ada.page.get_by_role("button", name=kind, exact=True).click()
        file = tmp_path / kind
        await (await coming.value).save_as(file)
        assert file.read_bytes().startswith(start)
        await ada.page.get_by_label("Save as a file").click()
    written = (tmp_path / "SVG").read_text()
    assert 'href="data:image/png;base64,' in written
    assert "<path d=" in written


async def test_two_write_in_one_text_and_nothing_is_lost(company: Company, served: ServedProcess) -> None:
    ada, eve = await artists(company, served)
    field = ".board-text"
    await ada.tool("t")
    await ada.board.click(position={"x": 300, "y": 250})
    await ada.page.keyboard.type("a fox")
    # Eve sees it before it is done, and writes in it at the same time.
    await expect(eve.objects("text").locator("text")).to_have_text(["a fox"])
    await eve.board.dblclick(position={"x": 320, "y": 265})
    await eve.page.keyboard.press("End")
    await eve.page.keyboard.type(" и заяц 🐇")
    await ada.page.keyboard.press("Home")
    await ada.page.keyboard.type("I see ")
    for artist in (ada, eve):
        await expect(artist.page.locator(field)).to_have_value("I see a fox и заяц 🐇")
    # Whoever goes on after somebody deleted it has it again, with all that was written.
    await eve.page.keyboard.press("Escape")
    await eve.page.keyboard.press("Delete")
    await expect(eve.objects()).to_have_count(0)
    await ada.page.keyboard.type("now: ")
    await ada.page.keyboard.press("Escape")
    await expect(eve.objects("text").locator("text")).to_have_text(["I see now: a fox и заяц 🐇"])
    # A frame asks for its words at once; text typed there is one's own.
    await ada.tool("f")
    await ada.drag((550, 150), (750, 350))
    words = ada.page.get_by_label("What to paint")
    await expect(words).to_be_focused()
    await ada.page.keyboard.type("a blue whale")
    await eve.board.click(position={"x": 550, "y": 300})
    theirs = eve.page.get_by_label("What to paint")
    await theirs.fill("yellow submarine")
    await eve.page.keyboard.press("Tab")
    await expect(ada.page.locator(".frame-other")).to_contain_text("yellow submarine")
    await expect(words).to_have_value("a blue whale")
    await ada.page.get_by_role("button", name="Use this prompt").click()
    await expect(words).to_have_value("yellow submarine")
    await expect(ada.objects()).to_have_count(2)


async def test_keys_and_view_of_the_board(company: Company, served: ServedProcess) -> None:
    links = (await served.new_room())["links"]
    ada = await Artist(await company.person("Ada", links["owner"], color_scheme="dark")).open()
    page = ada.page
    await ada.tool("r")
    await ada.drag((200, 200), (300, 240))
    # By the place of a key, under a Cyrillic layout; and after a click on a tool.
    keys = await page.context.new_cdp_session(page)

    async def press(key: str, code: str, modifiers: int = 0) -> None:
        for kind in ("keyDown", "keyUp"):
            await keys.send(
                "Input.dispatchKeyEvent", {"type": kind, "key": key, "code": code, "modifiers": modifiers}
            )

    await press("я", "KeyZ", 2)
    await expect(ada.objects()).to_have_count(0)
    await page.get_by_role("button", name="Red", exact=True).click()
    await press("к", "KeyR")
    await ada.drag((200, 200), (300, 240))
    await page.get_by_role("button", name="Blue", exact=True).click()
    await press("ф", "KeyA", 2)
    assert await page.evaluate("() => getSelection().toString()") == ""
    await expect(page.locator(".mark-corner")).to_have_count(5)
    # A turned object is stretched along its own sides: its handles are turned too.
    for _ in range(6):
        await press("ю", "Period")
    corner = await page.locator(".mark-se").bounding_box()
    assert corner is not None
    await page.mouse.move(corner["x"] + 6, corner["y"] + 6)
    await page.mouse.down()
    await page.mouse.move(corner["x"] + 6, corner["y"] + 106, steps=3)
    await page.mouse.up()
    rectangle = ada.objects("shape").locator("rect")
    await expect(rectangle).to_have_attribute("width", re.compile(r"^(19\d|20\d)"))
    await expect(rectangle).to_have_attribute("height", re.compile(r"^(39|40|41)"))
    # Shift adds to the selection.
    await ada.tool("Escape")
    await ada.tool("o")
    await ada.drag((600, 200), (660, 260))
    await page.keyboard.down("Shift")
    await ada.drag((180, 60), (340, 420))
    await page.keyboard.up("Shift")
    await expect(page.locator(".mark-each")).to_have_count(2)
    # A notch of the wheel is a small step; the dark scheme leaves colours as they are.
    await page.mouse.move(500, 400)
    await page.keyboard.down("Control")
    await page.mouse.wheel(0, 100)
    await page.keyboard.up("Control")
    await expect(page.get_by_role("button", name=re.compile("^8[0-9] %"))).to_be_visible()
    assert await page.locator(".board-svg").evaluate("(svg) => getComputedStyle(svg).filter") == "none"
    # Who only reads has no handles.
    reader = await Artist(await company.person("Bo", links["viewer"])).open()
    await reader.tool("Control+a")
    await expect(reader.page.locator(".mark-box")).to_have_count(1)
    await expect(reader.page.locator(".mark-corner")).to_have_count(0)
    await expect(reader.objects()).to_have_count(2)


async def test_files_come_in_where_they_fall_or_are_told_of(company: Company, served: ServedProcess) -> None:
    ada, eve = await artists(company, served)
    ada.person.forgive("400 (Bad Request)")
    for name, data, (x, y) in (
        ("кот.gif", picture("GIF", (400, 300)), (20, 30)),
        ("широкая.png", picture("PNG", (9000, 40)), (500, 400)),
        ("доска.excalidraw", b'{"type": "excalidraw"}', (400, 300)),
        ("половина.png", picture("PNG")[:60], (400, 300)),
    ):
        await ada.page.evaluate(DROP, [name, base64.b64encode(data).decode(), x, y])
        if name == "кот.gif":
            await expect(eve.objects("image")).to_have_count(1)
        else:
            await expect(ada.page.locator(".notices")).to_contain_text(name)
    said = " ".join(await ada.page.locator(".notice").all_inner_texts())
    for words in (
        "made smaller: from 9000 × 40 to 8192",
        "Excalidraw is not supported",
        "the PNG file is damaged",
    ):
        assert words in said
    assert not re.search("0x|Error|BytesIO", said)
    await ada.agrees_with(eve, 2)
    view = await ada.board.bounding_box()
    for shown in await ada.objects("image").all():
        box = await shown.bounding_box()
        assert box is not None
        assert view is not None
        assert box["x"] >= view["x"]
        assert box["y"] >= view["y"]


async def test_who_reads_sees_and_changes_nothing(company: Company, served: ServedProcess) -> None:
    links = (await served.new_room())["links"]
    ada = await Artist(await company.person("Ada", links["owner"])).open()
    eve = await Artist(await company.person("Eve", links["viewer"])).open()
    await ada.tool("r")
    await ada.drag((200, 200), (300, 280))
    await expect(eve.objects("shape")).to_have_count(1)
    await expect(eve.page.get_by_role("button", name=re.compile("Pen"))).to_have_count(0)
    await eve.tool("p")
    await eve.drag((200, 240), (400, 240))
    await eve.page.keyboard.press("Delete")
    await eve.person.here()
    await ada.agrees_with(eve, 1)


async def test_the_model_paints_before_everybodys_eyes(company: Company, served: ServedProcess) -> None:
    ada, eve = await artists(company, served)
    for artist in (ada, eve):
        await artist.page.evaluate(WATCH)
    seen: list[list[tuple[int, str]]] = []
    # A picture of this small model may be done before a slow page has shown a step of it: then there is another.
    for count in range(1, 6):
        await ada.tool("f")
        await ada.drag((200, 150), (400, 350))
        await ada.page.get_by_label("What to paint").fill("red apple")
        if count == 1:
            await ada.page.get_by_text("Settings").click()
        await ada.page.get_by_label("Steps").fill("100")
        paint = ada.page.get_by_role("button", name="Paint", exact=True)
        await expect(paint).to_be_enabled()
        await paint.click()
        for artist in (ada, eve):
            await artist.shows_pictures(count)
        seen = [await artist.page.evaluate("() => window.seen.splice(0)") for artist in (ada, eve)]
        for shown in seen:
            assert [step for step, _ in shown] == sorted(step for step, _ in shown)
        if all(seen):
            break
    assert all(seen)
    assert any("red apple for Ada" in said for _, said in seen[1])
    await ada.agrees_with(eve, count)
    await eve.tool("PageDown")
    await expect(eve.page.locator(".picture-card")).to_contain_text("red apple")
    await eve.page.locator(".picture-card").get_by_role("button", name="Undo this").click()
    await expect(ada.objects("image")).to_have_count(count - 1)


async def test_the_model_goes_on_from_what_is_drawn(company: Company, served: ServedProcess) -> None:
    ada, eve = await artists(company, served)
    await ada.tool("o")
    await ada.drag((230, 180), (370, 320))
    await ada.tool("f")
    await ada.drag((200, 150), (400, 350))
    await ada.page.get_by_text("From the drawing").click()
    await ada.page.get_by_label("What to paint").fill("red apple")
    paint = ada.page.get_by_role("button", name="Paint", exact=True)
    await expect(paint).to_be_enabled()
    await paint.click()
    await expect(eve.objects("image").locator("image")).to_have_attribute("href", re.compile("^blob:"))
    await ada.agrees_with(eve, 2)
