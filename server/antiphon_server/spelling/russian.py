"""Spelling of Russian, by Hunspell and the dictionary of A. Lebedev, and a few slips that no dictionary sees."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final

from antiphon_server.spelling.findings import (
    FEWEST,
    FOREIGN,
    REPLACEMENTS,
    Finding,
    begins_sentence,
    left_alone,
    names_in,
)
from antiphon_server.spelling.frequencies import Frequencies

_WORD = re.compile(r"(?<![\w'’-])[А-Яа-яЁё]+(?:-[А-Яа-яЁё]+)*(?![\w'’-])")
_LETTERS: Final = re.compile(r"[^\W\d_]")
_UKRAINIAN: Final = re.compile(r"[ІіЇїЄєҐґЎў]")
_CYRILLIC: Final = re.compile(r"[А-Яа-яЁё]")
_MOST_SUGGESTED: Final = 12
"""Unknown words of a passage for which replacements are looked for, which takes 10 to 40 ms each; the others are only
marked, and have theirs when fewer are left."""
_COMMON: Final = 3.3
"""Zipf value from which a replacement makes an unknown capitalised word a slip, and not a name."""
_SUFFIXES: Final = ("-то", "-либо", "-нибудь")
# Slips inside known words.
_TWICE = re.compile(r"(?<![\w-])([А-Яа-яЁё]+)(\s+)\1(?![\w-])", re.IGNORECASE)
_SAID_TWICE: Final = frozenset(
    (
        "да",
        "нет",
        "ну",
        "вот",
        "очень",
        "долго",
        "далеко",
        "еле",
        "чуть",
        "тихо",
        "всё",
        "ха",
        "ля",
        "ой",
        "так",
    )
)
_SPACE_BEFORE = re.compile(r"(?<=[А-Яа-яЁё])[ ]+([,;!?]|\.(?!\.))")
_NO_SPACE_AFTER = re.compile(r"[А-Яа-яЁё]([,;])[А-Яа-яЁё]")
_FROM = re.compile(r"(?<![\w-])(из)\s+(за|под)(?=\s+[А-Яа-яЁё])", re.IGNORECASE)
_INDEFINITE = re.compile(
    r"(?<![\w-])(кто|что|какой|какая|какое|какие|где|когда|куда|как|почему|чей) (то|либо|нибудь)(?![\w-])",
    re.IGNORECASE,
)
_IN_THE_WAY = re.compile(r"(?<![\w-])(по) ([а-яё]+(?:ски|цки))(?![\w-])", re.IGNORECASE)
_MODAL: Final = (
    "могу|можешь|может|можем|можете|могут|мог|могла|могли|хочу|хочешь|хочет|хотим|хотят|хотел|хотела|хотели|надо|нужно|"
    "можно|нельзя|должен|должна|должны|пора|собирается|собираюсь|решил|решила|решили|начал|начала|начали|стал|стала|"
    "стали|будет|буду|будут|будем|умеет|умею|любит|люблю"
)
_AFTER_MODAL = re.compile(rf"(?<![\w-])(?:{_MODAL})\s+(?:не\s+)?([а-яё]{{2,}})(?![\w-])", re.IGNORECASE)
_MODAL_BEFORE = re.compile(rf"(?<![\w-])(?:{_MODAL})\s", re.IGNORECASE)
_AFTER_PRONOUN = re.compile(
    r"(?<![\w-])(?:(?:он|она|оно|они)\s+(?:не\s+)?([а-яё]{2,}ться)"
    # After a dative an infinitive is usual ("помог ей спуститься"), but not of these verbs.
    r"|(?:мне|тебе|ему|ей|нам|вам|им)\s+(?:не\s+)?((?:нрав|каж|хоч|чуд|сн)[её]?[а-яё]{0,2}ться))(?![\w-])",
    re.IGNORECASE,
)


class Russian:
    """One checker; not for two threads at once. `dictionaries`: the folder with `ru.aff` and `ru.dic`. Takes half a
    second to make, and 30 MB."""

    def __init__(self, dictionaries: Path) -> None:
        import hunspell

        # Hunspell itself reports nothing when there are none, and knows no word.
        if not (dictionaries / "ru.dic").is_file():
            raise FileNotFoundError(f"{dictionaries} has no Russian dictionary")
        self._dictionary = hunspell.Hunspell("ru", hunspell_data_dir=str(dictionaries))
        self._frequencies = Frequencies.of("ru")
        self._suggested = lru_cache(4096)(self._suggestions)

    def check(self, text: str) -> list[Finding]:
        """The faults of a passage, in code points."""
        alone = left_alone(text)
        words = [
            word
            for word in _WORD.finditer(text)
            if not any(word.start() < right and left < word.end() for left, right in alone)
        ]
        unknown = [word for word in words if not self._known(word.group())]
        if len(words) >= FEWEST and len(unknown) > FOREIGN * len(words):
            return []
        if 2 * len(_CYRILLIC.findall(text)) < len(_LETTERS.findall(text)):
            return []  # a passage of another script with a few words of ours
        if _UKRAINIAN.search(text):
            return []
        slips = [slip for slip in self._slips(text) if not _touches(slip, alone)]
        names = names_in(text)
        found = list(slips)
        for number, word in enumerate(unknown):
            one = self._misspelt(text, word, names, number < _MOST_SUGGESTED)
            if one is not None and not _touches(one, [(slip.start, slip.end) for slip in slips]):
                found.append(one)
        return sorted(found, key=lambda one: one.start)

    def _known(self, word: str) -> bool:
        if len(word) == 1 or (len(word) > 1 and word.isupper()):
            return True  # initials and abbreviations
        return self._right(word) or ("-" in word and self._compound(word))

    def _right(self, word: str) -> bool:
        spell = self._dictionary.spell
        return bool(spell(word)) or (
            "ё" in word.lower() and bool(spell(word.replace("ё", "е").replace("Ё", "Е")))
        )

    def _compound(self, word: str) -> bool:
        """Parts that are words: "чёрно-белый", "кто-то", "что-нибудь"."""
        for suffix in _SUFFIXES:
            if word.lower().endswith(suffix):
                return self._right(word[: -len(suffix)])
        return all(len(part) < 2 or self._right(part) for part in word.split("-"))

    def _misspelt(self, text: str, word: re.Match[str], names: set[str], suggest: bool) -> Finding | None:
        wrong = word.group()
        capitalised = wrong[0].isupper()
        if capitalised and wrong.casefold() in names and not begins_sentence(text, word.start()):
            return None
        replacements = self._suggested(wrong.lower()) if suggest else ()
        if self._frequencies.knows(wrong.lower(), replacements):
            return None
        if capitalised:
            # At the beginning of a sentence: a name, or a slip for a common word.
            if wrong.casefold() in names or not replacements:
                return None
            if self._frequencies.zipf(replacements[0].lower()) < _COMMON:
                return None
            replacements = tuple(one[0].upper() + one[1:] for one in replacements)
        return Finding(word.start(), word.end(), "spelling", replacements[:REPLACEMENTS])

    def _suggestions(self, wrong: str) -> tuple[str, ...]:
        return tuple(self._frequencies.sorted(wrong, self._dictionary.suggest(wrong)))

    def _slips(self, text: str) -> Iterator[Finding]:
        for match in _TWICE.finditer(text):
            if match.group(1).lower() not in _SAID_TWICE:
                yield Finding(match.start(), match.end(), "repetition", (match.group(1),))
        for match in _SPACE_BEFORE.finditer(text):
            yield Finding(match.start(), match.end(), "spacing", (match.group(1),))
        for match in _NO_SPACE_AFTER.finditer(text):
            start, end = match.span(1)
            yield Finding(start, end, "spacing", (match.group(1) + " ",))
        for match in (*_FROM.finditer(text), *_INDEFINITE.finditer(text), *_IN_THE_WAY.finditer(text)):
            yield Finding(match.start(), match.end(), "hyphen", (f"{match.group(1)}-{match.group(2)}",))
        for match in _AFTER_MODAL.finditer(text):
            word = match.group(1)
            if word.endswith("тся") and self._right(right := word[:-3] + "ться"):
                yield Finding(*match.span(1), "verb", (right,))
        for match in _AFTER_PRONOUN.finditer(text):
            number = 1 if match.group(1) else 2
            right = match.group(number)[:-4] + "тся"
            if self._right(right) and not _MODAL_BEFORE.search(text[: match.start()]):
                yield Finding(*match.span(number), "verb", (right,))


def _touches(one: Finding, spans: list[tuple[int, int]]) -> bool:
    return any(one.start < right and left < one.end for left, right in spans)
