"""The parts of a screenplay: title page, scenes, action, speeches; without unprinted text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal, TypeAlias, cast

from msgspec import Struct
from msgspec.structs import replace

from antiphon_server.formats.emphasis import unescaped
from antiphon_server.formats.fountain import Span, line_of, parsed, title_page, without_brackets
from antiphon_server.formats.manuscript import Block, Manuscript, Words, join

PartKind: TypeAlias = Literal[
    "scene",
    "action",
    "character",
    "parenthetical",
    "dialogue",
    "transition",
    "centered",
    "lyric",
    "page_break",
]
_FORCED: Final = {
    "scene": ".",
    "action": "!",
    "character": "@",
    "lyric": "~",
    "transition": ">",
    "centered": ">",
}


class Part(Struct, frozen=True):
    """A line of a script. `number` is a scene's, as it was given; `dual` marks the second of two who speak at once;
    `apart` says that a blank line stands before it."""

    kind: PartKind
    words: tuple[Words, ...]
    number: str = ""
    dual: bool = False
    apart: bool = True

    @property
    def text(self) -> str:
        return "".join(words.text for words in self.words)


class Script(Struct, frozen=True):
    """`title` are the entries of the title page by their keys in lower case."""

    parts: tuple[Part, ...]
    title: dict[str, list[str]]


def script(manuscript: Manuscript) -> Script:
    lines = [line_of(block) for block in manuscript.blocks]
    title = title_page(lines)
    if manuscript.title and not title.get("title"):
        title = {"title": [manuscript.title], **title}
    parts: list[Part] = []
    apart = False
    for block, what in zip(manuscript.blocks, parsed(lines), strict=True):
        if what.kind in ("title_page", "note"):
            continue
        if what.kind in ("blank", "section", "synopsis"):
            apart = True
            continue
        parts.append(_part(block, cast(PartKind, what.kind), what.hidden, apart=apart))
        apart = False
    return Script(tuple(parts), title)


def name_of(part: Part) -> str:
    """Who speaks, without (V.O.) and the like."""
    return without_brackets(part.text).strip().upper()


def _part(block: Block, kind: PartKind, hidden: Sequence[Span], *, apart: bool) -> Part:
    words = _printed(block, hidden)
    if kind in _FORCED:
        words = _lstripped(words, _FORCED[kind])
    number, dual = "", False
    match kind:
        case "scene":
            words, number = _number(words)
        case "character":
            text = "".join(each.text for each in words).rstrip()
            dual = text.endswith("^")
            words = _rstripped(words, "^") if dual else words
        case "centered":
            words = _rstripped(words, "<")
    return Part(kind, words, number, dual, apart)


def _printed(block: Block, hidden: Sequence[Span]) -> tuple[Words, ...]:
    """The words of a line without notes and boneyards, their marks undone. Lines with such stretches are as typed, so
    that places in the line are places in its words."""
    if not hidden:
        text = [replace(each, text=unescaped(each.text)) for each in block.words]
        return _stripped(join(text))
    kept: list[Words] = []
    at = 0
    for each in block.words:
        end = at + len(each.text)
        start = at
        for first, last in hidden:
            if last <= at or first >= end:
                continue
            kept.append(replace(each, text=unescaped(each.text[start - at : max(first, at) - at])))
            start = min(last, end)
        kept.append(replace(each, text=unescaped(each.text[start - at :])))
        at = end
    return _stripped(join(kept))


def _stripped(words: tuple[Words, ...]) -> tuple[Words, ...]:
    text = "".join(each.text for each in words)
    return _cut(words, len(text) - len(text.lstrip()), len(text.rstrip()))


def _lstripped(words: tuple[Words, ...], mark: str) -> tuple[Words, ...]:
    text = "".join(each.text for each in words)
    return _stripped(_cut(words, len(mark), len(text))) if text.startswith(mark) else words


def _rstripped(words: tuple[Words, ...], mark: str) -> tuple[Words, ...]:
    text = "".join(each.text for each in words)
    return _stripped(_cut(words, 0, len(text) - len(mark))) if text.endswith(mark) else words


def _cut(words: tuple[Words, ...], start: int, end: int) -> tuple[Words, ...]:
    kept: list[Words] = []
    at = 0
    for each in words:
        begin, stop = max(start - at, 0), min(end - at, len(each.text))
        if begin < stop:
            kept.append(replace(each, text=each.text[begin:stop]))
        at += len(each.text)
    return tuple(kept)


_NUMBER: Final = re.compile(r"#([\w.\-]{1,12})#")


def _number(words: tuple[Words, ...]) -> tuple[tuple[Words, ...], str]:
    """A scene's heading, and the number that stands at its end between two #."""
    text = "".join(each.text for each in words)
    start = text.rfind("#", 0, len(text) - 1) if text.endswith("#") else -1
    found = _NUMBER.fullmatch(text[start:]) if start >= 0 else None
    return (_stripped(_cut(words, 0, start)), found[1]) if found else (words, "")
