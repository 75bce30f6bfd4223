"""Where a story says two things of somebody that cannot both be true."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from antiphon_server.reading.facts import Fact, Found
from antiphon_server.reading.words import BODY, SAME, THINGS

_COLOURED: Final = frozenset({*BODY.values(), *THINGS.values()})
_MANY: Final = {
    "brother": "brothers",
    "sister": "sisters",
    "son": "sons",
    "daughter": "daughters",
}
"""Relations of which one may have several, and how many are said."""


class Contradiction(Struct):
    """`attribute` of `key` is one thing first and another one later."""

    key: str
    attribute: str
    first: Fact
    second: Fact


def contradictions(found: list[Found]) -> Iterator[Contradiction]:
    """One for each attribute, of the first two facts that cannot both be true."""
    for one in found:
        by_attribute: dict[str, list[Fact]] = {}
        for fact in sorted(one.facts, key=lambda fact: fact.start):
            by_attribute.setdefault(fact.attribute, []).append(fact)
        for attribute, facts in by_attribute.items():
            counted = by_attribute.get(_MANY.get(attribute, ""), [])
            if any(fact.value not in "01" for fact in counted):
                continue  # one of several
            pair = next(
                (
                    (first, second)
                    for at, second in enumerate(facts)
                    for first in facts[:at]
                    if _at_odds(attribute, first, second)
                ),
                None,
            )
            if pair is not None:
                yield Contradiction(one.key, attribute, *pair)
        none = [fact for fact in by_attribute.get("children", []) if fact.value == "0"]
        some = [
            fact for name in ("sons", "daughters") for fact in by_attribute.get(name, []) if fact.value != "0"
        ]
        if none and some and not (none[0].changes or some[0].changes):
            yield Contradiction(one.key, "children", *sorted((none[0], some[0]), key=lambda fact: fact.start))


def _at_odds(attribute: str, first: Fact, second: Fact) -> bool:
    if first.value.casefold() == second.value.casefold() or first.changes or second.changes:
        return False
    if first.start == second.start:
        return False  # one sentence: "green, almost blue"
    if attribute in _COLOURED:
        pair = frozenset((first.value, second.value))
        grows = attribute in ("hair", "beard", "moustache") and second.value in ("grey", "white")
        return pair not in SAME and not grows
    if attribute == "age":
        return abs(int(first.value) - int(second.value)) > 1
    return True
