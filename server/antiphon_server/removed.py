"""What was deleted and may come back: by a run, to be restored when the run is undone; by a person, to be known again.

When somebody undoes their own deletion (with our `undo`, or with the undo of any Yjs editor), the text comes back as a
new insertion. It is still the work of who wrote it: an insertion at the very place of one's own deletion, with the
very text, keeps its owners. The rule needs no flag, so that a replay of the log gives the same authorship.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from antiphon_server.anchor import Anchor, Anchors
from antiphon_server.authorship import Owner, Span
from antiphon_server.text_index import Attributes, Piece, size

_KEPT = 32
_KEPT_BYTES = 64 * 1024
"""Of people's deletions; those of runs are kept until the run is undone."""


class OwnedPiece(Struct, frozen=True, array_like=True):
    """A stretch of text with its formatting and its one owner."""

    text: str
    attributes: dict[str, Any]
    owner: Owner


class StoredRemoval(Struct, frozen=True, array_like=True):
    at: int
    by: Owner
    pieces: tuple[OwnedPiece, ...]


class Removal:
    """Text that `by` deleted, and the place where it stood."""

    __slots__ = ("anchor", "by", "pieces")

    def __init__(self, anchor: Anchor, by: Owner, pieces: list[OwnedPiece]) -> None:
        self.anchor = anchor
        self.by = by
        self.pieces = pieces

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


class Removed:
    """The removals of one text. Places are kept by `anchors`."""

    def __init__(self, anchors: Anchors, stored: Iterable[StoredRemoval] = ()) -> None:
        self._anchors = anchors
        self._of_people: list[Removal] = []
        self._of_runs: list[Removal] = []  # in the order of the text, also where several stand at one place
        for removal in stored:
            self._list(removal.by).append(Removal(anchors.put(removal.at), removal.by, list(removal.pieces)))

    def store(self) -> list[StoredRemoval]:
        return [
            StoredRemoval(removal.anchor.at, removal.by, tuple(removal.pieces))
            for removal in (*self._of_people, *self._of_runs)
        ]

    def note(self, at: int, by: Owner, text: tuple[Piece, ...], owners: list[Span]) -> None:
        """`by` deletes `text`, whose owners these are, at `at`. To be called before the anchors are folded over it."""
        pieces = _owned(text, owners)
        if by.run is not None:
            pieces = [piece for piece in pieces if piece.owner.run != by.run]
            if pieces:
                place = next((i for i, r in enumerate(self._of_runs) if r.anchor.at > at), len(self._of_runs))
                self._of_runs.insert(place, Removal(self._anchors.put(at), by, pieces))
            return
        if self._extend(at, by, pieces):
            return
        # What one wrote oneself needs no memory: it comes back as one's own.
        if any(piece.owner != by for piece in pieces) and sum(len(p.text) for p in pieces) <= _KEPT_BYTES:
            self._of_people.append(Removal(self._anchors.put(at), by, pieces))
            del self._of_people[:-_KEPT]

    def owners(self, at: int, by: Owner, text: str) -> list[Span] | None:
        """Whose `text` is when `by` inserts it at `at`: the former owners if it is what `by` deleted there."""
        for removal in reversed(self._of_people):
            if removal.by != by or removal.anchor.at != at:
                continue
            kept = removal.text
            if kept.endswith(text):
                back, removal.pieces = (
                    _part(removal.pieces, len(kept) - len(text), len(kept)),
                    _part(removal.pieces, 0, len(kept) - len(text)),
                )
            elif kept.startswith(text):
                back, removal.pieces = (
                    _part(removal.pieces, 0, len(text)),
                    _part(removal.pieces, len(text), len(kept)),
                )
            else:
                continue
            if not removal.pieces:
                self._of_people.remove(removal)
            return [Span(size(piece.text), piece.owner) for piece in back]
        return None

    def by_run(self, run: str) -> list[Removal]:
        """What the run deleted of others' text, in the order of the text."""
        return [removal for removal in self._of_runs if removal.by.run == run]

    def forget_run(self, run: str) -> None:
        self._of_runs = [removal for removal in self._of_runs if removal.by.run != run]

    def _list(self, by: Owner) -> list[Removal]:
        return self._of_people if by.run is None else self._of_runs

    def _extend(self, at: int, by: Owner, pieces: list[OwnedPiece]) -> bool:
        """Join a deletion to the last one of the same person: forward from the same place, or backspaces before it."""
        last = next((removal for removal in reversed(self._of_people) if removal.by == by), None)
        if last is None or len(last.text) > _KEPT_BYTES:
            return False
        if last.anchor.at == at:
            last.pieces = [*last.pieces, *pieces]
        elif last.anchor.at == at + sum(size(piece.text) for piece in pieces):
            last.pieces = [*pieces, *last.pieces]
        else:
            return False
        return True


def _owned(text: tuple[Piece, ...], owners: list[Span]) -> list[OwnedPiece]:
    """Cut pieces where their owner changes."""
    found: list[OwnedPiece] = []
    rest = [(span.length, span.owner) for span in reversed(owners)]
    for content, attributes in text:
        data = content.encode()
        while data and rest:
            length, owner = rest.pop()
            part, data = data[:length], data[length:]
            if length > len(part):
                rest.append((length - len(part), owner))
            found.append(OwnedPiece(part.decode(errors="replace"), dict(attributes), owner))
    return found


def _part(pieces: list[OwnedPiece], start: int, end: int) -> list[OwnedPiece]:
    """Characters [start, end) of the pieces."""
    at = 0
    found = []
    for piece in pieces:
        text = piece.text[max(0, start - at) : max(0, end - at)]
        if text:
            found.append(OwnedPiece(text, piece.attributes, piece.owner))
        at += len(piece.text)
    return found


def without(attributes: Attributes, *names: str) -> dict[str, Any]:
    return {name: value for name, value in attributes.items() if name not in names}
