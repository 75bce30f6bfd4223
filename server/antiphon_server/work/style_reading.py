"""Measures the style of passages in helper processes, for rooms, which do not wait."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Protocol, TypeAlias

from antiphon_proto.document.style import StyleCard, StyleMeasures
from antiphon_proto.errors import AntiphonError
from antiphon_server.work.jobs import Learn, Learned
from antiphon_server.work.pool import Pool

Measured: TypeAlias = Callable[[tuple[StyleCard, StyleMeasures] | AntiphonError], None]


class StyleReader(Protocol):
    """The interface for rooms. Callbacks never come during the call."""

    def learn(self, text: str, key: str, done: Measured) -> None:
        """Measure `text` for `key`, who shares the helpers with others."""
        ...


class PooledStyleReader:
    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self._tasks: set[asyncio.Task[None]] = set()

    def learn(self, text: str, key: str, done: Measured) -> None:
        task = asyncio.create_task(self._learn(text, key, done), name="learn-style")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Drop pending work."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _learn(self, text: str, key: str, done: Measured) -> None:
        try:
            answer = await self._pool.run(Learn(text), key)
        except AntiphonError as error:
            done(error)
            return
        assert isinstance(answer, Learned)
        done((answer.card, answer.measures))
