"""The terminal participant in a real room."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

from textual.pilot import Pilot
from textual.widgets import Static

from antiphon_client import Address, Room, connect
from antiphon_client.terminal.__main__ import main
from antiphon_client.terminal.app import RoomApp
from antiphon_client.terminal.story import StoryArea
from support.server import PATIENCE, LiveServer


@asynccontextmanager
async def joined(link: str) -> AsyncIterator[tuple[RoomApp, StoryArea, Pilot[Any]]]:
    app = RoomApp(Address.parse(link), "Ada")
    async with app.run_test(size=(120, 40)) as pilot:
        async with asyncio.timeout(PATIENCE):
            await app.joined.wait()
        yield app, app.query_one(StoryArea), pilot


async def until(pilot: Pilot[Any], condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not condition():
            await pilot.pause(0.01)


def side(app: RoomApp, part: str) -> str:
    return str(app.query_one(part, Static).render())


async def text_of(room: Room, text: str) -> None:
    async with asyncio.timeout(PATIENCE):
        await room.wait_for(lambda room: room.text == text)


async def test_typing_and_others_edits_meet_in_the_text(server: LiveServer) -> None:
    links = (await server.new_room())["links"]
    async with connect(links["owner"], name="Мария") as other, joined(links["editor"]) as (app, story, pilot):
        await pilot.press("a", "b", "enter", "c")
        await text_of(other, "ab\nc")
        assert story.cursor_location == (1, 1)
        other.insert(0, "Привет 🎻\n")
        await until(pilot, lambda: story.text == "Привет 🎻\nab\nc")
        assert story.cursor_location == (2, 1)
        await pilot.press("backspace", "д")
        await text_of(other, "Привет 🎻\nab\nд")
        await until(pilot, lambda: "Мария" in side(app, "#people"))
        assert "Ada (you)" in side(app, "#people")


async def test_undo_takes_back_ones_own_edit_and_nobody_elses(server: LiveServer) -> None:
    links = (await server.new_room())["links"]
    async with connect(links["owner"], name="Bo") as other, joined(links["editor"]) as (_, story, pilot):
        await pilot.press("x")
        await text_of(other, "x")
        other.append("yz")
        await until(pilot, lambda: story.text == "xyz")
        await pilot.press("ctrl+z")
        await until(pilot, lambda: story.text == "yz")
        await text_of(other, "yz")


async def test_the_ai_is_asked_at_the_cursor_and_its_words_are_shown_as_its_own(server: LiveServer) -> None:
    links = (await server.new_room())["links"]
    server.engine.hold = True
    async with connect(links["owner"], name="Bo") as other, joined(links["editor"]) as (app, story, pilot):
        await pilot.press("A", "space")
        await pilot.press("ctrl+g")
        await until(pilot, lambda: bool(server.engine.requests))
        (run,) = server.engine.requests
        server.engine.write(run, "long tail")
        await until(pilot, lambda: story.text == "A long tail")
        assert {span.style.color.name for span in story.get_line(0).spans} == {"cyan"}
        other.insert(0, "Once. ")
        await until(pilot, lambda: story.text == "Once. A long tail")
        server.engine.finish(run)
        await until(pilot, lambda: "done" in side(app, "#runs"))
        await text_of(other, "Once. A long tail")
        await pilot.press("f9")
        await until(pilot, lambda: story.text == "Once. A ")


async def test_escape_stops_ones_own_run(server: LiveServer) -> None:
    links = (await server.new_room())["links"]
    server.engine.hold = True
    async with joined(links["editor"]) as (app, _, pilot):
        await pilot.press("ctrl+g")
        await until(pilot, lambda: "continue" in side(app, "#runs"))
        await pilot.press("escape")
        await until(pilot, lambda: bool(server.engine.cancelled))
        await until(pilot, lambda: "stopped" in side(app, "#runs"))


async def test_a_run_is_tried_again_while_it_writes(server: LiveServer) -> None:
    links = (await server.new_room())["links"]
    server.engine.hold = True
    async with joined(links["editor"]) as (app, story, pilot):
        await pilot.press("O", "h", "ctrl+g")
        await until(pilot, lambda: "continue" in side(app, "#runs"))
        (first,) = server.engine.requests
        server.engine.write(first, " no")
        await until(pilot, lambda: story.text == "Oh no")
        await pilot.press("f5")
        await until(pilot, lambda: story.text == "Oh" and len(server.engine.requests) == 2)
        assert server.engine.cancelled == [first]
        second = list(server.engine.requests)[1]
        server.engine.write(second, " yes")
        server.engine.finish(second)
        await until(pilot, lambda: story.text == "Oh yes" and "done" in side(app, "#runs"))


async def test_suggestions_wait_for_a_key(server: LiveServer) -> None:
    links = (await server.new_room())["links"]
    async with joined(links["editor"]) as (app, story, pilot):
        await pilot.press("ctrl+t")
        await until(pilot, lambda: "suggest" in side(app, "#state"))
        await pilot.press("ctrl+g")
        await until(pilot, lambda: "suggests" in side(app, "#runs"))
        await pilot.press("f8")
        await until(pilot, lambda: "rejected" in side(app, "#runs") and story.text == "")


async def test_a_viewer_reads(server: LiveServer) -> None:
    room = await server.new_room()
    async with connect(room["links"]["owner"], name="Bo") as other:
        other.append("read me")
        await other.durable()
        async with joined(room["links"]["viewer"]) as (_, story, pilot):
            assert story.text == "read me"
            await pilot.press("x")
            assert story.text == other.text == "read me"


async def test_a_link_that_is_not_in_force_ends_it_with_the_reason(server: LiveServer) -> None:
    address = Address.parse((await server.new_room())["links"]["editor"])
    app = RoomApp(Address(address.base, address.room, "nonsense"), "Ada")
    async with app.run_test() as pilot:
        await until(pilot, lambda: app.return_value is not None)
    assert "token" in str(app.return_value)


def test_a_bad_link_is_one_line(capsys: Any) -> None:
    assert main(["not a link"]) == 1
    assert "not a link to a room" in capsys.readouterr().err
