"""What a model is shown of a long story beside its window, when it is asked about the story: the sentences that have
the question's words, each with its neighbours.

By words alone: rare words of the story count most, and endings are cut off, so that "carved" finds "carve". It needs no
model and no index, and looks at a bounded part of the story.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from typing import Final

from antiphon_server.document.text_index import snap
from antiphon_server.story.prompt_window import Window, window

REACH: Final = 32 * 1024
"""Bytes of the story that are looked at, before the window and behind it: 15 ms of work at most."""
MOST: Final = 1200
"""Characters that are shown."""
_NEAR: Final = 0.5
"""Share of its neighbours' score that a sentence has too: an answer often stands beside the words of the question."""
_STEM: Final = 5
_SENTENCE: Final = re.compile(r"[^.!?…\n]+[.!?…]*[\"”»’)]*\s*|\n")
_WORD: Final = re.compile(r"[^\W_]+")
_ASKING: Final = """
a an the and or of to in on at by with for from as is are was were be been did do does had has have who whom whose what
which when where why how many much long that this it its he she they his her their him them you i we there not
и в во на с со к ко о об от до из за по у а но или не ни что кто кого чей чья чьё какой какая какое какие как где куда
откуда когда почему зачем сколько ли это был была было были есть он она они его её их ему ей им
"""
_COMMON: Final = frozenset(_ASKING.split())


def consulted(data: bytes, at: int, question: str) -> tuple[Window, str]:
    """The window before the place `at`, and what a question recalls of the rest of the story."""
    view = window(data, at, at)
    return view, recalled(data, (at - len(view.before.encode()), at), question)


def recalled(data: bytes, shown: tuple[int, int], question: str) -> str:
    """Sentences of the story's UTF-8 `data` outside of the part [start, end) that is shown anyway, in their order, a
    line for each place; empty where none has a word of the question."""
    start, end = shown
    before = data[snap(data, max(0, start - REACH)) : start].decode(errors="ignore")
    after = data[end : snap(data, min(len(data), end + REACH))].decode(errors="ignore")
    found = [*_SENTENCE.findall(before), "\n", *_SENTENCE.findall(after)]
    return "\n".join(_best(found, _terms(question)))


def _terms(text: str) -> set[str]:
    words = (word.casefold() for word in _WORD.findall(text))
    return {word[:_STEM].rstrip("s") if word.isalpha() else word for word in words if word not in _COMMON}


def _best(sentences: list[str], wanted: set[str]) -> list[str]:
    terms = [_terms(sentence) for sentence in sentences]
    seen = Counter(term for each in terms for term in each & wanted)
    count = len(sentences)
    own = [sum(math.log(1 + count / seen[term]) for term in each & wanted) for each in terms]
    scores = [
        score + _NEAR * max(own[at - 1] if at else 0.0, own[at + 1] if at + 1 < count else 0.0)
        for at, score in enumerate(own)
    ]
    kept: set[int] = set()
    room = MOST
    for at in sorted(range(count), key=lambda at: -scores[at]):
        if scores[at] <= 0 or room <= 0:
            break
        for near in (at, at - 1, at + 1):
            if 0 <= near < count and near not in kept and len(sentences[near]) <= room:
                kept.add(near)
                room -= len(sentences[near])
    places: list[str] = []
    last = -2
    for at in sorted(kept):
        if at > last + 1:
            places.append("")
        places[-1] += sentences[at]
        last = at
    return [" ".join(place.split()) for place in places if place.strip()]
