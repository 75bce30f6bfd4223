"""Splits a trusted Yjs update (v1) and rebuilds it under another client id, or without some of its items. For updates
that are known to be well formed; the server reads updates of peers with a stricter parser. Source: yjs
`src/utils/encoding.js`, `src/structs/*.js`; lib0 `encoding.js`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Set

from msgspec import Struct
from msgspec.structs import replace

ItemId = tuple[int, int]
"""(client, clock); clocks count UTF-16 units."""
Deletions = dict[int, list[tuple[int, int]]]
"""Client -> (clock, length) of deleted ranges."""

_GC, _SKIP = 0, 10
_ORIGIN, _RIGHT, _KEYED = 0x80, 0x40, 0x20


class Item(Struct, frozen=True):
    """One struct of an update. `content` is as it stands there; a collected or skipped range has none."""

    client: int
    clock: int
    length: int
    info: int
    origin: ItemId | None = None
    right: ItemId | None = None
    root: bytes | None = None
    parent: ItemId | None = None
    key: bytes | None = None
    content: bytes = b""


def read(update: bytes) -> tuple[list[Item], Deletions]:
    """The structs of an update in their order, and its deletions. Raises ValueError when it is not well formed."""
    try:
        return _Reader(update).update()
    except IndexError:
        raise ValueError("the update ends too early") from None


def write(items: Iterable[Item], deletions: Mapping[int, Iterable[tuple[int, int]]]) -> bytes:
    """The update of these structs; those of one client are in the order of their clocks, without gaps."""
    clients: dict[int, list[Item]] = {}
    for item in items:
        clients.setdefault(item.client, []).append(item)
    out = bytearray(uint(len(clients)))
    for client in sorted(clients, reverse=True):  # as Yjs does
        mine = clients[client]
        out += uint(len(mine)) + uint(client) + uint(mine[0].clock)
        for item in mine:
            _write_item(out, item)
    ranges = {client: list(found) for client, found in deletions.items()}
    ranges = {client: found for client, found in ranges.items() if found}
    out += uint(len(ranges))
    for client, found in ranges.items():
        out += uint(client) + uint(len(found))
        for clock, length in found:
            out += uint(clock) + uint(length)
    return bytes(out)


def renamed(update: bytes, old: int, new: int, first: int, start: int) -> bytes:
    """The update with the items of client `old` from clock `first` on as items of client `new` from clock `start` on.

    Earlier items of `old` are left out; references to them remain.
    """

    def moved(one: ItemId | None) -> ItemId | None:
        if one is None or one[0] != old or one[1] < first:
            return one
        return new, one[1] - first + start

    items, deletions = read(update)
    found = [
        replace(
            item,
            client=new if item.client == old else item.client,
            clock=item.clock - first + start if item.client == old else item.clock,
            origin=moved(item.origin),
            right=moved(item.right),
            parent=moved(item.parent),
        )
        for item in items
        if item.client != old or item.clock >= first
    ]
    kept: Deletions = {client: ranges for client, ranges in deletions.items() if client != old}
    for clock, length in deletions.get(old, ()):
        before = max(0, min(length, first - clock))
        if before:
            kept.setdefault(old, []).append((clock, before))
        if before < length:
            kept.setdefault(new, []).append((clock + before - first + start, length - before))
    return write(found, kept)


def without(update: bytes, clients: Set[int], known: Mapping[int, int]) -> bytes:
    """The update without the items of `clients`; of their deletions those stay that are below the clocks in `known`."""
    items, deletions = read(update)
    kept: Deletions = {}
    for client, ranges in deletions.items():
        bound = known.get(client, 0)
        cut = [
            (clock, min(length, bound - clock) if client in clients else length)
            for clock, length in ranges
            if client not in clients or clock < bound
        ]
        kept[client] = cut
    return write([item for item in items if item.client not in clients], kept)


def write_state_vector(clocks: Mapping[int, int]) -> bytes:
    """Client -> clock: a Yjs state vector."""
    pairs = b"".join(uint(client) + uint(clock) for client, clock in clocks.items())
    return uint(len(clocks)) + pairs


def uint(value: int) -> bytes:
    """lib0's unsigned variable-length integer."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _write_item(out: bytearray, item: Item) -> None:
    out.append(item.info)
    if item.info & 0x1F in (_GC, _SKIP):
        out += uint(item.length)
        return
    for one in (item.origin, item.right):
        if one is not None:
            out += uint(one[0]) + uint(one[1])
    if item.origin is None and item.right is None:
        if item.root is not None:
            out += uint(1) + uint(len(item.root)) + item.root
        elif item.parent is not None:
            out += uint(0) + uint(item.parent[0]) + uint(item.parent[1])
        if item.key is not None:
            out += uint(len(item.key)) + item.key
    out += item.content


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def update(self) -> tuple[list[Item], Deletions]:
        items: list[Item] = []
        for _ in range(self._uint()):
            count, client, clock = self._uint(), self._uint(), self._uint()
            for _ in range(count):
                items.append(item := self._item(client, clock))
                clock += item.length
        deletions: Deletions = {}
        for _ in range(self._uint()):
            client = self._uint()
            found = deletions.setdefault(client, [])
            for _ in range(self._uint()):
                clock = self._uint()
                found.append((clock, self._uint()))
        if self._at != len(self._data):
            raise ValueError("bytes after the end of the update")
        return items, deletions

    def _item(self, client: int, clock: int) -> Item:
        info = self._byte()
        kind = info & 0x1F
        if kind in (_GC, _SKIP):
            return Item(client, clock, self._uint(), info)
        origin = (self._uint(), self._uint()) if info & _ORIGIN else None
        right = (self._uint(), self._uint()) if info & _RIGHT else None
        root = key = None
        parent = None
        if origin is None and right is None:
            if self._uint() == 1:
                root = self._blob()
            else:
                parent = (self._uint(), self._uint())
            key = self._blob() if info & _KEYED else None
        start = self._at
        length = self._content(kind)
        return Item(
            client, clock, length, info, origin, right, root, parent, key, self._data[start : self._at]
        )

    def _content(self, kind: int) -> int:
        """Step over a content; returns its length in clocks."""
        match kind:
            case 1:
                return self._uint()
            case 2:
                count = self._uint()
                for _ in range(count):
                    self._blob()
                return count
            case 4:
                return len(self._blob().decode().encode("utf-16-le")) // 2
            case 8:
                count = self._uint()
                for _ in range(count):
                    self._any()
                return count
            case 3 | 5:
                self._blob()
            case 6:
                self._blob()
                self._blob()
            case 7:
                if self._uint() in (3, 5):
                    self._blob()
            case _:
                raise ValueError(f"content of kind {kind}")
        return 1

    def _any(self) -> None:
        match self._byte():
            case 119 | 116:
                self._blob()
            case 127 | 126 | 121 | 120:
                pass
            case 125:
                while self._byte() >= 0x80:
                    pass
            case 124:
                self._at += 4
            case 123 | 122:
                self._at += 8
            case 118:
                for _ in range(self._uint()):
                    self._blob()
                    self._any()
            case 117:
                for _ in range(self._uint()):
                    self._any()
            case kind:
                raise ValueError(f"a value of kind {kind}")

    def _byte(self) -> int:
        value = self._data[self._at]
        self._at += 1
        return value

    def _uint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 0x7F) << shift
            if byte < 0x80:
                return value
            shift += 7

    def _blob(self) -> bytes:
        length = self._uint()
        start = self._at
        self._at += length
        if self._at > len(self._data):
            raise ValueError("the update ends inside a string")
        return self._data[start : self._at]
