"""A line of dialogue in pieces that are spoken one by one: sentences, and of long ones their clauses."""

from __future__ import annotations

import re
from typing import Final

from antiphon_engines.speech.speaker import Unspeakable

LONGEST: Final = 100
"""Characters of one piece: about six seconds of speech, which a slow processor makes in two or three."""
_SENTENCE: Final = re.compile(r"(?<=[.!?…])[\"'”’»)]*\s+|\n+")
_CLAUSE: Final = re.compile(r"(?<=[,;:—–])\s+|\s+(?=[—–])")


def sentences(text: str) -> list[str]:
    """The pieces, none empty, none longer than `LONGEST`; words that are longer are cut."""
    found: list[str] = []
    for sentence in _split(_SENTENCE, text):
        if len(sentence) <= LONGEST:
            found.append(sentence)
            continue
        found += _packed([part for clause in _split(_CLAUSE, sentence) for part in _short(clause)])
    return found


def spoken(text: str) -> list[str]:
    """The pieces that have a letter or a digit. Raises Unspeakable when there is none."""
    found = [piece for piece in sentences(text) if any(letter.isalnum() for letter in piece)]
    if not found:
        raise Unspeakable("there are no words in this line")
    return found


def _split(where: re.Pattern[str], text: str) -> list[str]:
    """Cut where the pattern lies; of what is cut away only blanks are lost."""
    found: list[str] = []
    start = 0
    for cut in where.finditer(text):
        found.append(text[start : cut.end()].strip())
        start = cut.end()
    return [part for part in (*found, text[start:].strip()) if part]


def _short(clause: str) -> list[str]:
    if len(clause) <= LONGEST:
        return [clause]
    words = [word[at : at + LONGEST] for word in clause.split() for at in range(0, len(word), LONGEST)]
    return _packed(words)


def _packed(parts: list[str]) -> list[str]:
    """Neighbours together where that is short enough."""
    found: list[str] = []
    for part in parts:
        if found and len(found[-1]) + 1 + len(part) <= LONGEST:
            found[-1] = f"{found[-1]} {part}"
        else:
            found.append(part)
    return found
