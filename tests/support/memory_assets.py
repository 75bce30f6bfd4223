"""Assets in memory."""

from __future__ import annotations

from antiphon_server.store.assets import AssetBounds, AssetInfo, AssetsFull


class MemoryAssets:
    """An `AssetStore`. `problem`, when set, is raised by every write."""

    def __init__(self, bounds: AssetBounds | None = None) -> None:
        self.problem: Exception | None = None
        self._bounds = bounds or AssetBounds()
        self._rooms: dict[str, dict[str, tuple[AssetInfo, bytes]]] = {}

    async def put(self, room: str, info: AssetInfo, data: bytes) -> None:
        if self.problem is not None:
            raise self.problem
        held = self._rooms.setdefault(room, {})
        if info.sha256 in held:
            return
        if len(held) >= self._bounds.count:
            raise AssetsFull("too many")
        if sum(known.size for known, _ in held.values()) + len(data) > self._bounds.bytes:
            raise AssetsFull("too much")
        held[info.sha256] = (info, data)

    async def find(self, room: str, sha256: str) -> AssetInfo | None:
        known = self._rooms.get(room, {}).get(sha256)
        return known[0] if known else None

    async def read(self, room: str, info: AssetInfo) -> bytes:
        return self._rooms[room][info.sha256][1]

    async def close(self) -> None:
        pass
