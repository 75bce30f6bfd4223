"""Search in rooms, in a helper process that keeps their indexes (`search.searcher`).

With each search the process gets what has changed in the document since the last one. The meaning of passages is read
after a search, in short pieces, for as long as somebody is in the room.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Final
from weakref import WeakValueDictionary

from antiphon_proto.errors import AntiphonError
from antiphon_server.document.document import Document
from antiphon_server.search.hits import ROOMS, Found, Kind, Update
from antiphon_server.work.jobs import ReadMeaning, Search, Searched, Unread
from antiphon_server.work.pool import Pool

log = logging.getLogger(__name__)
_PIECE: Final = 0.25
"""Seconds of reading in one job: a search waits so long at most for what is read of another room."""
_BETWEEN: Final = 0.25
"""Seconds between two such jobs: half of a core, at low priority."""


class RoomSearch:
    """One for a server. `models`: the folder of prepared models."""

    def __init__(
        self, pool: Pool, models: Path, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
    ) -> None:
        self._pool = pool
        self._models = str(models)
        self._pause = pause
        self._states: dict[str, tuple[str, bytes]] = {}
        """Room -> version and state vector of the copy in the helper."""
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        """One search of a room at a time: each builds on the state that the one before it left."""
        self._readers: dict[str, asyncio.Task[None]] = {}

    async def search(
        self,
        room: str,
        version: str,
        document: Document,
        query: str,
        kinds: Sequence[Kind],
        limit: int,
        meaning: bool,
        wanted: Callable[[], bool],
    ) -> Found:
        """Raises QueueFull or CannotWork. `version` is that of the room in memory; while `wanted()`, more passages are
        read after this."""
        async with self._locks.setdefault(room, asyncio.Lock()):
            found = await self._search(room, version, document, query, tuple(kinds), limit, meaning)
        if found.pending and room not in self._readers:
            task = asyncio.create_task(self._read(room, version, wanted), name="read-meaning")
            self._readers[room] = task
            task.add_done_callback(lambda _: self._readers.pop(room, None))
        return found

    async def close(self) -> None:
        """Drop pending work."""
        tasks = list(self._readers.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _search(
        self,
        room: str,
        version: str,
        document: Document,
        query: str,
        kinds: tuple[Kind, ...],
        limit: int,
        meaning: bool,
    ) -> Found:
        known, before = self._states.pop(room, ("", b""))
        for vector in (before if known == version else b"", b""):
            after = document.state_vector()
            update = document.since(vector) if vector else document.state()
            news = Update(room, version, vector, after, update)
            # Meanwhile the document may change: the next search brings that.
            answer = await self._pool.run(Search(self._models, news, query, kinds, limit, meaning), room)
            assert isinstance(answer, Searched)
            if answer.found is not None:
                self._keep(room, version, after)
                return answer.found
        raise AssertionError("a whole document is always taken")

    def _keep(self, room: str, version: str, vector: bytes) -> None:
        self._states[room] = version, vector
        while len(self._states) > ROOMS:
            del self._states[next(iter(self._states))]

    async def _read(self, room: str, version: str, wanted: Callable[[], bool]) -> None:
        job = ReadMeaning(self._models, room, version, _PIECE)
        try:
            while wanted():
                answer = await self._pool.run(job, f"{room} meaning")
                assert isinstance(answer, Unread)
                if not answer.count:
                    return
                await self._pause(_BETWEEN)
        except AntiphonError as error:  # the next search goes on
            log.info("room %s: the meaning of its passages is not read further: %s", room, error)
