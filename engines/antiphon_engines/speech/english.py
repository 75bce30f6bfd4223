"""English text as the phonemes that the voices were trained on.

The dictionaries are those of the package `misaki` (Apache-2.0), read as data: its own code needs spaCy. Of words with
two pronunciations the neighbours choose one; a word that no dictionary has is taken apart, or guessed."""

from __future__ import annotations

import json
import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import Final, TypeAlias

from antiphon_engines.speech.numbers import spoken_numbers
from antiphon_engines.speech.unknown_words import UnknownWords

Entries: TypeAlias = Mapping[str, str | Mapping[str, str | None]]

PAUSES: Final = frozenset(";:,.!?—…")
"""Marks that are a sound of their own: a pause, a rising or a falling voice."""
VOWELS: Final = frozenset("AIOQWYaiuæɑɒɔəɐɛɜɪʊʌᵊᵻ")
_TOKEN: Final = re.compile(r"[A-Za-z]+(?:'[A-Za-z]+)*\.?|[;:,.!?—…]")
_SPELLED: Final = {
    "%": " percent ",
    "&": " and ",
    "+": " plus ",
    "@": " at ",
    "=": " equals ",
    "°": " degrees ",
}
_MARKS: Final = str.maketrans(
    {
        "’": "'",
        "‘": "'",
        "`": "'",
        "–": "—",
        "―": "—",
        "“": " ",
        "”": " ",
        '"': " ",
        "«": " ",
        "»": " ",
        "-": " ",
    }
)
_SHORT: Final = {
    "mr.": "mister", "mrs.": "missus", "ms.": "miz", "dr.": "doctor", "st.": "saint", "prof.": "professor",
    "no.": "number", "vs.": "versus", "etc.": "et cetera", "jr.": "junior", "sr.": "senior", "capt.": "captain",
    "lt.": "lieutenant", "sgt.": "sergeant", "col.": "colonel", "gen.": "general", "rev.": "reverend",
}  # fmt: skip
_BEFORE_VERBS: Final = frozenset(
    str.split(
        "to i you we they he she it who will would can could shall should must may might do does did don't "
        "doesn't didn't won't wouldn't can't couldn't let's not please i'll you'll we'll they'll he'll she'll"
    )
)
_BEFORE_NOUNS: Final = frozenset(
    str.split(
        "the a an my your his her its our their this that these those some any no every each of in on with"
    )
)
_BEFORE_PAST: Final = frozenset(
    str.split("have has had i've you've we've they've was were been be is are being got")
)
_WEAK: Final = {"a": "ɐ", "an": "ɐn", "the": "ðə", "to": "tə"}
_WEAK_BEFORE_VOWEL: Final = {"a": "ɐ", "an": "ɐn", "the": "ði", "to": "tʊ"}
_BRITISH: Final = (
    ("ɜɹ", "ɜː"), ("əɹ", "ə"), ("O", "Q"), ("ɑ", "ɒ"), ("ɔ", "ɔː"), ("i", "iː"), ("u", "uː"), ("ɾ", "t"), ("ᵻ", "ɪ"),
)  # fmt: skip
"""From a guess, which is American."""


class English:
    """`british`: how it sounds there. `folder` holds the dictionaries and the weights of the guesser."""

    def __init__(self, folder: Path, *, british: bool) -> None:
        land = "gb" if british else "us"
        self._british = british
        self._sure = _read(folder / f"{land}_gold.json")
        self._likely = _read(folder / f"{land}_silver.json")
        self._guesser = UnknownWords(folder / "unknown_words.npz")
        self._guess = cache(self._guessed)

    def phonemes(self, text: str) -> str:
        """Empty where there is nothing to say."""
        tokens = _TOKEN.findall(_plain(text))
        words = [self._without_point(token, place + 1 == len(tokens)) for place, token in enumerate(tokens)]
        flat = [part for some in words for part in some]
        said: list[str] = []
        following = ""
        for place in range(len(flat) - 1, -1, -1):
            word = flat[place]
            if word in PAUSES:
                sound = word
            else:
                before = flat[place - 1].lower() if place else ""
                sound = self._word(word, before, following)
            said.append(sound)
            following = sound if sound else following
        return _joined(reversed(said))

    def _without_point(self, token: str, last: bool) -> list[str]:
        """A word with a point behind it: short for another one, or the end of a sentence."""
        if not token.endswith(".") or token == ".":
            return [token]
        if token.lower() in _SHORT and not last:
            return _SHORT[token.lower()].split()
        return [token[:-1], "."]

    def _word(self, word: str, before: str, following: str) -> str:
        lower = word.lower()
        if lower in _WEAK and not (lower == "a" and word == "A" and before):
            if not following or following in PAUSES:
                return self._known(lower, before) or ""
            vowel = next((one for one in following if one not in "ˈˌ"), "") in VOWELS
            return (_WEAK_BEFORE_VOWEL if vowel else _WEAK)[lower]
        found = (
            self._known(word, before) or self._known(lower, before) or self._known(word.capitalize(), before)
        )
        if found:
            return found
        if word.isupper() and (len(word) < 4 or not re.search("[AEIOUY]", word)):
            return self._spelled(word)
        return self._stem(lower, before) or self._compound(lower) or self._guess(lower)

    def _known(self, word: str, before: str) -> str | None:
        entry = self._sure.get(word) or self._likely.get(word)
        if entry is None or isinstance(entry, str):
            return entry
        if before in _BEFORE_PAST:
            order: tuple[str, ...] = ("VBN", "VBD", "ADJ")
        elif before in _BEFORE_VERBS:
            order = ("VERB",)
        elif before in _BEFORE_NOUNS:
            order = ("NOUN", "ADJ")
        else:
            order = ()
        return next((found for tag in order if (found := entry.get(tag))), None) or entry.get("DEFAULT")

    def _stem(self, word: str, before: str) -> str:
        """Plurals, possessives, past and present participles of words that are known."""
        if word.endswith(("'s", "s'")):
            return self._plural(self._base(word[:-2], before))
        for tail, stems in (
            (
                "s",
                (
                    word[:-1],
                    word[:-2] if word.endswith("es") else "",
                    f"{word[:-3]}y" if word.endswith("ies") else "",
                ),
            ),
            (
                "d",
                (
                    word[:-1],
                    word[:-2],
                    word[:-3] if word.endswith("ed") and word[-4:-3] == word[-3:-2] else "",
                ),
            ),
            ("ing", (word[:-3], f"{word[:-3]}e", word[:-4] if word[-5:-4] == word[-4:-3] else "")),
            ("ly", (word[:-2],)),
        ):
            if not word.endswith(tail):
                continue
            base = next(
                (found for stem in stems if len(stem) > 1 and (found := self._base(stem, before))), ""
            )
            if base:
                return {"s": self._plural, "d": self._past}.get(tail, lambda one: "")(base) or base + {
                    "ing": "ɪŋ", "ly": "li",
                }[tail]  # fmt: skip
        return ""

    def _base(self, stem: str, before: str) -> str:
        return self._known(stem, before) or self._known(stem.capitalize(), before) or ""

    def _plural(self, base: str) -> str:
        if not base:
            return ""
        if base[-1] in "ptkfθ":
            return f"{base}s"
        return f"{base}{'ɪ' if self._british else 'ᵻ'}z" if base[-1] in "szʃʒʧʤ" else f"{base}z"

    def _past(self, base: str) -> str:
        if base[-1] in "pkfθʃsʧ":
            return f"{base}t"
        return f"{base}{'ɪ' if self._british else 'ᵻ'}d" if base[-1] in "td" else f"{base}d"

    def _compound(self, word: str) -> str:
        """Two known words of three letters or more, the first one as long as possible."""
        for cut in range(len(word) - 3, 2, -1) if len(word) < 25 else ():
            first, second = self._known(word[:cut], ""), self._known(word[cut:], "")
            if first and second:
                return first + second.replace("ˈ", "ˌ")
        return ""

    def _spelled(self, word: str) -> str:
        letters = [self._known(letter, "") or "" for letter in word]
        return "".join(letters).replace("ˈ", "ˌ")[::-1].replace("ˌ", "ˈ", 1)[::-1]

    def _guessed(self, word: str) -> str:
        said = self._guesser.said(re.sub("[^a-z]", "", word))
        if self._british:
            for american, british in _BRITISH:
                said = said.replace(american, british)
        return said


def _plain(text: str) -> str:
    """In Latin letters without accents, numbers and signs as words, a few marks."""
    text = text.translate(_MARKS)
    for sign, words in _SPELLED.items():
        if sign != "%":
            text = text.replace(sign, words)
    text = spoken_numbers(text).replace("%", " percent ")
    decomposed = unicodedata.normalize("NFD", text)
    return "".join(letter for letter in decomposed if unicodedata.category(letter) != "Mn")


def _joined(said: Iterable[str]) -> str:
    out = ""
    for sound in said:
        if not sound:
            continue
        if sound in PAUSES:
            # Of several marks the first one is spoken; a mark before the first word is none.
            if out and out[-1] not in PAUSES:
                out += sound
        else:
            out += f" {sound}" if out else sound
    return out if any(letter not in PAUSES for letter in out) else ""


@cache
def _read(file: Path) -> Entries:
    entries: Entries = json.loads(file.read_text(encoding="utf-8"))
    return entries
