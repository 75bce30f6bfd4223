"""All index arithmetic of the story; the part that the SDK shares is in `antiphon_proto.document.splices`.

pycrdt counts a text in UTF-8 bytes (an embed counts as one); Python slices count code points and JavaScript UTF-16
units. An insert inside a character silently lands elsewhere and a delete inside one destroys it (FACTS, "CRDT"), so
every index that comes from outside passes :func:`snap`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from antiphon_proto.document.splices import (
    EMBED,
    Attributes,
    Piece,
    Reformat,
    Splice,
    cut,
    reformats,
    size,
    splices,
)

__all__ = [
    "EMBED",
    "Attributes",
    "Piece",
    "Reformat",
    "Splice",
    "cut",
    "is_boundary",
    "plain",
    "reformats",
    "scrub",
    "size",
    "snap",
    "splices",
]


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


def plain(chunks: Sequence[tuple[Any, Any]]) -> str:
    """The text of a `Text.diff`, embeds as EMBED."""
    return "".join(content if isinstance(content, str) else EMBED for content, _ in chunks)
