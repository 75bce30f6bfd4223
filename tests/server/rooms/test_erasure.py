"""A person is erased: no byte of their name stays where they did not write it, and old checkpoints still verify."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from typer.testing import CliRunner

from antiphon_proto.document.jam import NoteEvent
from antiphon_proto.errors import NotFound
from antiphon_proto.messages import Play, Say, Suggest
from antiphon_server.cli.main import app
from antiphon_server.jam.recording import Person, read
from antiphon_server.rooms.erasure import NOBODY, erase
from antiphon_server.store.api import StorageUnavailable
from antiphon_server.trust import data_folder, notes
from support.raw_client import native
from support.server import LiveServer, running

NAME = "Аделаида Zyx"


async def lived(live: LiveServer) -> tuple[str, str]:
    """A room in which somebody of this name did this and that; returns its id and theirs."""
    room = await live.new_room()
    async with native(live.ws_url) as she, native(live.ws_url) as he:
        who = (await she.hello(room["tokens"]["owner"], NAME)).participant
        await he.hello(room["tokens"]["editor"], "Bo", client_id=2)
        member = who.id
        await she.say(Suggest(1, 0, 0, 0, "Well: "))
        await he.say(Suggest(2, 0, 0, 0, "So: "))
        await she.say(Say(3, "what now?", True))
        await she.say(Play((NoteEvent(live.gateway.hub.clock.server_ms(), 60, 100),)))
        await she.acked(await she.type("Once."))
    opened = await live.gateway.hub.get(room["room"])
    opened.settle_jam()
    await opened.seal()
    return room["room"], member


def holding(folder: Path, name: str) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and name.encode() in path.read_bytes()]


async def test_a_name_goes_and_checkpoints_stay(tmp_path: Path) -> None:
    async with running(tmp_path) as live:
        room, member = await lived(live)
        with pytest.raises(StorageUnavailable, match="in use"):
            await erase(tmp_path, room, member)
    saved = notes.read(data_folder.newest(tmp_path, room).note)
    [before] = data_folder.examine(tmp_path)
    assert before.erased == 0
    assert holding(tmp_path, NAME)
    for wrong in (("nowhere", member), (room, "nobody")):
        with pytest.raises(NotFound):
            await erase(tmp_path, *wrong)
    done = await erase(tmp_path, room, member)
    assert (done.names, done.left) == ((NAME,), {})
    assert holding(tmp_path, NAME) == []
    [report] = data_folder.examine(tmp_path, room, saved)
    assert report.damage == []
    assert 0 < report.erased < report.size == before.size
    async with running(tmp_path) as live:
        opened = await live.gateway.hub.get(room)
        assert {one.record.name for one in opened.members} == {NOBODY, "Bo"}
        assert opened.text().endswith("Once.")
        people = [
            one.name
            for entry in await live.gateway.store.jam(room)
            for one in read(entry)
            if isinstance(one, Person)
        ]
        assert people == [NOBODY]
    assert data_folder.examine(tmp_path, room, saved)[0].damage == []


async def test_a_name_that_somebody_wrote_is_told(tmp_path: Path) -> None:
    async with running(tmp_path) as live:
        room, member = await lived(live)
        links = (await live.gateway.hub.get(room)).context.link_ids()
        token = live.gateway.tokens.issue(room, "editor", links["editor"])
        async with native(live.ws_url) as he:
            await he.hello(token, "Bo", client_id=7)
            await he.acked(await he.type(f"{NAME} laughed."))
    command = ["trust", "erase", member, f"--room={room}", f"--data-dir={tmp_path}"]
    result = await asyncio.to_thread(CliRunner().invoke, app, command)
    assert result.exit_code == 1, result.output
    assert f"{member} is erased" in result.output
    assert "rows of entries: people wrote it there" in result.output
