"""The connection's state machine, without I/O: frames in, messages out.

Rules, for the server's side (:class:`ServerSession`) and the client's (:class:`ClientSession`) alike:

- A connection is NEW until its first message (`hello` from a client, `welcome` from a server), then OPEN, then CLOSED.
- Fragments of one message arrive in order and without another message's fragments between them; the group's size is
  bounded, and it must be complete before `deadline` seconds have passed since its first fragment.
- A tag that this version does not know is ignored once OPEN; a first message must be known.
- `receive` raises only ProtocolViolation, after which the session is CLOSED.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Generic, TypeVar

from antiphon_proto.codec import Decoder, client_decoder, server_decoder
from antiphon_proto.errors import CloseCode, ProtocolViolation
from antiphon_proto.messages import VERSION, ClientMessage, Fragment, Hello, ServerMessage, Welcome

M = TypeVar("M")

FRAGMENT_DEADLINE = 20.0
"""Seconds that a fragmented message may take from its first fragment to its last."""


class SessionState(Enum):
    """Before the first message, while messages flow, and after the end."""

    NEW = auto()
    OPEN = auto()
    CLOSED = auto()


_NEXT = {
    (SessionState.NEW, "opened"): SessionState.OPEN,
    (SessionState.NEW, "violated"): SessionState.CLOSED,
    (SessionState.NEW, "closed"): SessionState.CLOSED,
    (SessionState.OPEN, "violated"): SessionState.CLOSED,
    (SessionState.OPEN, "closed"): SessionState.CLOSED,
    (SessionState.CLOSED, "closed"): SessionState.CLOSED,
}
"""All transitions; there are no others."""


class _Assembly:
    """The fragments of the message that is under way."""

    def __init__(self, count: int, started: float) -> None:
        self.count = count
        self.started = started
        self.parts: list[bytes] = []
        self.size = 0


class _Session(Generic[M]):
    def __init__(
        self, decoder: Decoder[M], opening: type[object], *, max_message: int, clock: Callable[[], float]
    ) -> None:
        self.state = SessionState.NEW
        self._decoder = decoder
        self._opening = opening
        self._max_message = max_message
        self._clock = clock
        self._assembly: _Assembly | None = None

    def receive(self, data: bytes) -> M | None:
        """Take one binary WebSocket message.

        Returns the message, or None when there is none to act on yet (a fragment, an unknown tag).
        Raises ProtocolViolation with the close code to use.
        """
        if self.state is SessionState.CLOSED:
            raise ProtocolViolation("the session is closed")
        try:
            return self._receive(data)
        except ProtocolViolation:
            self._move("violated")
            raise

    @property
    def held(self) -> int:
        """Bytes of the fragments of a message that has not come whole."""
        return 0 if self._assembly is None else self._assembly.size

    def close(self) -> None:
        """The connection ended or is about to end; an unfinished message is dropped."""
        self._assembly = None
        self._move("closed")

    def _receive(self, data: bytes) -> M | None:
        message = self._decoder.decode(data)
        if isinstance(message, Fragment):
            message = self._assemble(message)
            if message is None:
                return None
        elif self._assembly is not None and self.state is SessionState.NEW:
            raise ProtocolViolation("a message inside the fragments of the first one")
        if self.state is SessionState.NEW:
            if not isinstance(message, self._opening):
                raise ProtocolViolation(f"the first message must be `{self._opening.__name__.lower()}`")
            version = getattr(message, "version", VERSION)
            if version != VERSION:
                raise ProtocolViolation(f"version {version}; this side speaks {VERSION}", CloseCode.VERSION)
            self._move("opened")
        elif isinstance(message, self._opening):
            raise ProtocolViolation(f"a second `{self._opening.__name__.lower()}`")
        return message

    def _assemble(self, fragment: Fragment) -> M | None:
        now = self._clock()
        if fragment.index == 0:
            if self._assembly is not None:
                raise ProtocolViolation("a fragmented message inside another")
            self._assembly = _Assembly(fragment.count, now)
        assembly = self._assembly
        if assembly is None or fragment.count != assembly.count or fragment.index != len(assembly.parts):
            raise ProtocolViolation("fragments out of order")
        if now - assembly.started > FRAGMENT_DEADLINE:
            raise ProtocolViolation("a fragmented message took too long", CloseCode.RATE_LIMITED)
        assembly.size += len(fragment.body)
        if assembly.size > self._max_message:
            raise ProtocolViolation(
                f"message of more than {self._max_message} bytes in fragments", CloseCode.TOO_LARGE
            )
        assembly.parts.append(fragment.body)
        if len(assembly.parts) < assembly.count:
            return None
        self._assembly = None
        message = self._decoder.decode(b"".join(assembly.parts), self._max_message)
        if isinstance(message, Fragment):
            raise ProtocolViolation("a fragment inside fragments")
        return message

    def _move(self, event: str) -> None:
        self.state = _NEXT[self.state, event]


class ServerSession(_Session[ClientMessage]):
    """The server's side of a connection. `max_message` bounds a reassembled message, bytes; `clock` gives monotonic
    seconds."""

    def __init__(self, *, max_message: int, clock: Callable[[], float]) -> None:
        super().__init__(client_decoder(), Hello, max_message=max_message, clock=clock)


class ClientSession(_Session[ServerMessage]):
    """The client's side of a connection."""

    def __init__(self, *, max_message: int, clock: Callable[[], float]) -> None:
        super().__init__(server_decoder(), Welcome, max_message=max_message, clock=clock)
