"""Reads the lines of a film in helper processes, for rooms, which do not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import msgspec

from antiphon_proto.errors import AntiphonError
from antiphon_server.film.voices.lines import Line
from antiphon_server.work.jobs import Made, Screen
from antiphon_server.work.pool import Pool


class PooledLineReader:
    """Implements `LineReader`."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._tasks: set[asyncio.Task[None]] = set()
        self._decoder = msgspec.json.Decoder(list[Line])

    def read(
        self, updates: tuple[bytes, ...], key: str, done: Callable[[Sequence[Line] | AntiphonError], None]
    ) -> None:
        task = asyncio.create_task(self._read(updates, key, done), name="read-lines")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Drop pending work."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read(
        self, updates: tuple[bytes, ...], key: str, done: Callable[[Sequence[Line] | AntiphonError], None]
    ) -> None:
        try:
            answer = await self._pool.run(Screen(updates, "lines"), key)
        except AntiphonError as error:
            done(error)
            return
        assert isinstance(answer, Made)
        done(self._decoder.decode(answer.data))
