"""A screenplay as scenes, and scenes as beats: the pieces of text that a shot can show. Linear in the text.

Places are code points of the story. English and Russian headings, cues and transitions are known
(`formats.fountain` tells the kind of each line).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from msgspec import Struct

from antiphon_proto.document.film import Beat, Change, Scene
from antiphon_server.formats.fountain import Line, parsed, title_page, without, without_brackets

_HEADING: Final = re.compile(
    r"^\.?\s*(?:(?P<side>INT\.?/EXT|EXT\.?/INT|I/E|INT|EXT|EST|ИНТ\.?/НАТ|НАТ\.?/ИНТ|ИНТ|НАТ)[. ]+)?(?P<rest>.*)$",
    re.IGNORECASE,
)
_NUMBER: Final = re.compile(r"\s*#([\w.\-]{1,12})#\s*$")
_TIME: Final = re.compile(r"^(?P<place>.*\S)\s+[-–—]\s*(?P<time>[^-–—]*)$")
_EMPHASIS: Final = re.compile(r"(\*{1,3}|_)(?=\S)(.+?)(?<=\S)\1")
_OFF: Final = re.compile(
    r"\((?:V\.?\s?O\.?|O\.?\s?S\.?|O\.?\s?C\.?|ЗК|З/К|ГЗК|Г\.?З\.?К\.?|ВПЗ)[^)]*\)", re.IGNORECASE
)
_CHANGES: Final[tuple[tuple[Change, re.Pattern[str]], ...]] = (
    ("dissolve", re.compile(r"DISSOLVE|НАПЛЫВ", re.IGNORECASE)),
    ("wipe", re.compile(r"WIPE|ШТОРК", re.IGNORECASE)),
    ("fade", re.compile(r"FADE|ЗАТЕМНЕН|ЗТМ", re.IGNORECASE)),
)


class _Row(Struct):
    """A line: its place in the story, its kind, and its printed text."""

    start: int
    end: int
    kind: str
    text: str


def scenes(text: str) -> list[Scene]:
    """The scenes of a script in their order."""
    lines = text.split("\n")
    kinds = parsed(lines)
    found: list[Scene] = []
    rows: list[_Row] = []
    start = 0
    for row in _rows(lines, kinds):
        if row.kind == "scene":
            _close(found, rows, start, row.start)
            rows, start = [], row.start
        rows.append(row)
    _close(found, rows, start, len(text))
    titles = _title_beat(lines, kinds)
    if titles is not None:
        if found and not found[0].heading:
            first = found[0]
            found[0] = Scene("", "", "", False, False, "", 0, first.end, (titles, *first.beats))
        else:
            found.insert(0, Scene("", "", "", False, False, "", 0, titles.end, (titles,)))
    return found


def heading_parts(heading: str) -> tuple[str, str, bool, bool]:
    """(place, time of day, plays inside, plays outside) of a scene's heading."""
    found = _HEADING.match(_NUMBER.sub("", heading).strip())
    rest = found["rest"].strip() if found else heading.strip()
    side = (found["side"] or "").upper() if found else ""
    timed = _TIME.match(rest)
    place, time = (timed["place"].strip(), timed["time"].strip()) if timed else (rest, "")
    inside = side in ("I/E",) or "INT" in side or "ИНТ" in side
    outside = side in ("I/E", "EST") or "EXT" in side or "НАТ" in side
    return place, time, inside, outside


def _rows(lines: Sequence[str], kinds: Sequence[Line]) -> Iterator[_Row]:
    at = 0
    for line, what in zip(lines, kinds, strict=True):
        printed = _masked(line, what)
        body = printed.strip()
        first = at + len(printed) - len(printed.lstrip())
        last = at + len(printed.rstrip())
        shown = _plain(without(line, what.hidden).strip()) if body else ""
        yield _Row(first, max(first, last), what.kind if shown or what.kind == "blank" else "note", shown)
        at += len(line) + 1


def _masked(line: str, what: Line) -> str:
    """The line with blanks instead of unprinted parts, so that places stay."""
    for start, end in what.hidden:
        line = line[:start] + " " * (end - start) + line[end:]
    return line


def _close(found: list[Scene], rows: Sequence[_Row], start: int, end: int) -> None:
    """Enter the scene of these rows, where there is one."""
    if rows and rows[0].kind == "scene":
        heading = rows[0].text.removeprefix(".").strip()
        number = _NUMBER.search(heading)
        heading = _NUMBER.sub("", heading)
        place, time, inside, outside = heading_parts(heading)
        opening = [Beat("establish", rows[0].start, rows[0].end, heading)]
        beats = (*opening, *_beats(rows[1:]))
        found.append(
            Scene(
                heading,
                place,
                time,
                inside,
                outside,
                number[1] if number else "",
                start,
                end,
                _changed(beats),
            )
        )
    elif beats := tuple(_beats(rows)):
        found.append(Scene("", "", "", False, False, "", start, end, _changed(beats)))


class _Cut(Struct, frozen=True):
    """A transition stands here."""

    change: Change


def _changed(pieces: Sequence[Beat | _Cut]) -> tuple[Beat, ...]:
    """The beats, each with the transition that stands before it. One at the end of a scene is for the next one,
    and `shots` looks there."""
    beats: list[Beat] = []
    change: Change = "cut"
    for piece in pieces:
        if isinstance(piece, _Cut):
            change = piece.change
            continue
        if change != "cut":
            piece = Beat(
                piece.kind,
                piece.start,
                piece.end,
                piece.text,
                piece.who,
                piece.aside,
                piece.off,
                piece.dual,
                change,
            )
            change = "cut"
        beats.append(piece)
    return tuple(beats)


def last_change(text: str) -> Change:
    """The transition that a line asks for."""
    return next((name for name, form in _CHANGES if form.search(text)), "cut")


def _beats(rows: Sequence[_Row]) -> Iterator[Beat | _Cut]:
    at = 0
    while at < len(rows):
        row = rows[at]
        if row.kind == "character":
            last = at + 1
            while last < len(rows) and rows[last].kind in ("dialogue", "parenthetical", "lyric", "note"):
                last += 1
            yield _speech(rows[at:last])
            at = last
        elif row.kind in ("action", "dialogue", "parenthetical", "lyric"):
            last = at + 1
            while last < len(rows) and rows[last].kind == row.kind:
                last += 1
            some = rows[at:last]
            text = " ".join(one.text.removeprefix("!").removeprefix("~") for one in some).strip()
            yield Beat("action", row.start, some[-1].end, text)
            at = last
        else:
            if row.kind == "centered":
                yield Beat("title", row.start, row.end, row.text.strip("<> "))
            elif row.kind == "transition":
                yield _Cut(last_change(row.text))
            at += 1


def _speech(rows: Sequence[_Row]) -> Beat:
    """A cue with the lines under it; a cue without words is a silent look."""
    cue = rows[0].text.removeprefix("@")
    dual = cue.endswith("^")
    name = without_brackets(cue.rstrip("^")).strip()
    said = [row.text.removeprefix("~") for row in rows[1:] if row.kind in ("dialogue", "lyric")]
    aside = [row.text.strip("()") for row in rows[1:] if row.kind == "parenthetical"]
    end = max((row.end for row in rows if row.kind != "note"), default=rows[0].end)
    return Beat(
        "speech",
        rows[0].start,
        end,
        " ".join(said),
        name[:64],
        "; ".join(aside),
        _OFF.search(cue) is not None,
        dual,
    )


def _title_beat(lines: Sequence[str], kinds: Sequence[Line]) -> Beat | None:
    entries = title_page(lines)
    title = [_plain(part) for part in entries.get("title", [])]
    if not title:
        return None
    count = sum(1 for kind in kinds if kind.kind == "title_page")
    end = sum(len(line) + 1 for line in lines[:count]) - 1
    people = entries.get("author") or entries.get("authors") or []
    return Beat("title", 0, end, "\n".join([" ".join(title), *map(_plain, people)]))


def _plain(text: str) -> str:
    """Without Fountain's marks of emphasis."""
    if "*" not in text and "_" not in text:
        return text
    for _ in range(3):
        text = _EMPHASIS.sub(r"\2", text)
    return text
