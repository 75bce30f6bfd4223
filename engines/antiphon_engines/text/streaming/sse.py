"""Server-sent events, bytes in and payloads out (WHATWG HTML, section 9.2.6). No I/O."""

from __future__ import annotations

MAX_EVENT = 1 << 20
"""Largest event, bytes. A token with eight alternatives takes under 2 KB."""


class BadStream(ValueError):
    """The bytes are no event stream that we accept."""


class EventParser:
    """Collects the `data` of each event; other fields and comments carry nothing for us."""

    def __init__(self, max_event: int = MAX_EVENT) -> None:
        self._max_event = max_event
        self._buffer = bytearray()
        self._data: list[bytes] = []
        self._size = 0

    def feed(self, chunk: bytes) -> list[bytes]:
        """The payloads that `chunk` completes. Raises BadStream for an event over the bound."""
        self._buffer += chunk
        *lines, rest = self._buffer.split(b"\n")
        self._buffer = rest
        payloads = [payload for line in lines if (payload := self._line(bytes(line))) is not None]
        if len(self._buffer) + self._size > self._max_event:
            raise BadStream(f"an event is longer than {self._max_event} bytes")
        return payloads

    def _line(self, line: bytes) -> bytes | None:
        line = line.removesuffix(b"\r").removeprefix(b"\xef\xbb\xbf")
        if line.startswith(b"data:"):
            value = line[5:].removeprefix(b" ")
            self._size += len(value)
            if self._size > self._max_event:
                raise BadStream(f"an event is longer than {self._max_event} bytes")
            self._data.append(value)
        elif not line and self._data:
            payload = b"\n".join(self._data)
            self._data, self._size = [], 0
            return payload
        return None
