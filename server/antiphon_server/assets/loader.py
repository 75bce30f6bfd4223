"""Brings assets to rooms, which never wait: a room asks, and is called back on the event loop."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeAlias

from antiphon_engines.api import QueueFull
from antiphon_proto.errors import AntiphonError, NotFound
from antiphon_server.assets.sanitize import Picture
from antiphon_server.assets.store import AssetStore

log = logging.getLogger(__name__)

Fetched: TypeAlias = Callable[[Sequence[Picture] | AntiphonError], None]
Kept: TypeAlias = Callable[[AntiphonError | None], None]


class AssetLoader(Protocol):
    """The interface of assets for a room. Callbacks never come during the call."""

    def fetch(self, room: str, names: Sequence[str], done: Fetched) -> None:
        """Read assets of the room, in the order of their names."""
        ...

    def keep(self, room: str, picture: Picture, done: Kept) -> None:
        """Make a picture durable."""
        ...


class StoredAssetLoader:
    """An `AssetLoader` on a store. At most `bound` requests at once; one more is answered `queue_full`."""

    def __init__(self, store: AssetStore, bound: int = 256) -> None:
        self._store = store
        self._bound = bound
        self._tasks: set[asyncio.Task[None]] = set()
        self._working = 0

    def fetch(self, room: str, names: Sequence[str], done: Fetched) -> None:
        async def work() -> Sequence[Picture] | AntiphonError:
            return [await self._read(room, name) for name in names]

        self._start(work, done)

    def keep(self, room: str, picture: Picture, done: Kept) -> None:
        async def work() -> AntiphonError | None:
            await self._store.put(room, picture.info, picture.data)
            return None

        self._start(work, done)

    async def close(self) -> None:
        """Drop pending work; no callback is called after this."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _read(self, room: str, name: str) -> Picture:
        info = await self._store.find(room, name)
        if info is None:
            raise NotFound(f"there is no asset {name} in this room")
        return Picture(info, await self._store.read(room, info))

    def _start(self, work: Callable[[], Awaitable[object]], done: Callable[..., None]) -> None:
        accepted = self._working < self._bound
        self._working += accepted
        task = asyncio.create_task(self._run(work if accepted else _refuse, done, accepted), name="asset")
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _run(
        self, work: Callable[[], Awaitable[object]], done: Callable[..., None], accepted: bool
    ) -> None:
        try:
            result = await work()
        except AntiphonError as error:
            result = error
        except Exception:
            log.exception("an asset could not be read or written")
            result = AntiphonError("the picture could not be read or written; the server's log says why")
        finally:
            self._working -= accepted
        done(result)


async def _refuse() -> None:
    raise QueueFull("too many pictures are being read and written; try again in a moment")
