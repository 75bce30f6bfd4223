"""The difference of two texts: by lines, and by words within lines that changed. Positions are code points."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from difflib import SequenceMatcher
from itertools import accumulate
from typing import Literal

from msgspec import Struct

_WORDS = re.compile(r"\w+[^\S\n]?|\W")
_LINES = 4_000_000
"""Pairs of lines, and of words, up to which they are compared: the work grows with them."""
_PAIRS = 10_000_000


class Difference(Struct, frozen=True):
    """[old_start, old_end) of the old text became [start, end) of the new one."""

    kind: Literal["equal", "change"]
    old_start: int
    old_end: int
    start: int
    end: int


def differences(old: str, new: str) -> list[Difference]:
    """The differences from `old` to `new`, in order, without a gap in either."""
    first = common(old, new)
    last = common(old[first:][::-1], new[first:][::-1])
    middle = _refined(old[first : len(old) - last], new[first : len(new) - last], first)
    found: list[Difference] = []
    for one in (
        Difference("equal", 0, first, 0, first),
        *middle,
        Difference("equal", len(old) - last, len(old), len(new) - last, len(new)),
    ):
        if one.old_start == one.old_end and one.start == one.end:
            continue
        if found and found[-1].kind == one.kind:
            former = found.pop()
            one = Difference(one.kind, former.old_start, one.old_end, former.start, one.end)
        found.append(one)
    return found


def common(old: str, new: str) -> int:
    """Characters that both begin with."""
    low, high = 0, min(len(old), len(new))
    while low < high:
        half = (low + high + 1) // 2
        if old[low:half] == new[low:half]:
            low = half
        else:
            high = half - 1
    return low


def _refined(old: str, new: str, at: int) -> Iterator[Difference]:
    lines = old.splitlines(keepends=True), new.splitlines(keepends=True)
    if len(lines[0]) * len(lines[1]) > _LINES:
        yield Difference("change", at, at + len(old), at, at + len(new))
        return
    for kind, a, b, c, d in _matched(*lines):
        if kind == "equal":
            yield Difference("equal", at + a, at + b, at + c, at + d)
            continue
        words = _WORDS.findall(old[a:b]), _WORDS.findall(new[c:d])
        if len(words[0]) * len(words[1]) > _PAIRS:
            yield Difference("change", at + a, at + b, at + c, at + d)
            continue
        for inner, e, f, g, h in _matched(*words):
            same: Literal["equal", "change"] = "equal" if inner == "equal" else "change"
            yield Difference(same, at + a + e, at + a + f, at + c + g, at + c + h)


def _matched(old: Sequence[str], new: Sequence[str]) -> Iterator[tuple[str, int, int, int, int]]:
    """SequenceMatcher's opcodes, with positions in characters."""
    before = [0, *accumulate(map(len, old))]
    after = [0, *accumulate(map(len, new))]
    for kind, a, b, c, d in SequenceMatcher(None, old, new, autojunk=False).get_opcodes():
        yield kind, before[a], before[b], after[c], after[d]
