"""Fountain, the plain-text screenplay (https://fountain.io/syntax): in, out, and the kind of each line.
A script in a room is Fountain as it is typed, one line a block: its title page, notes and boneyards stand in the text,
and nothing is escaped on the way out, so that a round trip keeps it. Everything is linear in the text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal, NamedTuple, TypeAlias

from antiphon_server.formats.emphasis import marked, styled
from antiphon_server.formats.manuscript import Block, Manuscript, Words, join, trimmed

Element: TypeAlias = Literal[
    "blank", "scene", "action", "character", "parenthetical", "dialogue", "transition", "centered", "lyric", "section",
    "synopsis", "page_break", "title_page", "note",
]  # fmt: skip
Span: TypeAlias = tuple[int, int]
"""[start, end) in a line."""

_SCENE: Final = re.compile(
    r"(INT|EXT|EST|INT\.?/EXT|EXT\.?/INT|I/E|ИНТ|НАТ|ИНТ\.?/НАТ|НАТ\.?/ИНТ)[. ]", re.IGNORECASE
)
_SECTION: Final = re.compile(r"(#{1,6})\s*(.*)")
_TITLE_KEY: Final = re.compile(
    r"(title|credit|author|authors|source|notes|draft date|date|contact|copyright|contact info|revision)\s*:(.*)",
    re.IGNORECASE,
)
_CONTROL: Final = re.compile("[\x00-\x08\x0b-\x1f\x7f\ufffe\uffff]")
_MARKS: Final = re.compile(r"/\*|\*/|\[\[|\]\]")
_SPEECH: Final = ("character", "parenthetical", "dialogue")


class Line(NamedTuple):
    """The kind of a line, and its stretches of notes or boneyard, which are not printed."""

    kind: Element
    hidden: tuple[Span, ...] = ()


def elements(lines: Sequence[str]) -> list[Element]:
    """The kind of each line, by the specification; in addition ИНТ. and НАТ. open scenes."""
    return [line.kind for line in parsed(lines)]


def parsed(lines: Sequence[str]) -> list[Line]:
    hidden = _hidden(lines)
    shown = [without(line, spans).strip() for line, spans in zip(lines, hidden, strict=True)]
    title = title_lines(lines)
    found: list[Line] = []
    before: Element = "blank"
    for index, text in enumerate(shown):
        if index < title:
            found.append(Line("title_page", hidden[index]))
            continue
        if not text and hidden[index]:
            # Unprinted parts do not end a speech either.
            found.append(Line("note", hidden[index]))
            continue
        following = index + 1
        while (
            following < len(lines) and not shown[following] and hidden[following] and following < index + 20
        ):
            following += 1
        followed = following < len(lines) and bool(shown[following])
        before = _element(text, before, followed=followed)
        found.append(Line(before, hidden[index]))
    return found


def without(line: str, spans: Sequence[Span]) -> str:
    parts: list[str] = []
    at = 0
    for start, end in spans:
        parts.append(line[at:start])
        at = end
    return "".join((*parts, line[at:]))


def without_brackets(text: str) -> str:
    """A character's name without an extension in brackets, such as (V.O.)."""
    parts: list[str] = []
    at = 0
    while (start := text.find("(", at)) >= 0 and (end := text.find(")", start)) >= 0:
        parts.append(text[at:start])
        at = end + 1
    return "".join((*parts, text[at:])).strip()


def title_lines(lines: Sequence[str]) -> int:
    """How many of the first lines are the title page."""
    if not lines or not _TITLE_KEY.match(lines[0]):
        return 0
    return next((index for index, line in enumerate(lines) if not line.strip()), len(lines))


def title_page(lines: Sequence[str]) -> dict[str, list[str]]:
    """The entries of a title page, by their keys in lower case."""
    entries: dict[str, list[str]] = {}
    values: list[str] = []
    for line in lines[: title_lines(lines)]:
        if found := _TITLE_KEY.match(line):
            values = entries.setdefault(found[1].lower(), [])
            values.append(found[2].strip())
        else:
            values.append(line.strip())
    return {key: [value for value in values if value] for key, values in entries.items()}


def read(text: str) -> Manuscript:
    """Sections become headings; everything else stays as typed, with its emphasis shown."""
    lines = _CONTROL.sub("", "\n".join(text.splitlines())).split("\n")
    lines = lines[next((index for index, line in enumerate(lines) if line.strip()), len(lines)) :]
    title = " ".join(part.strip("*_ ") for part in title_page(lines).get("title", []))
    blocks: list[Block] = []
    for line, what in zip(lines, parsed(lines), strict=True):
        if what.hidden or what.kind == "title_page":
            blocks.append(Block(join([Words(line)])))
        elif (found := _SECTION.fullmatch(line)) and found[2].strip():
            blocks.append(Block(styled(found[2]), "heading", len(found[1])))
        else:
            blocks.append(Block(styled(line)))
    return Manuscript(trimmed(blocks), title)


def write(manuscript: Manuscript) -> str:
    lines = [line_of(block) for block in manuscript.blocks]
    page = title_page(lines)
    if manuscript.title and not page.get("title"):
        lines = [f"Title: {manuscript.title}", *([] if page else [""]), *lines]
    return "\n".join(lines) + ("\n" if lines else "")


def line_of(block: Block) -> str:
    text = marked(block.words)
    return f"{'#' * block.level} {text}" if block.kind == "heading" else text


def _hidden(lines: Sequence[str]) -> list[tuple[Span, ...]]:
    """Notes [[ ]] and boneyards /* */, also over several lines; one without an end is plain text."""
    found: list[list[Span]] = [[] for _ in lines]
    opened: tuple[str, int, int] | None = None
    for number, line in enumerate(lines):
        if opened and opened[0] == "[[" and not line.strip() and line != "  ":
            opened = None  # a note does not go over a blank line, unless it has two blanks
        for mark in _MARKS.finditer(line):
            if opened is None and mark[0] in ("/*", "[["):
                opened = (mark[0], number, mark.start())
            elif opened and mark[0] == {"/*": "*/", "[[": "]]"}[opened[0]]:
                _, first, start = opened
                opened = None
                for each in range(first, number + 1):
                    begin = start if each == first else 0
                    end = mark.end() if each == number else len(lines[each])
                    found[each].append((begin, end))
    return [tuple(spans) for spans in found]


def _element(text: str, before: Element, *, followed: bool) -> Element:
    if not text:
        return "blank"
    if text.startswith("==="):
        return "page_break"
    match text[0]:
        case "." if not text.startswith(".."):
            return "scene"
        case "!":
            return "action"
        case "@":
            return "character"
        case "~":
            return "lyric"
        case "#":
            return "section"
        case "=":
            return "synopsis"
        case ">":
            return "centered" if text.endswith("<") else "transition"
    if before in _SPEECH:
        return "parenthetical" if text.startswith("(") and text.endswith(")") else "dialogue"
    if before == "blank":
        if _SCENE.match(text):
            return "scene"
        if without_brackets(text).isupper():
            if not followed and text.endswith(("TO:", "В:", "НА:")):
                return "transition"
            if followed:
                return "character"
    return "action"
