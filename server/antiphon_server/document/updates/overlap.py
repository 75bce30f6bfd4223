"""Compares the repeated items of an update with the document's items of the same ids.

Yjs takes items whose ids it knows as known and does not look at them. A client that used an id twice, for other
words, would be told that they are there.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from antiphon_proto.yjs_update import Item, read
from antiphon_server.document.updates.parser import values

_GC, _DELETED, _STRING, _TYPE, _VALUES = 0, 1, 4, 7, 8
_TEXT_VALUE = 119


def repeated(starts: Mapping[int, int], clocks: Mapping[int, int]) -> dict[int, int]:
    """Client -> first clock that an update says again. `starts`: its first clocks; `clocks`: those of the document."""
    return {client: clock for client, clock in starts.items() if clock < clocks.get(client, 0)}


def differing(update: bytes, stored: bytes, clients: Mapping[int, int]) -> frozenset[int]:
    """Those of `clients` whose items in `update` differ from those in `stored`, from the clocks in `clients` on.

    An item that is deleted in one of them counts as equal: there is nothing left to compare.
    """
    known = dict(_units(read(stored)[0], clients))
    return frozenset(
        unit[0]
        for unit, content in _units(read(update)[0], clients)
        if content is not None and known.get(unit) not in (None, content)
    )


def _units(
    items: list[Item], clients: Mapping[int, int]
) -> Iterator[tuple[tuple[int, int], tuple[int, bytes] | None]]:
    """((client, clock), content) of each unit; None for deleted ones."""
    for item in items:
        first = clients.get(item.client)
        if first is None or item.clock + item.length <= first:
            continue
        kind = item.info & 0x1F
        for offset, content in enumerate(_contents(item, kind)):
            if item.clock + offset >= first:
                yield (item.client, item.clock + offset), content


def _contents(item: Item, kind: int) -> list[tuple[int, bytes] | None]:
    if kind in (_GC, _DELETED):
        return [None] * item.length
    if kind == _STRING:
        text = _text(item.content).encode("utf-16-le")
        return [(kind, text[at : at + 2]) for at in range(0, len(text), 2)]
    if kind == _TYPE:
        return [(kind, item.content)]
    # Numbers and JSON are the same values and other bytes in each implementation: their kind has to do.
    if kind == _VALUES:
        return [(kind, value if value[0] == _TEXT_VALUE else b"") for value in values(item.content)]
    return [(kind, b"")] * item.length


def _text(content: bytes) -> str:
    at = 0
    while content[at] >= 0x80:
        at += 1
    return content[at + 1 :].decode()
