"""A story's facts about those whom it names, by rules over the base forms of its sentences (`sentences`).

A rule finds a value and its kind; whose it is, is the name that stands nearest by the rules of `_owner`. The place
of a fact is its sentence.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from antiphon_server.reading.names import Kind, Name, line, named
from antiphon_server.reading.sentences import sentences
from antiphon_server.reading.words import (
    BODY,
    CHANGES,
    COLOURS,
    COUNTED,
    JOBS,
    KIN,
    LAME,
    NUMBERS,
    ORDINALS,
    PAIRS,
    SIDES,
    SIZES,
    STRANGERS,
    THINGS,
    either,
    number,
)


class Fact(Struct):
    """`attribute` of a name is `value`, says the sentence [start, end). `changes`: it tells of a change, or of another
    time."""

    attribute: str
    value: str
    start: int
    end: int
    changes: bool = False


class Found(Struct):
    """One that a story names, with its facts."""

    key: str
    name: str
    kind: Kind
    count: int
    facts: list[Fact]


_SIGNED: Final = f"(?:{either(COLOURS)})"
_OF: Final = f"(?:{either(BODY)}|{either(THINGS)})"
_COLOUR_BEFORE: Final = re.compile(f" (?P<value>{_SIGNED})(?: \\w+)? (?P<what>{_OF})(?= )")
_COLOUR_AFTER: Final = re.compile(
    f" (?P<what>{_OF})(?: (?!and |и )#?[\\w']+| , #\\d+ ,){{0,2}}? "
    f"(?:(?:was|were|is|are|быть|стать) )?(?P<value>{_SIGNED})(?= )"
)
_NUMBER: Final = f"(?P<value>\\d+|{either(NUMBERS)})(?: (?P<more>{either(NUMBERS)}))?"
_AGE: Final = re.compile(
    f" (?:(?:{_NUMBER}) (?:years? old|год)"
    f"|(?:of|aged) {_NUMBER.replace('value', 'value2').replace('more', 'more2')})(?= )"
)
_KIN: Final = re.compile(
    f" (?P<what>{either(KIN)})(?: , | )(?:#(?P<first>\\d+))"
    "(?: , #(?P<second>\\d+)(?= ,)| #(?P<third>\\d+))?(?= )"
)
_JOB: Final = re.compile(
    " (?:was|is|быть|(?:worked|works) as|работать|служить)(?: an?| the)?(?: \\w+)? "
    f"(?P<value>{either(JOBS)})(?= )"
)
_FLOOR: Final = re.compile(
    f" (?:lived?|lives|жить) (?:on the|на) (?P<value>{either(ORDINALS)}) (?:floor|этаж)(?= )"
)
_HOME: Final = re.compile(r" (?:lived?|lives|жить) (?:in|в|во) #(?P<value>\d+)(?= )")
_BORN: Final = re.compile(r" (?:born in|родиться в|родиться во) #(?P<value>\d+)(?= )")
_HAND: Final = re.compile(
    r" (?:was |is |быть )?(?P<value>left-handed|right-handed|левша|правша|правшой)(?= )"
)
_SIDE: Final = re.compile(f" (?P<value>{either(SIDES)}) (?P<what>{either(PAIRS)})(?= )")
_COUNT: Final = re.compile(f" (?P<value>no|нет|не быть|{either(NUMBERS)}) (?P<what>{either(COUNTED)})(?= )")
_ONLY: Final = re.compile(r" (?:only child|единственный реб[её]нок)(?= )")
_SIZE: Final = re.compile(f" (?:was|is|быть) (?P<value>{either(SIZES)})(?= [^\\d])")
_RELATIVE: Final = re.compile(f" (?:s )?(?:\\w+ )?(?:{either(KIN)}) (?!#)")
_SUBJECTS: Final = (
    (_JOB, "work"),
    (_FLOOR, "floor"),
    (_SIZE, "height"),
    (_HOME, "home"),
    (_BORN, "born in"),
    (_HAND, "hand"),
)
_HAS: Final = "had|has|have|owned|owns|own|kept|keeps|drove|drives|иметь|держать|владеть|водить"
_HOLDS: Final = re.compile(
    f"(?: s(?: own)?(?: \\w+)?|(?: \\w+)? (?:{_HAS})(?: an?| the| one)?(?: \\w+)?| ,(?: the| an?)?)"
)
"""What stands between a name, or a pronoun, and a thing of theirs: "Marta's", "Marta had a", "Bella, the"."""
_HIS: Final = re.compile(r" (?:her|his)(?= )")
_OWN: Final = re.compile(r"(?: own| собственный)?(?: \w+)?")
_BY: Final = re.compile(r"(?: быть| есть)?(?: \w+)?")
_OTHERS: Final = re.compile(
    rf" (?:of (?:the|an?|that|this|his|her|their|somebody|another) |(?:{either(STRANGERS)})(?= ))"
)
"""Behind a thing or a part of the body: it is of somebody who has no name here."""
_OTHERS_S: Final = re.compile(r" (?!#)(?!she|he|it|that|there|here|what|who)[^\W\d]+ s(?: \w+)?$")
_PERSON: Final = re.compile(r" (?:#(\d+)|(she|her|она|её|ее)|(he|his|him|он|его)|(свой))(?= )")


def read(text: str) -> list[Found]:
    """Everybody and everything that the text names, most often named first."""
    found = list(sentences(text))
    names, mentions = named(found)
    facts: dict[int, list[Fact]] = {}
    recent: list[Name] = []
    for sentence, here in zip(found, mentions, strict=True):
        words = line(sentence, here)
        changes = bool(CHANGES.search(words))
        for attribute, value, owner in _Line(words, names, recent).said():
            fact = Fact(attribute, value, sentence.start, sentence.end, changes)
            facts.setdefault(owner.number, []).append(fact)
        recent = (
            list(
                {
                    mention.name.number: mention.name for mention in here if mention.name.kind == "person"
                }.values()
            )
            or recent
        )
    return sorted(
        (Found(name.key, name.shown, name.kind, name.count, facts.get(name.number, [])) for name in names),
        key=lambda one: -one.count,
    )


class _Line:
    """One sentence. `recent` are the people of the last sentence before it that named any."""

    def __init__(self, words: str, names: list[Name], recent: list[Name]) -> None:
        self._words = words
        self._names = names
        self._recent = recent
        self._people = list(_PERSON.finditer(words))

    def said(self) -> Iterator[tuple[str, str, Name]]:
        """(attribute, value, whose)."""
        words = self._words
        for pattern in (_COLOUR_BEFORE, _COLOUR_AFTER):
            for match in pattern.finditer(words):
                what = match["what"]
                if self._of_others(*match.span()):
                    continue
                one = (self._holder if what in THINGS else self._owner)(*match.span())
                if one is not None:
                    yield BODY.get(what) or THINGS[what], COLOURS[match["value"]], one
        for match in _AGE.finditer(words):
            value = number(match["value"] or match["value2"], match["more"] or match["more2"])
            if value is not None and (one := self._owner(*match.span())) is not None:
                yield "age", str(value), one
        yield from self._kin()
        yield from self._of_subject()
        if LAME.search(words):
            for match in _SIDE.finditer(words):
                if (one := self._owner(*match.span())) is not None:
                    yield PAIRS[match["what"]], SIDES[match["value"]], one
        for match in _COUNT.finditer(words):
            if (one := self._owner(match.start(), match.start())) is not None:
                yield COUNTED[match["what"]], str(NUMBERS.get(match["value"], 0)), one
        if (only := _ONLY.search(words)) and (one := self._owner(only.start(), only.start())) is not None:
            yield "brothers", "0", one

    def _of_subject(self) -> Iterator[tuple[str, str, Name]]:
        """Facts about the subject of the sentence alone: "his brother was a teacher" is not about him."""
        for pattern, attribute in _SUBJECTS:
            for match in pattern.finditer(self._words):
                one = self._owner(match.start(), match.start())
                if one is None or not self._is_subject(match.start(), one):
                    continue
                value = match["value"]
                if attribute in ("home", "born in"):
                    value = self._names[int(value)].shown
                elif attribute == "hand":
                    value = "left" if value.startswith(("l", "л")) else "right"
                else:
                    value = {"work": JOBS, "floor": ORDINALS, "height": SIZES}[attribute][value]
                yield attribute, value, one

    def _owner(self, start: int, end: int) -> Name | None:
        """Whose [start, end) is: in Russian the name right behind it ("глаза Марты"), else a name inside it, else the
        last name or pronoun before it, else the first behind it."""
        words = self._words
        behind = re.match(r" #(\d+)", words[end:])
        if behind and "#" not in words[start:end] and _cyrillic(words):
            return self._names[int(behind[1])]
        inside = [match for match in self._people if match[1] and start <= match.start() < end]
        before = [match for match in self._people if match.start() < start]
        after = [match for match in self._people if match.start() >= end - 1]
        for match in (*inside, *reversed(before), *after[:1]):
            if match.end() <= start and _RELATIVE.match(words, match.end()):
                return None  # "her brother had brown eyes" is about him, who has no name here
            return self._meant(match)
        return self._one_of(self._recent, "")

    def _of_others(self, start: int, end: int) -> bool:
        """Whether [start, end) is said to be of somebody without a name: "the eyes of the stranger"."""
        return bool(_OTHERS.match(self._words, end) or _OTHERS_S.search(self._words[:start]))

    def _holder(self, start: int, end: int) -> Name | None:
        """Whose the thing in [start, end) is said to be. One that only stands near somebody is nobody's."""
        words = self._words
        behind = re.match(r" (?:of )?#(\d+)", words[end:])
        if behind and "#" not in words[start:end] and (_cyrillic(words) or words[end:].startswith(" of ")):
            return self._names[int(behind[1])]
        inside = [match for match in self._people if match[1] and start <= match.start() < end]
        if inside:
            return self._meant(inside[0])
        before = [match for match in self._people if match.end() <= start]
        if not before:
            return None
        last = before[-1]
        between = words[last.end() : start]
        russian = last[0][1:2] > "z"
        if last[4] or _HIS.match(words, last.start()):
            holds = _OWN.fullmatch(between)
        elif words[: last.start()].endswith(" у"):
            holds = _BY.fullmatch(between)
        else:  # "её" has the base form of "она": a pronoun right before a thing says whose it is
            holds = _HOLDS.fullmatch(between) or (
                re.fullmatch("(?: собственный)?", between) if russian else None
            )
        return self._meant(last) if holds else None

    def _meant(self, person: re.Match[str]) -> Name | None:
        """Who a name or a pronoun is; None where several may be meant."""
        if person[1]:
            return self._names[int(person[1])]
        gender = "f" if person[2] else "m" if person[3] else ""
        earlier = [
            self._names[int(match[1])]
            for match in self._people
            if match[1] and match.start() < person.start()
        ]
        fitting = list({one.number: one for one in earlier if one.kind == "person"}.values())
        return self._one_of(fitting, gender) or self._one_of(self._recent, gender)

    @staticmethod
    def _one_of(people: list[Name], gender: str) -> Name | None:
        fitting = [one for one in people if not gender or one.gender in ("", gender)]
        sure = [one for one in fitting if gender and one.gender == gender]
        chosen = sure if len(sure) == 1 else fitting
        return chosen[0] if len(chosen) == 1 else None

    def _is_subject(self, at: int, one: Name) -> bool:
        """Whether the name, or a pronoun, stands right before `at`."""
        head = self._words[: at + 1].rstrip()
        if re.search(rf" (?:{either(KIN)}) #{one.number}$", head) and _cyrillic(head):
            return False  # "сын Давида был учителем"
        return bool(re.search(rf"(?:#{one.number}|(?: |^)(?:she|he|она|он))(?: ,[^,]*,)?$", head))

    def _kin(self) -> Iterator[tuple[str, str, Name]]:
        for match in _KIN.finditer(self._words):
            numbers = [int(match[group]) for group in ("first", "second", "third") if match[group]]
            if len(numbers) == 2:  # "сестра Анны, Вера," and "муж Елены Карл"
                owner: Name | None = self._names[numbers[0]]
            else:
                before = [person for person in self._people if person.start() < match.start()]
                owner = self._meant(before[-1]) if before else None
            name = self._names[numbers[-1]]
            if owner is not None and owner.number != name.number:
                yield KIN[match["what"]], name.shown, owner


def _cyrillic(words: str) -> bool:
    return bool(re.search("[\u0400-\u04ff]", words))
