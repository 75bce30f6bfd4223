"""Damage to the storage is told: to the operator at start and by `doctor`, and in the history of the room."""

from __future__ import annotations

import logging
import sqlite3
import sys
import tempfile
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_server.cli import inspection
from antiphon_server.store import marks
from antiphon_server.store.marks import Marks
from support.raw_client import native
from support.server import NOTHING_TO_LOAD, LiveServer, bearer, running, serving

ROOM = st.text("abcXYZ_-09", min_size=1, max_size=12)


@given(st.lists(st.tuples(ROOM, st.integers(0, 10**9)), max_size=30), st.integers(0, 40), st.data())
def test_a_torn_file_gives_whole_marks_only(
    notes: list[tuple[str, int]], cut: int, data: st.DataObject
) -> None:
    lines = [marks._line(room, str(seq)) for room, seq in notes]
    whole = b"".join(lines)
    torn = whole[: max(0, len(whole) - cut)]
    if torn and data.draw(st.booleans()):
        at = data.draw(st.integers(0, len(torn) - 1))
        torn = torn[:at] + bytes([torn[at] ^ 0x55]) + torn[at + 1 :]
    with tempfile.NamedTemporaryFile() as file:
        file.write(torn)
        file.flush()
        found, _ = marks.read(Path(file.name))
    assert all((room, seq) in notes for room, seq in found.items())


async def test_marks_outlive_the_process_and_are_written_anew_when_long(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "rooms.marks"
    first = Marks(path)
    await first.open()
    for seq in range(500):
        first.note("room", seq)
    first.note("other", 3)
    assert not first.note_key("k1")
    await first.close()
    monkeypatch.setattr(marks, "_COMPACT", 100)
    second = Marks(path)
    await second.open()
    assert (second.known, second.keys) == ({"room": 499, "other": 3}, ["k1"])
    assert path.stat().st_size < 200
    assert second.note_key("k2")
    await second.close()
    assert marks.read(path) == ({"room": 499, "other": 3}, ["k1", "k2"])


async def test_a_file_of_marks_that_cannot_be_used_keeps_nobody_from_working(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "rooms.marks").mkdir()
    broken = Marks(tmp_path / "rooms.marks")
    await broken.open()
    broken.note("room", 1)
    await broken.close()
    assert "cannot note" in caplog.text


async def write(server: LiveServer, room: dict[str, Any], words: int) -> None:
    async with native(server.ws_url) as client:
        await client.hello(room["tokens"]["owner"])
        for _ in range(words):
            await client.acked(await client.type("word "), "durable")


async def get(server: LiveServer, room: dict[str, Any], path: str) -> tuple[int, Any]:
    url = f"{server.url}/api/rooms/{room['room']}{path}"
    async with (
        aiohttp.ClientSession(headers=bearer(room["tokens"]["owner"])) as http,
        http.get(url) as answer,
    ):
        return answer.status, await answer.json() if "json" in answer.content_type else await answer.text()


def damage(folder: Path, *statements: str) -> None:
    """As a write-ahead log that was cut: SQLite's state then is whole, and older."""
    connection = sqlite3.connect(folder / "rooms.sqlite")
    with connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()


async def test_what_is_missing_is_told_and_stands_in_the_history(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path) as server:
        whole, cut, gone = [await server.new_room() for _ in range(3)]
        for room in (whole, cut, gone):
            await write(server, room, 4)
    assert [check.state for check in inspection.examine(tmp_path)] == ["ok"]
    damage(
        tmp_path,
        f"DELETE FROM entries WHERE room = '{cut['room']}' AND seq > 3",
        f"DELETE FROM snapshots WHERE room = '{cut['room']}'",
        f"DELETE FROM rooms WHERE room = '{gone['room']}'",
    )
    told = {check.detail for check in inspection.examine(tmp_path) if check.state == "missing"}
    assert len(told) == 2
    async with running(tmp_path) as server:
        for room in (cut, gone):
            assert any(room["room"] in one.message for one in caplog.records if one.levelno == logging.ERROR)
        assert whole["room"] not in caplog.text
        status, body = await get(server, cut, "/history")
        [loss] = body["missing"]
        assert (status, loss["after"], body["last"]) == (200, 3, 3)
        assert loss["until"] >= 5
        assert (await get(server, whole, "/history"))[1]["missing"] == []
        status, body = await get(server, gone, "")
        assert status == 503
        assert "database" in body["error"]["message"]
        await write(server, cut, 1)  # and the work goes on
    caplog.clear()
    async with running(tmp_path) as server:
        assert cut["room"] not in caplog.text  # told once
        assert gone["room"] in caplog.text  # until it is back
        assert len((await get(server, cut, "/history"))[1]["missing"]) == 1


async def test_a_database_that_is_gone_is_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    async with running(tmp_path) as server:
        room = await server.new_room()
    for name in ("rooms.sqlite", "rooms.sqlite-wal", "rooms.sqlite-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    async with running(tmp_path) as server:
        assert room["room"] in caplog.text
        assert (await get(server, room, ""))[0] == 503


async def test_a_lost_signing_key_is_told_with_what_it_means(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with running(tmp_path) as server:
        room = await server.new_room()
    assert "signing key" not in caplog.text
    (tmp_path / "join.key").unlink()
    assert any(check.name == "signing key" for check in inspection.examine(tmp_path))
    async with running(tmp_path) as server:
        assert "was missing" in caplog.text
        assert "antiphon rooms link" in caplog.text
        assert (await get(server, room, "/text"))[0] == 401
    (tmp_path / "join.key").write_bytes(bytes(32))
    caplog.clear()
    async with running(tmp_path) as server:
        assert "another one than before" in caplog.text


async def test_a_server_starts_and_shows_its_rooms_when_no_file_can_grow(tmp_path: Path) -> None:
    async with serving(tmp_path, *NOTHING_TO_LOAD) as server:
        room = await server.new_room()
        server.kill()
        await server.process.wait()
    command = ("bash", "-c", 'ulimit -f 0; exec "$0" -P -m antiphon_server "$@"', sys.executable)
    async with (
        serving(tmp_path, *NOTHING_TO_LOAD, command=command) as server,
        aiohttp.ClientSession(server.url, headers=bearer(room["tokens"]["viewer"])) as http,
    ):
        async with http.get(f"/api/rooms/{room['room']}/text") as answer:
            assert answer.status == 200
        async with http.get("/readyz") as answer:
            assert answer.status == 503
            assert "rooms.sqlite" in (await answer.json())["store"]
        async with http.post("/api/rooms") as answer:
            assert answer.status in (503, 507)
