"""Work with the image model in browsers: masks, larger pictures, live frames, variants; and the board's
order and angles. Pictures are checked pixel by pixel as the server has them."""

from __future__ import annotations

import asyncio
import json
import random
import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from PIL import Image
from playwright.async_api import expect

from antiphon_client import Room, connect
from support.artists import Artist, artists
from support.pages import Company
from support.picture_files import encoded, opened
from support.server import PATIENCE, ServedProcess

pytestmark = pytest.mark.e2e
Objects = list[dict[str, Any]]


@asynccontextmanager
async def watching(artist: Artist) -> AsyncIterator[Room]:
    """The room of an artist as a program sees it."""
    async with connect(artist.person.link, name="Watcher") as room:
        yield room


@pytest_asyncio.fixture(scope="module", loop_scope="session", autouse=True)
async def painter(served: ServedProcess) -> None:
    """The image model is there: loading it takes a busy machine minutes."""
    links = (await served.new_room())["links"]
    async with connect(links["owner"], name="Watcher") as room, asyncio.timeout(2 * PATIENCE):
        await room.wait_for(lambda room: any(one.modality == "image" and one.ready for one in room.models))


def of(room: Room, kind: str) -> Objects:
    return [fields for fields in room.canvas.values() if fields["type"] == kind]


async def until(room: Room, condition: Callable[[Room], bool]) -> None:
    async with asyncio.timeout(2 * PATIENCE):
        await room.wait_for(condition)


def noise(width: int, height: int) -> Image.Image:
    """Pixels that nothing could hit by chance."""
    return Image.frombytes("RGB", (width, height), random.Random(5).randbytes(width * height * 3))


def colours(image: Image.Image) -> list[bytes]:
    data = image.tobytes()
    return [data[start : start + 3] for start in range(0, len(data), 3)]


async def bring_in(artist: Artist, image: Image.Image) -> None:
    """A picture comes into the middle of the board and is selected."""
    await artist.page.locator(".canvas input[type=file]").set_input_files(
        {"name": "noise.png", "mimeType": "image/png", "buffer": encoded(image)}
    )
    await expect(artist.objects("image").locator("image")).to_have_attribute("href", re.compile("^blob:"))


async def paint(artist: Artist, words: str) -> None:
    await artist.page.get_by_label("What to paint").fill(words)
    button = artist.page.get_by_role("button", name="Paint", exact=True)
    await expect(button).to_be_enabled()
    await button.click()


async def test_only_what_was_brushed_over_changes(company: Company, served: ServedProcess) -> None:
    ada, eve = await artists(company, served)
    async with watching(ada) as room:
        before = noise(96, 64)
        await bring_in(ada, before)
        await ada.page.get_by_role("button", name="Paint over").click()
        await expect(ada.page.locator(".mask-overlay")).to_be_visible()
        place = await ada.objects("image").bounding_box()
        board = await ada.board.bounding_box()
        assert place
        assert board
        left, top = place["x"] - board["x"], place["y"] - board["y"]
        await ada.drag((left + 20, top + 30), (left + 60, top + 30))
        # The others see where paint will go.
        await expect(eve.page.locator(".mask-sent")).to_have_count(1)
        await paint(ada, "red apple")
        await until(room, lambda room: len(of(room, "image")) == 2)
        [made] = [fields for fields in of(room, "image") if fields.get("run")]
        mask = opened(await room.download(made["mask"])).convert("L")
        after = opened(await room.download(made["asset"])).convert("RGB")
        source = opened(await room.download(made["source"])).convert("RGB")
    assert source.tobytes() == before.tobytes()
    assert after.size == mask.size == before.size
    pixels = [
        (allowed, was == now)
        for allowed, was, now in zip(mask.tobytes(), colours(before), colours(after), strict=True)
    ]
    assert all(same for allowed, same in pixels if not allowed)
    assert sum(not allowed for allowed, _ in pixels) > 96 * 64 / 2
    assert sum(not same for _, same in pixels) > 100
    assert (made["task"], made["prompt"]) == ("inpaint", "red apple")
    await ada.agrees_with(eve, 2)


async def test_a_mask_is_erased_turned_round_cleared_and_undone(
    company: Company, served: ServedProcess
) -> None:
    [ada, _] = await artists(company, served)
    await ada.tool("f")
    await ada.drag((200, 150), (400, 350))
    await ada.page.get_by_text("Under a mask").click()
    await ada.page.get_by_role("button", name="Paint the mask").click()
    overlay = ada.page.locator(".mask-overlay")
    await expect(overlay).to_have_attribute("data-painted", "no")
    await ada.drag((250, 250), (300, 250))
    await expect(overlay).to_have_attribute("data-painted", "yes")
    async with watching(ada) as room:
        await until(room, lambda room: "mask" in of(room, "frame")[0])
        first = of(room, "frame")[0]["mask"]
        await ada.page.get_by_text("Eraser", exact=True).click()
        await ada.drag((270, 250), (320, 250))
        await until(room, lambda room: of(room, "frame")[0].get("mask") not in (None, first))
        masks = [first, of(room, "frame")[0]["mask"]]
        await ada.page.get_by_role("button", name="Invert").click()
        await until(room, lambda room: of(room, "frame")[0].get("mask") not in (None, *masks))
        masks.append(of(room, "frame")[0]["mask"])
        white = [
            sum(value > 127 for value in opened(await room.download(mask)).convert("L").tobytes())
            for mask in masks
        ]
        pixels = opened(await room.download(first)).size
        assert 0 < white[1] < white[0]
        assert white[2] == pixels[0] * pixels[1] - white[1]
        await ada.page.get_by_role("button", name="Clear").click()
        await expect(overlay).to_have_attribute("data-painted", "no")
        await until(room, lambda room: "mask" not in of(room, "frame")[0])
        # A cleared area comes back, in the room and under the brush.
        await ada.tool("Control+z")
        await until(room, lambda room: of(room, "frame")[0].get("mask") == masks[2])
        await expect(overlay).to_have_attribute("data-painted", "yes")


async def test_a_picture_grows_around_itself(company: Company, served: ServedProcess) -> None:
    ada, eve = await artists(company, served)
    async with watching(ada) as room:
        before = noise(64, 48)
        await bring_in(ada, before)
        await ada.page.get_by_role("button", name="Extend").click()
        await ada.page.get_by_text("Left", exact=True).click()  # from left and right to right alone
        await ada.page.get_by_text("Below", exact=True).click()
        await ada.page.get_by_role("button", name="Make room").click()
        await expect(eve.page.locator(".mask-sent")).to_have_count(1)
        await paint(ada, "green tree")
        await until(room, lambda room: len(of(room, "image")) == 2)
        [made] = [fields for fields in of(room, "image") if fields.get("run")]
        [old] = [fields for fields in of(room, "image") if not fields.get("run")]
        after = opened(await room.download(made["asset"])).convert("RGB")
    assert after.size == (96, 72)
    assert after.crop((0, 0, 64, 48)).tobytes() == before.tobytes()
    assert (made["x"], made["y"]) == (old["x"], old["y"])
    assert (made["w"] / old["w"], made["h"] / old["h"]) == (1.5, 1.5)


async def test_four_variants_have_four_seeds(company: Company, served: ServedProcess) -> None:
    ada, eve = await artists(company, served)
    async with watching(ada) as room:
        await ada.tool("f")
        await ada.drag((200, 100), (320, 220))
        await ada.page.get_by_text("Settings").click()
        await ada.page.get_by_label("Style").select_option(label="Sticker")
        await ada.page.get_by_label("What to paint").fill("red apple")
        four = ada.page.get_by_role("button", name="Four variants")
        await expect(four).to_be_enabled()
        await four.click()
        await until(room, lambda room: len(of(room, "image")) == 4)
        made = of(room, "image")
    assert len({fields["seed"] for fields in made}) == 4
    assert len({fields["asset"] for fields in made}) == 4
    assert len({(fields["x"], fields["y"]) for fields in made}) == 4
    assert {(fields["prompt"], fields["style"]) for fields in made} == {
        ("red apple, flat sticker", "sticker")
    }
    await ada.agrees_with(eve, 4)


async def test_a_picture_is_varied_and_enlarged_and_says_so(
    company: Company, served: ServedProcess, tmp_path: Path
) -> None:
    [ada, _] = await artists(company, served)
    async with watching(ada) as room:
        await ada.tool("f")
        await ada.drag((200, 100), (320, 220))
        await paint(ada, "red apple")
        await until(room, lambda room: len(of(room, "image")) == 1)
        [first] = of(room, "image")
        await ada.shows_pictures(1)
        await ada.board.focus()
        await ada.page.keyboard.press("PageDown")
        await expect(ada.page.get_by_text("then repainted a little by the model")).to_be_visible()
        await ada.page.get_by_role("button", name="Vary").click()
        await until(room, lambda room: len(of(room, "image")) == 2)
        [varied] = [fields for fields in of(room, "image") if fields["run"] != first["run"]]
        assert (varied["task"], varied["source"]) == ("image_to_image", first["asset"])
        assert varied["seed"] != first["seed"]
        assert varied["x"] > first["x"] + first["w"]
        await ada.shows_pictures(2)
        await ada.board.click(position={"x": 260, "y": 160})
        await ada.page.get_by_role("button", name="Enlarge").click()
        await until(room, lambda room: len(of(room, "image")) == 3)
        [large] = [
            fields for fields in of(room, "image") if fields["run"] not in (first["run"], varied["run"])
        ]
        sizes = [opened(await room.download(each["asset"])).size for each in (first, large)]
        assert sizes[1] == (sizes[0][0] * 2, sizes[0][1] * 2)
        assert (large["x"], large["w"]) == (first["x"], first["w"])
        # Where it comes from can be taken away.
        await ada.shows_pictures(3)
        await ada.board.click(position={"x": 260, "y": 160})
        await ada.page.get_by_role("button", name="Where from").click()
        async with ada.page.expect_download() as coming:
            await ada.page.get_by_role("button", name="Save as JSON").click()
        await (await coming.value).save_as(tmp_path / "provenance.json")
    told = json.loads((tmp_path / "provenance.json").read_text())
    assert told["run"]["seed"] == large["seed"]
    assert told["run"]["params"]["strength"] == 0.2
    assert told["sources"] == [{"role": "source", "asset": first["asset"]}]
    assert told["run"]["asker"]["name"] == "Ada"
    assert told["asked_with"]["prompt"] == "red apple"


async def test_a_live_frame_follows_every_hand_and_outlives_its_holder(
    company: Company, served: ServedProcess
) -> None:
    ada, eve = await artists(company, served)
    async with watching(eve) as room:
        await ada.tool("f")
        await ada.drag((200, 100), (360, 260))
        await ada.page.get_by_text("From the drawing").click()
        await ada.page.get_by_label("What to paint").fill("yellow sun")
        await ada.page.get_by_label("Live").check()

        def asset(room: Room) -> Any:
            return of(room, "frame")[0].get("asset")

        await until(room, lambda room: asset(room) is not None)
        blank, holder = asset(room), of(room, "frame")[0]["holder"]
        await eve.tool("p")
        await eve.drag((240, 150), (300, 200))
        await until(room, lambda room: asset(room) != blank)
        # Both pages show it beside the frame; the frame has stayed.
        for artist in (ada, eve):
            await expect(artist.objects("frame").locator("image")).to_have_attribute(
                "href", re.compile("^blob:")
            )
        await ada.page.close()
        await until(room, lambda room: holder not in room.participants)
        first = asset(room)
        await eve.drag((240, 220), (320, 220))
        await until(room, lambda room: of(room, "frame")[0]["holder"] != holder)
        await until(room, lambda room: asset(room) not in (blank, first))


async def test_turning_and_layers_are_the_same_for_all(company: Company, served: ServedProcess) -> None:
    ada, eve = await artists(company, served)
    await ada.tool("d")
    await ada.drag((200, 200), (300, 300))
    await ada.tool("g")
    await ada.drag((400, 200), (500, 300))
    # By hand, in steps; the handle stands above the selection.
    await ada.press((450, 198 - 26))
    await ada.page.keyboard.down("Shift")
    await ada.page.mouse.move(*(await ada.at((560, 250))), steps=6)
    await ada.page.mouse.up()
    await ada.page.keyboard.up("Shift")
    triangle = eve.objects("shape").nth(1)
    await expect(triangle).to_have_attribute("transform", re.compile(r"^rotate\(90 "))
    # And by keys.
    await ada.tool(".")
    await expect(triangle).to_have_attribute("transform", re.compile(r"^rotate\(105 "))
    await ada.tool("k")
    rows = ada.page.locator("[data-layer]")
    await expect(rows).to_have_count(2)
    await expect(rows.first).to_have_accessible_name("Triangle")
    await rows.first.focus()
    await ada.page.keyboard.press("Alt+ArrowDown")
    await expect(eve.objects("shape").first).to_have_attribute("transform", re.compile("105"))
    await rows.first.focus()
    await ada.page.keyboard.press("F2")
    await ada.page.get_by_label("Name", exact=True).fill("Kite")
    await ada.page.keyboard.press("Enter")
    await expect(ada.page.get_by_text("Kite")).to_be_visible()
    await eve.tool("k")
    await expect(eve.page.get_by_text("Kite")).to_be_visible()
    # By drag it goes back below.
    grip, target = (
        await rows.nth(0).locator(".layer-handle").bounding_box(),
        await rows.nth(1).bounding_box(),
    )
    assert grip
    assert target
    await ada.page.mouse.move(grip["x"] + 4, grip["y"] + 8)
    await ada.page.mouse.down()
    await ada.page.mouse.move(target["x"] + 60, target["y"] + 10, steps=4)
    await ada.page.mouse.up()
    await expect(eve.page.locator("[data-layer]").nth(1)).to_contain_text("Kite")
    await ada.agrees_with(eve, 2)
    await rows.nth(1).get_by_label("Lock", exact=True).click()
    await rows.nth(1).get_by_label("Hide", exact=True).click()
    await ada.agrees_with(eve, 1)
    await eve.page.locator("[data-layer]").nth(1).get_by_label("Show", exact=True).click()
    await ada.agrees_with(eve, 2)
    # The eraser spares locked objects.
    await ada.tool("e")
    await ada.drag((180, 250), (320, 250))
    await ada.agrees_with(eve, 2)
