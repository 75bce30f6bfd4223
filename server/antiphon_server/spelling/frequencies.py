"""How common words are, by `wordfreq`: sorts replacements, and knows words that a dictionary lacks."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

_UNKNOWN: Final = 1.5
"""Zipf value of a word that is right and not in the list, which ends at 3."""
_RARER: Final = 1.5
"""A word that is in the list is right, unless a word like it is so much more common (Zipf values are logarithms)."""
_LIKE: Final = (
    {*"оа"}, {*"еи"}, {*"еёэ"}, {*"яие"}, {*"оё"}, {*"ыи"}, {*"ъь"}, {*"сц"}, {*"шщ"}, {*"гв"},
    {*"бп"}, {*"вф"}, {*"гк"}, {*"дт"}, {*"жш"}, {*"зс"},
    {*"aeiou"}, {*"iy"}, {*"sc"}, {*"ck"}, {*"sz"},
)  # fmt: skip
"""Letters that are written for each other, since they sound alike."""


class Frequencies:
    """`table`: a word -> its share of all words; empty: nothing is known, and the order of a dictionary stays."""

    def __init__(self, table: Mapping[str, float]) -> None:
        self._table = table

    @classmethod
    def of(cls, language: str) -> Frequencies:
        """Those of a language; empty without the package."""
        try:
            from wordfreq import get_frequency_dict
        except ImportError:
            return cls({})
        return cls(get_frequency_dict(language, wordlist="small"))

    def zipf(self, word: str) -> float:
        """The logarithm of how often a thousand million words have it. Of several words, the rarest counts."""
        shares = [self._table.get(part) or self._table.get(part.replace("ё", "е")) for part in word.split()]
        return min((math.log10(share) + 9 if share else _UNKNOWN for share in shares), default=_UNKNOWN)

    def sorted(self, wrong: str, replacements: Iterable[str]) -> list[str]:
        """The replacements, the likeliest first: common words, by small changes."""
        found = list(dict.fromkeys(replacements))
        if not self._table:
            return found
        return sorted(found, key=lambda one: 1.5 * self._change(wrong, one.lower()) - self.zipf(one.lower()))

    @staticmethod
    def _change(wrong: str, right: str) -> float:
        # The first letter is rarely the wrong one.
        return distance(wrong, right) + (0.5 if wrong[:1] != right[:1] else 0.0)

    def knows(self, word: str, replacements: Sequence[str]) -> bool:
        """Whether a word that the dictionary lacks is in use, and no slip for a more common one."""
        share = self._table.get(word)
        if share is None:
            return False
        others = [self.zipf(one.lower()) for one in replacements if one.lower() != word]
        return all(other < math.log10(share) + 9 + _RARER for other in others)


def distance(one: str, other: str) -> float:
    """Changes from one word to another. Letters that sound alike, doubled letters and spaces count less."""
    before: list[float] = []
    last = [float(place) for place in range(len(other) + 1)]
    for row, letter in enumerate(one, 1):
        now = [float(row)]
        for column, wanted in enumerate(other, 1):
            double = row > 1 and one[row - 2] == letter
            redouble = (column > 1 and other[column - 2] == wanted) or wanted in " -"
            cost = min(
                last[column] + (0.4 if double else 1.0),
                now[column - 1] + (0.4 if redouble else 1.0),
                last[column - 1] + _swap(letter, wanted),
            )
            if row > 1 and column > 1 and letter == other[column - 2] and one[row - 2] == wanted:
                cost = min(cost, before[column - 2] + 0.7)
            now.append(cost)
        before, last = last, now
    return last[-1]


def _swap(one: str, other: str) -> float:
    if one == other:
        return 0.0
    return 0.4 if any(one in pair and other in pair for pair in _LIKE) else 1.0
