"""The story in pieces of equal formatting, kept in step with every change.

`Text.diff` reads the whole text, 3 ms for a megabyte. Here the removed text and the replaced formats of a change come
from the pieces that it touched.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Final, TypeAlias

import msgspec

from antiphon_proto.document.splices import EMBED, Attributes, Reformat, Splice, size
from antiphon_server.document.text_index import is_boundary, snap

_CHARACTERS: Final = 4096
"""Of one piece: each is cut and joined as a whole."""
_BLOCK: Final = 64
"""Pieces per block; a block is parted at twice this."""

_Piece: TypeAlias = tuple[Any, Attributes, int]
"""A string, or an embed as it is; its attributes; its bytes."""


class Drifted(ValueError):
    """A change that does not fit the text."""


class _Block:
    __slots__ = ("_data", "pieces", "total")

    def __init__(self, pieces: list[_Piece]) -> None:
        self.pieces = pieces
        self.total = sum(piece[2] for piece in pieces)
        self._data: bytes | None = None

    def changed(self, more: int) -> None:
        """Its pieces are others now, and hold so many more bytes."""
        self.total += more
        self._data = None

    def data(self) -> bytes:
        """In UTF-8, an embed as EMBED."""
        if self._data is None:
            text = "".join(piece[0] if isinstance(piece[0], str) else EMBED for piece in self.pieces)
            self._data = text.encode()
        return self._data


class StoryPieces:
    """`text` is a `Text.diff`. Places and lengths are bytes, an embed counts one."""

    def __init__(self, text: Iterable[tuple[Any, Attributes | None]]) -> None:
        pieces: list[_Piece] = []
        for content, attributes in text:
            if isinstance(content, str) and len(content) <= _CHARACTERS:  # nearly always
                pieces.append((content, attributes or {}, size(content)))
            else:
                pieces += _parts(content, attributes or {})
        self._blocks = [_Block(pieces[at : at + _BLOCK]) for at in range(0, len(pieces), _BLOCK)]
        if not self._blocks:
            self._blocks.append(_Block([]))
        self.length = sum(block.total for block in self._blocks)
        self._near = 0, 0
        """The block of the last place that was looked for, and where it begins: changes mostly go on from there."""

    @classmethod
    def unpacked(cls, packed: Iterable[bytes]) -> StoryPieces:
        """Of a `Text.diff` in packed lists. May be called in a thread: it yields between two of them."""
        return cls(piece for each in packed for piece in msgspec.msgpack.decode(each))

    def __iter__(self) -> Iterator[tuple[Any, Attributes]]:
        for block in self._blocks:
            for content, attributes, _ in block.pieces:
                yield content, attributes

    def data(self) -> bytes:
        """The whole in UTF-8, with EMBED for each embed: a copy of blocks that are kept."""
        return b"".join(block.data() for block in self._blocks)

    def parts(self) -> Iterator[bytes]:
        """The same in parts of whole characters; it must not change between them."""
        return (block.data() for block in self._blocks)

    def snap(self, at: int) -> int:
        """`at` as an index that stands between two characters."""
        if not 0 < at < self.length:
            return max(0, min(at, self.length))
        number, i, inside = self._find(at)
        if not inside:
            return at
        data = self._blocks[number].pieces[i][0].encode()
        return at if is_boundary(data, inside) else at - inside + snap(data, inside)

    def between(self, start: int, end: int) -> list[tuple[Any, Attributes]]:
        """The pieces of [start, end); neighbours differ in their formatting. Of a character that is cut a replacement
        is left. Raises Drifted beyond the end."""
        found: list[_Piece] = []
        number, i, inside = self._find(start)
        left = end - start
        while left > 0:
            if number == len(self._blocks):
                raise Drifted("beyond the end of the text")
            pieces = self._blocks[number].pieces
            if i == len(pieces):
                number, i = number + 1, 0
                continue
            piece = pieces[i]
            piece = _cut(_cut(piece, inside, "replace")[1], left, "replace")[0]
            found.append(piece)
            left -= piece[2]
            i, inside = i + 1, 0
        return [(content, dict(attributes)) for content, attributes, _ in _merged(found)]

    def follow(self, delta: Sequence[Mapping[str, Any]]) -> tuple[tuple[Splice, ...], tuple[Reformat, ...]]:
        """Follow a `TextEvent.delta`; returns its splices and reformats. Raises Drifted: then the pieces must be made
        anew."""
        at = 0
        changes: list[Splice] = []
        formats: list[Reformat] = []
        for op in delta:
            if "retain" in op:
                length = int(op["retain"])
                if attributes := op.get("attributes"):
                    formats += self._format(at, at + length, attributes)
                at += length
            elif "delete" in op:
                length = int(op["delete"])
                gone = _merged(self._take(at, length))
                removed = tuple((content, dict(attributes)) for content, attributes, _ in gone)
                changes.append(Splice(at, deleted=length, removed=removed))
            else:
                content, attributes = op["insert"], op.get("attributes") or {}
                text = content if isinstance(content, str) else EMBED
                length = size(text)
                changes.append(Splice(at, inserted=length, text=text, attributes=attributes))
                self._put(at, [*_parts(content, attributes)])
                at += length
        return tuple(changes), tuple(formats)

    # Inside -------------------------------------------------------------------------------------------

    def _find(self, at: int) -> tuple[int, int, int]:
        """Block, piece and offset in the piece of byte `at`; at a border the end of the earlier block."""
        number, start = self._near
        if at < start:
            number = start = 0
        while at - start > self._blocks[number].total and number + 1 < len(self._blocks):
            start += self._blocks[number].total
            number += 1
        self._near = number, start
        rest = at - start
        i = 0
        for i, piece in enumerate(self._blocks[number].pieces):
            if rest < piece[2]:
                return number, i, rest
            rest -= piece[2]
        if rest:
            raise Drifted("beyond the end of the text")
        return number, len(self._blocks[number].pieces), 0

    def _put(self, at: int, pieces: list[_Piece]) -> None:
        number, i, inside = self._find(at)
        block = self._blocks[number]
        row = block.pieces
        if inside:
            row[i : i + 1] = _cut(row[i], inside)
            i += 1
        row[i:i] = pieces
        total = sum(piece[2] for piece in pieces)
        block.changed(total)
        self.length += total
        self._tidy(number, i, i + len(pieces))

    def _take(self, at: int, length: int) -> list[_Piece]:
        """Remove [at, at + length); returns the removed pieces."""
        first, i, inside = self._find(at)
        row = self._blocks[first].pieces
        if inside:
            row[i : i + 1] = _cut(row[i], inside)
            i += 1
        edge = i
        gone: list[_Piece] = []
        number, left = first, length
        while left > 0:
            if number == len(self._blocks):
                raise Drifted("beyond the end of the text")
            block = self._blocks[number]
            row = block.pieces
            taken = left
            last = i
            while last < len(row) and left > 0:
                piece = row[last]
                if piece[2] > left:
                    piece, row[last] = _cut(piece, left)
                else:
                    last += 1
                gone.append(piece)
                left -= piece[2]
            del row[i:last]
            block.changed(left - taken)
            number, i = number + 1, 0
        self.length -= length
        for emptied in range(number - 1, first - 1, -1):
            if not self._blocks[emptied].pieces and len(self._blocks) > 1:
                del self._blocks[emptied]
        if first == len(self._blocks):
            self._near = 0, 0
        else:
            self._tidy(first, edge, edge)
        return gone

    def _format(self, start: int, end: int, attributes: Attributes) -> list[Reformat]:
        formats: list[Reformat] = []
        former = self._take(start, end - start)
        at = start
        for _content, was, length in _merged(former):
            formats += [
                Reformat(at, at + length, name, was.get(name), value)
                for name, value in attributes.items()
                if was.get(name) != value
            ]
            at += length
        self._put(start, [(content, _changed(was, attributes), length) for content, was, length in former])
        return formats

    def _tidy(self, number: int, first: int, last: int) -> None:
        """Join equal neighbours around the pieces [first, last) of a block, and split a long block."""
        row = self._blocks[number].pieces
        low, high = max(0, first - 1), last + 1
        row[low:high] = _merged(row[low:high], _CHARACTERS)
        if len(row) > 2 * _BLOCK:
            self._blocks[number : number + 1] = [
                _Block(row[at : at + _BLOCK]) for at in range(0, len(row), _BLOCK)
            ]


def _parts(content: Any, attributes: Attributes) -> Iterator[_Piece]:
    """A piece in such as may stand in a block."""
    if not isinstance(content, str):
        yield content, attributes, 1
        return
    for at in range(0, len(content), _CHARACTERS):
        part = content[at : at + _CHARACTERS]
        yield part, attributes, size(part)


def _cut(piece: _Piece, at: int, errors: str = "strict") -> tuple[_Piece, _Piece]:
    """In two, after so many bytes; a part may be empty. Raises Drifted inside a character, if that is an error."""
    content, attributes, length = piece
    if at <= 0 or at >= length:
        nothing = "", attributes, 0
        return (nothing, piece) if at <= 0 else (piece, nothing)
    if content.isascii():
        return (content[:at], attributes, at), (content[at:], attributes, length - at)
    data = content.encode()
    try:
        first, second = data[:at].decode(errors=errors), data[at:].decode(errors=errors)
    except UnicodeDecodeError:
        raise Drifted("inside a character") from None
    return (first, attributes, at), (second, attributes, length - at)


def _merged(pieces: Iterable[_Piece], characters: float = math.inf) -> list[_Piece]:
    """Neighbours of equal formatting as one, of at most so many characters."""
    found: list[_Piece] = []
    alike: list[_Piece] = []
    length = 0
    for piece in pieces:
        text = isinstance(piece[0], str)
        if not text or (alike and (alike[0][1] != piece[1] or length + len(piece[0]) > characters)):
            found += _one(alike)
            alike, length = [], 0
        if text:
            alike.append(piece)
            length += len(piece[0])
        else:
            found.append(piece)
    return found + _one(alike)


def _one(alike: list[_Piece]) -> list[_Piece]:
    """Strings of equal formatting as one piece."""
    if len(alike) < 2:
        return alike
    return [("".join(piece[0] for piece in alike), alike[0][1], sum(piece[2] for piece in alike))]


def _changed(attributes: Attributes, changes: Attributes) -> Attributes:
    """None takes one away."""
    return {name: value for name, value in {**attributes, **changes}.items() if value is not None}
