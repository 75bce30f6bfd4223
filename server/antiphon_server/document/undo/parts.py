"""Cuts a step of undo or redo into parts of bounded cost, each a transaction."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from typing import Any, Final, TypeAlias, TypeVar

from pycrdt import Text

from antiphon_server.document.canvas import Canvas
from antiphon_server.document.jam import Jam
from antiphon_server.document.side_roots import SideRoots
from antiphon_server.document.text_index import size
from antiphon_server.document.undo.stretches import Insertion, Operation

Ranged: TypeAlias = tuple[int, int, dict[str, Any]]
"""[start, end) of the story, and the attributes that it gets; None takes one away."""
Work: TypeAlias = Callable[[Text, Canvas, Jam, SideRoots], object]
"""Changes the document, inside a transaction."""
_Item = TypeVar("_Item")
_UNITS: Final = 6
"""Passages, or objects, that one part changes."""


def parts_of(
    operations: Sequence[Operation],
    formats: Callable[[], Iterator[Ranged]],
    objects: Sequence[Callable[[Canvas, Jam, SideRoots], None]],
) -> Iterator[tuple[Work, Sequence[Operation]]]:
    """Parts of an edit, each a transaction, with its share of `operations`. Take a part after the one before it is
    done."""
    for part in _parted(operations):
        yield partial(_write, part), part
    # Where they go is known only when the text is as it will be.
    for ranges in batched(formats()):
        yield partial(_format, ranges), ()
    for some in objects:
        yield partial(_draw, some), ()


def _parted(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    """The same in parts of bounded cost."""
    part: list[Operation] = []
    units = 0
    for one in operations:
        for small in _small(one):
            part.append(small)
            units += len(small.pieces) if isinstance(small, Insertion) else 1
            if units >= _UNITS:
                yield part
                part, units = [], 0
    if part:
        yield part


def _small(one: Operation) -> Iterator[Operation]:
    if not isinstance(one, Insertion):
        yield one
        return
    at = one.at
    for pieces in batched(one.pieces):
        yield Insertion(at, tuple(pieces))
        at += sum(size(piece.text) for piece in pieces)


def batched(items: Iterable[_Item], units: Callable[[_Item], int] = lambda _: 1) -> Iterator[list[_Item]]:
    """The same in lists of at most so many as one part changes. `units`: as how many one counts."""
    batch: list[_Item] = []
    left = _UNITS
    for item in items:
        batch.append(item)
        left -= units(item)
        if left <= 0:
            yield batch
            batch, left = [], _UNITS
    if batch:
        yield batch


def _write(part: Iterable[Operation], text: Text, *_: object) -> None:
    write(text, part)


def _draw(
    objects: Callable[[Canvas, Jam, SideRoots], None], _: Text, canvas: Canvas, jam: Jam, side: SideRoots
) -> None:
    objects(canvas, jam, side)


def _format(ranges: Iterable[Ranged], text: Text, *_: object) -> None:
    for start, end, attributes in ranges:
        text.format(start, end, attributes)


def write(text: Text, operations: Iterable[Operation]) -> None:
    """Inside a transaction: apply the operations to the text."""
    for one in operations:
        if not isinstance(one, Insertion):
            del text[one.at : one.at + one.length]
            continue
        at = one.at
        for piece in one.pieces:
            if piece.embed is not None:
                text.insert_embed(at, piece.embed, dict(piece.attributes))
            else:
                text.insert(at, piece.text, dict(piece.attributes))
            at += size(piece.text)
