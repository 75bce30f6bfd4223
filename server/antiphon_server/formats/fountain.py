"""Fountain, the plain-text screenplay (https://fountain.io/syntax): in, out, and what each line of a script is.

A script in a room is Fountain as it is typed, one line a block, so nothing of it is lost between room and file.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final, Literal, TypeAlias

from antiphon_server.formats.manuscript import Block, Manuscript, Words, join, trimmed

Element: TypeAlias = Literal[
    "blank", "scene", "action", "character", "parenthetical", "dialogue", "transition", "centered", "lyric", "section",
    "synopsis", "page_break",
]  # fmt: skip

_SCENE: Final = re.compile(
    r"(INT|EXT|EST|INT\.?/EXT|EXT\.?/INT|I/E|ИНТ|НАТ|ИНТ\.?/НАТ|НАТ\.?/ИНТ)[. ]", re.IGNORECASE
)
_EMPHASIS: Final = re.compile(r"(?<!\\)(\*{1,3})(?=\S)(.+?)(?<=[^\s\\])\1")
_SECTION: Final = re.compile(r"(#{1,6})\s*(.*)")
_TITLE_KEY: Final = re.compile(
    r"(?i)(title|credit|author|authors|source|notes|draft date|date|contact|copyright)\s*:(.*)"
)
_ESCAPED: Final = re.compile(r"\\([*_\\])")
_LITERAL: Final = re.compile(r"([*_\\])")


def elements(lines: Sequence[str]) -> list[Element]:
    """What each line is, by the rules of the specification; ours beside them: ИНТ. and НАТ. open scenes too."""
    found: list[Element] = []
    for index, line in enumerate(lines):
        text = line.strip()
        before: Element = found[-1] if found else "blank"
        followed = index + 1 < len(lines) and bool(lines[index + 1].strip())
        found.append(_element(text, before, followed=followed))
    return found


def read(text: str) -> Manuscript:
    """Sections become headings; a title page becomes the title and lines of text; notes and boneyards stay as typed."""
    lines = text.splitlines()
    title, lines = _title_page(lines)
    blocks: list[Block] = []
    for line in lines:
        if (found := _SECTION.fullmatch(line)) and found[2]:
            blocks.append(Block(_styled(found[2]), "heading", len(found[1])))
        else:
            blocks.append(Block(_styled(line)))
    return Manuscript(trimmed(blocks), title)


def write(manuscript: Manuscript) -> str:
    lines = [f"Title: {manuscript.title}", ""] if manuscript.title else []
    for block in manuscript.blocks:
        text = "".join(map(_marked, block.words))
        lines.append(f"{'#' * block.level} {text}" if block.kind == "heading" else text)
    return "\n".join(lines) + ("\n" if lines else "")


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
    if before in ("character", "parenthetical", "dialogue"):
        return "parenthetical" if text.startswith("(") and text.endswith(")") else "dialogue"
    if before == "blank":
        if _SCENE.match(text):
            return "scene"
        name = re.sub(r"\(.*?\)", "", text).strip()
        if name.isupper():
            if not followed and text.endswith(("TO:", "В:", "НА:")):
                return "transition"
            if followed:
                return "character"
    return "action"


def _title_page(lines: list[str]) -> tuple[str, list[str]]:
    """The title, and the lines without its entry."""
    if not lines or not _TITLE_KEY.match(lines[0]):
        return "", lines
    end = next((index for index, line in enumerate(lines) if not line.strip()), len(lines))
    title: list[str] = []
    rest: list[str] = []
    in_title = False
    for line in lines[:end]:
        if found := _TITLE_KEY.match(line):
            in_title = found[1].lower() == "title"
            (title if in_title else rest).append(found[2].strip() if in_title else line.strip())
        else:
            (title if in_title else rest).append(line.strip())
    words = " ".join(part.replace("*", "").replace("_", "") for part in title if part)
    return words, (["", *rest] if rest else []) + lines[end:]


def _styled(line: str) -> tuple[Words, ...]:
    words: list[Words] = []
    at = 0
    for found in _EMPHASIS.finditer(line):
        words.append(Words(_literal(line[at : found.start()])))
        words.append(Words(_literal(found[2]), bold=len(found[1]) > 1, italic=len(found[1]) != 2))
        at = found.end()
    words.append(Words(_literal(line[at:])))
    return join(words)


def _literal(text: str) -> str:
    return _ESCAPED.sub(r"\1", text)


def _marked(words: Words) -> str:
    text = _LITERAL.sub(r"\\\1", words.text)
    mark = "*" * (2 * words.bold + words.italic)
    inner = text.strip()
    if not mark or not inner:
        return text
    start = text.index(inner)
    return f"{text[:start]}{mark}{inner}{mark}{text[start + len(inner) :]}"
