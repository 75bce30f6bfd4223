"""Which pictures go, which stay, and when."""

from __future__ import annotations

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Map
from typer.testing import CliRunner

from antiphon_proto.messages import RunInfo
from antiphon_server.assets.collector import Collected, Collector
from antiphon_server.assets.file_store import AssetFiles
from antiphon_server.assets.sanitize import Picture, picture
from antiphon_server.cli.main import app
from antiphon_server.store.api import Entry, RoomRecord, RunRecord, Snapshot, StorageUnavailable
from antiphon_server.store.sqlite import SqliteStore
from support.memory_assets import MemoryAssets
from support.memory_store import MemoryStore

GRACE = 100.0


class Gallery:
    """A room with pictures, on a clock of its own."""

    def __init__(self) -> None:
        self.store = MemoryStore()
        self.assets = MemoryAssets()
        self.assets.now = 0.0
        self.now = 0.0
        self.live: bytes = b""
        self.collector = Collector(
            self.store, self.assets, grace=GRACE, live=lambda room: (self.live,), now=lambda: self.now
        )

    async def bring(self, *numbers: int) -> list[str]:
        made = [some(number) for number in numbers]
        for one in made:
            await self.assets.put("room", one.info, one.data)
        return [one.info.sha256 for one in made]

    async def left(self) -> set[str]:
        return {info.sha256 for info in await self.assets.aged("room", float("inf"))}


@pytest.fixture
async def gallery() -> Gallery:
    made = Gallery()
    await made.store.create(RoomRecord("room", "lin", 0, {}))
    return made


def some(number: int) -> Picture:
    return picture(bytes([number]) * 10, "image/png", 4, 3)


def showing(*names: str) -> bytes:
    """An update that places pictures."""
    doc: Doc[Any] = Doc()
    canvas = doc.get("canvas", type=Map)
    for name in names:
        canvas[f"i{name[:8]}"] = Map({"type": "image", "asset": name, "z": "V"})
    return doc.get_update()


async def test_what_anything_names_stays_and_the_rest_goes_after_its_time(gallery: Gallery) -> None:
    placed, snapped, live, source, orphan, other = await gallery.bring(1, 2, 3, 4, 5, 6)
    prompt = json.dumps({"prompt": "a fox", "source": source})
    run = RunInfo("r1", 1, "p", "ai", "text_to_image", "write", "done", "brush")
    gallery.store.put("room", [Snapshot(1, showing(snapped), b"", 0)])
    gallery.store.put("room", [Entry(2, "p", showing(placed), 0), RunRecord(run, "{}", prompt)])
    gallery.live = showing(live)
    gallery.now = GRACE
    assert await gallery.collector.collect() == Collected(), "nothing is older than the grace period"
    gallery.now = GRACE + 1
    gallery.assets.now = 50.0
    await gallery.bring(6)  # comes again: young again
    assert await gallery.collector.collect(dry=True) == Collected(1, 10)
    assert await gallery.left() == {placed, snapped, live, source, orphan, other}
    assert await gallery.collector.collect() == Collected(1, 10)
    assert await gallery.left() == {placed, snapped, live, source, other}
    gallery.live = b""  # removed again, and saved so
    gallery.now = 1000.0
    assert await gallery.collector.collect() == Collected(2, 20)
    assert await gallery.left() == {placed, snapped, source}


async def test_a_long_history_is_looked_through_once(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    [first, last] = await gallery.bring(1, 2)
    noise = b"0" * 70
    gallery.store.put("room", [Entry(seq, "p", noise, 0) for seq in range(2, 1100)])
    gallery.store.put("room", [Entry(1, "p", showing(first), 0), Entry(1100, "p", showing(last), 0)])
    gallery.now = 1000.0
    assert await gallery.collector.collect() == Collected()
    loads = gallery.store.loads
    assert await gallery.collector.collect() == Collected()
    assert gallery.store.loads == loads


async def test_nothing_goes_while_the_disk_refuses_or_of_rooms_that_are_not_ours(gallery: Gallery) -> None:
    await gallery.bring(1)
    one = some(2)
    await gallery.assets.put("elsewhere", one.info, one.data)
    gallery.now = 1000.0
    gallery.store.problem = StorageUnavailable("full")
    with pytest.raises(StorageUnavailable):
        await gallery.collector.collect()
    assert len(await gallery.left()) == 1
    gallery.store.problem = None
    assert await gallery.collector.collect() == Collected(1, 10)
    assert await gallery.assets.find("elsewhere", one.info.sha256) is not None


async def test_it_goes_on_after_a_failure_until_it_is_cancelled(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    await gallery.bring(1, 2)
    gallery.now = 1000.0
    gallery.assets.problem = StorageUnavailable("read only")
    passes = 0

    async def sleep(seconds: float) -> None:
        nonlocal passes
        assert seconds == 3600
        passes += 1
        if passes == 2:
            gallery.assets.problem = OSError("a bug of ours")
        if passes == 3:
            gallery.assets.problem = None
        if passes == 4:
            raise asyncio.CancelledError

    monkeypatch.setattr("antiphon_server.assets.collector.asyncio.sleep", sleep)
    with pytest.raises(asyncio.CancelledError):
        await gallery.collector.run(3600)
    assert await gallery.left() == set()
    assert "read only" in caplog.text


async def test_the_command_collects_in_a_folder_that_no_server_holds(tmp_path: Path) -> None:
    rooms = SqliteStore(tmp_path / "rooms.sqlite")
    await rooms.open()
    await rooms.create(RoomRecord("room", "lin", 0, {}))
    files = AssetFiles(tmp_path / "assets")
    kept, gone = some(1), some(2)
    for one in (kept, gone):
        await files.put("room", one.info, one.data)
    rooms.put("room", [Entry(1, "p", showing(kept.info.sha256), 0)])
    for file in (tmp_path / "assets" / "room").iterdir():
        os.utime(file, (1000, 1000))
    arguments = ["assets", "collect", f"--data-dir={tmp_path}"]
    held = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    assert isinstance(held.exception, StorageUnavailable), "a server has it"
    await rooms.close()
    dry = await asyncio.to_thread(CliRunner().invoke, app, [*arguments, "--dry-run"])
    assert dry.output == "would delete 1 pictures, 10 bytes\n"
    done = await asyncio.to_thread(CliRunner().invoke, app, arguments)
    assert done.output == "deleted 1 pictures, 10 bytes\n"
    assert await files.find("room", kept.info.sha256) == kept.info
    assert await files.find("room", gone.info.sha256) is None
    await files.close()
