"""Deletes assets without a reference.

The policy: an asset is deleted when its last upload is older than a grace period (an upload comes before the object
that shows it, and a client may be offline meanwhile) and nothing refers to it: not the live document, the newest
snapshot, a kept entry of the history or the request of a kept run. So undo, replay and forks find every picture that
was ever on the canvas; the deleted ones are uploads that were never placed and sources of paintings whose runs were
removed. Files are deleted one at a time, after a second check of the age: a crash leaves whole files or none.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from msgspec import Struct

from antiphon_proto.errors import AntiphonError
from antiphon_server.assets.store import AssetStore
from antiphon_server.store.api import RoomStore

log = logging.getLogger(__name__)
_PAGE: Final = 500
"""Entries of a history that are looked through at a time."""
_NAMES: Final = re.compile(rb"(?=([0-9a-f]{64}))")
"""Names stand in updates as they are. Overlapping: the character before a name may be a digit, too."""


class Collected(Struct, frozen=True):
    """Deleted files, or those that would be deleted, and their bytes."""

    count: int = 0
    bytes: int = 0

    def __add__(self, other: Collected) -> Collected:
        return Collected(self.count + other.count, self.bytes + other.bytes)


class Collector:
    """`grace` is seconds. `live` gives the document of a room that is in memory, as updates; `now` is Unix time."""

    def __init__(
        self,
        rooms: RoomStore,
        assets: AssetStore,
        *,
        grace: float,
        live: Callable[[str], Sequence[bytes]] = lambda room: (),
        now: Callable[[], float] = time.time,
    ) -> None:
        self._rooms = rooms
        self._assets = assets
        self._grace = grace
        self._live = live
        self._now = now
        self._kept: dict[str, set[str]] = {}
        """Room -> assets that its history names: they stay, and need not be looked for again."""

    async def run(self, interval: float) -> None:
        """Collect every `interval` seconds until cancelled; a task of the composition root."""
        while True:
            await asyncio.sleep(interval)
            try:
                collected = await self.collect()
            except AntiphonError as error:
                log.warning("assets were not collected: %s", error.message)
            except Exception:
                log.exception("assets could not be collected")
            else:
                if collected.count:
                    log.info("collected %d assets, %d bytes", collected.count, collected.bytes)

    async def collect(self, *, dry: bool = False) -> Collected:
        """Go through all rooms. `dry`: delete nothing, count only. Raises StorageUnavailable; files deleted until
        then stay deleted."""
        rooms = await self._assets.rooms()
        self._kept = {room: self._kept.get(room, set()) for room in rooms}
        total = Collected()
        for room in rooms:
            if self._rooms.problem is not None:
                raise self._rooms.problem  # waiting changes may name any asset
            total += await self._room(room, self._now() - self._grace, dry)
        return total

    async def _room(self, room: str, before: float, dry: bool) -> Collected:
        if not dry:
            await self._assets.tidy(room, before)
        kept = self._kept[room]
        old = {info.sha256: info for info in await self._assets.aged(room, before)}
        wanted = await self._unnamed(room, old.keys() - kept)
        total = Collected()
        for name in wanted:
            if dry or await self._assets.remove(room, name, before):
                total += Collected(1, old[name].size)
        return total

    async def _unnamed(self, room: str, names: set[str]) -> set[str]:
        """Those of `names` that nothing of the room names."""
        if not names:
            return names
        stored = await self._rooms.load(room)
        if stored is None:
            return set()  # not a room of this store: not ours to judge
        state = stored.snapshot.state if stored.snapshot else b""
        names = names - await _named([state, *self._live(room)])
        names = names - await _named(run.prompt.encode() for run in stored.runs)
        after = 0
        while names and (page := await self._rooms.history(room, after, _PAGE)):
            found = names & await _named(entry.update for entry in page)
            self._kept[room] |= found
            names = names - found
            after = page[-1].seq
        return names


async def _named(bodies: Iterable[bytes]) -> set[str]:
    """All that looks like the name of an asset; in a thread, for it may take a while."""

    def work() -> set[str]:
        return {name.decode() for body in bodies for name in _NAMES.findall(body)}

    return await asyncio.to_thread(work)
