"""What a slow client has not been sent yet: bounded per lane, each lane by the policy it declares.

Pure: bytes and lanes in, bytes out in the order of the lanes. `Outbox` decides when to use it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from msgspec import Struct

from antiphon_proto.lanes import Lane

ORDERED = frozenset({Lane.CONTROL, Lane.EDIT})
"""Kept in one queue, in the order sent, and never dropped."""
LATEST = frozenset({Lane.PREVIEW, Lane.PRESENCE})
"""One place per slot; what comes later replaces what waits. The other lanes drop their oldest."""
_DROPPING = tuple(lane for lane in Lane if lane not in ORDERED)


class BacklogLimits(Struct, frozen=True):
    """How much may wait for one client."""

    ordered_bytes: int = 4 * 1024 * 1024
    """Control messages and edits; beyond it the client is told to resync."""
    ordered_frames: int = 4096
    lane_bytes: int = 256 * 1024
    """Each of the other lanes: beyond it the oldest is dropped."""
    lane_frames: int = 256


class Full(Exception):
    """The ordered queue is at its bound; the client can only be helped by a resync."""


class _DroppingLane:
    """At most so many frames and bytes; a newer frame of the same slot replaces the older, the oldest make room."""

    def __init__(self, limits: BacklogLimits) -> None:
        self._limits = limits
        self._frames: dict[object, bytes] = {}
        self._size = 0

    def put(self, slot: object, data: bytes) -> int:
        """Returns how many waiting frames were dropped or replaced."""
        dropped = 0
        if (old := self._frames.pop(slot, None)) is not None:
            self._size -= len(old)
            dropped += 1
        self._frames[slot] = data
        self._size += len(data)
        while len(self._frames) > 1 and (
            self._size > self._limits.lane_bytes or len(self._frames) > self._limits.lane_frames
        ):
            self._size -= len(self._frames.pop(next(iter(self._frames))))
            dropped += 1
        return dropped

    def drop(self, slot: object) -> int:
        """Forget what waits in a slot; returns how many frames that were."""
        old = self._frames.pop(slot, None)
        self._size -= len(old or b"")
        return int(old is not None)

    def take(self) -> bytes | None:
        if not self._frames:
            return None
        data = self._frames.pop(next(iter(self._frames)))
        self._size -= len(data)
        return data

    @property
    def size(self) -> int:
        return self._size


class Backlog:
    """The frames that wait for one client."""

    def __init__(self, limits: BacklogLimits) -> None:
        self._limits = limits
        self._ordered: deque[bytes] = deque()
        self._ordered_size = 0
        self._lanes = {lane: _DroppingLane(limits) for lane in _DROPPING}

    def put(self, lane: Lane, slot: str | None, data: bytes) -> int:
        """Queue a frame; returns how many others were dropped for it.

        Raises Full when a frame that must not be dropped finds no room.
        """
        if lane not in ORDERED:
            # In a latest-wins lane frames without a slot share one; in the others each frame is its own.
            key: object = (slot or "") if lane in LATEST else object()
            return self._lanes[lane].put(key, data)
        if (
            len(self._ordered) >= self._limits.ordered_frames
            or self._ordered_size + len(data) > self._limits.ordered_bytes
        ):
            raise Full
        self._ordered.append(data)
        self._ordered_size += len(data)
        return 0

    def drop(self, lane: Lane, slot: str) -> int:
        """Forget what waits in a slot of a latest-wins lane; returns how many frames that were."""
        return self._lanes[lane].drop(slot)

    def take(self) -> bytes | None:
        """The next frame to send, highest lane first; None when nothing waits."""
        if self._ordered:
            data = self._ordered.popleft()
            self._ordered_size -= len(data)
            return data
        for lane in self._lanes.values():
            if (data_or_none := lane.take()) is not None:
                return data_or_none
        return None

    def ordered(self) -> Iterator[bytes]:
        """Take what must not be dropped, in order."""
        while self._ordered:
            yield self._ordered.popleft()
        self._ordered_size = 0

    def clear(self) -> None:
        self._ordered.clear()
        self._ordered_size = 0
        self._lanes = {lane: _DroppingLane(self._limits) for lane in _DROPPING}

    @property
    def size(self) -> int:
        """Bytes that wait."""
        return self._ordered_size + sum(lane.size for lane in self._lanes.values())

    def __bool__(self) -> bool:
        return self.size > 0
