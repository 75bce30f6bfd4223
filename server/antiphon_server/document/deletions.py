"""Recognises deleted text that its deleter inserts again, so that it keeps its authors.

When a member undoes their own deletion with the undo of a Yjs editor, the text comes back as a new insertion. (Text
that our own undo restores is known by `undo.trace`.) An insertion by the same member at the place of the deletion, with
the same text, keeps the former owners. The rule needs no flag, so a replay of the log gives the same authorship. It may
not recognise several overlapping deletions that come back as one insertion: then the text belongs to the member who
inserted it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from msgspec import Struct

from antiphon_server.document.authorship import Owner, Span
from antiphon_server.document.text_index import Attributes, Splice, size

_KEPT = 32
_KEPT_BYTES = 64 * 1024
"""A deletion longer than this is not joined with the next."""


class OwnedPiece(Struct, frozen=True, array_like=True):
    """A stretch of text with its formatting and its one owner."""

    text: str
    attributes: dict[str, Any]
    owner: Owner
    embed: Any = None
    """The embedded value, if it is no text; then `text` is EMBED."""


class StoredRemoval(Struct, frozen=True, array_like=True):
    start: int
    end: int
    by: Owner
    pieces: tuple[OwnedPiece, ...]


class Removal:
    """Text that `by` deleted from within [start, end]: one place, until others insert text there."""

    __slots__ = ("by", "end", "pieces", "start")

    def __init__(self, start: int, end: int, by: Owner, pieces: list[OwnedPiece]) -> None:
        self.start = start
        self.end = end
        self.by = by
        self.pieces = pieces

    @property
    def text(self) -> str:
        return "".join(piece.text for piece in self.pieces)


class Deletions:
    """The removals of one text."""

    def __init__(self, stored: Iterable[StoredRemoval] = ()) -> None:
        self._removals = [Removal(one.start, one.end, one.by, list(one.pieces)) for one in stored]

    def store(self) -> list[StoredRemoval]:
        return [StoredRemoval(one.start, one.end, one.by, tuple(one.pieces)) for one in self._removals]

    def fold(self, splice: Splice, by: Owner) -> None:
        """Follow a change that `by` made."""
        at, more = splice.at, splice.inserted - splice.deleted
        for removal in self._removals:
            if splice.inserted:
                # An insertion of others at the place itself widens it.
                if at < removal.end or (at == removal.end and removal.by != by):
                    removal.end += more
                if at < removal.start:
                    removal.start += more
            else:
                if at < removal.end:
                    removal.end = max(at, removal.end + more)
                if at < removal.start:
                    removal.start = max(at, removal.start + more)

    def note(self, at: int, by: Owner, pieces: list[OwnedPiece]) -> None:
        """Person `by` deletes `pieces` at `at`. To be called before `fold`."""
        # One's own text needs no memory: it comes back as one's own.
        if not self._extend(at, by, pieces) and any(piece.owner != by for piece in pieces):
            self._removals.append(Removal(at, at, by, pieces))
            del self._removals[:-_KEPT]

    def owners(self, at: int, by: Owner, text: str) -> list[Span] | None:
        """Whose `text` is that `by` inserted at `at`: the former owners if `by` deleted this text there.

        Call after `fold`.
        """
        for removal in reversed(self._removals):
            if removal.by != by or not removal.start <= at <= removal.end:
                continue
            if (back := _take_back(removal, at, text)) is None:
                continue
            if not removal.pieces:
                self._removals.remove(removal)
            for other in self._removals:
                if other.by == by and other is not removal and other.end == at:
                    other.end += size(text)  # later text may come back after it
            return [Span(size(piece.text), piece.owner) for piece in back]
        return None

    def people(self) -> set[str]:
        """Everybody who wrote or removed something that may come back."""
        writers = {piece.owner.author for one in self._removals for piece in one.pieces}
        return {one.by.author for one in self._removals} | writers

    def _extend(self, at: int, by: Owner, pieces: list[OwnedPiece]) -> bool:
        """Join a deletion to the last one of the same person: forward from the same place, or backspaces before it."""
        last = next((removal for removal in reversed(self._removals) if removal.by == by), None)
        if last is None or len(last.text) > _KEPT_BYTES:
            return False
        if last.end == at:
            last.pieces = [*last.pieces, *pieces]
        elif last.start == at + sum(size(piece.text) for piece in pieces):
            last.pieces = [*pieces, *last.pieces]
        else:
            return False
        return True


def _take_back(removal: Removal, at: int, text: str) -> list[OwnedPiece] | None:
    """The pieces of `text`, inserted at `at`, if it is the end or the beginning of the removed text; they leave it.

    Text that the deleter had written may be missing: it comes back with another undo, or never.
    """
    foreign = [piece for piece in removal.pieces if piece.owner != removal.by]
    for pieces in (removal.pieces, foreign):
        kept = "".join(piece.text for piece in pieces)
        if kept.endswith(text):
            cut = len(kept) - len(text)
            removal.pieces = _part(pieces, 0, cut)
            removal.end = max(at, removal.start)
            return _part(pieces, cut, len(kept))
        if kept.startswith(text):
            removal.pieces = _part(pieces, len(text), len(kept))
            removal.start = at + size(text)
            removal.end = max(removal.end, removal.start)
            return _part(pieces, 0, len(text))
    return None


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
