"""Texts and places in them, for a widget that thinks in lines and columns. All counts are code points."""

from __future__ import annotations

from typing import NamedTuple

_BREAKS = dict.fromkeys(map(ord, "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"), " ")
"""Line breaks that a story keeps as characters and that a terminal must not take for the end of a line."""


class Splice(NamedTuple):
    """[start, end) of the old text became `text`."""

    start: int
    end: int
    text: str


def shown(text: str) -> str:
    """The same text, character for character, with a line's end at each line feed and nowhere else."""
    return text.translate(_BREAKS)


def difference(old: str, new: str) -> Splice | None:
    """The one replacement that makes `new` of `old`; None when they are equal."""
    if old == new:
        return None
    most = min(len(old), len(new))
    start = _common(old, new, most)
    rest = _common(old[start:][::-1], new[start:][::-1], most - start)
    return Splice(start, len(old) - rest, new[start : len(new) - rest])


def location(text: str, index: int) -> tuple[int, int]:
    """(line, column) of a place."""
    line = text.count("\n", 0, index)
    return line, index - (text.rfind("\n", 0, index) + 1)


def index(text: str, place: tuple[int, int]) -> int:
    """The index of (line, column), clamped to the end of the text."""
    line, column = place
    start = 0
    for _ in range(line):
        found = text.find("\n", start)
        if found < 0:
            return len(text)
        start = found + 1
    end = text.find("\n", start)
    return min(start + column, len(text) if end < 0 else end)


def _common(one: str, other: str, most: int) -> int:
    """Length of the beginning that both share, found by halving: comparing slices is fast, comparing characters not."""
    low, high = 0, most
    while low < high:
        middle = (low + high + 1) // 2
        if one[low:middle] == other[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
