"""Yjs updates put together by hand, well formed or not."""

from __future__ import annotations

import struct
from collections.abc import Sequence

Id = tuple[int, int]
Content = tuple[int, bytes]
"""(kind, body)."""


def uint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def text(value: str | bytes) -> bytes:
    data = value.encode() if isinstance(value, str) else value
    return uint(len(data)) + data


def string(value: str) -> Content:
    return 4, text(value)


def deleted(length: int) -> Content:
    return 1, uint(length)


def embed(json: str) -> Content:
    return 5, text(json)


def mark(name: str, json: str) -> Content:
    return 6, text(name) + text(json)


def shared(kind: int) -> Content:
    return 7, uint(kind)


def numbers(*some: float) -> Content:
    return 8, uint(len(some)) + b"".join(b"\x7b" + struct.pack(">d", one) for one in some)


def values(*some: str) -> Content:
    return 8, uint(len(some)) + b"".join(b"\x77" + text(one) for one in some)


def item(
    content: Content,
    *,
    origin: Id | None = None,
    right: Id | None = None,
    parent: str | Id | None = None,
    key: str | None = None,
) -> bytes:
    kind, body = content
    info = kind
    head = b""
    if origin is not None:
        info |= 0x80
        head += uint(origin[0]) + uint(origin[1])
    if right is not None:
        info |= 0x40
        head += uint(right[0]) + uint(right[1])
    if origin is None and right is None:
        assert parent is not None
        if isinstance(parent, str):
            head += b"\x01" + text(parent)
        else:
            head += b"\x00" + uint(parent[0]) + uint(parent[1])
        if key is not None:
            info |= 0x20
            head += text(key)
    return bytes([info]) + head + body


def collected(length: int) -> bytes:
    return b"\x00" + uint(length)


def update(
    structs: dict[int, list[bytes]], *, first: int = 0, deletions: Sequence[tuple[int, int, int]] = ()
) -> bytes:
    """Client -> its structs, which begin at clock `first`."""
    out = uint(len(structs))
    for client, items in structs.items():
        out += uint(len(items)) + uint(client) + uint(first) + b"".join(items)
    ranges: dict[int, list[tuple[int, int]]] = {}
    for client, clock, length in deletions:
        ranges.setdefault(client, []).append((clock, length))
    out += uint(len(ranges))
    for client, some in ranges.items():
        out += uint(client) + uint(len(some)) + b"".join(uint(clock) + uint(length) for clock, length in some)
    return out


def delete(*ranges: tuple[int, int, int]) -> bytes:
    return update({}, deletions=ranges)
