"""Reads a Yjs update (v1) without applying it: what it needs, what it writes, and that it is well formed.

Yrs keeps an update whose dependencies it lacks and applies it later, together with somebody else's, and a decoder
that fails half-way may leave its mark. So an update is read here first, and only one that is whole, whose
dependencies are here, and that writes where it may is applied. Source: yjs `src/utils/encoding.js`,
`src/structs/*.js` and lib0 `encoding.js` (any).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping

from msgspec import Struct

from antiphon_proto.canvas import TEXT
from antiphon_proto.schema import STORY

MAX_CLOCK = 2**31 - 1
"""Yrs counts clocks in 32 bits."""
MAX_CLIENT = 2**53 - 1
_VALUES = frozenset({2, 3, 8})
"""Kinds of content that are values of an array or a map."""
_MAX_DEPTH = 32
_MAX_NESTING = 16
"""Shared types inside each other, within one update: Yrs reads them by recursion, and ours are two deep."""


class MalformedUpdate(ValueError):
    """Not a well-formed Yjs v1 update."""


class TooManyItems(ValueError):
    """The update holds more items than its reader takes; what comes after them was not read."""


class UpdateInfo(Struct, frozen=True):
    """What an update holds. Clocks count UTF-16 units, as Yjs does."""

    starts: dict[int, int]
    """Client -> first clock that the update writes."""
    ends: dict[int, int]
    """Client -> clock after the last one that it writes."""
    needs: dict[int, int]
    """Client -> clock that must be known before: origins, parents and deletions, beyond the update's own."""
    roots: frozenset[str]
    """Names of root types that are written to by name."""
    deletes: bool
    story_values: bool
    """Whether array-like values stand in the story, where they have no place and would shift its indices."""
    ends_of_values: tuple[tuple[int, int], ...]
    """(client, clock) of the last of each run of such values."""
    beside: frozenset[tuple[int, int]]
    """(client, clock) of what such values stand beside, where the update does not say what they stand in."""
    texts: bool
    """Whether it makes shared texts, or XML, elsewhere than under the key `text` of a new map."""
    last_text: tuple[int, int] | None
    """(client, clock) of the last character of the last string written."""
    items: int
    """What it costs to read and apply: its structs, and an eighth of its values and of its ranges of deletions."""
    deletions: tuple[tuple[int, int, int], ...]
    """(client, clock, length) of each range of deletions."""

    def missing(self, state: Mapping[int, int]) -> bool:
        """Whether a document whose state vector is `state` lacks something that the update builds on."""
        return any(start > state.get(client, 0) for client, start in self.starts.items()) or any(
            clock > max(state.get(client, 0), self.ends.get(client, 0))
            for client, clock in self.needs.items()
        )

    def news(self, state: Mapping[int, int]) -> dict[int, int]:
        """Client -> end clock, for the clients of which the update brings something that `state` lacks."""
        return {client: end for client, end in self.ends.items() if end > state.get(client, 0)}


def state_vector(data: bytes) -> dict[int, int]:
    """Client -> clock. Raises MalformedUpdate."""
    reader = _Reader(data)
    state = {}
    for _ in range(reader.uint()):
        client = reader.uint()
        state[client] = reader.uint()
    reader.finish()
    return state


def inspect(update: bytes, max_items: int | None = None) -> UpdateInfo:
    """Read all of `update`. Raises MalformedUpdate, or TooManyItems as soon as there are more than `max_items`."""
    return _Inspector(_Reader(update, max_items)).run()


class _Reader:
    """lib0 primitives, never past the end."""

    __slots__ = ("at", "data", "end", "eighths", "max_eighths")

    def __init__(self, data: bytes, max_items: int | None = None) -> None:
        self.data = data
        self.at = 0
        self.end = len(data)
        self.eighths = 0
        """Of items that were counted."""
        self.max_eighths = None if max_items is None else 8 * max_items

    def count(self, eighths: int) -> None:
        """Something of that cost comes next. Raises TooManyItems."""
        self.eighths += eighths
        if self.max_eighths is not None and self.eighths > self.max_eighths:
            raise TooManyItems(f"more than {self.max_eighths // 8} items in one update")

    def byte(self) -> int:
        at = self.at
        if at >= self.end:
            raise MalformedUpdate("the update ends too early")
        self.at = at + 1
        return self.data[at]

    def uint(self) -> int:
        # Most of the time that reading takes is spent here: everything is local, and one byte is the usual length.
        data, at = self.data, self.at
        try:
            value = data[at]
            at += 1
            if value >= 0x80:
                value &= 0x7F
                shift = 7
                while True:
                    byte = data[at]
                    at += 1
                    value |= (byte & 0x7F) << shift
                    if byte < 0x80:
                        break
                    shift += 7
                    if shift > 56:
                        raise MalformedUpdate("an integer of more than 64 bits")
        except IndexError:
            raise MalformedUpdate("the update ends too early") from None
        self.at = at
        return value

    def blob(self) -> bytes:
        length = self.uint()
        start = self.at
        self.at = end = start + length
        if end > self.end:
            raise MalformedUpdate("the update ends inside a string")
        return self.data[start:end]

    def text(self) -> str:
        try:
            return self.blob().decode()
        except UnicodeDecodeError as error:
            raise MalformedUpdate("a string is not UTF-8") from error

    def skip(self, count: int) -> None:
        self.at += count
        if self.at > self.end:
            raise MalformedUpdate("the update ends inside a value")

    def any(self, depth: int = 0) -> None:
        """Step over a lib0 `any` value."""
        if depth > _MAX_DEPTH:
            raise MalformedUpdate("a value is nested too deeply")
        self.count(1)
        kind = self.byte()
        if kind == 119:
            self.text()
        elif kind in (127, 126, 121, 120):  # undefined, null, false, true
            pass
        elif kind == 125:  # a signed variable-length integer
            while self.byte() >= 0x80:
                pass
        elif kind == 124:
            self.skip(4)
        elif kind in (123, 122):  # float64, bigint
            self.skip(8)
        elif kind == 118:
            for _ in range(self.uint()):
                self.text()
                self.any(depth + 1)
        elif kind == 117:
            for _ in range(self.uint()):
                self.any(depth + 1)
        elif kind == 116:
            self.blob()
        else:
            raise MalformedUpdate(f"an unknown kind of value ({kind})")

    def finish(self) -> None:
        if self.at != self.end:
            raise MalformedUpdate("bytes after the end of the update")


def _utf16(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-16-le")) // 2


_Link = tuple[int, int, int]
"""(1, client, clock): inside that type; (0, client, clock): beside that item."""


class _Nesting:
    """How deep the shared types of one update stand inside each other, whatever order they come in."""

    def __init__(self) -> None:
        self._clocks: dict[int, list[int]] = {}
        self._links: dict[int, list[_Link | None]] = {}
        self._types: list[tuple[int, int]] = []
        self._client = 0

    def begin(self, client: int) -> None:
        """The items that come now are this client's."""
        self._client = client
        self._clock_list = self._clocks[client] = []
        self._link_list = self._links[client] = []

    def add(self, clock: int, link: _Link | None, is_type: bool) -> None:
        """An item; those of a client come in the order of their clocks."""
        self._clock_list.append(clock)
        self._link_list.append(link)
        if is_type and link is not None:
            self._types.append((self._client, clock))

    def depth(self) -> int:
        """Of the deepest type. Raises MalformedUpdate when items stand inside themselves."""
        known: dict[tuple[int, int], int] = {}
        return max((self._measure(client, clock, known) for client, clock in self._types), default=0)

    def _measure(self, client: int, clock: int, known: dict[tuple[int, int], int]) -> int:
        path: dict[tuple[int, int], int] = {}
        depth = 0
        while (at := bisect_right(self._clocks.get(client, ()), clock) - 1) >= 0:
            item = client, at
            if item in known:
                depth = known[item]
                break
            if item in path:
                raise MalformedUpdate("an item stands inside itself")
            link = self._links[client][at]
            if link is None:
                break
            path[item] = link[0]
            _, client, clock = link
        for item, inside in reversed(path.items()):
            known[item] = depth = depth + inside
        return depth


class _Inspector:
    def __init__(self, reader: _Reader) -> None:
        self._reader = reader
        self._deletions: list[tuple[int, int, int]] = []
        self._starts: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        self._needs: dict[int, int] = {}
        self._roots: set[str] = set()
        self._deletes = False
        self._story_values = False
        self._ends_of_values: dict[tuple[int, int], None] = {}
        self._beside: set[tuple[int, int]] = set()
        self._texts = False
        self._last_text: tuple[int, int] | None = None
        self._nesting = _Nesting()

    def run(self) -> UpdateInfo:
        reader = self._reader
        for _ in range(reader.uint()):
            self._client()
        self._delete_set()
        reader.finish()
        if self._nesting.depth() > _MAX_NESTING:
            raise MalformedUpdate("shared types are nested too deeply")
        return UpdateInfo(
            self._starts,
            self._ends,
            self._needs,
            frozenset(self._roots),
            self._deletes,
            self._story_values,
            tuple(self._ends_of_values),
            frozenset(self._beside.difference(self._ends_of_values)),
            self._texts,
            self._last_text,
            -(-reader.eighths // 8),
            tuple(self._deletions),
        )

    def _client(self) -> None:
        reader = self._reader
        reader.count(8)
        count = reader.uint()
        client = reader.uint()
        clock = reader.uint()
        if client > MAX_CLIENT or client in self._starts:
            raise MalformedUpdate("a client id is out of range or stands twice")
        if count:
            self._starts[client] = clock
            self._nesting.begin(client)
        for number in range(count):
            reader.count(8 if number else 0)  # the first is counted with its client
            length = self._struct(client, clock)
            if length < 1:
                raise MalformedUpdate("an empty struct")
            clock += length
            if clock > MAX_CLOCK:
                raise MalformedUpdate("a clock is out of range")
        if count:
            self._ends[client] = clock

    def _struct(self, client: int, clock: int) -> int:
        """Step over one struct; returns its length."""
        reader = self._reader
        info = reader.byte()
        kind = info & 0x1F
        if kind == 0:
            return reader.uint()
        if kind == 10:
            raise MalformedUpdate("the update leaves a gap")
        link: _Link | None = None
        if info & 0x80:
            link = (0, *self._known())
        if info & 0x40:
            right = self._known()
            link = link or (0, *right)
        root = ""
        takes_text = False
        if not info & 0xC0:
            if reader.uint() == 1:
                root = reader.text()
                self._roots.add(root)
            else:
                link = (1, *self._known())
            if info & 0x20:
                takes_text = reader.text() == TEXT and not root
                root = ""  # under a key, and not among what is counted
        self._nesting.add(clock, link, kind == 7)
        length = self._content(kind, client, clock, takes_text)
        if kind in _VALUES:
            self._story_values = self._story_values or root == STORY
            self._ends_of_values[client, clock + length - 1] = None
            if link is not None and link[0] == 0:
                self._beside.add(link[1:])
        return length

    def _known(self) -> tuple[int, int]:
        """Read an id that must be known."""
        client, clock = self._reader.uint(), self._reader.uint()
        self._need(client, clock)
        return client, clock

    def _content(self, kind: int, client: int, clock: int, takes_text: bool) -> int:
        reader = self._reader
        if kind == 4:
            length = _utf16(reader.text())
            self._last_text = (client, clock + length - 1)
            return length
        if kind == 1:
            return reader.uint()
        if kind == 2:
            length = reader.uint()
            for _ in range(length):
                reader.count(1)
                reader.text()
            return length
        if kind == 8:
            length = reader.uint()
            for _ in range(length):
                reader.any()
            return length
        if kind == 3:
            reader.blob()
        elif kind == 5:
            reader.text()
        elif kind == 6:
            reader.text()
            reader.text()
        elif kind == 7:
            self._type(takes_text)
        else:  # 9, subdocuments, and what later versions may bring: nothing of ours uses them
            raise MalformedUpdate(f"content of kind {kind} is not taken here")
        return 1

    def _type(self, takes_text: bool) -> None:
        reader = self._reader
        kind = reader.uint()
        self._texts = self._texts or kind > 2 or (kind == 2 and not takes_text)
        if kind in (3, 5):
            reader.text()
        elif kind > 6:
            raise MalformedUpdate(f"a shared type of kind {kind} is not taken here")

    def _need(self, client: int, clock: int) -> None:
        if clock >= MAX_CLOCK:
            raise MalformedUpdate("a clock is out of range")
        if clock >= self._needs.get(client, 0):
            self._needs[client] = clock + 1

    def _delete_set(self) -> None:
        reader = self._reader
        for _ in range(reader.uint()):
            reader.count(1)
            client = reader.uint()
            for _ in range(reader.uint()):
                reader.count(1)
                clock = reader.uint()
                length = reader.uint()
                if length:
                    self._deletes = True
                    self._deletions.append((client, clock, length))
                    self._need(client, clock + length - 1)
