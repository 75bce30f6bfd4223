"""The findings of `reading` in a story, as they are told: bounded, and with places in bytes."""

from __future__ import annotations

from typing import Final

from antiphon_proto.document.codex import (
    MAX_ENTRIES,
    MAX_NAME,
    MAX_QUOTE,
    CodexContradiction,
    CodexEntry,
    CodexFact,
)
from antiphon_server.reading.contradictions import contradictions
from antiphon_server.reading.facts import Fact, read

_FACTS: Final = 24
_CONTRADICTIONS: Final = 100


def studied(text: str) -> tuple[tuple[CodexEntry, ...], tuple[CodexContradiction, ...]]:
    """The codex of a text, bounded; places in bytes."""
    found = read(text)
    names = {one.key: one.name[:MAX_NAME] for one in found}
    places = _Bytes(text)

    def told(fact: Fact) -> CodexFact:
        quote = " ".join(text[fact.start : fact.end].split())
        return CodexFact(
            fact.attribute,
            fact.value[:MAX_NAME],
            quote[:MAX_QUOTE],
            places.at(fact.start),
            places.at(fact.end),
        )

    entries = tuple(
        CodexEntry(one.name[:MAX_NAME], one.kind, one.count, tuple(told(fact) for fact in one.facts[:_FACTS]))
        for one in found[:MAX_ENTRIES]
        if one.facts or one.count > 1
    )
    at_odds = [
        CodexContradiction(names[one.key], one.attribute, told(one.first), told(one.second))
        for one in contradictions(found)
    ]
    return entries, tuple(sorted(at_odds, key=lambda one: one.second.start)[:_CONTRADICTIONS])


class _Bytes:
    """Code points -> bytes, for places that rise and fall a little."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._known = {0: 0}

    def at(self, place: int) -> int:
        if place not in self._known:
            before = max(known for known in self._known if known <= place)
            self._known[place] = self._known[before] + len(self._text[before:place].encode())
        return self._known[place]
