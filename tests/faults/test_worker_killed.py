"""The engine worker is killed in the middle of a run: that run fails, the room lives on, the next run works."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from antiphon_client import RunFailed, connect, create_room
from antiphon_proto.params import TextParams
from support.server import PATIENCE, TEXT_ALONE, serving
from support.workers import worker_of


async def test_the_room_outlives_its_worker(
    tmp_path: Path, embedded_text_model: Path, cache_dir: Path
) -> None:
    arguments = ("--cache-dir", str(cache_dir), *TEXT_ALONE)
    async with serving(tmp_path, *arguments) as served:
        links = await create_room(served.url)
        async with connect(links["owner"].link) as ada, connect(links["editor"].link) as bob:
            ada.append("Once upon a time there was a lighthouse keeper who")
            run = ada.ask(params=TextParams(max_tokens=1000, seed=1))
            seen = 0
            with pytest.raises(RunFailed) as failed:
                async for _ in run:
                    seen += 1
                    if seen == 3:
                        worker_of(served.process.pid).kill()
            assert failed.value.error_code == "worker_lost"
            assert seen >= 3

            bob.append(" People write on.")
            await bob.durable()
            async with asyncio.timeout(PATIENCE):
                await ada.wait_for(lambda room: room.text.endswith(" People write on."))
                await ada.wait_for(lambda room: all(model.ready for model in room.models))
                again = [token async for token in ada.ask(params=TextParams(max_tokens=5, seed=1))]
            assert again
