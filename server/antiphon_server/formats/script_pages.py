"""A screenplay's pages, as its makers expect them: twelve-point Courier, ten letters and six lines to the inch, 55
lines to a page; a speech that goes on on the next page says so.

Positions are in letters from the left edge of the page, which is 85 letters wide (8.5 inches).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from msgspec import Struct
from msgspec.structs import replace

from antiphon_server.formats.manuscript import Words
from antiphon_server.formats.script import Part, Script, name_of

LINES: Final = 55
_LEFT: Final = 15
_RIGHT: Final = 75
_WIDTH: Final = _RIGHT - _LEFT
_DUAL: Final = 28
_SECOND: Final = _RIGHT - _DUAL


class _Column(NamedTuple):
    indent: int
    width: int


_COLUMNS: Final = {
    "character": _Column(37, 38),
    "parenthetical": _Column(30, 25),
    "dialogue": _Column(25, 35),
    "lyric": _Column(25, 35),
}
_DUAL_INDENT: Final = {"character": 8, "parenthetical": 4}
_PIECES: Final = re.compile(r"\s+|[^\s]+")


class Run(Struct, frozen=True):
    """Words at a place of a line."""

    column: int
    words: Words


class Line(Struct, frozen=True):
    """`number` stands in both margins."""

    runs: tuple[Run, ...] = ()
    number: str = ""


class _Group(Struct, frozen=True):
    """Lines that belong together, the blank lines before them, and how they may be parted: a speech by `name`."""

    lines: tuple[Line, ...]
    before: int
    name: str = ""
    fixed: bool = False
    """Not to be parted."""
    keep: bool = False
    """Stays with the next lines."""
    cue: int = 0
    """Lines at its top that stay with the next ones: who speaks, and how."""


def pages(script: Script) -> list[list[Line]]:
    """Every page as its lines, at most LINES of them."""
    done: list[list[Line]] = [[]]
    groups = list(_groups(script.parts))
    for index, group in enumerate(groups):
        if group.before < 0:
            if done[-1]:
                done.append([])
            continue
        _place(done, group, _needed(groups, index))
    return [page for page in done if page] or [[]]


def width(text: str) -> int:
    """Letters' places in a typewriter's face."""
    return sum(
        0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text
    )


def _place(done: list[list[Line]], group: _Group, needed: int) -> None:
    page = done[-1]
    blank = [Line()] * (group.before if page else 0)
    room = LINES - len(page) - len(blank)
    if needed <= room:
        page += [*blank, *group.lines]
        return
    at = 0 if group.fixed or group.keep else _parting(group, room)
    if at:
        more = [_more(group.name)] if group.name else []
        page += [*blank, *group.lines[:at], *more]
        rest = group.lines[at:]
        if group.name:
            rest = (_continued(group), *rest)
        _place_on_new(done, replace(group, lines=rest, cue=min(group.cue, 1)))
    elif page:
        _place_on_new(done, group)
    else:
        # More than a whole page that cannot be parted well is parted anyhow.
        page += group.lines[:LINES]
        if len(group.lines) > LINES:
            _place_on_new(done, replace(group, lines=group.lines[LINES:]))


def _place_on_new(done: list[list[Line]], group: _Group) -> None:
    """On a page of its own; a text of many pages takes turns here and not frames of the stack."""
    while True:
        done.append([])
        if len(group.lines) <= LINES:
            done[-1] += group.lines
            return
        at = 0 if group.fixed else _parting(group, LINES)
        at = at or LINES
        more = [_more(group.name)] if group.name and at < LINES else []
        done[-1] += [*group.lines[:at], *more]
        rest = group.lines[at:]
        group = replace(group, lines=(_continued(group), *rest) if more else rest, cue=min(group.cue, 1))


def _parting(group: _Group, room: int) -> int:
    """How many of its lines stay, at a sentence's end where there is one near: two at least on either side, or 0."""
    room -= 1 if group.name else 0
    least = group.cue + 2
    most = min(room, len(group.lines) - 2)
    if most < least:
        return 0
    for at in range(most, max(least, most - 3) - 1, -1):
        text = "".join(run.words.text for run in group.lines[at - 1].runs).rstrip("\"'”’»)")
        if text.endswith((".", "!", "?", "…", "—", "--")):
            return at
    return most


def _needed(groups: Sequence[_Group], index: int) -> int:
    """Lines that must fit: a heading takes the first lines after it along."""
    needed = len(groups[index].lines)
    while groups[index].keep and index + 1 < len(groups) and groups[index + 1].before >= 0:
        index += 1
        following = groups[index]
        least = (
            len(following.lines)
            if following.fixed or following.keep
            else min(following.cue + 2, len(following.lines))
        )
        needed += following.before + least
    return needed


def _groups(parts: Sequence[Part]) -> Iterator[_Group]:
    index = 0
    while index < len(parts):
        part = parts[index]
        if part.kind == "character":
            speech, index = _speech(parts, index)
            other = parts[index] if index < len(parts) else None
            if other is not None and other.kind == "character" and other.dual:
                second, index = _speech(parts, index)
                yield _dual(speech, second)
            else:
                yield _said(speech)
            continue
        index += 1
        if part.kind == "page_break":
            yield _Group((), -1)
        elif part.kind == "scene":
            lines = _wrapped(_upper(part.words), _LEFT, _WIDTH)
            yield _Group((replace(lines[0], number=part.number), *lines[1:]), 2, fixed=True, keep=True)
        elif part.kind == "transition":
            text = _upper(part.words)
            column = max(_LEFT, _RIGHT - sum(width(each.text) for each in text))
            yield _Group(_wrapped(text, column, _RIGHT - column), 1, fixed=True)
        elif part.kind == "centered":
            lines = _wrapped(part.words, 0, _WIDTH)
            yield _Group(tuple(map(_centred, lines)), 1 if part.apart else 0, fixed=True)
        else:
            lyric = part.kind == "lyric"
            slanted = tuple(replace(each, italic=True) for each in part.words) if lyric else part.words
            place = _COLUMNS["lyric"] if lyric else _Column(_LEFT, _WIDTH)
            yield _Group(_wrapped(slanted, *place), 1 if part.apart else 0)


def _speech(parts: Sequence[Part], index: int) -> tuple[list[Part], int]:
    speech = [parts[index]]
    index += 1
    while (
        index < len(parts)
        and parts[index].kind in ("parenthetical", "dialogue", "lyric")
        and not parts[index].apart
    ):
        speech.append(parts[index])
        index += 1
    return speech, index


def _said(speech: Sequence[Part]) -> _Group:
    lines: list[Line] = []
    for part in speech:
        words = _upper(part.words) if part.kind == "character" else part.words
        lines += _wrapped(words, *_COLUMNS[part.kind])
    cue = 2 if len(speech) > 1 and speech[1].kind == "parenthetical" else 1
    return _Group(tuple(lines), 1, name_of(speech[0]), cue=cue)


def _dual(first: Sequence[Part], second: Sequence[Part]) -> _Group:
    """Two who speak at once, side by side."""
    columns = [
        [
            line
            for part in speech
            for line in _wrapped(
                _upper(part.words) if part.kind == "character" else part.words,
                left + _DUAL_INDENT.get(part.kind, 0),
                _DUAL - _DUAL_INDENT.get(part.kind, 0),
            )
        ]
        for speech, left in ((first, _LEFT), (second, _SECOND))
    ]
    height = max(map(len, columns))
    padded = [[*column, *[Line()] * (height - len(column))] for column in columns]
    return _Group(tuple(Line((*a.runs, *b.runs)) for a, b in zip(*padded, strict=True)), 1, fixed=True)


def _wrapped(words: Sequence[Words], column: int, most: int) -> tuple[Line, ...]:
    """Lines of at most `most` letters; a word that is longer is cut."""
    lines: list[list[Run]] = [[]]
    used = 0
    for each in words:
        for piece in _PIECES.findall(each.text):
            size = width(piece)
            if piece.isspace() and used + size > most:
                continue
            if used + size > most and used:
                lines.append([])
                used = 0
                if piece.isspace():
                    continue
            while size > most:
                cut = _fitting(piece, most)
                lines[-1].append(Run(column, replace(each, text=piece[:cut])))
                lines.append([])
                piece = piece[cut:]
                size = width(piece)
            _append(lines[-1], column + used, replace(each, text=piece))
            used += size
    return tuple(Line(tuple(line)) for line in lines)


def _append(line: list[Run], column: int, words: Words) -> None:
    last = line[-1] if line else None
    if (
        last is not None
        and last.words.style == words.style
        and last.column + width(last.words.text) == column
    ):
        line[-1] = Run(last.column, replace(last.words, text=last.words.text + words.text))
    else:
        line.append(Run(column, words))


def _fitting(text: str, most: int) -> int:
    used = 0
    for index, letter in enumerate(text):
        used += width(letter)
        if used > most:
            return max(index, 1)
    return len(text)


def _centred(line: Line) -> Line:
    length = sum(width(run.words.text) for run in line.runs)
    shift = _LEFT + max(0, (_WIDTH - length) // 2)
    return replace(line, runs=tuple(replace(run, column=run.column + shift) for run in line.runs))


def _upper(words: Sequence[Words]) -> tuple[Words, ...]:
    return tuple(replace(each, text=each.text.upper()) for each in words)


def _more(name: str) -> Line:
    text = "(ДАЛЬШЕ)" if _cyrillic(name) else "(MORE)"
    return Line((Run(_COLUMNS["character"].indent, Words(text)),))


def _continued(group: _Group) -> Line:
    text = "(ПРОД.)" if _cyrillic(group.name) else "(CONT'D)"
    return Line((Run(_COLUMNS["character"].indent, Words(f"{group.name} {text}")),))


def _cyrillic(text: str) -> bool:
    return any("\u0400" <= letter <= "\u04ff" for letter in text)
