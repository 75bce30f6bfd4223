"""Stretches of the story's trace of actions, and the operations that undo and redo make of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from msgspec import Struct

from antiphon_server.document.authorship import Span
from antiphon_server.document.deletions import OwnedPiece
from antiphon_server.document.text_index import EMBED, size

_NONE: frozenset[int] = frozenset()


class Stretch:
    """`length` 0: it was deleted, by `taker` (0: by nobody who can take that back) and through `run`, if any. `ids` are
    the Yjs ids of the deleted text, (client, clock, UTF-16 units) in order, where they are known."""

    __slots__ = ("ids", "length", "marks", "pieces", "run", "taker")

    def __init__(self, length: int, marks: frozenset[int] = _NONE) -> None:
        self.length = length
        self.marks = marks
        self.taker = 0
        self.run: str | None = None
        self.pieces: tuple[OwnedPiece, ...] = ()
        self.ids: tuple[tuple[int, int, int], ...] = ()

    def cut(self, at: int) -> Stretch:
        """Shorten a living stretch to `at` bytes; returns the rest."""
        rest = Stretch(self.length - at, self.marks)
        self.length = at
        return rest


class Insertion(Struct, frozen=True):
    """Text that comes back at `at`, in bytes of the text as the operations before left it."""

    at: int
    pieces: tuple[OwnedPiece, ...]


class Deletion(Struct, frozen=True):
    at: int
    length: int


Operation = Insertion | Deletion


def units_of(pieces: Iterable[OwnedPiece]) -> int:
    """UTF-16 units, as Yjs counts; an embed is one."""
    return sum(len(piece.text.encode("utf-16-le")) // 2 for piece in pieces)


def parted(stretch: Stretch, units: int) -> tuple[list[Stretch], list[Stretch]]:
    """A deleted stretch in two, after so many UTF-16 units; a part that would be empty is left out."""
    text = "".join(piece.text for piece in stretch.pieces)
    first = text.encode("utf-16-le")[: 2 * units].decode("utf-16-le", errors="ignore")
    held = Pieces(stretch.pieces)
    parts: list[list[Stretch]] = []
    left = units
    for length in (size(first), weight_of(stretch.pieces) - size(first)):
        part = Stretch(0, stretch.marks)
        part.taker, part.run, part.pieces = stretch.taker, stretch.run, held.take(length)
        rest: list[tuple[int, int, int]] = []
        for client, clock, count in stretch.ids:
            inside = max(0, min(count, left))
            if not parts and inside:
                part.ids += ((client, clock, inside),)
            if parts and count > inside:
                rest.append((client, clock + inside, count - inside))
            left -= count
        part.ids += tuple(rest)
        left = units
        parts.append([part] if part.pieces else [])
    return parts[0], parts[1]


class Pieces:
    """Pieces that are taken from the front, by bytes. Each is encoded once: a long one is taken in many parts."""

    def __init__(self, pieces: Iterable[OwnedPiece]) -> None:
        self._rest = iter(list(pieces))
        self._piece: OwnedPiece | None = None
        self._data = b""
        self._at = 0
        """Bytes of `_piece` that were taken."""

    def take(self, length: int) -> tuple[OwnedPiece, ...]:
        found: list[OwnedPiece] = []
        while length > 0:
            if self._piece is None:
                if (piece := next(self._rest, None)) is None:
                    break
                self._piece, self._data, self._at = piece, piece.text.encode(), 0
            piece = self._piece
            part = self._data[self._at : self._at + length]
            whole = len(part) == len(self._data)
            found.append(
                piece if whole else OwnedPiece(part.decode(errors="replace"), piece.attributes, piece.owner)
            )
            length -= len(part)
            self._at += len(part)
            if self._at >= len(self._data):
                self._piece = None
        return tuple(found)


def owned_pieces(text: Iterable[tuple[Any, Any]], owners: Iterable[Span]) -> Iterator[OwnedPiece]:
    """The pieces of a `Text.diff`, cut where their owner changes; `owners` are those of the whole of it."""
    spans = iter(owners)
    left, owner = 0, None
    for content, attributes in text:
        embed = None if isinstance(content, str) else content
        data = EMBED.encode() if embed is not None else content.encode()
        at = 0
        while at < len(data):
            if not left:
                span = next(spans, None)
                if span is None:
                    return
                left, owner = span.length, span.owner
            part = data[at : at + left]
            at += len(part)
            left -= len(part)
            assert owner is not None
            yield OwnedPiece(part.decode(errors="replace"), dict(attributes or {}), owner, embed)


def join_pieces(pieces: Iterable[OwnedPiece]) -> tuple[OwnedPiece, ...]:
    """Neighbours that are alike as one."""
    found: list[OwnedPiece] = []
    for piece in pieces:
        last = found[-1] if found else None
        plain = last is not None and last.embed is None and piece.embed is None
        if last is not None and plain and (last.owner, last.attributes) == (piece.owner, piece.attributes):
            found[-1] = OwnedPiece(last.text + piece.text, last.attributes, last.owner)
        else:
            found.append(piece)
    return tuple(found)


def reformatted(stretch: Stretch, mark: int, name: str, expected: object, target: object) -> list[Stretch]:
    """A deleted stretch, of which the pieces that have the value get another; cut where some have it and some not."""
    if mark not in stretch.marks:
        return [stretch]
    found: list[Stretch] = []
    for piece in stretch.pieces:
        hit = piece.attributes.get(name) == expected
        if hit:
            attributes = {key: value for key, value in piece.attributes.items() if key != name}
            if target is not None:
                attributes[name] = target
            piece = OwnedPiece(piece.text, attributes, piece.owner, piece.embed)
        part = Stretch(0, stretch.marks - {mark} | {-mark} if hit else stretch.marks)
        part.pieces, part.taker, part.run = (piece,), stretch.taker, stretch.run
        found.append(part)
    return found


def joined(operations: Iterable[Operation]) -> list[Operation]:
    """Fewer: each costs a walk over the text."""
    found: list[Operation] = []
    for one in operations:
        last = found[-1] if found else None
        if isinstance(one, Deletion) and isinstance(last, Deletion) and last.at == one.at:
            found[-1] = Deletion(last.at, last.length + one.length)
        elif isinstance(one, Insertion) and isinstance(last, Insertion):
            end = last.at + weight_of(last.pieces)
            if end == one.at:
                found[-1] = Insertion(last.at, join_pieces((*last.pieces, *one.pieces)))
            else:
                found.append(one)
        else:
            found.append(one)
    return found


def weight_of(pieces: Iterable[OwnedPiece]) -> int:
    return sum(size(piece.text) for piece in pieces)
