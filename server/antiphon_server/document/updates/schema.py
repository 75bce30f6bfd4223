"""The schema of a room's document: the kinds of content that each root and each type inside it takes.

Kinds of content where they have no place make Yrs hang or panic, or make it differ from JavaScript Yjs (decision record
`docs/decisions/crdt.md`). Whether the values of a field are the right ones is asked later (`canvas`, `jam`,
`side_roots`), when they can be put right without refusing the whole edit.
"""

from __future__ import annotations

from typing import Final, Literal

from antiphon_proto import schema
from antiphon_proto.document.canvas import POINTS
from antiphon_proto.document.canvas import TEXT as TEXT_FIELD
from antiphon_server.document.updates.parser import ARRAY, EMBED, FORMAT, MAP, NUMBERS, STRING, TEXT, VALUES


class Rule:
    """Of one type. `takes` are kinds of content (`document.updates.parser`); `inside` gives the rules of shared types
    inside it, by their kind, or by the key and the kind. `closed`: only the server writes there."""

    __slots__ = ("closed", "inside", "shape", "takes")

    def __init__(
        self,
        shape: Literal["text", "array", "map"],
        takes: tuple[int, ...],
        inside: dict[int | tuple[str, int], Rule] | None = None,
        *,
        closed: bool = False,
    ) -> None:
        self.shape = shape
        self.inside = inside or {}
        kinds = (one if isinstance(one, int) else one[1] for one in self.inside)
        self.takes = frozenset((*takes, *kinds))
        self.closed = closed

    def child(self, key: str | None, kind: int) -> Rule | None:
        """The rules of a shared type of this kind under this key."""
        if key is not None and (special := self.inside.get((key, kind))) is not None:
            return special
        return self.inside.get(kind)


_PLAIN: Final = (VALUES, NUMBERS)
_LIST: Final = Rule("array", _PLAIN)
_POINTS: Final = Rule("array", (NUMBERS,))
_BOARD_TEXT: Final = Rule("text", (STRING,))


def _maps(depth: int, special: dict[int | tuple[str, int], Rule] | None = None) -> Rule:
    """Maps inside each other, with lists in them: excess content is repaired later."""
    inside: dict[int | tuple[str, int], Rule] = {ARRAY: _LIST, **(special or {})}
    if depth:
        inside[MAP] = _maps(depth - 1, special)
    return Rule("map", _PLAIN, inside)


_CLOSED: Final = Rule("map", _PLAIN, {ARRAY: Rule("array", _PLAIN, closed=True)}, closed=True)

RULES: Final[dict[str, Rule]] = {
    schema.STORY: Rule("text", (STRING, FORMAT, EMBED)),
    schema.CANVAS: _maps(3, {(POINTS, ARRAY): _POINTS, (TEXT_FIELD, TEXT): _BOARD_TEXT}),
    schema.JAM: _maps(4),
    schema.FILM: _maps(1),
    schema.META: Rule("map", _PLAIN),
    schema.STYLE: Rule("map", _PLAIN),
    schema.CODEX: Rule("map", _PLAIN),
    schema.CHAT: Rule("array", _PLAIN, {MAP: _CLOSED}, closed=True),
    schema.COMMENTS: Rule("map", _PLAIN, {MAP: _CLOSED}, closed=True),
}
"""Root -> its rules. A room has no other roots."""
