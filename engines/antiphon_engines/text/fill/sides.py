"""What stands on both sides of a gap, as a model reads it, and which words may stand between."""

from __future__ import annotations

import re
from typing import Final

from msgspec import Struct

BEFORE: Final = 1000
"""Characters before the gap that are read, at most: each costs time, and a word depends on its neighbours."""
_SEARCH: Final = 200
_AFTER: Final = 120
_OPENING: Final = frozenset("([{«“‘\"'¿¡—–-/#*_")
_CLOSING: Final = frozenset(".,;:!?…)]}»”’\"'—–-/*_")
_BEGINNING: Final = frozenset('([«“‘"¿¡—–')
_UNSPACED: Final = re.compile(
    r"[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff]"
)
"""Scripts that are written without blanks between words."""
_WORD: Final = re.compile(r"\w+(?:['’-]\w+)*")


class Sides(Struct, frozen=True):
    """`spaced`: the words begin with a blank, which `before` lacks; None: either way."""

    before: str
    after: str
    spaced: bool | None


def sides(before: str, after: str) -> Sides:
    """`before` cut to its end, without the blanks there; `after` cut to its beginning, with a blank where one belongs
    before it."""
    head = _end(before).rstrip(" \t")
    last, first = head[-1:], after[:1]
    if not last or last == "\n" or _UNSPACED.match(last):
        spaced: bool | None = None if last and last != "\n" else False
    elif before[-1:] in " \t" or last not in _OPENING:
        spaced = True
    else:
        spaced = False
    tail = after[:_AFTER].lstrip(" \t")
    blank = first in (" ", "\t") or (first.isalnum() and not _UNSPACED.match(first)) or first in "([{«“‘¿¡"
    return Sides(head, f" {tail}" if tail and first and blank else tail, spaced)


def fits(words: str, before: str, after: str, replaced: str) -> bool:
    """Whether words can be offered: one line with a letter or a digit in it, other than what they replace, and no
    repetition of a neighbour."""
    found = _WORD.findall(words)
    if not found or "\n" in words or "\ufffd" in words or "<|" in words:
        return False
    if not (words[0].isalnum() or words[0] in _BEGINNING) or words.count('"') % 2:
        return False
    if _plain(words) == _plain(replaced):
        return False
    nearest, following = _WORD.findall(before[-60:]), _WORD.findall(after[:60])
    return not (
        (nearest and found[0].casefold() == nearest[-1].casefold())
        or (following and found[-1].casefold() == following[0].casefold())
    )


def word_count(text: str) -> int:
    return len(_WORD.findall(text))


def _plain(text: str) -> str:
    return " ".join(_WORD.findall(text.casefold()))


def _end(text: str) -> str:
    """The end of a text, from the beginning of a paragraph, a sentence or a word."""
    if len(text) <= BEFORE:
        return text
    end = text[-BEFORE:]
    for mark in ("\n", ". ", " "):
        found = end.find(mark, 0, _SEARCH)
        if found >= 0:
            return end[found + len(mark) :]
    return end
