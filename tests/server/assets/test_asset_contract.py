"""The contract of every store of assets; each implementation runs the whole suite."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from antiphon_server.assets.file_store import AssetFiles
from antiphon_server.assets.sanitize import Picture, picture
from antiphon_server.assets.store import AssetBounds, AssetDamaged, AssetsFull, AssetStore
from antiphon_server.store.api import StorageUnavailable
from support.memory_assets import MemoryAssets

STORES: dict[str, Callable[[Path, AssetBounds], AssetStore]] = {
    "files": AssetFiles,
    "memory": lambda _, bounds: MemoryAssets(bounds),
}


@pytest.fixture(params=sorted(STORES))
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AssetStore]:
    made = STORES[request.param](tmp_path / "assets", AssetBounds(count=3, bytes=1000))
    yield made
    await made.close()


def some(number: int, size: int = 10) -> Picture:
    return picture(bytes([number]) * size, "image/png", 4, 3)


async def put(store: AssetStore, room: str, one: Picture) -> None:
    await store.put(room, one.info, one.data)


async def test_what_was_put_is_found_in_its_room_and_in_no_other(store: AssetStore) -> None:
    one = some(1)
    await put(store, "room", one)
    found = await store.find("room", one.info.sha256)
    assert found == one.info
    assert await store.read("room", found) == one.data
    assert await store.find("other", one.info.sha256) is None
    assert await store.find("room", some(2).info.sha256) is None


async def test_the_same_picture_twice_costs_once(store: AssetStore) -> None:
    for _ in range(5):
        await put(store, "room", some(1, 600))
    await put(store, "room", some(2, 400))
    with pytest.raises(AssetsFull):
        await put(store, "room", some(3, 1))
    for one in (some(1, 600), some(2, 400)):
        assert await store.find("room", one.info.sha256) == one.info


async def test_a_room_holds_so_many_and_another_room_its_own(store: AssetStore) -> None:
    await asyncio.gather(*(put(store, "room", some(n)) for n in range(3)))
    with pytest.raises(AssetsFull):
        await put(store, "room", some(9))
    await put(store, "other", some(9))


async def test_a_room_holds_so_many_bytes(store: AssetStore) -> None:
    results = await asyncio.gather(
        *(put(store, "room", some(n, 600)) for n in range(3)), return_exceptions=True
    )
    assert sorted(type(result).__name__ for result in results) == ["AssetsFull", "AssetsFull", "NoneType"]


async def test_old_assets_can_be_removed_and_make_room(store: AssetStore) -> None:
    for number in range(3):
        await put(store, "room", some(number))
    await put(store, "other", some(7))
    soon = time.time() + 60
    assert await store.rooms() == ("other", "room")
    assert {one.sha256 for one in await store.aged("room", soon)} == {some(n).info.sha256 for n in range(3)}
    assert await store.aged("room", soon - 3600) == ()
    assert not await store.remove("room", some(1).info.sha256, soon - 3600), "it is young"
    assert await store.find("room", some(1).info.sha256) is not None
    assert await store.remove("room", some(1).info.sha256, soon)
    assert await store.remove("room", some(1).info.sha256, soon), "gone is gone"
    assert await store.find("room", some(1).info.sha256) is None
    await put(store, "room", some(9))
    assert await store.aged("nowhere", soon) == ()


@pytest.mark.parametrize("name", ["", "x" * 64, "../" * 20, "A" * 64, "0" * 63, "*", "0" * 63 + "?"])
async def test_what_is_not_a_name_names_nothing(store: AssetStore, name: str) -> None:
    await put(store, "room", some(1))
    assert await store.find("room", name) is None


async def test_files_outlive_the_store_and_drafts_count_for_nothing(tmp_path: Path) -> None:
    first = AssetFiles(tmp_path / "assets")
    await put(first, "room", some(1))
    await first.close()
    (tmp_path / "assets" / "room" / "draft.0123").write_bytes(b"half a pic")
    second = AssetFiles(tmp_path / "assets", AssetBounds(count=2))
    assert await second.find("room", some(1).info.sha256) == some(1).info
    await put(second, "room", some(2))
    await second.close()


async def test_what_comes_again_is_young_and_old_drafts_go(tmp_path: Path) -> None:
    store = AssetFiles(tmp_path)
    await put(store, "room", some(1))
    await put(store, "room", some(2))
    for file in (tmp_path / "room").iterdir():
        os.utime(file, (1000, 1000))
    for name, at in (("draft.old", 1000), ("draft.new", 3000)):
        (tmp_path / "room" / name).write_bytes(b"half a pic")
        os.utime(tmp_path / "room" / name, (at, at))
    await put(store, "room", some(1))
    assert await store.aged("room", 2000) == (some(2).info,)
    assert not await store.remove("room", some(1).info.sha256, 2000)
    await store.tidy("room", 2000)
    assert [file.name for file in (tmp_path / "room").glob("draft.*")] == ["draft.new"]
    assert await AssetFiles(tmp_path / "none").rooms() == ()
    await store.close()


async def test_a_disk_that_refuses_is_a_clear_error_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    store = AssetFiles(tmp_path / "assets")
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(StorageUnavailable, match="no space left") as raised:
            await put(store, "room", some(1))
    assert raised.value.code == "storage_full"
    assert list((tmp_path / "assets" / "room").iterdir()) == []
    await store.close()


async def test_no_room_leads_out_of_the_folder(tmp_path: Path) -> None:
    store = AssetFiles(tmp_path / "assets")
    with pytest.raises(ValueError, match="not the id of a room"):
        await put(store, "../elsewhere", some(1))
    await store.close()


async def test_a_file_that_changed_on_disk_is_never_served_and_heals(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    store = AssetFiles(tmp_path / "assets")
    one = some(1)
    await put(store, "room", one)
    [path] = (tmp_path / "assets" / "room").iterdir()
    for wrong in (b"", one.data[:-1], bytes(len(one.data)), one.data + b"x"):
        path.write_bytes(wrong)
        info = await store.find("room", one.info.sha256)
        assert info is not None
        with pytest.raises(AssetDamaged):
            await store.read("room", info)
        await put(store, "room", one)
        assert await store.read("room", info) == one.data
    assert str(path) in caplog.text
    await store.close()
