from __future__ import annotations

import asyncio
import threading
from concurrent.futures import CancelledError

import pytest

from antiphon_engines.text.streaming.loop_thread import LoopThread
from support.patience import PATIENCE


async def forever(started: threading.Event, ended: threading.Event) -> None:
    try:
        started.set()
        await asyncio.Event().wait()
    finally:
        ended.set()


def test_work_runs_on_a_thread_of_its_own() -> None:
    thread = LoopThread("worker")

    async def name() -> str:
        return threading.current_thread().name

    assert thread.run(name()) == "worker"
    thread.close()


def test_errors_come_back() -> None:
    thread = LoopThread("worker")

    async def fail() -> None:
        raise LookupError("gone")

    with pytest.raises(LookupError, match="gone"):
        thread.run(fail())
    thread.close()


def test_cancelling_the_future_ends_the_task() -> None:
    thread = LoopThread("worker")
    started, ended = threading.Event(), threading.Event()
    future = thread.submit(forever(started, ended))
    started.wait()
    future.cancel()
    assert ended.wait(PATIENCE)
    assert future.cancelled()
    thread.close()


def test_close_waits_for_what_runs() -> None:
    thread = LoopThread("worker")
    started, ended = threading.Event(), threading.Event()
    future = thread.submit(forever(started, ended))
    started.wait()
    thread.close()
    assert ended.is_set()
    with pytest.raises(CancelledError):
        future.result(timeout=0)
    assert "worker" not in [each.name for each in threading.enumerate()]
    thread.close()
