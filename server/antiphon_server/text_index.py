"""All index arithmetic of the story, in one place.

pycrdt counts a text in UTF-8 bytes (an embed counts as one); Python slices count code points and JavaScript UTF-16
units. An insert inside a character silently lands elsewhere and a delete inside one destroys it (FACTS, "CRDT"), so
every index that comes from outside passes :func:`snap`. Here, too, a `TextEvent.delta` becomes plain splices.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct

EMBED = "\x1a"
"""Stands for one embed in a plain text: one byte long, as the embed is in pycrdt's indices."""

Attributes = Mapping[str, Any]


Piece = tuple[str, Attributes]
"""A stretch of text with its formatting."""


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


def is_boundary(data: bytes, at: int) -> bool:
    """Whether `at` stands between two characters of UTF-8 `data` (both ends included)."""
    return at == len(data) or (0 <= at < len(data) and data[at] & 0xC0 != 0x80)


def snap(data: bytes, at: int) -> int:
    """`at` moved into the data and back to the nearest character boundary."""
    at = max(0, min(at, len(data)))
    while at and not is_boundary(data, at):
        at -= 1
    return at


def scrub(text: str) -> str:
    """`text` without lone surrogates, which no UTF-8 can hold, and without NUL."""
    return text.encode(errors="replace").decode().replace("\0", "")


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


def plain(chunks: Sequence[tuple[Any, Any]]) -> str:
    """The text of a `Text.diff`, embeds as EMBED."""
    return "".join(content if isinstance(content, str) else EMBED for content, _ in chunks)
