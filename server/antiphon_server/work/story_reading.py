"""Reads whole stories for their codex in helper processes, for rooms, which do not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final, Protocol, TypeAlias

from antiphon_proto.document.codex import CodexContradiction, CodexEntry
from antiphon_proto.errors import AntiphonError
from antiphon_server.work.jobs import Known, Study
from antiphon_server.work.pool import Pool

MAX_READ: Final = 1024 * 1024
"""Bytes of a story that are read; of a longer one its end."""

Reading: TypeAlias = tuple[tuple[CodexEntry, ...], tuple[CodexContradiction, ...]]


class StoryReader(Protocol):
    """The interface for rooms. Callbacks never come during the call."""

    def read(self, text: str, key: str, done: Callable[[Reading | AntiphonError], None]) -> None: ...


class PooledStoryReader:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._tasks: set[asyncio.Task[None]] = set()

    def read(self, text: str, key: str, done: Callable[[Reading | AntiphonError], None]) -> None:
        task = asyncio.create_task(self._read(text, key, done), name="read-story")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Drop pending work."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read(self, text: str, key: str, done: Callable[[Reading | AntiphonError], None]) -> None:
        try:
            answer = await self._pool.run(Study(text), key)
        except AntiphonError as error:
            done(error)
            return
        assert isinstance(answer, Known)
        done((answer.entries, answer.contradictions))
