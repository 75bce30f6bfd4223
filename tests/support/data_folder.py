"""Makes a data folder of this version with everything that a room keeps, and lists the content to be found in it later.

    python -m support.data_folder NAME [--killed]      (in tests/) writes tests/server/store/folders/NAME.zip

`--killed` ends the server as a power cut does, so that its last writes stand in SQLite's write-ahead log.

It is run once for each schema, with the code of that time; `tests/server/store/test_folders.py` opens every such
folder in the newest code.
"""

from __future__ import annotations

import asyncio
import io
import json
import sys
import tempfile
import zipfile
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import aiohttp
from PIL import Image

from antiphon_client import Room, connect, create_room
from antiphon_engines.model_files.prepare import prepare_embedded
from antiphon_proto.document.jam import NoteEvent
from support.server import serving

FOLDERS = Path(__file__).parents[1] / "server" / "store" / "folders"
EXPECTED = "expected.json"
NAMES = ("Ada", "Борис")


async def make(data: Path, killed: bool) -> dict[str, Any]:
    """Fill the new folder `data` through a real server; returns the content that `read` must find."""
    async with serving(data, "--image-model=none", "--music-model=none") as process:
        links = await create_room(process.url)
        async with AsyncExitStack() as stack:
            ada = await stack.enter_async_context(connect(links["owner"].link, name=NAMES[0]))
            boris = await stack.enter_async_context(connect(links["editor"].link, name=NAMES[1]))
            await _write(ada, boris)
            await _draw(ada, boris)
            await _play(ada)
            await asyncio.gather(ada.durable(), boris.durable())
        expected = await read(process.url, links["owner"].link)
        if killed:
            process.kill()
            await process.process.wait()
        else:
            await process.terminate()
    tokens = {role: address.link.partition("#")[2] for role, address in links.items()}
    return {**expected, "room": links["owner"].room, "tokens": tokens}


async def _write(ada: Room, boris: Room) -> None:
    ada.append("The last ferry had left. 🐈 ")
    await ada.applied()
    await boris.wait_for(lambda room: "ferry" in room.text)
    boris.append("Паром ушёл. ")
    await boris.applied()
    await ada.wait_for(lambda room: "Паром" in room.text)
    run = ada.ask()
    await run.finished()
    await ada.history.name("After the ferry")
    key = await boris.comments.add(4, 8, "which last?")
    await ada.wait_for(lambda room: key in room.comments)
    await ada.comments.reply(key, "the ten o'clock")
    await boris.chat.say("Good start")
    ada.style.set(tone="dry", person="third")
    ada.delete(0, 4)
    await ada.applied()


async def _draw(ada: Room, boris: Room) -> None:
    file = io.BytesIO()
    Image.linear_gradient("L").resize((48, 32)).convert("RGB").save(file, "PNG")
    asset = await ada.upload(file.getvalue())
    ada.canvas.add(
        {"type": "image", "x": 10.0, "y": 20.0, "w": 48.0, "h": 32.0, "asset": asset.sha256}, "picture"
    )
    await ada.applied()
    boris.canvas.add(
        {
            "type": "stroke",
            "x": 0.0,
            "y": 0.0,
            "color": "#112233",
            "size": 4.0,
            "points": [0.0, 0.0, 0.5, 9.0, 9.0, 0.5],
        },
        "stroke",
    )
    boris.canvas.add(
        {
            "type": "text",
            "x": 5.0,
            "y": 60.0,
            "w": 200.0,
            "text": "Пристань",
            "color": "#445566",
            "font_size": 18.0,
        },
        "label",
    )
    await boris.applied()


async def _play(ada: Room) -> None:
    await ada.jam.in_time()
    ada.jam.set_instrument(33, volume=0.5)
    answer = await ada.jam.conduct(when="now", playing=True, tempo=96.0)
    for step in range(4):
        at = answer.at_ms + 250 * step
        await ada.jam.play(NoteEvent(at, 48 + step, 90), NoteEvent(at + 200, 48 + step, 0))
    await ada.jam.sleep_until(answer.at_ms + 1600)
    await ada.jam.conduct(when="now", playing=False)
    await asyncio.sleep(1)  # the record is written in pieces of its own


async def read(url: str, owner: str) -> dict[str, Any]:
    """The content of a served room: words, who wrote them, board, talk, versions and the jam's record."""
    async with connect(owner, name=NAMES[0]) as room:
        await room.wait_for(lambda each: each.synced)
        page = await room.history.page()
        headers = {"Authorization": f"Bearer {owner.partition('#')[2]}"}
        async with (
            aiohttp.ClientSession(url, headers=headers) as http,
            http.get(f"/api/rooms/{room.address.room}/authorship") as answer,
        ):
            authorship = await answer.json()
        del authorship["offset"]  # counts the frames of this life of the room
        objects = {key: dict(room.canvas[key]) for key in sorted(room.canvas)}
        pictures = {
            fields["asset"]: len(await room.download(fields["asset"]))
            for fields in objects.values()
            if "asset" in fields
        }
        return {
            "text": room.text,
            "authorship": authorship,
            "objects": objects,
            "pictures": pictures,
            "chat": [[entry.participant, entry.text] for entry in room.chat.entries],
            "comments": {
                key: [
                    room.comments[key].text,
                    room.comments[key].quote,
                    [each.text for each in room.comments[key].replies],
                ]
                for key in room.comments
            },
            "versions": [version.name for version in room.history.versions],
            "authors": sorted({group.author for group in page.groups}),
            "tone": room.style.card.tone,
            "notes": len(await room.jam.log()),
            "runs": sorted(run.state for run in room.runs.values()),
        }


def main(name: str, *options: str) -> None:
    with tempfile.TemporaryDirectory() as scratch:
        data = Path(scratch) / "data"
        prepare_embedded(Path("~/.cache/antiphon").expanduser(), "int8", lambda stage, part: None)
        expected = asyncio.run(make(data, "--killed" in options))
        FOLDERS.mkdir(exist_ok=True)
        with zipfile.ZipFile(FOLDERS / f"{name}.zip", "w", zipfile.ZIP_DEFLATED) as packed:
            for path in sorted(data.rglob("*")):
                if path.is_file() and path.suffix != ".lock":
                    packed.write(path, path.relative_to(data))
            packed.writestr(EXPECTED, json.dumps(expected, ensure_ascii=False, indent=1))


if __name__ == "__main__":
    main(*sys.argv[1:])
