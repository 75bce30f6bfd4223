"""The outlet of one connection: writes straight to the transport, or queues when the client reads slowly.

The policy measured in this project's FACTS: finished frames go to the transport without a queue or a task per client;
once more than `MARK` bytes wait there, frames go to a bounded :class:`Backlog` instead, which empties on the next send
and on a short timer. The client that does not read costs that bound and nobody's time.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from typing import Protocol

from antiphon_proto.errors import CloseCode
from antiphon_proto.lanes import Lane
from antiphon_proto.messages import AudioGap
from antiphon_server.net.backlog import Backlog, BacklogLimits, Full
from antiphon_server.net.frames import Chunks, Dialect, Frame, Shown, native_bytes

MARK = 64 * 1024
"""Bytes waiting in the transport above which a client counts as slow."""
FLUSH_EVERY = 0.02
"""Seconds between attempts to empty a backlog; only a slow client has a timer."""
_GO_ON_EVERY = 0.005
"""The same while a long frame is under way."""
PIECE = 256 * 1024
"""Bytes of a long frame that are written at a time."""
_AT_ONCE = 2
"""Such pieces that are written before others have their turn."""
STALL_TIMEOUT = 30.0
"""Seconds after which a client that takes nothing at all is let go (it may come back and resume)."""
CLOSE_TIMEOUT = 5.0
"""Seconds that a client has to answer a close frame before the transport is aborted."""

_FIN_CLOSE = 0x88
_MAX_REASON = 123


class Wire(Protocol):
    """The transport, as the outbox sees it. Nothing here blocks or raises."""

    def write(self, data: bytes | memoryview) -> None: ...

    def waiting(self) -> int:
        """Bytes written and not yet taken by the kernel."""
        ...

    def abort(self) -> None: ...


class Timer(Protocol):
    def cancel(self) -> None: ...


class Clock(Protocol):
    """The part of an event loop that the outbox needs; tests pass a virtual one."""

    def time(self) -> float: ...

    def call_later(self, delay: float, callback: Callable[[], None], /) -> Timer: ...


class Traffic:
    """Counts of all outboxes of a server. Plain integers: they are counted once per delivered frame."""

    __slots__ = ("bytes", "dropped", "edits", "frames", "queued", "received", "resyncs")

    def __init__(self) -> None:
        self.frames = 0
        self.bytes = 0
        self.queued = 0
        self.received = 0
        self.edits = 0
        self.resyncs = 0
        self.dropped = dict.fromkeys(Lane, 0)


class Outbox:
    """See the module. Implements `frames.Outlet`."""

    def __init__(
        self,
        dialect: Dialect,
        wire: Wire,
        clock: Clock,
        traffic: Traffic,
        limits: BacklogLimits | None = None,
        *,
        stall_timeout: float = STALL_TIMEOUT,
        close_timeout: float = CLOSE_TIMEOUT,
    ) -> None:
        self.dialect = dialect
        self.shown = Shown()
        self.close_code: CloseCode | None = None
        """Set once this side has closed."""
        self._wire = wire
        self._clock = clock
        self._traffic = traffic
        self._backlog = Backlog(limits or BacklogLimits(), lambda missed: native_bytes(AudioGap(missed)))
        self._stall_timeout = stall_timeout
        self._close_timeout = close_timeout
        self._timer: Timer | None = None
        self._progress = 0.0
        """When the client last took something, while a backlog waits."""
        self._waiting = 0
        self._rest: deque[bytes | memoryview] = deque()
        """Of a long frame that is under way, in pieces."""
        self._rest_size = 0
        self._abort_at = 0.0
        self._last = b""
        """The close frame that is to follow on it."""

    def send(self, frame: Frame) -> None:
        data = frame.chunks(self.dialect)
        if data is None or self.close_code is not None:
            return
        if frame.lane is Lane.PREVIEW:
            self.shown.offered += 1
        if self._timer is None and self._wire.waiting() <= MARK:
            self._write(data)
        else:
            self._queue(frame, data)

    def forget(self, lane: Lane, slot: str) -> None:
        self._traffic.dropped[lane] += self._backlog.drop(lane, slot)

    def close(self, code: CloseCode, reason: str = "") -> None:
        if self.close_code is not None:
            return
        self.close_code = code
        self._last = close_frame(code, reason)
        self._abort_at = self._clock.time() + self._close_timeout
        if self._rest:
            self._arm(_GO_ON_EVERY, self._on_timer)
        else:
            self._end()

    def abort(self) -> None:
        """Cut the connection now; queued frames are dropped."""
        self.close_code = self.close_code or CloseCode.GOING_AWAY
        self._wire.abort()

    def ended(self) -> None:
        """The connection is over: drop waiting frames."""
        self.close_code = self.close_code or CloseCode.NORMAL
        self._backlog.clear()
        self._rest.clear()
        self._rest_size = 0
        self._disarm()

    @property
    def backlog(self) -> int:
        """Bytes queued here, beside those in the transport."""
        return self._backlog.size + self._rest_size

    def _write(self, data: Chunks) -> None:
        size = sum(map(len, data))
        self._traffic.frames += 1
        self._traffic.bytes += size
        if size <= PIECE:
            self._wire.write(data[0] if len(data) == 1 else b"".join(data))
            return
        for chunk in data:
            whole = memoryview(chunk)
            self._rest += (whole[at : at + PIECE] for at in range(0, len(whole), PIECE))
        self._rest_size = size
        self._progress = self._clock.time()
        self._go_on()
        if self._rest:
            self._arm(_GO_ON_EVERY, self._on_timer)

    def _go_on(self) -> None:
        """Write more of the long frame that is under way."""
        left = _AT_ONCE * PIECE
        while self._rest and left > 0 and self._wire.waiting() <= MARK:
            piece = self._rest.popleft()
            self._rest_size -= len(piece)
            left -= len(piece)
            self._wire.write(piece)

    def _end(self) -> None:
        """Write what may not be lost, and the close frame."""
        for data in self._backlog.ordered():
            self._wire.write(data)
        self._backlog.clear()
        self._wire.write(self._last)
        self._arm(max(0.0, self._abort_at - self._clock.time()), self._wire.abort)

    def _queue(self, frame: Frame, data: Chunks) -> None:
        try:
            dropped = self._backlog.put(frame.lane, frame.slot, b"".join(data), frame.deadline)
        except Full:
            self._resync("reads too slowly")
            return
        self._traffic.dropped[frame.lane] += dropped
        if frame.lane is Lane.PREVIEW:
            self.shown.missed += dropped
        self._traffic.queued += 1
        if self._timer is None:
            self._progress = self._clock.time()
            self._waiting = self._wire.waiting()
            self._arm(FLUSH_EVERY, self._on_timer)
        self._flush()

    def _flush(self) -> None:
        self._go_on()
        while not self._rest and self._wire.waiting() <= MARK:
            data, late = self._backlog.take(self._clock.time())
            self._traffic.dropped[Lane.AUDIO] += late
            if data is None:
                self._disarm()
                return
            self._write((data,))

    def _on_timer(self) -> None:
        self._arm(_GO_ON_EVERY if self._rest else FLUSH_EVERY, self._on_timer)
        now, waiting = self._clock.time(), self._wire.waiting()
        if self._last:
            self._go_on()
            if not self._rest:
                self._end()
            elif now >= self._abort_at:
                self._disarm()
                self._wire.abort()
            return
        if waiting < self._waiting:
            self._progress = now
        self._flush()
        self._waiting = self._wire.waiting()
        if self._timer is not None and now - self._progress > self._stall_timeout:
            self._resync("took nothing for too long")

    def _resync(self, reason: str) -> None:
        self._traffic.resyncs += 1
        self._backlog.clear()  # it could not be sent in full, and a part is no use
        self.close(CloseCode.RESYNC, reason)

    def _arm(self, delay: float, callback: Callable[[], None]) -> None:
        self._disarm()
        self._timer = self._clock.call_later(delay, callback)

    def _disarm(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def close_frame(code: CloseCode, reason: str = "") -> bytes:
    """An unmasked WebSocket close frame (RFC 6455, section 5.5.1); the reason is cut to the size of a control frame."""
    body = reason.encode()[:_MAX_REASON].decode(errors="ignore").encode()
    return bytes((_FIN_CLOSE, 2 + len(body))) + struct.pack("!H", code) + body
