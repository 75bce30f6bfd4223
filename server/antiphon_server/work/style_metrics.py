"""Style metrics of a passage: person, tense, length of sentences, speech, words and names.

Works for English and Russian, by words only; it leaves undecided fields empty. Tone, and things to avoid, cannot be
counted.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import Final

from antiphon_proto.document.style import StyleCard, StyleMeasures

_WORD: Final = re.compile(r"[^\W\d_]+(?:['’-][^\W\d_]+)*")
_SENTENCE: Final = re.compile(r"[^.!?…\n]+[.!?…]*")
_SPEECH: Final = re.compile(
    r"“[^”\n]*”|\"[^\"\n]*\"|«[^»\n]*»|„[^“\n]*“|(?<!\w)'[^'\n]{2,}'(?!\w)|^[—–-] ?[^\n]*", re.MULTILINE
)
_FEWEST: Final = 30
"""Words of a passage below which person and tense are not told."""
_CLEAR: Final = 0.6
"""Share of the signs that must speak for one person, or one tense."""
_TOLD_BY_ONE: Final = 0.25
"""Share of the first person from which a story is told in it: it has others in it, too."""


def _words(*lists: str) -> frozenset[str]:
    return frozenset(" ".join(lists).split())


_PERSONS: Final = {
    "first": _words(
        "i me my mine myself we us our ours", "я меня мне мной мой моя моё мои мы нас нам наш наша"
    ),
    "second": _words("you your yours yourself", "ты тебя тебе тобой твой твоя твоё вы вас вам ваш ваша"),
    "third": _words("he him his she her hers they them their", "он его ему ним она её ей ней они их им ими"),
}
_PAST: Final = _words(
    "was were had did said went came saw knew thought took stood looked felt made got gave found told",
    "был была было были сказал сказала пошёл пошла",
)
_PRESENT: Final = _words(
    "am is are has does do says goes comes sees knows thinks takes stands looks feels makes gets gives finds tells",
    "есть говорит идёт видит знает стоит",
)
_ENGLISH_PAST: Final = re.compile(r"[a-z]{2,}ed")
_RUSSIAN_PAST: Final = re.compile(
    r"[а-яё]{2,}(?:ал|ал[аои]|ял|ял[аои]|ил|ил[аои]|ел|ел[аои]|ул|ула|ули|лся|лась|лись)"
)
_COMMON: Final = _words(
    "the a an and or but of to in on at for with from by as it its that this there then than not no so if when what",
    "who which be been being would could should will can may might must into out up down over about after before",
    "all one some any more very just like only now here back again still even too",
    "и в во на с со по к у о об от до из за не ни но а же бы что это как так то все всё уже ещё или для при без под",
    "над только там тут где когда если потом очень себя",
).union(_PAST, *_PERSONS.values())


def learned(text: str) -> tuple[StyleCard, StyleMeasures]:
    """A proposal for a style card, and the counts."""
    words = _WORD.findall(text)
    plain = [word.casefold() for word in words]
    sentences = [found for found in _SENTENCE.findall(text) if _WORD.search(found)]
    letters = sum(not character.isspace() for character in text)
    spoken = sum(not c.isspace() for found in _SPEECH.findall(text) for c in found)
    narrated = [word.casefold() for word in _WORD.findall(_SPEECH.sub(" ", text))]
    names = _names(text)
    measures = StyleMeasures(
        words=len(words),
        sentences=len(sentences),
        sentence_words=round(len(words) / len(sentences), 1) if sentences else 0.0,
        dialogue=round(spoken / letters, 2) if letters else 0.0,
        typical=_typical(plain, {name.casefold() for name in names}),
        names=names,
    )
    persons = {person: sum(word in signs for word in narrated) for person, signs in _PERSONS.items()}
    tenses = {"past": sum(map(_is_past, narrated)), "present": sum(word in _PRESENT for word in narrated)}
    enough = len(words) >= _FEWEST
    card = StyleCard(
        person=_person(persons) if enough else "",
        tense=_clearest(tenses) if enough else "",
        keep=_keep(measures) if enough else "",
        facts=f"Names: {', '.join(names)}."[:2000] if names else "",
    )
    return card, measures


def _is_past(word: str) -> bool:
    return word in _PAST or bool(_ENGLISH_PAST.fullmatch(word) or _RUSSIAN_PAST.fullmatch(word))


def _person(counts: dict[str, int]) -> str:
    total, first = sum(counts.values()), counts["first"]
    if total >= 3 and first >= _TOLD_BY_ONE * total and first >= counts["second"]:
        return "first"
    return _clearest(counts)


def _clearest(counts: dict[str, int]) -> str:
    """The value that most signs support, if it is clear."""
    total = sum(counts.values())
    best = max(counts, key=lambda name: counts[name])
    return best if total >= 3 and counts[best] >= _CLEAR * total else ""


def _keep(measures: StyleMeasures) -> str:
    parts = [f"Sentences of about {round(measures.sentence_words)} words."]
    if measures.dialogue >= 0.05:
        parts.append(f"About {round(100 * measures.dialogue)} % of it is speech.")
    if measures.typical:
        parts.append(f"Words like these: {', '.join(measures.typical)}.")
    return " ".join(parts)[:1000]


def _names(text: str) -> tuple[str, ...]:
    """Words that are capitalised inside sentences, most frequent first, without "I"."""
    counts: Counter[str] = Counter()
    for sentence in _SENTENCE.findall(_SPEECH.sub(lambda found: f"\n{found.group()[1:]}\n", text)):
        for word in _WORD.findall(sentence)[1:]:
            bare = re.sub(r"['’]s$", "", word)
            if bare[:1].isupper() and len(bare) > 1 and not bare.isupper() and bare.casefold() not in _COMMON:
                counts[bare] += 1
    return tuple(name for name, _ in counts.most_common(20))


def _typical(words: list[str], names: set[str]) -> tuple[str, ...]:
    """Long words that come again and again."""
    counts = Counter(word for word in words if len(word) > 3 and word not in _COMMON and word not in names)
    return tuple(word for word, count in counts.most_common(8) if count > 1)
