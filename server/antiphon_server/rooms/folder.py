"""Encodes the state of a long document in a helper process. Yrs does it in one call: 35 ms for 100,000 places, in which
nobody else on the event loop is served."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final

from antiphon_engines.api import QueueFull
from antiphon_server.core.context import RoomContext
from antiphon_server.work.jobs import Fold, Made
from antiphon_server.work.pool import CannotWork, Pool

log = logging.getLogger(__name__)
_TRIES: Final = 3
"""A room that stands still is encoded exactly by the second: the first may have begun before it stood still."""


class Folder:
    """`pool` None: states are encoded on the loop. `told` hears of each state, with the offset that it belongs to."""

    def __init__(self, room: RoomContext, pool: Pool | None, told: Callable[[int, bytes], None]) -> None:
        self._room = room
        self._pool = pool
        self._told = told
        self._under_way: asyncio.Task[None] | None = None

    @property
    def due(self) -> bool:
        """Whether it is worth while: the document is long, and its state is not at hand."""
        document = self._room.shared.document
        return self._pool is not None and document.long and not document.encoded

    async def fold(self) -> None:
        """Have the state made as it is now, or was when one began that others wait for."""
        if self._under_way is None:
            self._under_way = asyncio.create_task(self._fold(), name="room-fold")
        await asyncio.shield(self._under_way)

    async def fold_exactly(self) -> None:
        """Have the state at hand (`Document.encoded`); the room must be paused."""
        for _ in range(_TRIES):
            if not self.due:
                return
            await self.fold()

    async def made(self, updates: tuple[bytes, ...]) -> bytes | None:
        """The state of a document of these updates; None when no helper process can make it now."""
        if self._pool is None:
            return None
        try:
            answer = await self._pool.run(Fold(updates), self._room.id)
        except (QueueFull, CannotWork) as error:
            log.warning("room %s: its state is encoded on the event loop: %s", self._room.id, error)
            return None
        assert isinstance(answer, Made)
        self._room.shared.document.settle(updates, answer.data)
        return answer.data

    async def _fold(self) -> None:
        try:
            self._room.flush()
            offset, updates = self._room.offset, self._room.shared.document.updates()
            if (state := await self.made(updates)) is not None:
                self._told(offset, state)
        finally:
            self._under_way = None
