"""Input and findings of a checker of spelling and grammar."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Annotated, Final, Literal, TypeAlias

from msgspec import Meta, Struct

Language: TypeAlias = Literal["en", "ru"]
MAX_TEXT: Final = 4000
"""Most characters of a passage: a long paragraph is cut by who asks."""
MAX_PASSAGES: Final = 32
"""Most passages of one request."""
REPLACEMENTS: Final = 5
"""Most replacements of one fault, the best first."""

FOREIGN: Final = 0.4
"""Share of unknown words from which a text is taken to be in another language."""
FEWEST: Final = 8
"""Words of a text below which that share says nothing."""
_WORD = re.compile(r"\w[\w'’-]*")
_SENTENCE_END = re.compile(r"(^|[.!?…:\n][\"'”’»)\]]*\s*[-–—]?\s*[\"'“‘«(\[]*|[\"“‘«(\[—–]\s?)$")
_LEFT_ALONE = re.compile(
    r"`[^`\n]*`"  # code
    r"|\b(?:https?://|www\.)\S+"
    r"|\S+@\S+"  # addresses and names in a chat
    r"|\b\w*\d\w*\b"
    r"|\b\w+(?:[_/\\]\w+)+\b"  # paths and identifiers
    r"|\b\w+\.\w{2,4}\b(?!\.)"  # file names
    r"|\b[a-z]+[A-Z]\w*\b"
    r"|[{}<>=;|]+\S*"
)


class Passage(Struct, frozen=True):
    """A piece of a paragraph, without line ends."""

    text: Annotated[str, Meta(max_length=MAX_TEXT)]
    language: Language


class Finding(Struct, frozen=True):
    """A fault at [start, end), in UTF-16 units of the passage. `kind` is one word; `message` is a reason in the
    language of the checker, or empty."""

    start: int
    end: int
    kind: str
    replacements: tuple[str, ...] = ()
    message: str = ""


def words_in(text: str) -> list[re.Match[str]]:
    """The words, with hyphens and apostrophes inside."""
    return list(_WORD.finditer(text))


def begins_sentence(text: str, start: int) -> bool:
    """Whether a sentence, or speech, begins at `start`."""
    return _SENTENCE_END.search(text[max(0, start - 8) : start]) is not None


def names_in(text: str) -> set[str]:
    """Words that stand capitalised where no sentence begins, in small letters."""
    return {
        word.group().casefold()
        for word in words_in(text)
        if word.group()[0].isupper() and not begins_sentence(text, word.start())
    }


def left_alone(text: str) -> list[tuple[int, int]]:
    """Spans that are no prose: code, addresses, file names."""
    return [match.span() for match in _LEFT_ALONE.finditer(text)]


def in_utf16(text: str, findings: Sequence[Finding]) -> tuple[Finding, ...]:
    """Findings in code points as findings in UTF-16 units."""
    if all(character < "\U00010000" for character in text):
        return tuple(findings)

    def units(place: int) -> int:
        return place + sum(character >= "\U00010000" for character in text[:place])

    return tuple(
        Finding(units(one.start), units(one.end), one.kind, one.replacements, one.message) for one in findings
    )
