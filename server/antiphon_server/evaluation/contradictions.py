"""How many planted contradictions are found, and how many that are none: `antiphon eval contradictions`.

Each pair of sentences stands in a text of its own with paragraphs between and around it. A planted pair counts as found
when a contradiction names both of its sentences; every other one that is reported is a false one.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from antiphon_server.reading.contradictions import contradictions
from antiphon_server.reading.facts import read

_DATA: Final = Path(__file__).with_suffix(".json")
HELD_OUT: Final = Path(__file__).with_name("held_out.json")
"""Pairs that no rule was written after, half of them about things that stand near somebody."""


class Pair(Struct, frozen=True):
    first: str
    second: str


class Data(Struct, frozen=True):
    about: str
    planted: dict[str, list[Pair]]
    clean: dict[str, list[Pair]]
    filler: dict[str, list[str]]


class Score(Struct, frozen=True):
    """`missed` and `false` are pairs of sentences, to be read by people."""

    planted: int
    found: int
    reported: int
    missed: list[Pair]
    false: list[Pair]

    @property
    def recall(self) -> float:
        return self.found / self.planted

    @property
    def precision(self) -> float:
        return self.found / self.reported if self.reported else 1.0


def measured(languages: tuple[str, ...] = ("en", "ru"), pairs_of: Path = _DATA) -> Score:
    """The score over all pairs of these languages."""
    data = msgspec.json.decode(pairs_of.read_bytes(), type=Data)
    found = reported = planted = 0
    missed: list[Pair] = []
    false: list[Pair] = []
    for language in languages:
        for pairs, real in ((data.planted, True), (data.clean, False)):
            for pair in pairs[language]:
                text = _text(pair, data.filler[language])
                told = list(contradictions(read(text)))
                right = [
                    one
                    for one in told
                    if text[one.first.start : one.first.end] in pair.first
                    and text[one.second.start : one.second.end] in pair.second
                ]
                planted += real
                reported += len(told)
                if real and right:
                    found += 1
                    reported -= len(right) - 1  # one contradiction, said in two ways
                elif real:
                    missed.append(pair)
                if len(told) > (len(right) if real else 0):
                    false.append(pair)
    return Score(planted, found, reported, missed, false)


def _text(pair: Pair, filler: list[str]) -> str:
    first, second, third, fourth = filler
    return "\n".join((first, pair.first, second, third, pair.second, fourth))
