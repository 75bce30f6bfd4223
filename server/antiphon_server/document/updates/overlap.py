"""Compares the repeated items of an update with the document's items of the same ids.

Yjs takes items whose ids it knows as known and does not look at them. A client that used an id twice, for other
words, would be told that they are there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final, TypeAlias

from msgspec import Struct

from antiphon_proto.document.yjs_update import Item, read
from antiphon_server.document.updates.parser import values

_GC, _DELETED, _STRING, _TYPE, _VALUES = 0, 1, 4, 7, 8
_TEXT_VALUE: Final = 119
_Span: TypeAlias = tuple[int, int, int, "bytes | list[bytes]"]
"""Clocks [start, end), kind, content: UTF-16, whose units Yjs counts, of a string, and one by one of values. Never unit
by unit: a few bytes of an update can claim two thousand million."""


class Overlap(Struct, frozen=True):
    """The result of the comparison with a document that knew `known` of the clients that an update repeats."""

    known: dict[int, int]
    foreign: frozenset[int]


def repeated(starts: Mapping[int, int], clocks: Mapping[int, int]) -> dict[int, int]:
    """Client -> first clock that an update says again. `starts`: its first clocks; `clocks`: those of the document."""
    return {client: clock for client, clock in starts.items() if clock < clocks.get(client, 0)}


def differing(update: bytes, stored: bytes, clients: Mapping[int, int]) -> frozenset[int]:
    """Those of `clients` whose items in `update` differ from those in `stored`, from the clocks in `clients` on.

    An item that is deleted in one of them counts as equal: there is nothing left to compare.
    """
    known = _spans(read(stored)[0], clients)
    return frozenset(
        client
        for client, spans in _spans(read(update)[0], clients).items()
        if _differ(spans, known.get(client, []))
    )


def _spans(items: Iterable[Item], clients: Mapping[int, int]) -> dict[int, list[_Span]]:
    """Client -> items that are not deleted, in the order of the clocks."""
    found: dict[int, list[_Span]] = {}
    for item in items:
        kind = item.info & 0x1F
        if kind not in (_GC, _DELETED) and item.client in clients:
            span = item.clock, item.clock + item.length, kind, _content(kind, item.content)
            found.setdefault(item.client, []).append(span)
    return found


def _differ(spans: list[_Span], known: list[_Span]) -> bool:
    """Whether two of them that have a clock in common have another content there."""
    at = 0
    for span in spans:
        while at < len(known) and known[at][1] <= span[0]:
            at += 1
        other = at
        while other < len(known) and known[other][0] < span[1]:
            if span != known[other] and _unlike(span, known[other]):
                return True
            other += 1
    return False


def _unlike(one: _Span, other: _Span) -> bool:
    kind = one[2]
    if kind != other[2]:
        return True
    if kind == _TYPE:
        return one[3] != other[3]
    if kind not in (_STRING, _VALUES):
        return False  # formats and embeds: other bytes in each implementation, their kind has to do
    start, end, width = max(one[0], other[0]), min(one[1], other[1]), 2 if kind == _STRING else 1
    mine, theirs = (span[3][width * (start - span[0]) : width * (end - span[0])] for span in (one, other))
    return mine != theirs


def _content(kind: int, content: bytes) -> bytes | list[bytes]:
    if kind == _STRING:
        return _text(content).encode("utf-16-le")
    if kind == _VALUES:
        # Numbers are the same values and other bytes in each implementation.
        return [value if value[0] == _TEXT_VALUE else b"" for value in values(content)]
    return content


def _text(content: bytes) -> str:
    at = 0
    while content[at] >= 0x80:
        at += 1
    return content[at + 1 :].decode()
