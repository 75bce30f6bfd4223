"""The codex of a room: the people, places and things of its story, and the facts about them.

It has two parts. Facts that rules find in the text are sent with `codex` and are not in the document: they follow the
text. Entries of people are the root `codex`, a Y.Map of plain strings: name -> facts in their own words. These have
precedence over the found ones; an empty entry hides them. Participants who may edit write it; an invalid entry is reset
to its former value, as in the style card. Both parts go into prompts, within `PROMPT_CHARACTERS`.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

from antiphon_proto.frame import Message, UInt

MAX_ENTRIES: Final = 200
"""That people wrote; more are not taken. As many are found at most, those that are named most."""
MAX_NAME: Final = 100
MAX_WORDS: Final = 1000
"""Most characters of one entry of people."""
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
    """Facts found in the story as it was at `offset`. Sent some seconds after people pause, if they changed, and after
    `welcome`."""

    offset: UInt
    entries: tuple[CodexEntry, ...]
    contradictions: tuple[CodexContradiction, ...]


def fits(name: str, value: object) -> bool:
    """Whether the root may have `value` under `name`."""
    return (
        len(name.strip()) > 0 and len(name) <= MAX_NAME and isinstance(value, str) and len(value) <= MAX_WORDS
    )
