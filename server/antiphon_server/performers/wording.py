"""The question to a performer that is called in a comment, or by a pause, in the language of the passage."""

from __future__ import annotations

import re
from typing import Final

_CYRILLIC: Final = re.compile(r"[\u0400-\u04ff]")
_LETTER: Final = re.compile(r"[^\W\d_]")


def is_russian(text: str) -> bool:
    """By its letters."""
    return 2 * len(_CYRILLIC.findall(text)) > len(_LETTER.findall(text))


def remarked_on(quote: str, asked: str) -> str:
    """The words of a comment, with the passage that it is about."""
    if not quote:
        return asked
    return f"«{quote}»\n{asked}" if is_russian(quote) else f"“{quote}”\n{asked}"


def look_at(passage: str) -> str:
    """The question to a performer that looks at new text by itself."""
    if is_russian(passage):
        return (
            f"Только что написано:\n{passage}\n\nЕсли тебе есть что сказать об этом, скажи одно, самое важное. Если "
            "нет, ответь одним словом: нет."
        )
    return (
        f"This was written just now:\n{passage}\n\nIf you have something to say about it, say one thing, the most "
        "important one. If not, answer with the one word: nothing."
    )
