"""What is looked for in a room, and what is found."""

from __future__ import annotations

from typing import Final, Literal, TypeAlias

from msgspec import Struct

Kind: TypeAlias = Literal["text", "chat", "comment", "board"]
KINDS: Final[tuple[Kind, ...]] = ("text", "chat", "comment", "board")
MAX_QUERY: Final = 200
"""Characters."""
MAX_HITS: Final = 50
ROOMS: Final = 64
"""Rooms that are kept ready at once."""
Meaning: TypeAlias = Literal["ready", "absent", "off"]
"""Whether a search by meaning was made; `absent`: its model is not prepared on this server."""


class Piece(Struct, frozen=True):
    """A passage that can be found. `id`: of the chat's entry, comment or object. `start`: where it begins in the story,
    in UTF-16 units, an embed counting one; 0 elsewhere."""

    kind: Kind
    text: str
    id: str = ""
    start: int = 0
    author: str = ""
    ms: int = 0


class Hit(Struct, frozen=True):
    """`marks`: [start, end) of the words in `piece.text` that were looked for, in UTF-16 units; none of a hit by
    meaning."""

    piece: Piece
    by: Literal["words", "meaning"]
    marks: tuple[tuple[int, int], ...] = ()


class Update(Struct, frozen=True):
    """What brings the copy of a room's document from the state vector `before` (empty: from nothing) to `after`.
    `version` changes whenever the room is loaded anew."""

    room: str
    version: str
    before: bytes
    after: bytes
    update: bytes


class Found(Struct, frozen=True):
    """`pending`: passages whose meaning is not read yet. `left_out`: passages beyond the bound, whose meaning will not
    be."""

    hits: tuple[Hit, ...]
    meaning: Meaning
    pending: int = 0
    left_out: int = 0
