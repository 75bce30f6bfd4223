"""The style card of a room: how its story is told. It stands at the beginning of every prompt.

The root `style` is a Y.Map of plain strings with the names of :class:`StyleCard`'s fields. Whoever may edit writes it;
a field that may not stand so goes back to what it was, and the sender gets an `error`, as on the canvas.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from msgspec import Meta, Struct, structs

from antiphon_proto.frame import Message, Request, UInt

BOUNDS: Final = {"tone": 200, "person": 100, "tense": 100, "keep": 1000, "avoid": 1000, "facts": 2000}
"""Characters of each field, at most."""


class StyleCard(Struct, frozen=True, omit_defaults=True):
    """`keep` and `avoid` are things to keep to and to keep from; `facts` are names and what is true in the story."""

    tone: Annotated[str, Meta(max_length=200)] = ""
    person: Annotated[str, Meta(max_length=100)] = ""
    tense: Annotated[str, Meta(max_length=100)] = ""
    keep: Annotated[str, Meta(max_length=1000)] = ""
    avoid: Annotated[str, Meta(max_length=1000)] = ""
    facts: Annotated[str, Meta(max_length=2000)] = ""

    @classmethod
    def of(cls, fields: Mapping[str, object]) -> StyleCard:
        """The sound fields of a root `style`."""
        return cls(**{name: value for name, value in fields.items() if fits(name, value)})  # type: ignore[arg-type]

    def __bool__(self) -> bool:
        return any(value.strip() for value in structs.astuple(self))


def fits(name: str, value: object) -> bool:
    """Whether a style card may have `value` in its field `name`."""
    return name in BOUNDS and isinstance(value, str) and len(value) <= BOUNDS[name]


class StyleMeasures(Struct, frozen=True, array_like=True):
    """What was counted in a passage. Shares are of 1."""

    words: UInt
    sentences: UInt
    sentence_words: float
    """Words per sentence."""
    dialogue: float
    """Share of the characters that stand in speech."""
    typical: tuple[str, ...]
    """Words that it uses more than others do, most typical first."""
    names: tuple[str, ...]


class LearnStyle(Request, frozen=True, tag="learn_style"):
    """Measure [start, end) of the story, as at room offset `offset`; answered by `learned`, or an `error`."""

    learn: UInt
    offset: UInt
    start: UInt
    end: UInt


class Learned(Message, frozen=True, tag="learned"):
    """To the asker: a style card proposed from what was counted, fields that counting cannot tell left empty. It is
    theirs to put into the room, or not."""

    learn: UInt
    card: StyleCard
    measures: StyleMeasures
