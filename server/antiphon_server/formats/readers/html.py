"""Sanitised HTML, folded into blocks; one pass, whatever the nesting."""

from __future__ import annotations

import re
from html.parser import HTMLParser
from typing import Final, NamedTuple

from antiphon_proto.schema import MAX_INDENT, MAX_START
from antiphon_server.formats.manuscript import (
    MAX_LEVEL,
    SCENE_BREAK,
    Block,
    Kind,
    Words,
    first_strong,
    join,
    numbered,
    safe_link,
    trimmed,
)
from antiphon_server.formats.notices import Tally

_BREAKS: Final = frozenset({
    "p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "li", "pre", "tr", "hr", "ul", "ol", "table",
    "section", "article", "figure", "figcaption", "dt", "dd", "header", "footer", "aside", "nav", "main", "address",
    "caption",
})  # fmt: skip
_BLANKS: Final = re.compile(r"[ \t\r\n\f]+")
_VOID: Final = frozenset({"br", "hr", "img"})
_TAGS: Final[dict[str, str]] = {
    "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline", "s": "strike",
    "strike": "strike", "del": "strike",
}  # fmt: skip


class _Style(NamedTuple):
    bold: bool = False
    italic: bool = False
    underline: bool = False
    strike: bool = False
    link: str = ""


class _Open(NamedTuple):
    """An open element, and the state to restore at its end."""

    tag: str
    style: _Style
    pre: bool
    rtl: bool
    quote: int


class Reader(HTMLParser):
    def __init__(self, tally: Tally) -> None:
        super().__init__(convert_charrefs=True)
        self.titled = False
        """Whether the first heading says that it is the file's title."""
        self._tally = tally
        self._blocks: list[Block] = []
        self._wanted: list[int] = []
        self._line: list[Words] = []
        self._open: list[_Open] = []
        self._open_tags: dict[str, int] = {}
        self._style = _Style()
        self._pre = self._rtl = False
        self._quote = self._level = self._cells = self._tables = 0
        self._lists: list[Kind] = []
        self._counts: list[int] = []
        self._item: int | None = None
        """The number that the next line has as an item; None: an item has begun, and the next line is a paragraph."""
        self._reading = False

    def finish(self) -> tuple[Block, ...]:
        self._break()
        return trimmed(numbered(self._blocks, self._wanted))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = dict(attrs)
        if tag in _BREAKS:
            self._break()
        if tag not in _VOID:
            self._open.append(_Open(tag, self._style, self._pre, self._rtl, self._quote))
            self._open_tags[tag] = self._open_tags.get(tag, 0) + 1
        self._dress(tag, attributes)
        match tag:
            case "br":
                self._line_feed()
            case "hr":
                self._put((Words(SCENE_BREAK),), "paragraph")
            case "img":
                self._tally.add("pictures")
            case "pre":
                self._pre = True
            case "blockquote":
                self._quote += 1
            case "ul" | "ol":
                self._lists.append("bullet" if tag == "ul" else "ordered")
                self._counts.append(_number(attributes.get("start"), 1) - 1)
            case "li" if self._lists:
                self._counts[-1] = _number(attributes.get("value"), self._counts[-1] + 1)
                self._item = self._counts[-1]
            case "table":
                self._tables += 1
                self._tally.add("tables", 1 if self._tables == 1 else 0)
            case "tr":
                self._cells = 0
            case "td" | "th":
                if self._cells:
                    self._line = [*self._trim(), Words("\t")]
                self._cells += 1
            case "rt":
                self._reading = True
                self._tally.add("readings")
                self._line.append(Words("("))
            case "rp":
                self._reading = True
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                self._level = int(tag[1])
                self.titled |= not self._blocks and attributes.get("class") == "title"

    def handle_endtag(self, tag: str) -> None:
        if tag in _BREAKS:
            self._break()
        if not self._open_tags.get(tag):
            return
        while True:
            opened = self._open.pop()
            self._open_tags[opened.tag] -= 1
            self._style, self._pre, self._rtl, self._quote = (
                opened.style,
                opened.pre,
                opened.rtl,
                opened.quote,
            )
            self._shut(opened.tag)
            if opened.tag == tag:
                return

    def _shut(self, tag: str) -> None:
        match tag:
            case "ul" | "ol":
                self._lists.pop()
                self._counts.pop()
                self._item = None
            case "table":
                self._tables -= 1
            case "rt":
                self._line.append(Words(")"))
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                self._level = 0
        if tag in ("rt", "rp"):
            self._reading = False

    def handle_data(self, data: str) -> None:
        if self._reading and self._open_tags.get("rp"):
            return  # brackets for those who cannot show a reading: we set our own
        if self._pre:
            first, *rest = data.split("\n")
            self._line.append(Words(first, *self._style))
            for text in rest:
                self._line_feed()
                self._line.append(Words(text, *self._style))
            return
        text = _BLANKS.sub(" ", data)
        if not self._line or self._line[-1].text[-1:] in (" ", "\t"):
            text = text.removeprefix(" ")
        if text:
            self._line.append(Words(text, *self._style))

    def _dress(self, tag: str, attributes: dict[str, str | None]) -> None:
        """The formatting that an element and its inline style give the words inside."""
        style = self._style
        if tag in _TAGS:
            style = style._replace(**{_TAGS[tag]: True})  # type: ignore[arg-type]
        if tag == "a":
            style = style._replace(link=safe_link(attributes.get("href")))
        css = {
            name.strip(): text.strip().lower()
            for name, _, text in (part.partition(":") for part in (attributes.get("style") or "").split(";"))
        }
        if weight := css.get("font-weight"):
            style = style._replace(bold=weight in ("bold", "bolder") or weight[:1] in "6789")
        if slant := css.get("font-style"):
            style = style._replace(italic=slant in ("italic", "oblique"))
        decoration = css.get("text-decoration-line") or css.get("text-decoration") or ""
        style = style._replace(
            underline=style.underline or ("underline" in decoration and not style.link),
            strike=style.strike or "line-through" in decoration,
        )
        self._style = style
        if (space := css.get("white-space")) is not None:
            self._pre = space.startswith("pre") or space == "break-spaces"
        if (direction := attributes.get("dir")) is not None:
            self._rtl = direction.lower() == "rtl"

    def _line_feed(self) -> None:
        """In an item of a list, a heading or a cell a line break is a blank: the line would be another item."""
        one = self._lists or self._level or self._in_row()
        if one and not self._pre:
            self._gap()
            return
        self._break(empty=True)

    def _in_row(self) -> bool:
        return bool(self._tables and self._cells and self._open_tags.get("tr"))

    def _gap(self) -> None:
        if self._line and not self._line[-1].text.endswith((" ", "\t")):
            self._line.append(Words(" "))

    def _break(self, *, empty: bool = False) -> None:
        """End the line; an empty one is kept only on request."""
        if self._in_row() and self._open[-1].tag != "tr":
            self._gap()
            return
        self._cells = 0
        line = join(self._trim())
        if not empty and not any(words.text.strip() for words in line):
            return
        if self._level:
            self._put(line, "heading")
        elif self._lists and self._item is not None:
            self._put(line, self._lists[-1])
        else:
            self._put(line, "quote" if self._quote else "paragraph")

    def _trim(self) -> list[Words]:
        """The line without a folded blank at its end."""
        line, self._line = self._line, []
        if not self._pre and line and line[-1].text.endswith(" "):
            last = line.pop()
            line.append(Words(last.text[:-1], *last.style))
        return line

    def _put(self, line: tuple[Words, ...], kind: Kind) -> None:
        number, indent = 0, 0
        if kind in ("bullet", "ordered"):
            indent = min(len(self._lists), MAX_INDENT + 1) - 1
            number = (self._item or 0) if kind == "ordered" else 0
            self._item = None
        rtl = self._rtl and first_strong("".join(words.text for words in line)) != "rtl"
        level = min(self._level, MAX_LEVEL) if kind == "heading" else 0
        self._blocks.append(Block(line, kind, level, indent, rtl=rtl))
        self._wanted.append(number)


def _number(text: str | None, otherwise: int) -> int:
    try:
        found = int(text or "")
    except ValueError:
        return otherwise
    return found if 0 <= found <= MAX_START else otherwise
