"""The codex of a room: the people, places and things of its story, and what the story says of them.

Two parts. What rules found in the text comes with `codex` and stands in no document: it follows the text. What people
wrote themselves is the root `codex`, a Y.Map of plain strings: name -> what is true of it, in their own words, which
count more than what was found; an empty one hides what was found. Whoever may edit writes it; a fault goes back to what
it was, as in the style card. Both go into prompts as far as `PROMPT_CHARACTERS` allow.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from antiphon_proto.frame import Message, UInt

MAX_ENTRIES: Final = 200
"""That people wrote; more are not taken. As many are found at most, those that are named most."""
MAX_NAME: Final = 100
MAX_WORDS: Final = 1000
"""Characters of what people wrote of one."""
MAX_QUOTE: Final = 300
PROMPT_CHARACTERS: Final = 900
"""Of a prompt: the budget of the codex."""

EntryName = Annotated[str, Meta(max_length=MAX_NAME)]
EntryKind = Literal["person", "place", "thing"]


class CodexFact(Struct, frozen=True, array_like=True):
    """`quote` is the sentence that says it, [start, end) in bytes of the story as at the message's offset."""

    attribute: Annotated[str, Meta(max_length=32)]
    value: Annotated[str, Meta(max_length=MAX_NAME)]
    quote: Annotated[str, Meta(max_length=MAX_QUOTE)]
    start: UInt
    end: UInt


class CodexEntry(Struct, frozen=True, array_like=True):
    """`count`: how often it is named."""

    name: EntryName
    kind: EntryKind
    count: UInt
    facts: tuple[CodexFact, ...] = ()


class CodexContradiction(Struct, frozen=True, array_like=True):
    """The story says two things of `name` that cannot both be true."""

    name: EntryName
    attribute: Annotated[str, Meta(max_length=32)]
    first: CodexFact
    second: CodexFact


class Codex(Message, frozen=True, tag="codex"):
    """What was found in the story as it was at `offset`: some seconds after people pause, where it changed, and after
    `welcome`."""

    offset: UInt
    entries: tuple[CodexEntry, ...]
    contradictions: tuple[CodexContradiction, ...]


def fits(name: str, value: object) -> bool:
    """Whether the root may have `value` under `name`."""
    return (
        len(name.strip()) > 0 and len(name) <= MAX_NAME and isinstance(value, str) and len(value) <= MAX_WORDS
    )
