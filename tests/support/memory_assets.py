"""Assets in memory."""

from __future__ import annotations

import time

from antiphon_server.assets.store import AssetBounds, AssetInfo, AssetsFull


class MemoryAssets:
    """An `AssetStore`. `problem`, when set, is raised by every write; `now` is the Unix time of new assets."""

    def __init__(self, bounds: AssetBounds | None = None) -> None:
        self.problem: Exception | None = None
        self.now = time.time()
        self._bounds = bounds or AssetBounds()
        self._rooms: dict[str, dict[str, tuple[AssetInfo, bytes]]] = {}
        self._put: dict[tuple[str, str], float] = {}

    async def put(self, room: str, info: AssetInfo, data: bytes) -> None:
        if self.problem is not None:
            raise self.problem
        held = self._rooms.setdefault(room, {})
        if info.sha256 in held:
            self._put[room, info.sha256] = self.now
            return
        if len(held) >= self._bounds.count:
            raise AssetsFull("too many")
        if sum(known.size for known, _ in held.values()) + len(data) > self._bounds.bytes:
            raise AssetsFull("too much")
        held[info.sha256] = (info, data)
        self._put[room, info.sha256] = self.now

    async def find(self, room: str, sha256: str) -> AssetInfo | None:
        known = self._rooms.get(room, {}).get(sha256)
        return known[0] if known else None

    async def read(self, room: str, info: AssetInfo) -> bytes:
        return self._rooms[room][info.sha256][1]

    async def rooms(self) -> tuple[str, ...]:
        return tuple(sorted(self._rooms))

    async def aged(self, room: str, before: float) -> tuple[AssetInfo, ...]:
        held = self._rooms.get(room, {})
        return tuple(info for info, _ in held.values() if self._put[room, info.sha256] < before)

    async def remove(self, room: str, sha256: str, before: float) -> bool:
        if self.problem is not None:
            raise self.problem
        if self._put.get((room, sha256), 0.0) >= before:
            return False
        self._rooms.get(room, {}).pop(sha256, None)
        return True

    async def tidy(self, room: str, before: float) -> None: ...

    async def close(self) -> None:
        pass
