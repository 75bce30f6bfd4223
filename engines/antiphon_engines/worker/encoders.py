"""Threads of the worker that write files (PNG, JPEG) beside its loop, so that the device does not wait for them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Final, Protocol, TypeAlias

from antiphon_engines.api import Image, Preview

MOST: Final = 8
"""Threads: as many pictures come at a time beside a GPU."""
BOUND: Final = 16
"""Files that are being written or wait for it. Each holds the pixels of its batch, 0.8 MB for 512 x 512."""
File: TypeAlias = Preview | Image


class Encoder(Protocol):
    """Where the loop has files written."""

    def submit(self, write: Callable[[], File]) -> Future[File]: ...


class Encoders:
    """`threads` of them; at most `bound` files at a time. A caller with one more file waits until another is written:
    this slows the device down and bounds the memory. A file of a cancelled job is written too, since it would hold its
    place until its turn came anyway."""

    def __init__(self, threads: int, wake: Callable[[], None], *, bound: int = BOUND) -> None:
        """`wake` is called after each file, on any thread, and must not wait."""
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="encoder")
        self._places = threading.BoundedSemaphore(bound)
        self._wake = wake

    def submit(self, write: Callable[[], File]) -> Future[File]:
        """Have a file written; the future has it, or the exception of `write`."""
        self._places.acquire()
        future = self._pool.submit(write)
        future.add_done_callback(self._written)
        return future

    def close(self) -> None:
        """Drop jobs that have not begun, and wait for the rest."""
        self._pool.shutdown(cancel_futures=True)

    def _written(self, _: Future[File]) -> None:
        self._places.release()
        self._wake()


def threads(cores: int) -> int:
    """How many for a machine: half of its cores, for the others feed the device, or are it."""
    return max(1, min(MOST, cores // 2))
