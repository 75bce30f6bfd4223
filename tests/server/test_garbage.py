"""Cyclic garbage is collected at a pace that follows from its cost."""

from __future__ import annotations

import asyncio
import gc
import sys
from collections.abc import Iterator

import pytest

from antiphon_server.garbage import Collector


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    thresholds = gc.get_threshold()
    yield
    gc.set_threshold(*thresholds)
    gc.unfreeze()


class Clock:
    """Each collection takes `cost` seconds."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, cost: float) -> None:
        self.now = 0.0
        self.collections = 0
        self.cost = cost
        monkeypatch.setattr(gc, "collect", self.collect)

    def collect(self) -> int:
        self.now += self.cost
        self.collections += 1
        return 0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("cost", "seconds"), [(0.001, 2.0), (0.3, 60.0)])
def test_what_costs_more_is_done_less_often(
    monkeypatch: pytest.MonkeyPatch, cost: float, seconds: float
) -> None:
    clock = Clock(monkeypatch, cost)
    collector = Collector(clock)
    assert collector.tick()
    done = []
    for _ in range(200):
        clock.now += 1.0
        if collector.tick():
            done.append(clock.now)
    assert len(done) >= 3
    assert all(
        seconds <= later - earlier < seconds + 1.5 for earlier, later in zip(done, done[1:], strict=False)
    )


def test_memory_that_grows_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    collector = Collector(Clock(monkeypatch, 1.0))
    assert collector.tick()
    assert not collector.tick()
    monkeypatch.setattr(sys, "getallocatedblocks", lambda: 10**12)
    assert collector.tick()


async def test_old_garbage_goes_though_the_collector_does_not_run_by_itself() -> None:
    task = asyncio.create_task(Collector().run())
    await asyncio.sleep(0)
    try:
        assert gc.get_freeze_count() > 10_000
        assert gc.get_threshold()[2] > 10**6
        ring: list[object] = []
        ring.append(ring)
        gone = Ring(ring)
        ring.append(gone)
        told = gone.told
        del ring, gone
        gc.collect()  # as `tick` does
        assert told == ["gone"]
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
    assert gc.get_freeze_count() == 0


class Ring:
    def __init__(self, ring: list[object]) -> None:
        self.ring = ring
        self.told: list[str] = []

    def __del__(self) -> None:
        self.told.append("gone")
