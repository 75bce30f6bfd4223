"""Two pages play in one jam: one transport, one beat, each other's keys, one loop, and the band in both."""

from __future__ import annotations

import asyncio
import math
import re

import pytest
from playwright.async_api import Locator, expect

from support.pages import Company, Person
from support.server import PATIENCE, ServedProcess

pytestmark = pytest.mark.e2e

SAME_BEAT_MS = 10.0
FRAME = 1920
"""Samples of a packet of the band."""
JUMP_MS = 1000
"""The playout may follow the clock by a jump, not by more than this."""
SOUNDED = """() => {
    const { played, missing, at } = document.querySelector(".jam-stats").dataset;
    return { sounded: Number(played) + Number(missing), ms: Number(at) };
}"""
# The page's estimate of the server's clock, against the computer's own, which both pages share.
OFFSET = """async () => {
    const told = [];
    for (let turn = 0; turn < 9; turn += 1) {
        await new Promise((resolve) => setTimeout(resolve, 120));
        told.push(Number(document.querySelector(".jam-stats").dataset.offset));
    }
    return told.sort((a, b) => a - b)[4];
}"""

LOUD = """() => {
    const meter = document.querySelector(".jam-meter-people");
    return Number(getComputedStyle(meter).getPropertyValue("--level")) > 0.005;
}"""


class Musician:
    """A person whose page shows the jam."""

    def __init__(self, person: Person) -> None:
        self.person = person
        self.page = person.page
        self.jam: Locator = self.page.get_by_role("region", name="The jam")
        self.place: Locator = self.page.locator(".jam-place")
        self.stats: Locator = self.page.locator(".jam-stats")
        self.loops: Locator = self.page.locator(".jam-loop")

    async def open(self, sound: bool = True) -> Musician:
        await self.page.get_by_role("button", name="Jam", exact=True).click()
        await expect(self.jam).to_be_visible()
        if sound:
            await self.button("Join the sound").click()
            await expect(self.page.locator(".jam-meters")).to_be_visible()
        return self

    def button(self, name: str) -> Locator:
        return self.jam.get_by_role("button", name=name, exact=True)

    async def play(self, keys: str) -> None:
        """Presses keys of the computer one after the other."""
        await self.place.click()
        for key in keys:
            await self.page.keyboard.press(key, delay=60)

    async def says(self, name: str, least: float) -> None:
        """The details show `least` or more."""
        await self.page.wait_for_function(
            "([name, least]) => Number(document.querySelector('.jam-stats').dataset[name]) >= least",
            arg=[name, least],
        )

    async def figures(self) -> dict[str, str]:
        shown: dict[str, str] = await self.stats.evaluate("(stats) => ({ ...stats.dataset })")
        return shown


async def musicians(company: Company, served: ServedProcess, sound: bool = True) -> tuple[Musician, Musician]:
    links = (await served.new_room())["links"]
    return await musician(company, "Ada", links["owner"], sound), await musician(
        company, "Eve", links["editor"], sound
    )


async def musician(company: Company, name: str, link: str, sound: bool = True) -> Musician:
    return await Musician(await company.person(name, link)).open(sound)


async def test_one_transport_and_one_beat(company: Company, served: ServedProcess) -> None:
    ada, eve = await musicians(company, served, sound=False)
    await ada.button("Play").click()
    for musician in (ada, eve):
        await expect(musician.place).to_have_attribute("data-playing", "true")
        await musician.says("samples", 20)
    # A page that a busy machine kept waiting finds the clock as soon as some of its pings come through quickly.
    apart = math.inf
    async with asyncio.timeout(PATIENCE):
        while apart >= SAME_BEAT_MS:
            offsets = [await one.page.evaluate(OFFSET) for one in (ada, eve)]
            apart = abs(offsets[0] - offsets[1])
    print(f"the pages' clocks differ by {apart:.2f} ms")
    tempo = ada.jam.get_by_label("Tempo")
    await tempo.fill("96")
    await tempo.press("Enter")
    await expect(eve.jam.get_by_label("Tempo")).to_have_value("96")
    # A change is shown as pending until it is in force.
    await expect(ada.page.locator(".jam-chip")).to_have_count(0)
    await eve.jam.get_by_label("Beats a bar").select_option(label="3/4")
    await expect(ada.page.locator(".jam-light")).to_have_count(3)
    await eve.button("Stop").click()
    await expect(ada.place).to_have_attribute("data-playing", "false")


async def test_keys_sound_at_home_and_away(company: Company, served: ServedProcess) -> None:
    ada, eve = await musicians(company, served)
    await ada.jam.get_by_label("Instrument", exact=True).select_option(label="Trumpet")
    await expect(eve.page.locator(".jam-players")).to_contain_text("Trumpet")
    # A page whose sound has just begun may not know yet when to play notes: then they are played again.
    async with asyncio.timeout(PATIENCE):
        while any([int((await one.figures())["begun"]) < 4 for one in (ada, eve)]):
            await ada.play("asdf")
    await ada.place.click()
    await ada.page.keyboard.down("k")
    for musician in (ada, eve):
        await musician.page.wait_for_function(LOUD)
    # The window that loses the keyboard lets go, for everybody.
    await ada.page.evaluate("() => window.dispatchEvent(new Event('blur'))")
    for musician in (ada, eve):
        await musician.page.wait_for_function(f"() => !({LOUD})()")
    await ada.page.keyboard.up("k")


async def test_a_loop_comes_round_for_everybody(company: Company, served: ServedProcess) -> None:
    links = (await served.new_room())["links"]
    ada = await musician(company, "Ada", links["owner"])
    eve = await musician(company, "Eve", links["editor"])
    await ada.jam.get_by_label("Count-in").select_option(label="None")
    await ada.jam.get_by_label("Length").select_option(label="1 bar")
    notice = ada.page.locator(".notice")
    for _ in range(6):
        await ada.button("Record a loop").click()
        # Keys before the bar line are none of the loop's.
        await ada.page.wait_for_function(
            "() => document.querySelector('.jam-recording.live, .notice') !== null"
        )
        await ada.play("adg")
        await expect(ada.loops.or_(notice).first).to_be_visible()
        if await ada.loops.count():
            break
        # The bar went by before a busy machine had the keys: an empty take is no loop.
        await notice.get_by_role("button").evaluate_all("(all) => all.forEach((one) => one.click())")
        await expect(notice).to_have_count(0)
    await expect(eve.loops).to_have_count(1)
    await expect(eve.loops).to_contain_text(re.compile(r"Ada · 1 bar · [123] note"))
    begun = int((await eve.figures())["begun"])
    await eve.says("begun", begun + 6)
    # Who comes later hears it as well.
    late = await musician(company, "Late", links["editor"])
    await expect(late.loops).to_have_count(1)
    await late.says("begun", 3)
    await eve.button("Mute Grand piano 1").click()
    await expect(ada.loops).to_have_class(re.compile("muted"))
    await ada.loops.get_by_label("Name of the loop").fill("Bells")
    await ada.page.keyboard.press("Tab")
    await expect(eve.loops.get_by_label("Name of the loop")).to_have_value("Bells")
    await eve.button("Delete Bells").click()
    await expect(ada.loops).to_have_count(0)


async def test_the_band_is_heard_by_both(company: Company, served: ServedProcess) -> None:
    links = (await served.new_room())["links"]
    ada = await musician(company, "Ada", links["owner"])
    # Eve's browser has no WebCodecs.
    page = await company.page()
    await page.add_init_script("delete window.AudioDecoder")
    person = company.at(page, "Eve")
    await person.enter(links["editor"])
    eve = await Musician(person).open()
    await ada.button("Play").click()
    start = ada.button("Start the band")
    # Its model may be loading still.
    await expect(start).to_be_enabled(timeout=2 * PATIENCE * 1000)
    await start.click()
    await expect(eve.button("Stop the band")).to_be_visible()
    for one in (ada, eve):
        # A second of sound that is no silence, however much of it a busy machine loses.
        await one.says("played", 48_000)
        await one.says("loudest", 0.01)
        figures = {name: float(value) for name, value in (await one.figures()).items() if name != "decoder"}
        assert figures["played"] <= figures["packets"] * FRAME
        print(
            {name: figures[name] for name in ("packets", "holes", "late", "underruns", "played", "missing")}
        )
    assert [(await one.figures())["decoder"] for one in (ada, eve)] == ["WebCodecs", "WebAssembly"]
    before = await eve.page.evaluate(SOUNDED)
    await eve.says("played", before["sounded"] + 48_000)
    after = await eve.page.evaluate(SOUNDED)
    # Neither faster than time, nor twice.
    assert after["sounded"] - before["sounded"] <= (after["ms"] - before["ms"] + JUMP_MS) * 48
    # Its directions are everybody's, and its notes are seen.
    await eve.page.locator(".jam-prompt-add input").fill("jazz")
    await eve.page.keyboard.press("Enter")
    await expect(ada.jam.get_by_label("Weight of jazz")).to_be_visible()
    # Keys after a press beside the field are music, and no words of it.
    begun = int((await eve.figures())["begun"])
    await eve.play("adgj")
    await eve.says("begun", begun + 3)
    await expect(eve.page.locator(".jam-prompt-add input")).to_have_value("")
    await expect(ada.page.locator(".jam-legend-band")).to_have_count(3)
    await ada.button("Stop the band").click()
    await expect(eve.button("Start the band")).to_be_visible()


async def test_the_session_is_saved_as_a_file(company: Company, served: ServedProcess) -> None:
    ada, _ = await musicians(company, served)
    await ada.button("Play").click()
    await expect(ada.place).to_have_attribute("data-playing", "true")
    await ada.play("adg")
    await ada.page.get_by_label("Save the session").click()
    async with ada.page.expect_download() as waiting:
        await ada.button("Notes, MIDI").click()
    download = await waiting.value
    assert download.suggested_filename == "jam.mid"
    assert (await download.path()).read_bytes().startswith(b"MThd")
