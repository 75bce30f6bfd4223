"""MessagePack frames <-> typed messages.

`decode` raises only :class:`ProtocolViolation`; a tag that this version does not know gives None, so that newer
peers can say more than we understand (PROTOCOL.md, "Versions").
"""

from __future__ import annotations

from functools import cache
from typing import Generic, TypeVar, cast

import msgspec

from antiphon_proto.errors import CloseCode, ProtocolViolation
from antiphon_proto.messages import (
    FRAGMENT_BODY,
    MAX_FRAME,
    ClientMessage,
    Fragment,
    Message,
    ServerMessage,
    tags,
)

M = TypeVar("M")
_encoder = msgspec.msgpack.Encoder()
_raw_array = msgspec.msgpack.Decoder(list[msgspec.Raw])
_text = msgspec.msgpack.Decoder(str)


def encode(message: Message) -> bytes:
    """One message as one MessagePack array."""
    return _encoder.encode(message)


def encode_frames(message: Message) -> list[bytes]:
    """One message as the WebSocket messages that carry it: itself, or `fragment`s when it is over MAX_FRAME bytes."""
    payload = encode(message)
    if len(payload) <= MAX_FRAME:
        return [payload]
    whole = memoryview(payload)  # no copies of what may be megabytes
    pieces = [whole[i : i + FRAGMENT_BODY] for i in range(0, len(payload), FRAGMENT_BODY)]
    return [encode(Fragment(index, len(pieces), piece)) for index, piece in enumerate(pieces)]  # type: ignore[arg-type]


class Decoder(Generic[M]):
    """Decodes the messages of one direction. Stateless: one serves every connection.

    `max_size` bounds a frame in bytes; a reassembled fragment group passes its own bound to :meth:`decode`.
    """

    def __init__(self, union: object, max_size: int = MAX_FRAME) -> None:
        self._decoder = msgspec.msgpack.Decoder(union)
        self._tags = tags(union)
        self._max_size = max_size

    def decode(self, data: bytes, max_size: int | None = None) -> M | None:
        """The message, or None for an unknown tag. Raises ProtocolViolation for anything else that is wrong."""
        bound = self._max_size if max_size is None else max_size
        if len(data) > bound:
            raise ProtocolViolation(
                f"message of {len(data)} bytes; the bound is {bound}", CloseCode.TOO_LARGE
            )
        try:
            return cast(M, self._decoder.decode(data))
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            if self._unknown_tag(data):
                return None
            raise ProtocolViolation(f"malformed message: {str(error)[:200]}") from error

    def _unknown_tag(self, data: bytes) -> bool:
        try:
            parts = _raw_array.decode(data)
            return bool(parts) and _text.decode(parts[0]) not in self._tags
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            return False


@cache
def client_decoder(max_size: int = MAX_FRAME) -> Decoder[ClientMessage]:
    """For the server's side: decodes messages of clients."""
    return Decoder(ClientMessage, max_size)


@cache
def server_decoder(max_size: int = MAX_FRAME) -> Decoder[ServerMessage]:
    """For the client's side: decodes messages of the server."""
    return Decoder(ServerMessage, max_size)
