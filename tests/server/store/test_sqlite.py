"""Particulars of the SQLite store: the disk's refusals, the lock, the file's version."""

from __future__ import annotations

import contextlib
import logging
import sqlite3
from pathlib import Path

import pytest
from sqlalchemy import event

from antiphon_proto.messages import RunInfo
from antiphon_server.store.api import Entry, RoomRecord, RunRecord, RunTokens, StorageFull, StorageUnavailable
from antiphon_server.store.sqlite import SqliteStore

RECORD = RoomRecord("r1", "lineage", 1, {})


async def limit_pages(store: SqliteStore, pages: int) -> None:
    """Make SQLite itself run out of room, as on a full disk, from the next connection on."""
    engine = store._open_engine()
    await engine.dispose()

    @event.listens_for(engine.sync_engine, "checkout")
    def _limit(connection: sqlite3.Connection, *_: object) -> None:
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA max_page_count={limits['pages']}")
        cursor.close()

    limits["pages"] = pages


limits: dict[str, int] = {}


async def test_a_full_disk_refuses_new_edits_keeps_the_old_ones_and_recovers(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "rooms.db")
    await store.open()
    await store.create(RECORD)
    told: list[StorageUnavailable | None] = []
    await limit_pages(store, 1)
    store.put("r1", [Entry(1, "p", b"x" * 200_000, 1)], told.append)
    with pytest.raises(StorageFull, match="no space left"):
        await store.flush()
    with pytest.raises(StorageFull):
        store.put("r1", [Entry(2, "p", b"y", 1)])
    assert told == []

    limits["pages"] = 1_000_000
    while store.problem is not None:
        async with store._progress:
            await store._progress.wait()
    assert told == [None]
    store.put("r1", [Entry(2, "p", b"y", 1)])
    loaded = await store.load("r1")
    assert loaded is not None
    assert [len(one.update) for one in loaded.entries] == [200_000, 1]
    await store.close()


async def test_a_disk_that_stays_full_is_logged_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("antiphon_server.store.sqlite._RETRY_SECONDS", (0.0,))
    caplog.set_level(logging.INFO, "antiphon_server.store.sqlite")
    store = SqliteStore(tmp_path / "rooms.db")
    await store.open()
    await store.create(RECORD)
    await limit_pages(store, 1)
    store.put("r1", [Entry(1, "p", b"x" * 200_000, 1)])
    for _ in range(3):
        async with store._progress:
            await store._progress.wait()
    limits["pages"] = 1_000_000
    while store.problem is not None:
        async with store._progress:
            await store._progress.wait()
    await store.close()
    assert [record.levelname for record in caplog.records] == ["ERROR", "INFO"]


async def test_closing_while_the_disk_is_full_says_so(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "rooms.db")
    await store.open()
    await store.create(RECORD)
    told: list[StorageUnavailable | None] = []
    await limit_pages(store, 1)
    store.put("r1", [Entry(1, "p", b"x" * 200_000, 1)], told.append)
    with pytest.raises(StorageFull):
        await store.close()
    assert len(told) == 1
    assert isinstance(told[0], StorageFull)


async def test_the_queue_is_bounded(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "rooms.db", max_pending=10_000)
    await store.open()
    await store.create(RECORD)
    store.put("r1", [Entry(1, "p", b"x" * 9_000, 1)])
    with pytest.raises(StorageUnavailable, match="wait for the disk"):
        store.put("r1", [Entry(2, "p", b"x" * 9_000, 1)])
    await store.flush()
    store.put("r1", [Entry(2, "p", b"x" * 9_000, 1)])
    await store.close()


async def test_one_server_at_a_time(tmp_path: Path) -> None:
    first, second = SqliteStore(tmp_path / "rooms.db"), SqliteStore(tmp_path / "rooms.db")
    await first.open()
    with pytest.raises(StorageUnavailable, match="in use by another"):
        await second.open()
    await first.close()
    await second.open()
    await second.close()


async def test_a_file_that_is_no_database_is_one_clear_line(tmp_path: Path) -> None:
    path = tmp_path / "rooms.db"
    path.write_bytes(b"these are not the tables you are looking for" * 100)
    with pytest.raises(StorageUnavailable, match=r"cannot use .*rooms\.db: file is not a database"):
        await SqliteStore(path).open()


async def test_a_folder_that_cannot_be_made_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(StorageUnavailable, match="cannot use"):
        await SqliteStore(tmp_path / "file" / "rooms.db").open()


async def test_newer_data_is_refused(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "rooms.db")
    await store.open()
    await store.close()
    with sqlite3.connect(tmp_path / "rooms.db") as connection:
        connection.execute("PRAGMA user_version=99")
    connection.close()
    with pytest.raises(StorageUnavailable, match="newer antiphon"):
        await SqliteStore(tmp_path / "rooms.db").open()


async def test_what_is_kept_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    store = SqliteStore(folder / "rooms.db")
    await store.open()
    await store.create(RoomRecord("r1", "lineage", 0, {}))
    modes = {
        path.name: path.stat().st_mode & 0o777 for path in folder.glob("rooms.db*") if path.suffix != ".lock"
    }
    await store.close()
    assert folder.stat().st_mode & 0o777 == 0o700
    assert set(modes.values()) == {0o600}
    assert "rooms.db" in modes


async def test_a_room_is_loaded_with_its_newest_runs_only(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "rooms.db", max_runs=2)
    await store.open()
    await store.create(RoomRecord("r1", "lineage", 0, {}))
    for at in (3, 1, 4, 2):
        info = RunInfo(f"run{at}", 1, "p1", "ai", "continue", "write", "done", "model", created_ms=at)
        store.put("r1", [RunRecord(info, "{}", "{}")])
    loaded = await store.load("r1")
    await store.close()
    assert loaded is not None
    assert [run.info.id for run in loaded.runs] == ["run3", "run4"]


async def test_a_file_of_the_first_schema_is_brought_up_to_date(tmp_path: Path) -> None:
    path = tmp_path / "rooms.db"
    store = SqliteStore(path)
    await store.open()
    await store.create(RECORD)
    store.put("r1", [Entry(1, "p1", b"u", 5)])
    await store.close()
    with contextlib.closing(sqlite3.connect(path)) as file:
        file.execute("ALTER TABLE entries DROP COLUMN credits")
        file.execute("DROP TABLE tokens")
        file.execute("PRAGMA user_version=1")
        file.commit()
    store = SqliteStore(path)
    await store.open()
    store.put("r1", [Entry(2, "p1", b"u", 6, None, b"who")])
    store.put("r1", [RunTokens("r", 7, b"said")])
    loaded = await store.load("r1")
    assert loaded is not None
    assert loaded.tokens == (RunTokens("r", 7, b"said"),)
    assert [one.credits for one in await store.history("r1", 0, 9)] == [b"", b"who"]
    await store.close()
