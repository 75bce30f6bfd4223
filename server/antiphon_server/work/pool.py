"""A few helper processes for work that costs too much on the event loop: replays, exports, statistics.

Threads would not do: Yrs, regular expressions and JSON hold the interpreter's lock for as long as they take. A process
is started with the first job, kept for the next, and ended when it was idle for long or a job takes too long.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import sys
from collections.abc import Callable
from typing import Final, Protocol

import msgspec

from antiphon_engines.api import QueueFull
from antiphon_proto.errors import AntiphonError, ErrorCode
from antiphon_server.fair_queue import FairQueue
from antiphon_server.work.jobs import Answer, Failed, Job
from antiphon_server.work.process import LENGTH

log = logging.getLogger(__name__)
_PIECE: Final = 256 * 1024
"""Bytes of a job that are written at a time: a document is many of them."""


class CannotWork(AntiphonError):
    """The job failed, or took too long; the message says which."""

    code = ErrorCode.UNAVAILABLE


class Pool(Protocol):
    """The interface for callers of helper processes."""

    async def run(self, job: Job, key: str) -> Answer: ...


class WorkPool:
    """`processes` at once, each job with `seconds` by the clock; `waiting` jobs may wait (`FairQueue`). A process that
    has had nothing to do for `idle` seconds goes."""

    def __init__(
        self, processes: int = 2, waiting: int = 32, seconds: float = 60.0, idle: float = 120.0
    ) -> None:
        self._idle_seconds = idle
        self._seconds = seconds
        self._queue = FairQueue(
            processes, waiting, QueueFull("too much work is waiting here; try again in a moment")
        )
        self._idle: list[_Helper] = []
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(Answer)
        self._closed = False

    async def run(self, job: Job, key: str) -> Answer:
        """Do a job for `key`, an address or a room. Raises QueueFull or CannotWork."""
        async with self._queue.place(key):
            data = self._encoder.encode(job)
            helper = await self._helper()
            try:
                async with asyncio.timeout(self._seconds):
                    answer = self._decoder.decode(await helper.ask(data))
            except TimeoutError:
                raise CannotWork(f"this took more than {self._seconds:g} seconds") from None
            except (EOFError, OSError) as error:
                log.error("a helper process ended in the middle of a job: %s", type(job).__name__)
                raise CannotWork("this could not be done within the bounds of this server") from error
            finally:
                await self._put_back(helper)
        if isinstance(answer, Failed):
            raise CannotWork(answer.message)
        return answer

    async def close(self) -> None:
        """End the processes that are idle; the others end with their job."""
        self._closed = True
        while self._idle:
            await self._idle.pop().end()

    async def _helper(self) -> _Helper:
        while self._idle:
            helper = self._idle.pop()
            helper.wake()
            if helper.alive:
                return helper
            await helper.end()
        return await _start()

    async def _put_back(self, helper: _Helper) -> None:
        if helper.busy or not helper.alive or self._closed:
            await helper.end()
        else:
            self._idle.append(helper)
            helper.sleep(self._idle_seconds, lambda: self._idle.remove(helper))


class _Helper:
    """One process."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self._timer: asyncio.TimerHandle | None = None
        self._ending: asyncio.Task[None] | None = None
        self.busy = False
        """A job has begun, and its answer did not come."""

    @property
    def alive(self) -> bool:
        return self._process.returncode is None

    async def ask(self, data: bytes) -> bytes:
        """Raises EOFError when it ends before it has answered."""
        reader, writer = self._process.stdout, self._process.stdin
        assert reader is not None
        assert writer is not None
        self.busy = True
        writer.write(len(data).to_bytes(LENGTH))
        whole = memoryview(data)
        for at in range(0, len(data), _PIECE):
            writer.write(whole[at : at + _PIECE])
            await writer.drain()
        answer = await reader.readexactly(int.from_bytes(await reader.readexactly(LENGTH)))
        self.busy = False
        return answer

    def sleep(self, seconds: float, forget: Callable[[], None]) -> None:
        """End by itself after so many seconds without a job."""

        def over() -> None:
            forget()
            self._ending = asyncio.ensure_future(self.end())

        self._timer = asyncio.get_running_loop().call_later(seconds, over)

    def wake(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    async def end(self) -> None:
        """Returns when it is gone."""
        self.wake()
        if self.alive:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
        # Reads the rest, so that the transport ends with the process.
        await self._process.communicate()


async def _start() -> _Helper:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-P",  # a module in the working directory must not shadow ours
        *("-m", "antiphon_server.work.process"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**20,
    )
    return _Helper(process)
