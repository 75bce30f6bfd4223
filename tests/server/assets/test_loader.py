from __future__ import annotations

import asyncio
from collections.abc import Sequence

import pytest

from antiphon_proto.errors import AntiphonError
from antiphon_server.assets.loader import StoredAssetLoader
from antiphon_server.assets.sanitize import Picture, picture
from antiphon_server.assets.store import AssetInfo
from antiphon_server.store.api import StorageFull
from support.memory_assets import MemoryAssets
from support.server import PATIENCE

ONE, TWO = picture(b"one", "image/png", 1, 1), picture(b"two", "image/png", 2, 2)


async def kept(desk: StoredAssetLoader, one: Picture) -> AntiphonError | None:
    answer: asyncio.Future[AntiphonError | None] = asyncio.get_running_loop().create_future()
    desk.keep("room", one, answer.set_result)
    assert not answer.done()
    async with asyncio.timeout(PATIENCE):
        return await answer


async def fetched(desk: StoredAssetLoader, *names: str) -> Sequence[Picture] | AntiphonError:
    answer: asyncio.Future[Sequence[Picture] | AntiphonError] = asyncio.get_running_loop().create_future()
    desk.fetch("room", names, answer.set_result)
    async with asyncio.timeout(PATIENCE):
        return await answer


async def test_what_is_kept_is_fetched_in_the_order_of_the_names() -> None:
    desk = StoredAssetLoader(MemoryAssets())
    assert [await kept(desk, one) for one in (ONE, TWO)] == [None, None]
    names = TWO.info.sha256, ONE.info.sha256, TWO.info.sha256
    assert await fetched(desk, *names) == [TWO, ONE, TWO]
    await desk.close()


async def test_every_failure_is_an_answer(caplog: pytest.LogCaptureFixture) -> None:
    store = MemoryAssets()
    desk = StoredAssetLoader(store)
    missing = await fetched(desk, "0" * 64)
    assert isinstance(missing, AntiphonError)
    assert missing.code == "not_found"
    store.problem = StorageFull("no space left")
    full = await kept(desk, ONE)
    assert full is not None
    assert full.code == "storage_full"
    store.problem = RuntimeError("a mistake of ours")
    broken = await kept(desk, ONE)
    assert broken is not None
    assert broken.code == "internal"
    assert "a mistake of ours" in caplog.text
    await desk.close()


class Stuck(MemoryAssets):
    async def find(self, room: str, sha256: str) -> AssetInfo | None:
        await asyncio.Event().wait()
        raise AssertionError


async def test_so_many_at_once_and_none_after_the_close() -> None:
    desk = StoredAssetLoader(Stuck(), bound=2)
    answers: list[object] = []
    for _ in range(3):
        desk.fetch("room", ["0" * 64], answers.append)
    refused = await fetched(desk, "0" * 64)
    await desk.close()
    answers.append(refused)
    assert [isinstance(answer, AntiphonError) and answer.code for answer in answers] == ["queue_full"] * 2
