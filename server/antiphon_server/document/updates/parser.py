"""Parses a Yjs update (v1) without applying it: its dependencies, its items, and whether it is well formed.

Yrs keeps an update whose dependencies it lacks and applies it later, together with somebody else's, and a decoder
that fails half-way may leave its mark. So an update is read here first, and only one that is whole, whose
dependencies are here, and that writes where it may (`document.updates.schema`) is applied. Kinds of content that Yrs
and JavaScript Yjs read differently, or that nothing of ours uses, are malformed. Source: yjs `src/utils/encoding.js`,
`src/structs/*.js` and lib0 `encoding.js` (any).
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec
from msgspec import Struct

from antiphon_proto.schema import EMBEDS

MAX_CLOCK: Final = 2**31 - 1
"""Yrs counts clocks in 32 bits."""
MAX_CLIENT: Final = 2**53 - 1
MAX_KEY: Final = 256
"""Characters of a map's key and of a format's name."""
MAX_JSON: Final = 8192
"""Characters of a format's value and of an embed, as JSON."""
_MAX_DEPTH: Final = 16
"""Plain values inside each other."""
_SAFE: Final = 2**53 - 1
"""Whole numbers beyond this are others in JavaScript."""
_EXACT: Final = 22
"""Yrs reads a decimal number exactly when it is a whole number up to 2^53 times or by a power of ten up to this one."""
_VECTOR_BYTES: Final = 32 * 1024
_ENTRY_BYTES: Final = 13
"""Of a state vector: clients that it may have beyond the document's own, and its longest entry."""
_UNSAFE_KEY: Final = "__proto__"
"""JavaScript takes an entry of this name for something else."""

GC, DELETED, STRING, EMBED, FORMAT, ARRAY, MAP, TEXT, VALUES, NUMBERS = 0, 1, 4, 5, 6, 7, 8, 9, 10, 11
"""Kinds of content. NUMBERS are VALUES that are all numbers; ARRAY, MAP and TEXT are shared types."""
SHARED: Final = (ARRAY, MAP, TEXT)

Id: TypeAlias = tuple[int, int]
"""(client, clock)."""
Item: TypeAlias = tuple[int, int, int, Id | None, Id | None, "str | Id | None", str | None, "str | None"]
"""(clock, length, kind, left origin, right origin, parent, key, text): the parent is the name of a root, the
id of a type, or None where an origin says it; the text is there for strings with characters of two UTF-16 units."""


class MalformedUpdate(ValueError):
    """Not a well-formed Yjs v1 update."""


class TooManyItems(ValueError):
    """The update holds more items than its reader takes; the rest was not read."""


class UpdateInfo(Struct, frozen=True):
    """The content of an update. Clocks count UTF-16 units, as in Yjs."""

    starts: dict[int, int]
    """Client -> first clock that the update writes."""
    ends: dict[int, int]
    """Client -> clock after the last one that it writes."""
    needs: dict[int, int]
    """Client -> clock that must be known before: origins, parents and deletions, beyond the update's own."""
    structs: dict[int, list[Item]]
    """Client -> its structs, in the order of the clocks."""
    last_text: Id | None
    """(client, clock) of the last character of the last string written."""
    items: int
    """Cost of reading and applying it: its structs, and an eighth of its values and of its ranges of deletions."""
    deletions: tuple[tuple[int, int, int], ...]
    """(client, clock, length) of each range of deletions."""

    @property
    def deletes(self) -> bool:
        return bool(self.deletions)

    @property
    def formats(self) -> bool:
        """Whether it sets formats of a text."""
        return any(item[2] == FORMAT for items in self.structs.values() for item in items)

    def missing(self, state: Mapping[int, int]) -> bool:
        """Whether a document whose state vector is `state` lacks something that the update builds on."""
        return any(start > state.get(client, 0) for client, start in self.starts.items()) or any(
            clock > max(state.get(client, 0), self.ends.get(client, 0))
            for client, clock in self.needs.items()
        )

    def news(self, state: Mapping[int, int]) -> dict[int, int]:
        """Client -> end clock, for the clients of which the update brings something that `state` lacks."""
        return {client: end for client, end in self.ends.items() if end > state.get(client, 0)}


def state_vector(data: bytes, known: int | None = None) -> dict[int, int]:
    """Client -> clock. Raises MalformedUpdate, also where it is much longer than one of a document of `known` clients
    can be."""
    if known is not None and len(data) > _VECTOR_BYTES + 2 * _ENTRY_BYTES * known:
        raise MalformedUpdate("it has more clients than there ever were")
    reader = _Reader(data)
    state = {}
    for _ in range(reader.uint()):
        client = reader.uint()
        state[client] = reader.uint()
    reader.finish()
    return state


def inspect(update: bytes, max_items: int | None = None, *, ours: bool = False) -> UpdateInfo:
    """Read all of `update`. Raises MalformedUpdate, or TooManyItems as soon as there are more than `max_items`. In one
    that is `ours`, from the store or the server, an embed may have any name: rooms that are older hold such."""
    return _Inspector(_Reader(update, max_items), ours).run()


def values(content: bytes) -> list[bytes]:
    """The values of a content of kind 8, each as it stands there. Raises MalformedUpdate."""
    reader = _Reader(content)
    found = []
    for _ in range(reader.uint()):
        start = reader.at
        reader.any()
        found.append(content[start : reader.at])
    return found


def collected(spans: Mapping[int, tuple[int, int]]) -> bytes:
    """An update that marks clocks, client -> (first, how many), as collected."""
    out = _uint(len(spans))
    for client, (first, count) in spans.items():
        out += b"\x01" + _uint(client) + _uint(first) + b"\x00" + _uint(count)
    return out + b"\x00"


def _uint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


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

    def key(self) -> str:
        """The key of a map, or the name of a format."""
        key = self.text()
        if len(key) > MAX_KEY or key == _UNSAFE_KEY:
            raise MalformedUpdate("a key is too long or not allowed")
        return key

    def any(self, depth: int = 0) -> bool:
        """Step over a lib0 `any` value; whether it is a number."""
        if depth > _MAX_DEPTH:
            raise MalformedUpdate("a value is nested too deeply")
        self.count(1)
        kind = self.byte()
        if kind == 119:
            self.text()
        elif kind in (126, 121, 120):  # null, false, true
            pass
        elif kind == 125:
            self._signed()
            return True
        elif kind == 124:
            self.skip(4)
            return True
        elif kind == 123:
            self.skip(8)
            return True
        elif kind == 118:
            for _ in range(self.uint()):
                self.key()
                self.any(depth + 1)
        elif kind == 117:
            for _ in range(self.uint()):
                self.any(depth + 1)
        else:
            # undefined (127), big integers (122) and bytes (116) are other values in other implementations.
            raise MalformedUpdate(f"a value of kind {kind} is not accepted here")
        return False

    def _signed(self) -> None:
        """A signed variable-length integer that JavaScript can count."""
        byte = self.byte()
        value, shift = byte & 0x3F, 6
        while byte >= 0x80:
            byte = self.byte()
            value |= (byte & 0x7F) << shift
            shift += 7
            if value > _SAFE or shift > 56:
                raise MalformedUpdate("a number is out of range")

    def json(self, ours: bool) -> object:
        """A value that stands there as JSON."""
        text = self.blob()
        if len(text) > MAX_JSON:
            raise MalformedUpdate("an attribute or an embed is too long")
        try:
            value = (_STORED_JSON if ours else _JSON).decode(text)
        except (ValueError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
            raise MalformedUpdate(f"not JSON: {error}") from None
        if not _plain(value, 0):
            raise MalformedUpdate("JSON that is not accepted here")
        return value

    def finish(self) -> None:
        if self.at != self.end:
            raise MalformedUpdate("bytes after the end of the update")


def _exact(literal: str) -> float:
    """A decimal number that Yrs reads as everybody else does: else pages and server had different values."""
    mantissa, _, exponent = literal.lower().partition("e")
    whole, _, decimals = mantissa.partition(".")
    power = int(exponent or 0) - len(decimals)
    if abs(int(whole + decimals)) > _SAFE or not -_EXACT <= power <= _EXACT:
        raise ValueError("a number with more digits than everybody reads alike")
    return float(literal)


_JSON: Final = msgspec.json.Decoder(float_hook=_exact)
_STORED_JSON: Final = msgspec.json.Decoder()


def _plain(value: object, depth: int) -> bool:
    """Whether every implementation reads this JSON alike."""
    if isinstance(value, str | bool) or value is None:
        return True
    if isinstance(value, int):
        return -_SAFE <= value <= _SAFE
    if isinstance(value, float):
        return math.isfinite(value)
    if depth >= _MAX_DEPTH:
        return False
    if isinstance(value, list):
        return all(_plain(one, depth + 1) for one in value)
    if isinstance(value, dict):
        return all(name != _UNSAFE_KEY and _plain(one, depth + 1) for name, one in value.items())
    return False


class _Inspector:
    def __init__(self, reader: _Reader, ours: bool) -> None:
        self._reader = reader
        self._ours = ours
        self._deletions: list[tuple[int, int, int]] = []
        self._starts: dict[int, int] = {}
        self._ends: dict[int, int] = {}
        self._needs: dict[int, int] = {}
        self._structs: dict[int, list[Item]] = {}
        self._last_text: Id | None = None

    def run(self) -> UpdateInfo:
        reader = self._reader
        for _ in range(reader.uint()):
            self._client()
        self._delete_set()
        reader.finish()
        return UpdateInfo(
            self._starts,
            self._ends,
            self._needs,
            self._structs,
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
            raise MalformedUpdate("a client id is out of range or occurs twice")
        structs: list[Item] = []
        if count:
            self._starts[client] = clock
            self._structs[client] = structs
        for number in range(count):
            if number:
                reader.count(8)  # the first is counted with its client
            struct = self._struct(client, clock)
            structs.append(struct)
            if struct[1] < 1:
                raise MalformedUpdate("an empty struct")
            clock += struct[1]
            if clock > MAX_CLOCK:
                raise MalformedUpdate("a clock is out of range")
        if count:
            self._ends[client] = clock

    def _struct(self, client: int, clock: int) -> Item:
        """Read one struct."""
        reader = self._reader
        info = reader.byte()
        kind = info & 0x1F
        if kind == 0:
            if info:
                raise MalformedUpdate("collected content has no place")
            return clock, reader.uint(), GC, None, None, None, None, None
        if kind == 10:
            raise MalformedUpdate("the update leaves a gap")
        origin = self._known() if info & 0x80 else None
        right = self._known() if info & 0x40 else None
        parent: str | Id | None = None
        key = None
        if not info & 0xC0:
            parent = reader.text() if reader.uint() == 1 else self._known()
            if info & 0x20:
                key = reader.key()
        if kind == 4:
            data = reader.blob()
            try:
                text = data.decode()
            except UnicodeDecodeError as error:
                raise MalformedUpdate("a string is not UTF-8") from error
            length = len(text)
            if length != len(data) and (wide := len(text.encode("utf-16-le")) // 2) != length:
                self._last_text = client, clock + wide - 1
                return clock, wide, STRING, origin, right, parent, key, text
            self._last_text = client, clock + length - 1
            return clock, length, STRING, origin, right, parent, key, None
        what, length = self._content(kind)
        return clock, length, what, origin, right, parent, key, None

    def _known(self) -> Id:
        """Read an id that must be known."""
        client, clock = self._reader.uint(), self._reader.uint()
        self._need(client, clock)
        return client, clock

    def _content(self, kind: int) -> tuple[int, int]:
        """Its kind and its length."""
        reader = self._reader
        if kind == 1:
            return DELETED, reader.uint()
        if kind == 8:
            length = reader.uint()
            numbers = True
            for _ in range(length):
                numbers = reader.any() and numbers
            return NUMBERS if numbers else VALUES, length
        if kind == 5:
            embed = reader.json(self._ours)
            known = isinstance(embed, dict) and len(embed) == 1 and next(iter(embed)) in EMBEDS
            if not (known or (self._ours and isinstance(embed, dict))):
                raise MalformedUpdate("an embed that the story does not accept")
            return EMBED, 1
        if kind == 6:
            if not reader.key():
                raise MalformedUpdate("a format without a name")
            reader.json(self._ours)
            return FORMAT, 1
        if kind == 7:
            shared = reader.uint()
            if shared >= len(SHARED):
                raise MalformedUpdate(f"a shared type of kind {shared} is not accepted here")
            return SHARED[shared], 1
        # Old JSON (2), bytes (3), subdocuments (9), and kinds of later versions: nothing of ours uses them.
        raise MalformedUpdate(f"content of kind {kind} is not accepted here")

    def _need(self, client: int, clock: int) -> None:
        if clock >= MAX_CLOCK:
            raise MalformedUpdate("a clock is out of range")
        if clock >= self._needs.get(client, 0):
            self._needs[client] = clock + 1

    def _delete_set(self) -> None:
        reader = self._reader
        seen = set()
        for _ in range(reader.uint()):
            reader.count(1)
            client = reader.uint()
            if client in seen:
                raise MalformedUpdate(
                    "a client stands twice among the deletions"
                )  # Yrs would take the last alone
            seen.add(client)
            for _ in range(reader.uint()):
                reader.count(1)
                clock = reader.uint()
                length = reader.uint()
                if length:
                    self._deletions.append((client, clock, length))
                    self._need(client, clock + length - 1)
