"""Frames, each encoded at most once per dialect, and the outlets that a room hands them to.

A room never touches a socket. It hands each :class:`Frame` to the :class:`Outlet` of every seat; the outlet applies
the lane's policy (see `antiphon_proto.lanes`) and never blocks, so that one slow client costs the others nothing.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from typing import Final, Literal, Protocol, TypeAlias

from msgspec.structs import replace

from antiphon_proto.codec import encode, encode_frames
from antiphon_proto.errors import CloseCode
from antiphon_proto.lanes import Lane
from antiphon_proto.messages import FRAGMENT_BODY, MAX_FRAME, Fragment, Message, Rebuild
from antiphon_proto.sync import SyncStep1, encode_y, step_2_head

Dialect = Literal["native", "yjs"]
Chunks: TypeAlias = tuple[bytes | memoryview, ...]
"""A long frame, without a copy of what it carries: the bytes follow each other."""

_FIN_BINARY = 0x82
_NO_BYTES: Final = b"\xc4\x00"
"""Empty bytes in MessagePack."""


def websocket_frame(payload: bytes) -> bytes:
    """One unmasked, final, binary WebSocket frame (RFC 6455, section 5.2), ready for `transport.write`."""
    return _head(len(payload)) + payload


def _head(size: int) -> bytes:
    if size < 126:
        return bytes((_FIN_BINARY, size))
    if size < 65536:
        return struct.pack("!BBH", _FIN_BINARY, 126, size)
    return struct.pack("!BBQ", _FIN_BINARY, 127, size)


class Frame:
    """One message to deliver. A newer frame of the same `slot` replaces it (latest-wins lanes).

    `native` and `yjs` are complete WebSocket bytes for clients of `/ws` and `/yjs/{room}`, in chunks where they are
    long; None means that clients of that dialect do not get this frame. After `deadline`, in seconds of the monotonic
    clock, it is worth nothing.
    """

    __slots__ = ("deadline", "lane", "native", "slot", "yjs")

    def __init__(
        self,
        lane: Lane,
        *,
        native: bytes | Chunks | None = None,
        yjs: bytes | Chunks | None = None,
        slot: str | None = None,
        deadline: float = math.inf,
    ) -> None:
        self.lane = lane
        self.deadline = deadline
        self.slot = slot
        self.native = native
        self.yjs = yjs

    @classmethod
    def of(
        cls,
        message: Message,
        *,
        yjs: Sequence[bytes] = (),
        slot: str | None = None,
        deadline: float = math.inf,
    ) -> Frame:
        """The frame of a native message; `yjs` are y-protocols messages that say the same to plain Yjs clients."""
        native = native_bytes(message)
        return cls(
            message.lane,
            native=native,
            yjs=b"".join(map(websocket_frame, yjs)) if yjs else None,
            slot=slot,
            deadline=deadline,
        )

    def chunks(self, dialect: Dialect) -> Chunks | None:
        """The bytes for a client of `dialect`, or None."""
        data = self.native if dialect == "native" else self.yjs
        return (data,) if isinstance(data, bytes) else data

    def data(self, dialect: Dialect) -> bytes | None:
        """The same in one; of a long frame a copy."""
        data = self.native if dialect == "native" else self.yjs
        return b"".join(data) if isinstance(data, tuple) else data

    def size(self, dialect: Dialect) -> int:
        """Bytes for a client of `dialect`."""
        return sum(map(len, self.chunks(dialect) or ()))


def native_bytes(message: Message) -> bytes:
    """WebSocket bytes of a native message, cut into `fragment`s when it is larger than one frame may be."""
    payloads = encode_frames(message)
    return b"".join(part for payload in payloads for part in (_head(len(payload)), payload))


def rebuild_frame(message: Rebuild, state: bytes) -> Frame:
    """The frame of a `rebuild` whose update is `state` (`message` has none): a long one is cut into `fragment`s that
    point into the state."""
    payload = _with_bytes(message, len(state))
    total = len(payload) + len(state)
    if total <= MAX_FRAME:
        return Frame.of(replace(message, update=state))
    whole = memoryview(state)
    count = -(-total // FRAGMENT_BODY)
    chunks: list[bytes | memoryview] = []
    at = 0
    for index in range(count):
        first = payload if index == 0 else b""
        body = whole[at : at + FRAGMENT_BODY - len(first)]
        at += len(body)
        size = len(first) + len(body)
        head = _with_bytes(Fragment(index, count, b""), size)
        chunks += [_head(len(head) + size) + head + first, body]
    return Frame(message.lane, native=tuple(chunks))


def _with_bytes(message: Message, size: int) -> bytes:
    """A message whose last field, empty bytes, is to be so many: all of it that comes before them."""
    data = encode(message)
    assert data.endswith(_NO_BYTES)
    return data.removesuffix(_NO_BYTES) + b"\xc6" + size.to_bytes(4)


def sync_frame(state: bytes) -> Frame:
    """A `SyncStep2` for a plain y-websocket client, without a copy of the state; never dropped."""
    payload = step_2_head(len(state))
    return Frame(Lane.EDIT, yjs=(_head(len(payload) + len(state)) + payload, memoryview(state)))


def yjs_frame(message: SyncStep1) -> Frame:
    """The first step of the sync handshake of a plain y-websocket client; never dropped."""
    return Frame(Lane.EDIT, yjs=websocket_frame(encode_y(message)))


class Shown:
    """Counts of previews for one connection."""

    __slots__ = ("missed", "offered")

    def __init__(self) -> None:
        self.offered = 0
        self.missed = 0
        """Newer ones took their places before they were sent."""

    def take(self) -> tuple[int, int]:
        """(offered, missed) since the last time."""
        taken = self.offered, self.missed
        self.offered = self.missed = 0
        return taken


class Outlet(Protocol):
    """How a room reaches one connection."""

    dialect: Dialect
    shown: Shown

    def send(self, frame: Frame) -> None:
        """Deliver or queue by the lane's policy. Never blocks and never raises."""
        ...

    def forget(self, lane: Lane, slot: str) -> None:
        """Drop the frames that wait in this slot of a latest-wins lane."""
        ...

    def close(self, code: CloseCode, reason: str = "") -> None:
        """End the connection (queued frames of the control lane go out first). Idempotent."""
        ...
