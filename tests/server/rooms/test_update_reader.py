"""Large updates are read beside the event loop, and taken as if they had been read on it."""

from __future__ import annotations

import random
import threading
from pathlib import Path
from typing import Any

import pytest
from pycrdt import Doc, Text

from antiphon_proto.messages import Edit
from antiphon_proto.sync import SyncUpdate
from antiphon_server.document.updates import parser
from antiphon_server.document.updates.parser import UpdateInfo
from antiphon_server.limits import Limits
from antiphon_server.rooms import update_reader
from support.raw_client import native, plain
from support.server import running


def scattered(client: int, inserts: int) -> bytes:
    """An update of many small items."""
    chance = random.Random(1)
    doc: Doc[Any] = Doc(client_id=client)
    story = doc.get("story", type=Text)
    with doc.transaction():
        for _ in range(inserts):
            story.insert(chance.randrange(len(story) + 1), "ab")
    return doc.get_update()


async def test_a_large_update_is_read_in_a_thread_and_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    update = scattered(11, 1500)
    assert len(update) > update_reader.LARGE
    readers: list[str] = []
    inspect = parser.inspect

    def noted(data: bytes, max_items: int | None = None, **options: Any) -> UpdateInfo:
        if data == update:
            readers.append(threading.current_thread().name)
        return inspect(data, max_items, **options)

    monkeypatch.setattr(update_reader, "inspect", noted)
    monkeypatch.setattr("antiphon_server.document.document.inspect", noted)
    async with running(tmp_path, limits=Limits(max_items=3000)) as server:
        for where in ("native", "plain"):
            room = await server.new_room()
            readers.clear()
            async with native(server.ws_url) as ann:
                if where == "native":
                    await ann.hello(room["tokens"]["editor"], client_id=11)
                    await ann.say(Edit(1, update))
                    assert (await ann.acked(1, "applied")).status == "applied"
                else:
                    await ann.hello(room["tokens"]["editor"], client_id=3)
                    async with plain(server.yjs_url(room["room"], room["tokens"]["editor"])) as bo:
                        await bo.say(SyncUpdate(update))
                        while len(ann.story) < 3000:
                            await ann.next()
            assert len(readers) == 1
            assert readers[0].startswith("updates")


async def test_what_is_wrong_with_a_large_update_is_told(tmp_path: Path) -> None:
    async with running(tmp_path, limits=Limits(max_items=500)) as server:
        room = await server.new_room()
        async with native(server.ws_url) as ann:
            await ann.hello(room["tokens"]["editor"], client_id=11)
            await ann.say(Edit(1, scattered(11, 1500)))
            refused = await ann.acked(1, "too_large")
            assert "items" in refused.message
            await ann.say(Edit(2, b"\xff" * 20_000))
            assert (await ann.acked(2, "invalid")).message
