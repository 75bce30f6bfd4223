"""A few places for costly work: who asks for one waits for nobody who asks for many."""

from __future__ import annotations

import asyncio

import pytest

from antiphon_engines.api import QueueFull
from antiphon_server.fair_queue import FairQueue


class Worker:
    """Takes places and holds each until the test says so."""

    def __init__(self, queue: FairQueue) -> None:
        self._queue = queue
        self.begun: list[str] = []
        self._held: list[tuple[str, asyncio.Event]] = []

    async def work(self, key: str) -> None:
        async with self._queue.place(key):
            done = asyncio.Event()
            self.begun.append(key)
            self._held.append((key, done))
            await done.wait()

    async def finish(self, key: str) -> None:
        """The oldest job of a key ends."""
        index = next(index for index, (held, _) in enumerate(self._held) if held == key)
        self._held.pop(index)[1].set()
        await settled()


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def start(worker: Worker, *keys: str) -> list[asyncio.Task[None]]:
    tasks = [asyncio.create_task(worker.work(key)) for key in keys]
    await settled()
    return tasks


async def test_one_key_leaves_a_place_free_and_the_others_have_turns() -> None:
    worker = Worker(FairQueue(3, 20, QueueFull("full")))
    tasks = await start(worker, *"aaaaaa")
    assert worker.begun == ["a", "a"]
    tasks += await start(worker, "b", "b", "c")
    assert worker.begun == ["a", "a", "b"]
    await worker.finish("a")
    assert worker.begun[3:] == ["a"]  # it waits longest
    await worker.finish("b")
    await worker.finish("a")
    assert worker.begun[4:] == ["b", "c"]
    for key in ("a", "b", "c", "a", "a", "a"):
        if worker.begun.count(key) and any(held == key for held, _ in worker._held):
            await worker.finish(key)
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_the_queue_is_bounded_and_one_key_has_half_of_it() -> None:
    queue = FairQueue(1, 4, QueueFull("full"))
    worker = Worker(queue)
    tasks = await start(worker, "a", "a", "a")
    with pytest.raises(QueueFull):
        await worker.work("a")
    tasks += await start(worker, "b", "b")
    with pytest.raises(QueueFull):
        await worker.work("c")
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert queue.waiting == 0
    await start(worker, "d")
    assert worker.begun[-1] == "d"
    await worker.finish("d")


async def test_who_goes_away_leaves_no_place_taken() -> None:
    queue = FairQueue(1, 4, QueueFull("full"))
    worker = Worker(queue)
    first, second, third = await start(worker, "a", "b", "c")
    second.cancel()
    await settled()
    # The place is handed over in the moment in which its taker goes.
    await worker.finish("a")
    assert worker.begun == ["a", "c"]
    third.cancel()
    await asyncio.gather(first, second, third, return_exceptions=True)
    await start(worker, "e")
    assert worker.begun[-1] == "e"
    await worker.finish("e")
