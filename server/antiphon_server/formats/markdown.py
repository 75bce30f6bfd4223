"""CommonMark in and out (https://spec.commonmark.org); read by markdown-it-py. HTML inside it is left as text."""

from __future__ import annotations

import re
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from antiphon_server.formats.manuscript import Block, Kind, Manuscript, Words, join

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>&])")
_LINE_START: Final = re.compile(r"^(\s*)([#+\-=~|]|\d+[.)])")


def read(text: str) -> Manuscript:
    """A line break in a paragraph is a space, a hard break ends the line; code, tables and links keep their words."""
    parser = MarkdownIt("commonmark", {"html": False})
    blocks: list[Block] = []
    lists: list[Kind] = []
    quotes = 0
    level = 0
    for token in parser.parse(text):
        match token.type:
            case "bullet_list_open":
                lists.append("bullet")
            case "ordered_list_open":
                lists.append("ordered")
            case "bullet_list_close" | "ordered_list_close":
                lists.pop()
            case "blockquote_open":
                quotes += 1
            case "blockquote_close":
                quotes -= 1
            case "heading_open":
                level = int(token.tag[1:])
            case "heading_close":
                level = 0
            case "fence" | "code_block":
                blocks += [Block(join([Words(line)])) for line in token.content.rstrip("\n").split("\n")]
            case "hr":
                blocks.append(Block((Words("* * *"),)))
            case "inline":
                kind: Kind = (
                    "heading" if level else lists[-1] if lists else "quote" if quotes else "paragraph"
                )
                blocks += [Block(line, kind, level) for line in _lines(token.children or [])]
    return Manuscript(tuple(blocks))


def write(manuscript: Manuscript) -> str:
    parts: list[str] = []
    number = 0
    before: Kind | None = None
    for block in manuscript.blocks:
        number = number + 1 if block.kind == "ordered" else 0
        line = _written(block, number)
        if not line.strip():
            continue
        tight = block.kind == before and block.kind in ("bullet", "ordered")
        if parts:
            parts.append("\n" if tight else "\n>\n" if block.kind == before == "quote" else "\n\n")
        parts.append(line)
        before = block.kind
    return "".join(parts) + ("\n" if parts else "")


def _lines(tokens: list[Token]) -> list[tuple[Words, ...]]:
    lines: list[list[Words]] = [[]]
    bold = italic = 0
    for token in tokens:
        match token.type:
            case "strong_open":
                bold += 1
            case "strong_close":
                bold -= 1
            case "em_open":
                italic += 1
            case "em_close":
                italic -= 1
            case "softbreak":
                lines[-1].append(Words(" ", bold > 0, italic > 0))
            case "hardbreak":
                lines.append([])
            case _:
                lines[-1].append(Words(token.content, bold > 0, italic > 0))
    return [join(line) for line in lines]


def _written(block: Block, number: int) -> str:
    text = "".join(map(_styled, block.words)).strip()
    match block.kind:
        case "heading":
            return f"{'#' * block.level} {text}"
        case "quote":
            return f"> {_safe_start(text)}"
        case "bullet":
            return f"- {_safe_start(text)}"
        case "ordered":
            return f"{number}. {_safe_start(text)}"
        case "paragraph":
            return _safe_start(text)


def _styled(words: Words) -> str:
    """Marks stand on the words and not on the blanks about them, where CommonMark does not see them."""
    text = _SPECIAL.sub(r"\\\1", words.text)
    mark = "***" if words.bold and words.italic else "**" if words.bold else "*" if words.italic else ""
    inner = text.strip()
    if not mark or not inner:
        return text
    start = text.index(inner)
    return f"{text[:start]}{mark}{inner}{mark}{text[start + len(inner) :]}"


def _safe_start(text: str) -> str:
    """What would open a list, a heading or the like at a line's start is taken at its word."""
    return _LINE_START.sub(lambda found: f"{found[1]}{found[2][:-1]}\\{found[2][-1]}", text)
