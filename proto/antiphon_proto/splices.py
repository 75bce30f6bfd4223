"""Changes of a text as splices, and places that follow them: for the server's story and the SDK's copy of it.

pycrdt counts a text in UTF-8 bytes (an embed counts as one). A `TextEvent.delta` becomes plain splices here, and a byte
offset folded over them is where its place has gone. Measured against Yrs' sticky indices, which are wrong on non-ASCII
text (FACTS, "CRDT"): 450 runs of 40 concurrent rounds with Cyrillic and emoji, no failure.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

EMBED = "\x1a"
"""Stands for one embed in a plain text: one byte long, as the embed is in pycrdt's indices."""

Attributes = Mapping[str, Any]
Piece = tuple[str, Attributes]
"""A stretch of text with its formatting."""
Side = Literal["left", "right"]
"""Which neighbour a place keeps to when something is inserted exactly there."""


class Splice(Struct, frozen=True):
    """One change at `at`, in bytes of the text as the splices before it left it: bytes out, or bytes in."""

    at: int
    deleted: int = 0
    inserted: int = 0
    text: str = ""
    """What was inserted."""
    attributes: Attributes = {}
    removed: tuple[Piece, ...] = ()
    """What was deleted, where the text before was at hand."""


def size(text: str) -> int:
    """Length in UTF-8 bytes."""
    return len(text) if text.isascii() else len(text.encode())


def fold(at: int, changes: Iterable[Splice], side: Side) -> int:
    """Where byte offset `at` is after `changes`. `left`: an insertion at the place itself goes after it."""
    for change in changes:
        if change.inserted:
            if change.at < at or (change.at == at and side == "right"):
                at += change.inserted
        elif change.at < at:
            at -= min(change.deleted, at - change.at)
    return at


def splices(
    delta: Iterable[Mapping[str, Any]], before: Sequence[tuple[Any, Any]] | None = None
) -> tuple[Splice, ...]:
    """The changes of text in a `TextEvent.delta`, to be applied one after the other; formatting alone gives none.

    `before` is the whole text in pieces, as it was; with it, each deletion tells what it removed.
    """
    at = was = 0
    found = []
    for op in delta:
        if "retain" in op:
            at += int(op["retain"])
            was += int(op["retain"])
        elif "delete" in op:
            length = int(op["delete"])
            removed = cut(before, was, was + length) if before is not None else ()
            found.append(Splice(at, deleted=length, removed=removed))
            was += length
        else:
            content = op["insert"]
            text = content if isinstance(content, str) else EMBED
            length = size(text)
            found.append(Splice(at, inserted=length, text=text, attributes=op.get("attributes") or {}))
            at += length
    return tuple(found)


def cut(chunks: Sequence[tuple[Any, Any]], start: int, end: int) -> tuple[Piece, ...]:
    """The pieces of bytes [start, end) of a `Text.diff`; both ends stand between characters."""
    at = 0
    found: list[Piece] = []
    for content, attributes in chunks:
        data = content.encode() if isinstance(content, str) else EMBED.encode()
        part = data[max(0, start - at) : max(0, end - at)]
        if part:
            found.append((part.decode(errors="replace"), dict(attributes or {})))
        at += len(data)
        if at >= end:
            break
    return tuple(found)
