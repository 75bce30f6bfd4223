"""Emphasis in Fountain (https://fountain.io/syntax/#emphasis): *italics*, **bold**, ***both***, _underline_.

Marks are kept as they are typed wherever reading and writing them again would give something else.
"""

from __future__ import annotations

import re
from typing import Final

from msgspec.structs import replace

from antiphon_server.formats.manuscript import Words, join

_RUN: Final = re.compile(r"\\.|\*+|_+", re.DOTALL)
_ESCAPED: Final = re.compile(r"\\([*_\\])")
_ESCAPING: Final = re.compile(r"\\(?=[*_\\])")
_FIELDS: Final = {"*": ("italic",), "**": ("bold",), "***": ("bold", "italic"), "_": ("underline",)}


def styled(line: str) -> tuple[Words, ...]:
    """The line's words in their styles. `marked` gives a line that reads as the same."""
    found = _read(line)
    return found if _read(marked(found)) == found else join([Words(line)])


def marked(words: tuple[Words, ...]) -> str:
    """The line as it is typed. Marks stand on words and not on the blanks about them, where nobody sees them."""
    return "".join(map(_marked, words))


def unescaped(text: str) -> str:
    """The printed part of a stretch of plain words."""
    return _ESCAPED.sub(r"\1", text)


def escaped(text: str) -> str:
    """A stretch of words that `unescaped` prints as it is here."""
    return _ESCAPING.sub(r"\\\\", text)


def _marked(words: Words) -> str:
    inner = words.text.strip()
    mark = "*" * (2 * words.bold + words.italic)
    if not (mark or words.underline) or not inner:
        return words.text
    start = words.text.index(inner)
    made = f"{mark}{inner}{mark}"
    made = f"_{made}_" if words.underline else made
    return f"{words.text[:start]}{made}{words.text[start + len(inner) :]}"


def _read(line: str) -> tuple[Words, ...]:
    runs = [found for found in _RUN.finditer(line) if found[0] in _FIELDS]
    pairs = _pairs(line, runs)
    words: list[Words] = []
    style = Words("")
    at = 0
    for index, run in enumerate(runs):
        if index not in pairs:
            continue
        words += _trimmed(replace(style, text=line[at : run.start()]))
        opens = pairs[index] > index
        for field in _FIELDS[run[0]]:
            style = replace(style, **{field: opens})
        at = run.end()
    words += _trimmed(replace(style, text=line[at:]))
    return join(words)


def _trimmed(words: Words) -> list[Words]:
    """Blanks at the edges have no style."""
    inner = words.text.strip()
    start = words.text.find(inner)
    return [Words(words.text[:start]), replace(words, text=inner), Words(words.text[start + len(inner) :])]


def _pairs(line: str, runs: list[re.Match[str]]) -> dict[int, int]:
    """Which mark closes which. In one pass: marks inside a pair are dropped."""
    pairs: dict[int, int] = {}
    stack: list[int] = []
    waiting = dict.fromkeys(_FIELDS, 0)
    for index, run in enumerate(runs):
        mark = run[0]
        before, after = line[run.start() - 1 : run.start()], line[run.end() : run.end() + 1]
        closes, opens = bool(before) and not before.isspace(), bool(after) and not after.isspace()
        if mark == "_":
            closes, opens = closes and not after.isalnum(), opens and not before.isalnum()
        if closes and waiting[mark]:
            while True:
                opened = stack.pop()
                waiting[runs[opened][0]] -= 1
                if runs[opened][0] == mark:
                    break
            pairs[opened], pairs[index] = index, opened
        elif opens:
            stack.append(index)
            waiting[mark] += 1
    return pairs
