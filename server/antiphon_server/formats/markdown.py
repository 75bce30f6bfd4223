"""CommonMark in and out (https://spec.commonmark.org), with tables and strikethrough as on GitHub, and a title as YAML
front matter; read by markdown-it-py. HTML inside it is left as text, but the tags that the writer here needs."""

from __future__ import annotations

import json
import re
from typing import Final

from markdown_it import MarkdownIt
from markdown_it.token import Token

from antiphon_proto.schema import MAX_INDENT
from antiphon_server.formats.manuscript import (
    LISTS,
    SCENE_BREAK,
    Block,
    Kind,
    Manuscript,
    Words,
    join,
    numbered,
    numbers,
    restarts,
    safe_link,
)
from antiphon_server.formats.notices import Tally
from antiphon_server.formats.readers.markdown_notes import notes_at_end

_SPECIAL: Final = re.compile(r"([\\`*_\[\]<>&~])")
_LINE_START: Final = re.compile(r"^(\s*)([#+\-=|]|\d+[.)])")
_BREAK: Final = re.compile(r"\s*([*\-_])\s*(?:\1\s*){2,}")
_UNDERLINE: Final = re.compile(r"(</?u>)")
_EMPTY: Final = "&nbsp;"
"""A line without words between two others, which Markdown would drop."""
_FRONT: Final = re.compile(r"---[ \t]*\n((?:[^\n]*\n){0,200}?)(?:---|\.\.\.)[ \t]*(?:\n|$)")
_TITLE: Final = re.compile(r"^title:[ \t]*(.*)$", re.MULTILINE)


def read(text: str) -> Manuscript:
    """A line break in a paragraph is a space, a hard break ends the line; code keeps its words."""
    title, text = _front(text)
    parser = MarkdownIt("commonmark", {"html": False}).enable(["table", "strikethrough"])
    # Joined, a bracket that was escaped and one that was not are the same.
    parser.disable("text_join")
    parser.options["inline_definitions"] = parser.options["store_labels"] = True
    text, notes = notes_at_end(text)
    tokens = parser.parse(text)
    inside = (child for token in tokens for child in token.children or ())
    reader = _Reader(text.split("\n"), {child.meta["label"] for child in inside if "label" in child.meta})
    reader.tally.add("footnotes", notes)
    for token in tokens:
        reader.take(token)
    return Manuscript(numbered(reader.blocks, reader.wanted), title, reader.tally.notices())


class _Reader:
    def __init__(self, source: list[str], used: set[str]) -> None:
        """`used` are the names of the addresses that links go to."""
        self._source = source
        self._used = used
        self.blocks: list[Block] = []
        self.wanted: list[int] = []
        self.tally = Tally()
        self._lists: list[tuple[Kind, int]] = []
        self._item = False
        self._quotes = self._level = 0
        self._row: list[Words] | None = None

    def take(self, token: Token) -> None:
        match token.type:
            case "bullet_list_open":
                self._lists.append(("bullet", 0))
            case "ordered_list_open":
                start = token.attrGet("start")
                self._lists.append(("ordered", 0 if start is None else int(start) - 1))
            case "list_item_open":
                kind, count = self._lists[-1]
                self._lists[-1] = (kind, count + 1)
                self._item = True
            case "list_item_close":
                self._item = False
            case "bullet_list_close" | "ordered_list_close":
                self._lists.pop()
            case "blockquote_open":
                self._quotes += 1
            case "blockquote_close":
                self._quotes -= 1
            case "heading_open":
                self._level = int(token.tag[1:])
            case "heading_close":
                self._level = 0
            case "table_open":
                self.tally.add("tables")
            case "tr_open":
                self._row = []
            case "tr_close":
                self._put(join(self._row or ()), "paragraph")
                self._row = None
            case "fence" | "code_block":
                for line in token.content.rstrip("\n").split("\n"):
                    self._put(join([Words(line)]), "paragraph")
            case "definition":
                self._define(token)
            case "hr":
                self._put((Words(SCENE_BREAK),), "paragraph")
            case "inline":
                self._inline(token.children or [])

    def _define(self, token: Token) -> None:
        """`[name]: address`, which is not shown. Where no link goes there it may be words: `[Anna]: Yes`."""
        if token.meta["id"] in self._used and safe_link(token.meta["url"]) and not token.meta["title"]:
            return
        first, last = token.map or (0, 0)
        for line in self._source[first:last]:
            self._put(join([Words(line.lstrip(" >\t"))]), "paragraph")

    def _inline(self, tokens: list[Token]) -> None:
        lines = self._lines(tokens)
        if self._row is not None:
            self._row += [Words("\t")] if self._row else []
            self._row += [words for line in lines for words in line] or [Words("")]
            return
        if self._level or self._item:
            # One line each: a second would be another heading, or another item.
            glued = [words for line in lines for words in (*line, Words(" "))][:-1]
            lines = [join(glued)]
        for line in lines:
            if self._level:
                self._put(line, "heading")
            elif self._lists and self._item:
                self._put(line, self._lists[-1][0])
            else:
                self._put(line, "quote" if self._quotes else "paragraph")
        self._item = False

    def _put(self, line: tuple[Words, ...], kind: Kind) -> None:
        if "".join(words.text for words in line) == "\xa0":
            line = ()
        indent = min(len(self._lists), MAX_INDENT + 1) - 1 if kind in LISTS else 0
        self.wanted.append(self._lists[-1][1] if kind == "ordered" else 0)
        self.blocks.append(Block(line, kind, self._level if kind == "heading" else 0, indent))

    def _lines(self, tokens: list[Token]) -> list[tuple[Words, ...]]:
        lines: list[list[Words]] = [[]]
        on = {"strong": 0, "em": 0, "u": 0, "s": 0}
        links: list[str] = []
        for token in tokens:
            name, _, edge = token.type.rpartition("_")
            style = (on["strong"] > 0, on["em"] > 0, on["u"] > 0, on["s"] > 0, links[-1] if links else "")
            if name in on and edge in ("open", "close"):
                on[name] += 1 if edge == "open" else -1
            elif token.type == "link_open":
                links.append(safe_link(str(token.attrGet("href") or "")))
            elif token.type == "link_close":
                links.pop()
            elif token.type == "softbreak":
                lines[-1].append(Words(" ", *style))
            elif token.type == "hardbreak":
                lines.append([])
            elif token.type == "image":
                self.tally.add("pictures")
                lines[-1].append(Words(token.content, *style))
            else:
                parts = _UNDERLINE.split(token.content) if token.type == "text" else [token.content]
                for number, part in enumerate(parts):
                    if number % 2:
                        on["u"] = int(part == "<u>")
                    else:
                        lines[-1].append(Words(part, *style[:2], on["u"] > 0, *style[3:]))
        return [join(line) for line in lines]


def write(manuscript: Manuscript) -> str:
    parts: list[str] = []
    if manuscript.title:
        parts.append(f"---\ntitle: {json.dumps(manuscript.title, ensure_ascii=False)}\n---")
    blocks = manuscript.blocks
    widths: list[int] = []
    other: dict[int, bool] = {}
    before: Block | None = None
    for block, number, restart in zip(blocks, numbers(blocks), restarts(blocks), strict=True):
        listed = block.kind in LISTS
        tight = before is not None and before.kind in LISTS and listed
        # Two lists that follow each other are one, unless they have other marks.
        beside = tight and before is not None and block.indent <= before.indent
        other[block.indent] = tight and other.get(block.indent, False) != (restart and beside)
        widths = widths[: block.indent] if listed else []
        mark = ""
        if listed:
            marks = (")", "*") if other[block.indent] else (".", "-")
            mark = f"{number}{marks[0]} " if block.kind == "ordered" else f"{marks[1]} "
        lead = " " * sum(widths)
        if listed:
            widths += [2] * (block.indent - len(widths)) + [len(mark)]
        if parts:
            quotes = before is not None and before.kind == block.kind == "quote"
            # A list that does not begin with 1 needs a blank line before it.
            tight = tight and not (restart and number > 1)
            parts.append("\n" if tight else "\n>\n" if quotes else "\n\n")
        parts.append(lead + mark + _written(block))
        before = block
    return "".join(parts) + ("\n" if parts else "")


def _written(block: Block) -> str:
    text = "".join(map(_styled, block.words)).strip()
    match block.kind:
        case "heading":
            return f"{'#' * block.level} {text}"
        case "quote":
            return f"> {_safe_start(text) or _EMPTY}"
        case "bullet" | "ordered":
            return _safe_start(text)
        case "paragraph":
            return SCENE_BREAK if block.text == SCENE_BREAK else _safe_start(text) or _EMPTY


def _styled(words: Words) -> str:
    """Marks stand on the words and not on the blanks about them, where CommonMark does not see them."""
    text = _SPECIAL.sub(r"\\\1", words.text)
    inner = text.strip()
    if words.style == (False, False, False, False, "") or not inner:
        return text
    start = text.index(inner)
    after = text[start + len(inner) :]
    mark = "*" * (2 * words.bold + words.italic)
    made = f"{mark}{inner}{mark}"
    made = f"~~{made}~~" if words.strike else made
    made = f"<u>{made}</u>" if words.underline else made
    if words.link:
        made = f"[{made}](<{words.link}>)"
    return f"{text[:start]}{made}{after}"


def _safe_start(text: str) -> str:
    """Escapes characters that would open a list, a heading or the like at a line's start."""
    if _BREAK.fullmatch(text):
        return f"\\{text}"
    return _LINE_START.sub(lambda found: f"{found[1]}{found[2][:-1]}\\{found[2][-1]}", text)


def _front(text: str) -> tuple[str, str]:
    """The title in the front matter, and the text without it. Front matter without a title is left as it is."""
    found = _FRONT.match(text)
    titled = _TITLE.search(found[1]) if found else None
    if found is None or titled is None:
        return "", text
    value = titled[1].strip()
    try:
        title = json.loads(value) if value.startswith('"') else value.strip("'")
    except ValueError:
        title = value.strip('"')
    others = f"{found[1][: titled.start()]}{found[1][titled.end() :]}".strip()
    return str(title), f"{others}\n\n{text[found.end() :]}" if others else text[found.end() :]
