"""The tree of protocol errors, and the close codes that tell a client how to proceed. A :class:`PeerError` is the other
side's fault and is answered with a typed message or a close code; any other exception that escapes is our fault.
"""

from __future__ import annotations

from enum import IntEnum, StrEnum


class ErrorCode(StrEnum):
    """Error code as sent on the wire (`error.code`, `ack.code`, `run.error`)."""

    INVALID = "invalid"  # malformed, out of range, or meaningless in this place
    TOO_LARGE = "too_large"
    RATE_LIMITED = "rate_limited"
    DENIED = "denied"  # the role lacks the right
    UNAUTHORIZED = "unauthorized"  # no token, a bad one, or an expired one
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"  # the thing is not in a state in which this can be done
    QUEUE_FULL = "queue_full"
    UNAVAILABLE = "unavailable"  # the engine, or the disk, cannot serve now
    WORKER_LOST = "worker_lost"  # the engine process died while it held the run
    ENGINE_FAILED = "engine_failed"  # the model itself failed; this run only
    STORAGE_FULL = "storage_full"
    INTERNAL = "internal"


class CloseCode(IntEnum):
    """WebSocket close codes. `retry` and `reauthenticate` say how a client may proceed after each."""

    NORMAL = 1000
    GOING_AWAY = 1001
    MALFORMED = 4400
    UNAUTHORIZED = 4401
    REVOKED = 4403
    NO_ROOM = 4404
    HELLO_TIMEOUT = 4408
    REPLACED = 4409
    RESYNC = 4410
    FOREIGN_ID = 4411
    TOO_LARGE = 4413
    VERSION = 4426
    RATE_LIMITED = 4429
    INTERNAL = 4500
    DRAINING = 4503
    ROOM_FULL = 4507

    @property
    def retry(self) -> bool:
        """Whether the client should connect again by itself (with back-off)."""
        return self in _RETRY

    @property
    def reauthenticate(self) -> bool:
        """Whether a new token is needed before another attempt makes sense."""
        return self is CloseCode.UNAUTHORIZED


_RETRY = frozenset(
    {
        CloseCode.GOING_AWAY,
        CloseCode.HELLO_TIMEOUT,
        CloseCode.RESYNC,
        CloseCode.RATE_LIMITED,
        CloseCode.INTERNAL,
        CloseCode.DRAINING,
        CloseCode.ROOM_FULL,
    }
)


class AntiphonError(Exception):
    """Root of every error that this project raises on purpose."""

    code: ErrorCode = ErrorCode.INTERNAL

    def __init__(self, message: str, *, code: ErrorCode | None = None) -> None:
        super().__init__(message)
        if code is not None:
            self.code = code

    @property
    def message(self) -> str:
        """The error as one line for people."""
        return str(self)


class PeerError(AntiphonError):
    """The other side did something wrong; the connection stays open and gets a typed answer."""

    code = ErrorCode.INVALID


class Denied(PeerError):
    """The participant's role lacks the right."""

    code = ErrorCode.DENIED


class NotFound(PeerError):
    """The request names something that does not exist."""

    code = ErrorCode.NOT_FOUND


class Conflict(PeerError):
    """The thing named is not in a state in which this can be done."""

    code = ErrorCode.CONFLICT


class TooLarge(PeerError):
    """The request is larger than a bound allows."""

    code = ErrorCode.TOO_LARGE


class RateLimited(PeerError):
    """The peer asks too often; it may try again later."""

    code = ErrorCode.RATE_LIMITED


class ProtocolViolation(PeerError):
    """The connection cannot go on: it is closed with `close_code`."""

    def __init__(self, message: str, close_code: CloseCode = CloseCode.MALFORMED) -> None:
        super().__init__(message)
        self.close_code = close_code
