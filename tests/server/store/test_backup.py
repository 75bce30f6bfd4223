"""Backups: whole while a server writes, verified by content, and never half there."""

from __future__ import annotations

import asyncio
import hashlib
import json
import sqlite3
from pathlib import Path

import pytest

from antiphon_client import connect, create_room
from antiphon_server.store.backup import MANIFEST, ROOMS, BackupFailed, backup, restore, verify
from antiphon_server.store.tables import SCHEMA_VERSION
from support.picture_files import picture
from support.server import running


async def fill(data: Path) -> tuple[str, str, str]:
    """A room with words and a picture; returns (room, owner's token, the picture's name)."""
    async with running(data) as live:
        links = await create_room(live.url)
        async with connect(links["owner"].link, name="Ada") as ada:
            ada.append("Kept.")
            asset = await ada.upload(picture())
            ada.canvas.add({"type": "image", "x": 0.0, "y": 0.0, "w": 16.0, "h": 12.0, "asset": asset.sha256})
            await ada.durable()
    return links["owner"].room, links["owner"].link.partition("#")[2], asset.sha256


async def test_what_is_restored_is_served_with_its_links_and_pictures(tmp_path: Path) -> None:
    room, token, sha256 = await fill(tmp_path / "data")
    made = backup(tmp_path / "data", tmp_path / "copy")
    assert made.rooms == 1
    assert verify(tmp_path / "copy") == made
    assert restore(tmp_path / "copy", tmp_path / "again") == made
    async with (
        running(tmp_path / "again") as live,
        connect(f"{live.url}/r/{room}#{token}", name="Ada") as ada,
    ):
        await ada.wait_for(lambda each: each.text == "Kept.")
        assert hashlib.sha256(await ada.download(sha256)).hexdigest() == sha256


async def test_a_copy_of_a_running_server_is_one_moment_of_it(tmp_path: Path) -> None:
    """Every entry up to one is in it, and none after: written while a person writes."""
    async with running(tmp_path / "data") as live:
        links = await create_room(live.url)
        async with connect(links["owner"].link, name="Ada") as ada:
            copies = 0
            for word in range(60):
                ada.append(f"{word} ")
                await ada.durable()
                if word % 20 == 10:
                    await asyncio.to_thread(backup, tmp_path / "data", tmp_path / f"copy-{copies}")
                    copies += 1
            for number in range(copies):
                with sqlite3.connect(tmp_path / f"copy-{number}" / ROOMS) as copy:
                    sequence = [seq for (seq,) in copy.execute("SELECT seq FROM entries ORDER BY seq")]
                assert sequence == list(range(sequence[0], sequence[-1] + 1))
                assert len(sequence) > 20 * number


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A data folder without a server."""
    data = tmp_path / "data"
    asyncio.run(fill(data))
    return data


def test_damage_is_named(folder: Path, tmp_path: Path) -> None:
    made = backup(folder, tmp_path / "copy")
    for name in made.files:
        path = tmp_path / "copy" / name
        whole = path.read_bytes()
        path.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
        with pytest.raises(BackupFailed, match=f"{path.name} is damaged"):
            restore(tmp_path / "copy", tmp_path / "again")
        path.unlink()
        with pytest.raises(BackupFailed, match=f"{path.name} is missing"):
            verify(tmp_path / "copy")
        path.write_bytes(whole)
    assert not (tmp_path / "again").exists()
    manifest = tmp_path / "copy" / MANIFEST
    for damaged in (b"", b"{", manifest.read_bytes().replace(b'"size"', b'"sighs"')):
        manifest.write_bytes(damaged)
        with pytest.raises(BackupFailed, match="damaged"):
            verify(tmp_path / "copy")


def test_a_damaged_picture_does_not_pass_for_a_backup(folder: Path, tmp_path: Path) -> None:
    [asset] = [path for path in (folder / "assets").rglob("*") if path.is_file()]
    asset.write_bytes(asset.read_bytes()[:-1])
    with pytest.raises(BackupFailed, match="is damaged"):
        backup(folder, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_nothing_is_written_over(folder: Path, tmp_path: Path) -> None:
    backup(folder, tmp_path / "copy")
    with pytest.raises(BackupFailed, match="not empty"):
        backup(folder, tmp_path / "copy")
    with pytest.raises(BackupFailed, match="not empty"):
        restore(tmp_path / "copy", folder)
    with pytest.raises(BackupFailed, match="no rooms"):
        backup(tmp_path / "nowhere", tmp_path / "other")
    with pytest.raises(BackupFailed, match="not a backup"):
        restore(tmp_path / "nowhere", tmp_path / "other")
    assert not (tmp_path / "other").exists()


def test_a_newer_one_and_one_that_points_outside_are_refused(folder: Path, tmp_path: Path) -> None:
    backup(folder, tmp_path / "copy")
    manifest = tmp_path / "copy" / MANIFEST
    whole = json.loads(manifest.read_text())
    manifest.write_text(json.dumps(whole | {"schema": SCHEMA_VERSION + 1}))
    with pytest.raises(BackupFailed, match="newer antiphon"):
        restore(tmp_path / "copy", tmp_path / "again")
    for outside in ("../join.key", "/etc/hostname"):
        manifest.write_text(json.dumps(whole | {"files": {outside: {"sha256": "0" * 64, "size": 1}}}))
        with pytest.raises(BackupFailed, match="outside"):
            restore(tmp_path / "copy", tmp_path / "again")


def test_a_full_disk_leaves_nothing_behind(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(source: Path, target: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("shutil.copymode", full)
    with pytest.raises(BackupFailed, match="no space left"):
        backup(folder, tmp_path / "copy")
    assert {path.name for path in tmp_path.iterdir()} == {"data"}
