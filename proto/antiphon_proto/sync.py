"""The plain Yjs wire format (y-protocols `sync` and `awareness`, as y-websocket frames them), bounded and strict.

pycrdt's helpers miscount non-ASCII strings and accept truncated payloads (FACTS of this project), so the framing
is read and written here. Source: y-protocols PROTOCOL.md; lib0 `encoding` (unsigned LEB128 integers, length-prefixed
byte strings).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from msgspec import Struct

from antiphon_proto.errors import CloseCode, ProtocolViolation

MESSAGE_SYNC = 0
MESSAGE_AWARENESS = 1
MESSAGE_AUTH = 2
MESSAGE_QUERY_AWARENESS = 3

SYNC_STEP1 = 0
SYNC_STEP2 = 1
SYNC_UPDATE = 2

_PERMISSION_DENIED = 0

MAX_AWARENESS_CLIENTS = 64
MAX_AWARENESS_STATE = 4096


class SyncStep1(Struct, frozen=True):
    """The sender's state vector: a request for the updates that it lacks."""

    state_vector: bytes


class SyncStep2(Struct, frozen=True):
    """Everything the receiver lacked."""

    update: bytes


class SyncUpdate(Struct, frozen=True):
    """A Yjs update."""

    update: bytes


class AwarenessState(Struct, frozen=True):
    """One client's state: a JSON text, `null` when it is gone; a higher `clock` wins."""

    client_id: int
    clock: int
    state: str


class Awareness(Struct, frozen=True):
    """Awareness states of clients, as in y-protocols."""

    states: tuple[AwarenessState, ...]


class QueryAwareness(Struct, frozen=True):
    """Asks for all known states."""


class PermissionDenied(Struct, frozen=True):
    """To a plain Yjs client, which shows the reason to its makers: nothing more is taken from it. Never read here."""

    reason: str


YMessage: TypeAlias = SyncStep1 | SyncStep2 | SyncUpdate | Awareness | QueryAwareness


class _Reader:
    """Reads lib0 primitives and never past the end."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def uint(self) -> int:
        value = shift = 0
        while True:
            if self._at >= len(self._data):
                raise ProtocolViolation("truncated integer")
            byte = self._data[self._at]
            self._at += 1
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7
            if shift > 56:
                raise ProtocolViolation("integer of more than 64 bits")

    def blob(self) -> bytes:
        size = self.uint()
        end = self._at + size
        if end > len(self._data):
            raise ProtocolViolation("truncated byte string")
        value = self._data[self._at : end]
        self._at = end
        return value

    def text(self) -> str:
        try:
            return self.blob().decode()
        except UnicodeDecodeError as error:
            raise ProtocolViolation("text is not UTF-8") from error

    def finish(self) -> None:
        if self._at != len(self._data):
            raise ProtocolViolation("bytes after the end of the message")


def _uint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _blob(value: bytes) -> bytes:
    return _uint(len(value)) + value


def decode_y(data: bytes, max_size: int) -> YMessage | None:
    """One message of a y-websocket client; None for a kind this server does not take part in (`auth` and unknown ones).

    Raises ProtocolViolation for anything truncated, oversized or malformed.
    """
    if len(data) > max_size:
        raise ProtocolViolation(f"message of {len(data)} bytes; the bound is {max_size}", CloseCode.TOO_LARGE)
    reader = _Reader(data)
    kind = reader.uint()
    message: YMessage
    if kind == MESSAGE_SYNC:
        step, body = reader.uint(), reader.blob()
        if step == SYNC_STEP1:
            message = SyncStep1(body)
        elif step == SYNC_STEP2:
            message = SyncStep2(body)
        elif step == SYNC_UPDATE:
            message = SyncUpdate(body)
        else:
            raise ProtocolViolation(f"unknown sync step {step}")
    elif kind == MESSAGE_AWARENESS:
        body = reader.blob()
        message = Awareness(_decode_awareness(body))
    elif kind == MESSAGE_QUERY_AWARENESS:
        message = QueryAwareness()
    else:
        return None
    reader.finish()
    return message


def _decode_awareness(body: bytes) -> tuple[AwarenessState, ...]:
    reader = _Reader(body)
    count = reader.uint()
    if count > MAX_AWARENESS_CLIENTS:
        raise ProtocolViolation(
            f"{count} awareness states in one message; the bound is {MAX_AWARENESS_CLIENTS}"
        )
    states = []
    for _ in range(count):
        state = AwarenessState(reader.uint(), reader.uint(), reader.text())
        if len(state.state) > MAX_AWARENESS_STATE:
            raise ProtocolViolation("awareness state too large", CloseCode.TOO_LARGE)
        states.append(state)
    reader.finish()
    return tuple(states)


def encode_y(message: YMessage | PermissionDenied) -> bytes:
    """The bytes of one message, as `y-websocket` reads them."""
    match message:
        case SyncStep1(state_vector):
            return bytes((MESSAGE_SYNC, SYNC_STEP1)) + _blob(state_vector)
        case SyncStep2(update):
            return bytes((MESSAGE_SYNC, SYNC_STEP2)) + _blob(update)
        case SyncUpdate(update):
            return bytes((MESSAGE_SYNC, SYNC_UPDATE)) + _blob(update)
        case Awareness(states):
            return bytes((MESSAGE_AWARENESS,)) + _blob(_encode_awareness(states))
        case QueryAwareness():
            return bytes((MESSAGE_QUERY_AWARENESS,))
        case PermissionDenied(reason):
            return bytes((MESSAGE_AUTH, _PERMISSION_DENIED)) + _blob(reason.encode())


def step_2_head(size: int) -> bytes:
    """The beginning of a `SyncStep2` whose update has so many bytes: those follow."""
    return bytes((MESSAGE_SYNC, SYNC_STEP2)) + _uint(size)


def _encode_awareness(states: Sequence[AwarenessState]) -> bytes:
    parts = [_uint(len(states))]
    for state in states:
        parts += (_uint(state.client_id), _uint(state.clock), _blob(state.state.encode()))
    return b"".join(parts)
