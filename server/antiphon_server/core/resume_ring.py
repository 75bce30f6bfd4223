"""The recent update frames of a room, for clients that come back: bounded in number and in bytes."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from antiphon_server.net.frames import Frame


class Ring:
    """Holds the frames of offsets (`forgotten`, newest]; each offset has one frame."""

    def __init__(self, max_frames: int, max_bytes: int) -> None:
        self._max_frames = max_frames
        self._max_bytes = max_bytes
        self._frames: deque[tuple[int, Frame]] = deque()
        self._bytes = 0
        self._forgotten = 0

    def add(self, offset: int, frame: Frame) -> None:
        self._frames.append((offset, frame))
        self._bytes += _size(frame)
        while len(self._frames) > self._max_frames or self._bytes > self._max_bytes:
            self._forgotten, old = self._frames.popleft()
            self._bytes -= _size(old)

    def covers(self, offset: int, newest: int) -> bool:
        """Whether the frames here bring a client from `offset` to `newest`."""
        return self._forgotten <= offset <= newest

    def after(self, offset: int) -> Iterator[Frame]:
        return (frame for at, frame in self._frames if at > offset)


def _size(frame: Frame) -> int:
    return frame.size("native") + frame.size("yjs")
