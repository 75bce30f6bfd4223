"""A story cut into sentences of words, in English and Russian.

Each sentence is also given as its *line*: the base forms of its words, a blank between them, with names as `#N` (N
counts the names of the story). Rules are regular expressions over lines; so they know no endings.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache, lru_cache
from typing import Any, Final

from msgspec import Struct

_SENTENCE: Final = re.compile(r"[^.!?…\n]+(?:[.!?…]+[\"”»’)]*|$|(?=\n))")
_ABBREVIATION: Final = re.compile(r"\b(Mr|Mrs|Ms|Dr|St)\.")
_WORD: Final = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*|\d+|[,;:.!?…]")
_CYRILLIC: Final = re.compile(r"[\u0400-\u04ff]")
_NAMES: Final = frozenset({"Name", "Surn", "Patr", "Geox", "Orgn"})


def listed(*lines: str) -> frozenset[str]:
    """The words of these lines."""
    return frozenset(" ".join(lines).split())


class Word(Struct):
    """`base`: its base form in small letters. `name`: it may be (a part of) a name."""

    text: str
    start: int
    end: int
    base: str
    name: bool = False
    cases: frozenset[str] = frozenset()
    """Grammatical cases that it may stand in; Russian only."""
    gender: str = ""
    """`m`, `f`, or empty."""


class Sentence(Struct):
    """[start, end) in code points of the story."""

    start: int
    end: int
    words: list[Word]
    russian: bool


def sentences(text: str) -> Iterator[Sentence]:
    """The sentences of a text, without names marked across them."""
    text = _ABBREVIATION.sub(lambda found: f"{found.group(1)} ", text)
    for found in _SENTENCE.finditer(text):
        piece = found.group()
        if not piece.strip():
            continue
        russian = bool(_CYRILLIC.search(piece))
        words = [
            (_russian if russian else _english)(one.group(), found.start() + one.start())
            for one in _WORD.finditer(piece.replace("’", "'"))
        ]
        start = found.start() + len(piece) - len(piece.lstrip())
        yield Sentence(start, found.end(), words, russian)


def _english(text: str, at: int) -> Word:
    small = text.lower()
    return Word(
        text, at, at + len(text), small, name=text[:1].isupper() and len(text) > 1 and small not in STARTERS
    )


def _russian(text: str, at: int) -> Word:
    base, name, cases, gender = _parsed(text)
    return Word(text, at, at + len(text), base, name, cases, gender)


def base_forms(word: str) -> tuple[str, ...]:
    """All that a Russian word in small letters may have, the likeliest first."""
    return tuple(dict.fromkeys(one.normal_form for one in _morph().parse(word)))


@lru_cache(maxsize=20_000)
def _parsed(text: str) -> tuple[str, bool, frozenset[str], str]:
    if not text[:1].isalpha():
        return text, False, frozenset(), ""
    parses = _morph().parse(text)
    named = [one for one in parses if _NAMES & set(map(str, one.tag.grammemes))]
    if text[:1].isupper() and len(text) > 1 and named:
        best = named[0]
        gender = {"masc": "m", "femn": "f"}.get(str(best.tag.gender), "")
        return (
            best.normal_form,
            True,
            frozenset(str(one.tag.case) for one in named if one.tag.case and one.tag.number != "plur"),
            gender,
        )
    return parses[0].normal_form, False, frozenset(), ""


@cache
def _morph() -> Any:
    import pymorphy3

    return pymorphy3.MorphAnalyzer(lang="ru")


STARTERS: Final = listed(
    "a an the and or but nor so yet if when while where who what which why how that this these those there here it",
    "its",
    "he she they we you i my your his her their our him them me us is are was were be been do does did has have had",
    "can could will would shall should may might must not no yes then than as at by for from in into of off on onto",
    "out",
    "over to under up with without after before because since though although until once again still even just only",
    "all any both each every few many more most some such other another one two three four five six seven eight nine",
    "ten old young nobody somebody everybody nothing something everything now later years year day days night morning",
    "evening winter summer spring autumn monday tuesday wednesday thursday friday saturday sunday january february",
    "march april june july august september october november december mr mrs ms dr captain doctor sir madam miss",
    "leave let come go look listen tell give take maybe perhaps never always often sometimes soon suddenly quietly",
)
"""Words that begin a sentence, or stand with a name, and are none."""
