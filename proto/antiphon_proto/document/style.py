"""The style card of a room: how its story is told. Every prompt begins with it.

The root `style` is a Y.Map of plain strings with the names of :class:`StyleCard`'s fields. Participants who may edit
write it. An invalid field is reset to its former value and the sender gets an `error`, as on the canvas.

Beside the card is the room's dictionary: words that the spelling checker ignores. Each word is a field `word:` plus the
word in lower case, so that two people who add words at once lose none. The value is the word as written.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from msgspec import Meta, Struct, structs

from antiphon_proto.frame import Message, Request, UInt

BOUNDS: Final = {"tone": 200, "person": 100, "tense": 100, "keep": 1000, "avoid": 1000, "facts": 2000}
"""Characters of each field, at most."""
WORD: Final = "word:"
"""Prefix of the fields of the dictionary."""
MAX_WORD: Final = 60
"""Characters of a word of the dictionary, at most."""
MAX_WORDS: Final = 2000
"""Words of a room's dictionary, at most."""


class StyleCard(Struct, frozen=True, omit_defaults=True):
    """`keep` and `avoid` are features of style to keep and to avoid; `facts` are names and facts of the story."""

    tone: Annotated[str, Meta(max_length=200)] = ""
    person: Annotated[str, Meta(max_length=100)] = ""
    tense: Annotated[str, Meta(max_length=100)] = ""
    keep: Annotated[str, Meta(max_length=1000)] = ""
    avoid: Annotated[str, Meta(max_length=1000)] = ""
    facts: Annotated[str, Meta(max_length=2000)] = ""

    @classmethod
    def of(cls, fields: Mapping[str, object]) -> StyleCard:
        """The sound fields of a root `style`."""
        return cls(**{name: value for name, value in fields.items() if name in BOUNDS and fits(name, value)})  # type: ignore[arg-type]

    def __bool__(self) -> bool:
        return any(value.strip() for value in structs.astuple(self))


def fits(name: str, value: object) -> bool:
    """Whether the root may have `value` in its field `name`."""
    if name.startswith(WORD):
        return isinstance(value, str) and _is_word(value) and name == WORD + value.lower()
    return name in BOUNDS and isinstance(value, str) and len(value) <= BOUNDS[name]


def dictionary(fields: Mapping[str, object]) -> frozenset[str]:
    """The words of the room's dictionary in a root `style`."""
    return frozenset(
        value
        for name, value in fields.items()
        if name.startswith(WORD) and isinstance(value, str) and fits(name, value)
    )


def _is_word(text: str) -> bool:
    return 0 < len(text) <= MAX_WORD and text.isprintable() and not any(letter.isspace() for letter in text)


class StyleMeasures(Struct, frozen=True, array_like=True):
    """Statistics of a passage. Shares are fractions of 1."""

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
    """To the asker: a style card proposed from the statistics of a passage; fields that cannot be counted are empty.
    The asker decides whether to write it to the room."""

    learn: UInt
    card: StyleCard
    measures: StyleMeasures
