"""HTML in and out. What comes in is sanitised by nh3 (the ammonia library) before a word of it is looked at."""

from __future__ import annotations

import re
from html import escape
from html.parser import HTMLParser
from typing import Final

import nh3

from antiphon_server.formats.manuscript import Block, Kind, Manuscript, Words, join, trimmed

_INLINE: Final = {"b", "strong", "i", "em", "br"}
_LINES: Final = {"p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "li", "pre", "tr", "hr"}
_LISTS: Final = {"ul", "ol"}
_ALLOWED: Final = _INLINE | _LINES | _LISTS | {"title"}
_HIDDEN: Final = {"script", "style", "template", "noscript", "svg", "math", "object", "iframe", "head"}
_BLANKS: Final = re.compile(r"[ \t\r\n\f]+")
_TITLE: Final = re.compile(r"<title[^>]*>(.*?)</title>", re.IGNORECASE | re.DOTALL)

STYLE: Final = (
    "body{max-width:38em;margin:3em auto;padding:0 1em;font:1.05em/1.6 Georgia,serif}"
    "blockquote{margin-left:0;padding-left:1em;border-left:3px solid #bbb}"
)


def read(text: str) -> Manuscript:
    """Scripts, styles, attributes and every element that the room does not have are gone; their words stay."""
    found = _TITLE.search(text)
    title = _Reader.plain(found[1]) if found else ""
    clean = nh3.clean(text, tags=_ALLOWED - {"title"}, attributes={}, clean_content_tags=_HIDDEN | {"title"})
    return Manuscript(_Reader.blocks_of(clean), title)


def write(manuscript: Manuscript) -> str:
    """A whole page that needs nothing else."""
    title = escape(manuscript.title or "Untitled")
    return (
        f'<!doctype html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n<style>{STYLE}</style>\n'
        f"</head>\n<body>\n{body(manuscript)}</body>\n</html>\n"
    )


def body(manuscript: Manuscript) -> str:
    """The blocks alone, as XHTML; list items that follow each other share a list."""
    lines: list[str] = []
    opened: Kind | None = None
    for block in manuscript.blocks:
        if opened and block.kind != opened:
            lines.append(f"</{_list(opened)}>")
            opened = None
        if block.kind in ("bullet", "ordered"):
            if opened is None:
                lines.append(f"<{_list(block.kind)}>")
                opened = block.kind
            lines.append(f"<li>{_words(block)}</li>")
        else:
            lines.append(_written(block))
    if opened:
        lines.append(f"</{_list(opened)}>")
    return "".join(f"{line}\n" for line in lines)


def _list(kind: Kind) -> str:
    return "ul" if kind == "bullet" else "ol"


def _written(block: Block) -> str:
    match block.kind:
        case "heading":
            return f"<h{block.level}>{_words(block)}</h{block.level}>"
        case "quote":
            return f"<blockquote><p>{_words(block)}</p></blockquote>"
        case _:
            return f"<p>{_words(block) or '<br/>'}</p>"


def _words(block: Block) -> str:
    parts = []
    for words in block.words:
        text = escape(words.text, quote=False)
        text = f"<em>{text}</em>" if words.italic else text
        parts.append(f"<strong>{text}</strong>" if words.bold else text)
    return "".join(parts)


class _Reader(HTMLParser):
    """Folds sanitised HTML into blocks."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.blocks: list[Block] = []
        self._line: list[Words] = []
        self._bold = self._italic = self._quote = self._pre = 0
        self._lists: list[Kind] = []
        self._level = 0

    @classmethod
    def blocks_of(cls, html: str) -> tuple[Block, ...]:
        reader = cls()
        reader.feed(html)
        reader.close()
        reader._break()
        return trimmed(reader.blocks)

    @classmethod
    def plain(cls, html: str) -> str:
        """The words of a piece of HTML in one line."""
        return " ".join(block.text.strip() for block in cls.blocks_of(nh3.clean(html, tags=set())))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _LINES or tag in _LISTS:
            self._break()
        match tag:
            case "b" | "strong":
                self._bold += 1
            case "i" | "em":
                self._italic += 1
            case "br":
                self._break(empty=True)
            case "hr":
                self.blocks.append(Block((Words("* * *"),)))
            case "blockquote":
                self._quote += 1
            case "pre":
                self._pre += 1
            case "ul" | "ol":
                self._lists.append("bullet" if tag == "ul" else "ordered")
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                self._level = int(tag[1])

    def handle_endtag(self, tag: str) -> None:
        if tag in _LINES or tag in _LISTS:
            self._break()
        match tag:
            case "b" | "strong":
                self._bold = max(0, self._bold - 1)
            case "i" | "em":
                self._italic = max(0, self._italic - 1)
            case "blockquote":
                self._quote = max(0, self._quote - 1)
            case "pre":
                self._pre = max(0, self._pre - 1)
            case "ul" | "ol" if self._lists:
                self._lists.pop()
            case "h1" | "h2" | "h3" | "h4" | "h5" | "h6":
                self._level = 0

    def handle_data(self, data: str) -> None:
        style = (self._bold > 0, self._italic > 0)
        if self._pre:
            first, *rest = data.split("\n")
            self._line.append(Words(first, *style))
            for text in rest:
                self._break(empty=True)
                self._line.append(Words(text, *style))
            return
        text = _BLANKS.sub(" ", data)
        if not self._line or self._line[-1].text.endswith(" "):
            text = text.removeprefix(" ")
        if text:
            self._line.append(Words(text, *style))

    def _break(self, *, empty: bool = False) -> None:
        """The line is over; an empty one counts only where somebody asked for it."""
        line = join(self._line)
        self._line = []
        if not empty and not any(words.text.strip() for words in line):
            return
        if self._level:
            self.blocks.append(Block(line, "heading", self._level))
        elif self._lists:
            self.blocks.append(Block(line, self._lists[-1]))
        else:
            self.blocks.append(Block(line, "quote" if self._quote else "paragraph"))
