"""A room that stands still for a moment: who brings it something waits until it goes on."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Pause:
    def __init__(self) -> None:
        self._held = 0
        self._waiting: list[asyncio.Future[None]] = []

    @property
    def held(self) -> bool:
        return self._held > 0

    @contextmanager
    def entered(self) -> Iterator[None]:
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1
            if not self._held:
                waiting, self._waiting = self._waiting, []
                for future in waiting:
                    if not future.done():
                        future.set_result(None)

    async def over(self) -> None:
        """Return when nobody holds the room, at once when nobody does."""
        while self._held:
            future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._waiting.append(future)
            await future
