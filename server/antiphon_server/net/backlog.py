"""The queue of frames to a slow client: bounded per lane, each lane by its declared policy.

Audio is worth nothing once its time is past: it goes out by turns with edits and control messages, not behind them,
late packets are dropped, and the client is told how much it missed.

Pure: bytes and lanes in, bytes out in the order of the lanes. `Outbox` decides when to use it.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterator

from msgspec import Struct

from antiphon_proto.lanes import Lane

ORDERED = frozenset({Lane.CONTROL, Lane.EDIT})
"""Kept in one queue, in the order sent, and never dropped."""
LATEST = frozenset({Lane.PREVIEW, Lane.PRESENCE})
"""One place per slot; a later frame replaces a waiting one. The other lanes drop their oldest."""
_DROPPING = tuple(lane for lane in Lane if lane not in ORDERED | {Lane.AUDIO})


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
        """Drop the frames that wait in a slot; returns their number."""
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


class _AudioLane:
    """At most so many frames and bytes; the oldest make room, and go when their deadline is past."""

    def __init__(self, limits: BacklogLimits) -> None:
        self._limits = limits
        self._frames: deque[tuple[float, bytes]] = deque()
        self.size = 0
        self.missed = 0
        """Frames that were left out and that the client was not told about."""

    def put(self, deadline: float, data: bytes) -> int:
        """Returns how many waiting frames were dropped."""
        self._frames.append((deadline, data))
        self.size += len(data)
        dropped = 0
        while len(self._frames) > 1 and (
            self.size > self._limits.lane_bytes or len(self._frames) > self._limits.lane_frames
        ):
            self._drop()
            dropped += 1
        return dropped

    def take(self, now: float) -> tuple[bytes | None, int]:
        """The next frame that is still of use, and how many were dropped before it."""
        dropped = 0
        while self._frames and self._frames[0][0] < now:
            self._drop()
            dropped += 1
        if not self._frames:
            return None, dropped
        _, data = self._frames.popleft()
        self.size -= len(data)
        return data, dropped

    def _drop(self) -> None:
        self.size -= len(self._frames.popleft()[1])
        self.missed += 1


class Backlog:
    """The frames that wait for one client. `gap` makes the message that says how much of the audio it missed."""

    def __init__(self, limits: BacklogLimits, gap: Callable[[int], bytes]) -> None:
        self._limits = limits
        self._gap = gap
        self._audio = _AudioLane(limits)
        self._audio_went = False
        self._ordered: deque[bytes] = deque()
        self._ordered_size = 0
        self._lanes = {lane: _DroppingLane(limits) for lane in _DROPPING}

    def put(self, lane: Lane, slot: str | None, data: bytes, deadline: float = math.inf) -> int:
        """Queue a frame; returns how many others were dropped for it.

        Raises Full when a frame that must not be dropped finds no room.
        """
        if lane is Lane.AUDIO:
            return self._audio.put(deadline, data)
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
        """Drop the frames that wait in a slot of a latest-wins lane; returns their number."""
        return self._lanes[lane].drop(slot)

    def take(self, now: float) -> tuple[bytes | None, int]:
        """The next frame to send, highest lane first, and how much audio was dropped before it; None when nothing
        waits."""
        dropped = 0
        if not (self._ordered and self._audio_went):
            data, dropped = self._audio.take(now)
            if self._audio.missed:
                data = self._gap(self._audio.missed) + (data or b"")
                self._audio.missed = 0
            if data is not None:
                self._audio_went = True
                return data, dropped
        self._audio_went = False
        return self._take_other(), dropped

    def _take_other(self) -> bytes | None:
        if self._ordered:
            data = self._ordered.popleft()
            self._ordered_size -= len(data)
            return data
        for lane in self._lanes.values():
            if (data_or_none := lane.take()) is not None:
                return data_or_none
        return None

    def ordered(self) -> Iterator[bytes]:
        """Take the frames that must not be dropped, in order."""
        while self._ordered:
            yield self._ordered.popleft()
        self._ordered_size = 0

    def clear(self) -> None:
        self._ordered.clear()
        self._ordered_size = 0
        self._audio = _AudioLane(self._limits)
        self._lanes = {lane: _DroppingLane(self._limits) for lane in _DROPPING}

    @property
    def size(self) -> int:
        """Bytes that wait."""
        return self._ordered_size + self._audio.size + sum(lane.size for lane in self._lanes.values())

    def __bool__(self) -> bool:
        return self.size > 0 or self._audio.missed > 0
