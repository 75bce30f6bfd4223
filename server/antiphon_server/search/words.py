"""Words as search compares them: in small letters without accents, and in base forms."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache
from typing import Final

from antiphon_server.reading.sentences import base_forms

_WORD: Final = re.compile(r"[^\W_]+")
_LATIN_END: Final = "\u0250"


def words(text: str) -> Iterator[tuple[int, int, str]]:
    """(start, end, folded) of each word, places in code points."""
    for found in _WORD.finditer(text):
        yield found.start(), found.end(), folded(found.group())


@lru_cache(maxsize=50_000)
def folded(word: str) -> str:
    """Equal for all spellings of a word: case, accents of Latin letters, ё and е. Letters and digits, never empty."""
    signs = unicodedata.normalize("NFKC", word).casefold().replace("ё", "е")
    plain = "".join(unicodedata.normalize("NFKD", sign)[0] if sign < _LATIN_END else sign for sign in signs)
    # An index of SQLite parts words at every other ASCII sign: one word must stay one.
    return "".join(sign for sign in plain if not sign.isascii() or sign.isalnum()) or "0"


@lru_cache(maxsize=50_000)
def bases(word: str) -> tuple[str, ...]:
    """The base forms of a folded Russian word, the likeliest first; others as they are (the index stems English)."""
    return tuple(one.replace("ё", "е") for one in base_forms(word)) if "а" <= word[0] <= "я" else (word,)
