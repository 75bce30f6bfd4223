"""The SDK's canvas, assets and painting against a real server."""

from __future__ import annotations

import asyncio
import runpy
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from antiphon_client import (
    Address,
    ClientError,
    Painted,
    RequestRefused,
    Room,
    RunFailed,
    connect,
    create_room,
)
from antiphon_client.canvas import Canvas
from antiphon_client.session.replica import Replica
from antiphon_engines.api import ImageRequest
from antiphon_engines.ipc.events import Failed
from antiphon_proto.messages import Preview, Update
from antiphon_proto.params import ImageParams, ImageSteer
from support.picture_files import opened, picture
from support.scripted_engine import PNG
from support.server import PATIENCE, LiveServer

SHAPE = {"type": "shape", "shape": "ellipse", "w": 30, "h": 40}
EXAMPLE = Path(__file__).parents[2] / "clients" / "python" / "examples" / "paint_along.py"


@pytest.fixture
async def links(server: LiveServer) -> dict[str, Address]:
    return await create_room(server.url)


@pytest.fixture
async def pair(links: dict[str, Address]) -> AsyncIterator[tuple[Room, Room]]:
    async with AsyncExitStack() as stack:
        ada = await stack.enter_async_context(connect(links["owner"].link, name="Ada"))
        bob = await stack.enter_async_context(connect(links["editor"].link, name="Bob"))
        yield ada, bob


async def agree(*rooms: Room) -> None:
    async with asyncio.timeout(PATIENCE):
        for room in rooms:
            await room.durable()
        for room in rooms:
            await room.wait_for(lambda _: all(dict(one.canvas) == dict(rooms[0].canvas) for one in rooms))


async def test_objects_are_added_changed_and_deleted_by_several(pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    first, second = ada.canvas.add(SHAPE | {"x": 5}), ada.canvas.add(SHAPE)
    assert ada.canvas[first]["z"] < ada.canvas[second]["z"]
    stroke = bob.canvas.add({"type": "stroke", "points": [0, 0, 0.5]})
    bob.canvas.extend(stroke, [1, 1, 0.25])
    await agree(ada, bob)
    assert set(ada.canvas) == {first, second, stroke}
    with pytest.raises(ClientError, match="only a picture"):
        bob.canvas.describe(stroke, "a line")
    assert ada.canvas[stroke]["points"] == [0, 0, 0.5, 1, 1, 0.25]
    ada.canvas.update(first, x=7, color="#112233")
    bob.canvas.update(first, y=8)
    ada.canvas.delete(second)
    await agree(ada, bob)
    assert {name: bob.canvas[first][name] for name in ("x", "y", "color")} == {
        "x": 7,
        "y": 8,
        "color": "#112233",
    }
    bob.canvas.update(first, color=None)
    await agree(ada, bob)
    assert "color" not in ada.canvas[first]
    assert set(ada.canvas) == {first, stroke}


async def test_two_reword_one_text_and_both_stay(pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    key = ada.canvas.add({"type": "text", "text": "a fox 🦊 sleeps"})
    await agree(ada, bob)
    ada.canvas.update(key, text="a red fox 🦊 sleeps")
    bob.canvas.update(key, text="a fox 🦊 sleeps тихо", color="#112233")
    await agree(ada, bob)
    assert ada.canvas[key]["text"] == "a red fox 🦊 sleeps тихо"


def test_what_an_object_costs_does_not_depend_on_the_board() -> None:
    """Placing one reads the order of nothing but itself."""
    replica = Replica()
    board = Canvas(replica, lambda: None)
    for _ in range(200):
        board.add(SHAPE)
    other = Replica()
    other.updated(Update(1, replica.doc.get_update()))
    there = Canvas(other, lambda: None)
    there.add(SHAPE)
    read: list[str] = []
    look = other._order_key
    other._order_key = lambda key: (read.append(key), look(key))[1]
    made = [there.add(SHAPE) for _ in range(5)]
    assert read == made
    placed = sorted(there.items(), key=lambda one: one[1]["z"])
    assert [key for key, _ in placed[-5:]] == made


async def test_what_is_no_object_is_refused_here_already(pair: tuple[Room, Room]) -> None:
    ada, _ = pair
    for fields in ({"type": "shape"}, SHAPE | {"x": float("nan")}, SHAPE | {"onclick": "x"}):
        with pytest.raises(ClientError, match="not an object of the canvas"):
            ada.canvas.add(fields)
    key = ada.canvas.add(SHAPE)
    with pytest.raises(ClientError, match="w is invalid"):
        ada.canvas.update(key, w=None)
    with pytest.raises(KeyError):
        ada.canvas.update("nothing", x=1)
    await agree(*pair)


async def test_pictures_go_up_and_down(pair: tuple[Room, Room], links: dict[str, Address]) -> None:
    ada, bob = pair
    asset = await ada.upload(picture("WEBP", (20, 10)))
    assert (asset.type, asset.width, asset.height) == ("image/webp", 20, 10)
    assert opened(await bob.download(asset.sha256)).size == (20, 10)
    with pytest.raises(RequestRefused, match="not a whole picture"):
        await ada.upload(b"no picture")
    async with connect(links["viewer"].link) as eve:
        with pytest.raises(RequestRefused) as refused:
            await eve.upload(picture())
    assert refused.value.error_code == "denied"


async def test_painting_yields_previews_and_the_picture(pair: tuple[Room, Room], server: LiveServer) -> None:
    ada, bob = pair
    frame = ada.canvas.add({"type": "frame", "w": 64, "h": 48})
    async with asyncio.timeout(PATIENCE):
        events = [event async for event in ada.paint("a fox", frame=frame, source=picture(size=(64, 48)))]
    painted = events[-1]
    assert isinstance(painted, Painted)
    assert all(isinstance(event, Preview) for event in events[:-1])
    [request] = server.engine.requests.values()
    assert isinstance(request, ImageRequest)
    assert request.task == "image_to_image"
    assert opened(request.source or b"").size == (64, 48)
    assert painted.fields["prompt"] == "a fox"
    assert await bob.download(painted.asset) == PNG
    await agree(ada, bob)
    told = await bob.provenance(painted.asset)
    assert ada.me is not None
    assert told["run"]["asker"] == {"id": ada.me.id, "name": "Ada", "kind": "human"}
    assert (told["origin"], told["run"]["prompt"], told["run"]["seed"]) == ("generated", "a fox", 7)
    assert told["run"]["made_ms"] >= told["run"]["asked_ms"] > 0
    [source] = told["sources"]
    assert opened(await bob.download(source["asset"])).size == (64, 48)
    origin = await ada.provenance(source["asset"])
    assert (origin["origin"], origin["run"], origin["objects"]) == ("uploaded", None, [])
    with pytest.raises(RequestRefused, match="no such asset"):
        await ada.provenance("0" * 64)
    assert set(bob.canvas) == {painted.id}
    await bob.undo_run(painted.fields["run"])
    async with asyncio.timeout(PATIENCE):
        await ada.wait_for(lambda room: set(room.canvas) == {frame})


async def test_a_new_frame_is_made_beside_everything(pair: tuple[Room, Room]) -> None:
    ada, bob = pair
    ada.canvas.add(SHAPE | {"x": 100})
    async with asyncio.timeout(PATIENCE):
        await ada.paint("a fox", params=ImageParams(width=128, height=96)).finished()
    await agree(ada, bob)
    [image] = [fields for fields in bob.canvas.values() if fields["type"] == "image"]
    assert (image["w"], image["h"]) == (128, 96)
    assert image["x"] > 130


async def test_a_held_picture_is_watched_steered_and_stopped(
    pair: tuple[Room, Room], server: LiveServer
) -> None:
    ada, bob = pair
    server.engine.hold = True
    painting = ada.paint("a fox")
    async with asyncio.timeout(PATIENCE):
        run = await painting.start()
        await ada.wait_for(lambda room: room.runs[run.id].state == "running")
        await ada.viewing(100)
        await bob.viewing(500)
        server.engine.preview(run.id, 1)
        server.engine.preview(run.id, 2)
        async for event in painting:
            assert isinstance(event, Preview)
            if event.step == 2:
                break
        assert (await painting.steer(ImageSteer(prompt="a wolf"))).made == 2
        await bob.wait_for(lambda room: room.runs[run.id].instruction == "a wolf")
        assert [change.prompt for _, change in server.engine.steered] == ["a wolf"]
        await painting.stop()
        assert (await painting.finished()).state == "stopped"
        assert [event async for event in painting] == []
    assert painting.painted is None


async def test_a_refused_and_a_failed_picture_are_errors(pair: tuple[Room, Room], server: LiveServer) -> None:
    ada, _ = pair
    async with asyncio.timeout(PATIENCE):
        with pytest.raises(RequestRefused, match="no such frame"):
            await ada.paint("a fox", frame="nothing").start()
        server.engine.hold = True
        painting = ada.paint("a fox")
        run = await painting.start()
        await ada.wait_for(lambda room: room.runs[run.id].state == "running")
        server.engine._tell(run.id, Failed("engine_failed", "NaN in the latents"))
        with pytest.raises(RunFailed, match="NaN"):
            async for _ in painting:
                pass


async def test_the_example_paints_along(server: LiveServer, capsys: pytest.CaptureFixture[str]) -> None:
    example = runpy.run_path(str(EXAMPLE))
    links = await create_room(server.url)
    async with asyncio.timeout(PATIENCE), connect(links["owner"].link) as ada:
        await example["main"](links["editor"].link, 1)
        await ada.wait_for(lambda room: {one["type"] for one in room.canvas.values()} == {"shape", "image"})
    assert "a small boat on a calm sea" in capsys.readouterr().out
