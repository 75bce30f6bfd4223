"""The outlet of one connection: writes straight to the transport, or queues when the client reads slowly.

The policy measured in this project's FACTS: finished frames go to the transport without a queue or a task per client;
once more than `MARK` bytes wait there, frames go to a bounded :class:`Backlog` instead, which empties on the next send
and on a short timer. The client that does not read costs that bound and nobody's time.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Protocol

from antiphon_proto.errors import CloseCode
from antiphon_proto.lanes import Lane
from antiphon_proto.messages import AudioGap
from antiphon_server.net.backlog import Backlog, BacklogLimits, Full
from antiphon_server.net.frames import Dialect, Frame, Shown, native_bytes

MARK = 64 * 1024
"""Bytes waiting in the transport above which a client counts as slow."""
FLUSH_EVERY = 0.02
"""Seconds between attempts to empty a backlog; only a slow client has a timer."""
STALL_TIMEOUT = 30.0
"""Seconds after which a client that takes nothing at all is let go (it may come back and resume)."""
CLOSE_TIMEOUT = 5.0
"""Seconds that a client has to answer a close frame before the transport is aborted."""

_FIN_CLOSE = 0x88
_MAX_REASON = 123


class Wire(Protocol):
    """The transport, as the outbox sees it. Nothing here blocks or raises."""

    def write(self, data: bytes) -> None: ...

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

    def send(self, frame: Frame) -> None:
        data = frame.data(self.dialect)
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
        for data in self._backlog.ordered():
            self._write(data)
        self._backlog.clear()
        self._wire.write(close_frame(code, reason))
        self._arm(self._close_timeout, self._wire.abort)

    def abort(self) -> None:
        """Cut the connection now; queued frames are dropped."""
        self.close_code = self.close_code or CloseCode.GOING_AWAY
        self._wire.abort()

    def ended(self) -> None:
        """The connection is over: drop waiting frames."""
        self.close_code = self.close_code or CloseCode.NORMAL
        self._backlog.clear()
        self._disarm()

    @property
    def backlog(self) -> int:
        """Bytes queued here, beside those in the transport."""
        return self._backlog.size

    def _write(self, data: bytes) -> None:
        self._wire.write(data)
        self._traffic.frames += 1
        self._traffic.bytes += len(data)

    def _queue(self, frame: Frame, data: bytes) -> None:
        try:
            dropped = self._backlog.put(frame.lane, frame.slot, data, frame.deadline)
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
        while self._wire.waiting() <= MARK:
            data, late = self._backlog.take(self._clock.time())
            self._traffic.dropped[Lane.AUDIO] += late
            if data is None:
                self._disarm()
                return
            self._write(data)

    def _on_timer(self) -> None:
        self._arm(FLUSH_EVERY, self._on_timer)
        now, waiting = self._clock.time(), self._wire.waiting()
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
