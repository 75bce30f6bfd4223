"""Reads and enlarges pictures beside the event loop: usual ones in threads (Pillow lets go of the interpreter), all
others in a process of their own (`picture_process`), one at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, nullcontext
from functools import partial
from typing import TypeVar

import msgspec

from antiphon_engines.api import QueueFull
from antiphon_proto.errors import TooLarge
from antiphon_server.assets.picture_process import Job, Read, Refused
from antiphon_server.assets.sanitize import BadPicture, Picture, PictureLimits, clean, enlarge, is_light
from antiphon_server.child_process import run_child

T = TypeVar("T")
_LARGE = 4 * 1024 * 1024
"""Bytes of a file that takes one of `_RECEIVED` places while it comes."""
_RECEIVED = 4


class Pictures:
    """Never on the event loop. At most `limits.workers` at once, `limits.waiting` more wait."""

    def __init__(self, limits: PictureLimits) -> None:
        self.limits = limits
        self._threads = ThreadPoolExecutor(limits.workers, "pictures")
        self._turn = asyncio.Semaphore(1)
        self._receiving = asyncio.Semaphore(_RECEIVED)
        self._busy = 0

    @asynccontextmanager
    async def receiving(self, length: int | None) -> AsyncIterator[None]:
        """While a file of `length` bytes (None: unknown) comes: only so many large ones are held at once, one more
        waits."""
        async with self._receiving if length is None or length > _LARGE else nullcontext():
            yield

    async def clean(self, data: bytes) -> Picture:
        """The picture of `data`. Raises BadPicture, TooLarge, or QueueFull when too many wait."""

        async def work() -> Picture:
            if await self._in_thread(partial(is_light, data, self.limits)):
                return await self._in_thread(partial(clean, data, self.limits))
            async with self._turn:
                return await self._in_process(data)

        return await self._work(work)

    async def enlarge(self, data: bytes, factor: int) -> Picture:
        """A picture of ours, `factor` times as wide and high. Raises TooLarge, or QueueFull when too many wait."""
        return await self._work(lambda: self._in_thread(partial(enlarge, data, factor, self.limits)))

    async def close(self) -> None:
        await asyncio.to_thread(self._threads.shutdown)

    async def _work(self, work: Callable[[], Awaitable[Picture]]) -> Picture:
        if self._busy >= self.limits.workers + self.limits.waiting:
            raise QueueFull("too many pictures wait to be read; try again in a moment")
        self._busy += 1
        try:
            return await work()
        finally:
            self._busy -= 1

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _in_process(self, data: bytes) -> Picture:
        job = msgspec.msgpack.encode(Job(data, self.limits))
        try:
            ended = await run_child(
                ("-m", "antiphon_server.assets.picture_process"), job, self.limits.seconds
            )
        except TimeoutError:
            raise TooLarge(
                f"the picture takes longer than {self.limits.seconds:g} seconds to be read"
            ) from None
        if ended.status != 0:  # it ran out of memory or time, or its parser broke
            raise BadPicture("the picture could not be read")
        answer = msgspec.msgpack.decode(ended.out, type=Read | Refused)
        if isinstance(answer, Read):
            return answer.picture
        raise TooLarge(answer.message) if answer.too_large else BadPicture(answer.message)
