"""Names in a story: people, places and things, and where each stands."""

from __future__ import annotations

from collections import Counter
from typing import Final, Literal

from msgspec import Struct, field

from antiphon_server.reading.sentences import Sentence, Word, listed

Kind = Literal["person", "place", "thing"]
_PLACES: Final = listed("in into through в во из")
_SAYS: Final = listed(
    "said says asked thought knew felt looked smiled was had she he who and lived worked wrote his her came went",
    "stood sat took ran saw heard left made got gave found told held began kept slept woke rose fell is has",
    "сказать спросить думать подумать знать посмотреть улыбнуться быть жить работать он она писать",
)


class Name(Struct):
    """`shown`: as it stands most often. `places`: sentence number -> mentions."""

    number: int
    key: str
    kind: Kind = "person"
    gender: str = ""
    count: int = 0
    forms: Counter[str] = field(default_factory=Counter)

    @property
    def shown(self) -> str:
        return min(self.forms, key=lambda form: (-form.count(" "), -self.forms[form], form))


class Mention(Struct):
    """Words [first, last) of a sentence name somebody."""

    first: int
    last: int
    name: Name


def named(found: list[Sentence]) -> tuple[list[Name], list[list[Mention]]]:
    """The names of a story, and the mentions of each sentence."""
    runs = [_runs(sentence) for sentence in found]
    small = {word.base for sentence in found for word in sentence.words if word.text[:1].islower()}
    sure: set[str] = set()
    for sentence, spans in zip(found, runs, strict=True):
        for first, last in spans:
            if first > 0 or sentence.russian or last - first > 1 or _acts(sentence, last):
                sure.update(word.base for word in sentence.words[first:last])
    wholes = {
        tuple(word.base for word in sentence.words[first:last])
        for sentence, spans in zip(found, runs, strict=True)
        for first, last in spans
        if last - first > 1
    }
    names: dict[str, Name] = {}
    mentions: list[list[Mention]] = []
    places: Counter[str] = Counter()
    people: Counter[str] = Counter()
    for sentence, spans in zip(found, runs, strict=True):
        here: list[Mention] = []
        for first, last in spans:
            bases = tuple(word.base for word in sentence.words[first:last])
            if not any(base in sure for base in bases) or (
                len(bases) == 1 and bases[0] in small and first == 0
            ):
                continue
            longer = [whole for whole in wholes if len(bases) == 1 and bases[0] in whole]
            key = " ".join(longer[0] if len(longer) == 1 else bases)
            name = names.setdefault(key, Name(len(names), key))
            name.count += 1
            text = " ".join(word.text for word in sentence.words[first:last])
            if (
                not sentence.russian
                or not sentence.words[first].cases
                or "nomn" in sentence.words[first].cases
            ):
                name.forms[text] += 1
            name.gender = name.gender or sentence.words[first].gender
            before = sentence.words[first - 1].base if first else ""
            places[key] += before in _PLACES
            people[key] += _acts(sentence, last)
            here.append(Mention(first, last, name))
        mentions.append(here)
    for key, name in names.items():
        if not name.forms:
            name.forms[key.title()] += 1
        if places[key] and places[key] >= people[key] and not name.gender:
            name.kind = "place"
    return list(names.values()), mentions


def line(sentence: Sentence, mentions: list[Mention]) -> str:
    """The sentence in base forms, names as `#N`."""
    parts: list[str] = []
    at = 0
    for mention in mentions:
        parts += [word.base for word in sentence.words[at : mention.first]]
        parts.append(f"#{mention.name.number}")
        at = mention.last
    parts += [word.base for word in sentence.words[at:]]
    return f" {' '.join(parts)} "


def _runs(sentence: Sentence) -> list[tuple[int, int]]:
    """[first, last) of words in capital letters that follow each other."""
    spans: list[tuple[int, int]] = []
    words = sentence.words
    at = 0
    while at < len(words):
        if not _capital(words[at], at, sentence):
            at += 1
            continue
        first = at
        while (
            at < len(words)
            and _capital(words[at], at, sentence)
            and (at == first or _goes_on(words[at - 1], words[at]))
        ):
            at += 1
        spans.append((first, at))
    return spans


def _capital(word: Word, at: int, sentence: Sentence) -> bool:
    if sentence.russian:
        return word.name or (at > 0 and word.text[:1].isupper() and len(word.text) > 1)
    return word.name


def _goes_on(one: Word, other: Word) -> bool:
    """Whether two names are one: "Ivo Brandt", but not "муж Елены Карл"."""
    return other.start - one.end == 1 and (not one.cases or not other.cases or bool(one.cases & other.cases))


def _acts(sentence: Sentence, at: int) -> bool:
    following = sentence.words[at].base if at < len(sentence.words) else ""
    return following in _SAYS or following == "s" or (len(following) > 4 and following.endswith("ed"))
