"""HTML in and out. Input is sanitised by nh3 (the ammonia library) before it is read."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from html import escape, unescape
from typing import Final

import nh3

from antiphon_server.formats.manuscript import (
    LISTS,
    Block,
    Kind,
    Manuscript,
    Words,
    numbers,
    restarts,
    trimmed,
)
from antiphon_server.formats.notices import Tally
from antiphon_server.formats.readers.html import Reader

_INLINE: Final = {
    "b",
    "strong",
    "i",
    "em",
    "br",
    "u",
    "ins",
    "s",
    "strike",
    "del",
    "a",
    "span",
    "ruby",
    "rt",
    "rp",
    "q",
}
_LINES: Final = {
    "p", "div", "h1", "h2", "h3", "h4", "h5", "h6", "blockquote", "li", "pre", "tr", "td", "th", "hr", "table",
    "section", "article", "figure", "figcaption", "dt", "dd", "header", "footer", "aside", "nav", "main", "address",
    "caption",
}  # fmt: skip
_LISTS: Final = {"ul", "ol"}
_KEPT: Final = _INLINE | _LINES | _LISTS | {"img"}
_HIDDEN: Final = {
    "script", "style", "template", "noscript", "svg", "annotation", "annotation-xml", "object", "iframe", "head",
    "title", "video", "audio", "canvas",
}  # fmt: skip
_UNSEEN: Final = ("noscript", "template", "canvas")
"""Elements whose words a reader of the page does not see."""
_ATTRIBUTES: Final = {
    "a": {"href"},
    "ol": {"start"},
    "li": {"value"},
    "h1": {"class"},
    "*": {"dir", "style"},
}
_STYLES: Final = {"font-weight", "font-style", "text-decoration", "text-decoration-line", "white-space"}
_TITLE_CLASS: Final = "title"
_GAPS: Final = re.compile(r"^\s|\s\s|[\t\r\f\v]|\s$")
"""Blanks that HTML would fold."""
_PRE: Final = ' style="white-space:pre-wrap"'

_MATH: Final = re.compile(
    r"(</?)(?:math|semantics|mrow|mi|mo|mn|ms|mtext|mspace|msup|msub|msubsup|mfrac|msqrt|mroot|mover|munder"
    r"|munderover|mtable|mtr|mtd|mstyle|mpadded|mphantom|menclose|merror|mmultiscripts|maction)(?=[\s/>])",
    re.IGNORECASE,
)
"""Elements of formulas; their letters are words when they are none."""

_APART: Final = re.compile(
    r"(</?)(?:details|summary|fieldset|legend|form|center|dl|select|optgroup|option|textarea|button|dialog|hgroup|menu"
    r"|dir|listing|xmp|marquee|noframes|search)(?=[\s/>])",
    re.IGNORECASE,
)
"""Elements whose words do not run on from those before them."""

STYLE: Final = (
    "body{max-width:38em;margin:3em auto;padding:0 1em;font:1.05em/1.6 Georgia,serif}"
    "blockquote{margin:0;padding-inline-start:1em;border-inline-start:3px solid #bbb}"
)


def read(text: str) -> Manuscript:
    """Scripts, styles, attributes and every element that the room does not have are gone; their words stay."""
    tally = Tally()
    lowered = text.lower() if text.isascii() else _lower(text)
    for name, code in (
        ("<math", "formulas"),
        ("<iframe", "objects"),
        ("<object", "objects"),
        ("<video", "objects"),
        ("<audio", "objects"),
    ):
        if count := lowered.count(name):
            tally.add(code, count)
    if drawn := lowered.count("<svg"):
        tally.add("pictures", drawn)
    for name in _UNSEEN:
        tally.add("hidden", sum(1 for inside in _insides(text, lowered, name) if _bare(inside)))
    title = _title(text, lowered)
    clean = nh3.clean(
        _APART.sub(r"\1div", _MATH.sub(r"\1span", text)),
        tags=_KEPT,
        attributes=_ATTRIBUTES,
        clean_content_tags=_HIDDEN,
        filter_style_properties=_STYLES,
        link_rel=None,
    )
    reader = Reader(tally)
    reader.feed(clean)
    reader.close()
    blocks = reader.finish()
    if reader.titled and title and blocks and blocks[0].text.strip() == title:
        blocks = trimmed(blocks[1:])
    return Manuscript(blocks, title, tally.notices())


def write(manuscript: Manuscript) -> str:
    """A whole page that needs nothing else."""
    title = escape(manuscript.title or first_words(manuscript))
    shown = f'<h1 class="{_TITLE_CLASS}" dir="auto">{title}</h1>\n' if manuscript.title else ""
    return (
        f'<!doctype html>\n<html>\n<head>\n<meta charset="utf-8">\n<title>{title}</title>\n<style>{STYLE}</style>\n'
        f"</head>\n<body>\n{shown}{body(manuscript.blocks)}</body>\n</html>\n"
    )


def first_words(manuscript: Manuscript, most: int = 60) -> str:
    """The title of a file without one: its first heading, else its first line."""
    headings = (block.text.strip() for block in manuscript.blocks if block.kind == "heading")
    lines = (block.text.strip() for block in manuscript.blocks)
    found = next(filter(None, headings), "") or next(filter(None, lines), "")
    return found if len(found) <= most else found[:most].rpartition(" ")[0] + "…"


def body(blocks: Sequence[Block]) -> str:
    """The blocks alone, as XHTML; items that follow each other share a list, deeper ones stand in an item."""
    lines: list[str] = []
    opened: list[Kind] = []
    right: list[bool] = []
    quoted = False
    for block, number, restart in zip(blocks, numbers(blocks), restarts(blocks), strict=True):
        if quoted and block.kind != "quote":
            lines.append("</blockquote>")
            quoted = False
        depth = block.indent + 1 if block.kind in LISTS else 0
        while len(opened) > depth or (len(opened) == depth and depth and restart):
            right.pop()
            lines.append(f"</li></{_list(opened.pop())}>")
        if not depth:
            if block.kind == "quote" and not quoted:
                lines.append("<blockquote>")
                quoted = True
            lines.append(_written(block))
            continue
        if len(opened) == depth:
            lines.append("</li>")
        while len(opened) < depth:
            # An item that skips a level stands in one without words.
            first = f' start="{number}"' if len(opened) + 1 == depth and number > 1 else ""
            lines.append(f"<{_list(block.kind)}{first}>" + ("" if len(opened) + 1 == depth else "<li>"))
            opened.append(block.kind)
            right.append(False)
        right[-1] = block.right_to_left
        gaps = f"<span{_PRE}>{_words(block)}</span>" if _GAPS.search(block.text) else _words(block)
        # An item's direction holds for the items inside of it.
        direction = _direction(block) or (' dir="ltr"' if any(right) else "")
        lines.append(f"<li{direction}>{gaps}")
    lines += [f"</li></{_list(kind)}>" for kind in reversed(opened)]
    if quoted:
        lines.append("</blockquote>")
    return "".join(f"{line}\n" for line in lines)


def _list(kind: Kind) -> str:
    return "ul" if kind == "bullet" else "ol"


def _written(block: Block) -> str:
    tag = f"h{block.level}" if block.kind == "heading" else "p"
    return f"<{tag}{_attributes(block)}>{_words(block) or '<br/>'}</{tag}>"


def _attributes(block: Block) -> str:
    return _direction(block) + (_PRE if _GAPS.search(block.text) else "")


def _direction(block: Block) -> str:
    return ' dir="rtl"' if block.right_to_left else ""


def _words(block: Block) -> str:
    return "".join(map(_styled, block.words))


def _styled(words: Words) -> str:
    text = escape(words.text, quote=False)
    for wanted, tag in (
        (words.strike, "s"),
        (words.underline, "u"),
        (words.italic, "em"),
        (words.bold, "strong"),
    ):
        text = f"<{tag}>{text}</{tag}>" if wanted else text
    return f'<a href="{escape(words.link)}">{text}</a>' if words.link else text


def _title(text: str, lowered: str) -> str:
    """The content of the first <title>."""
    return _bare(next(_insides(text, lowered, "title"), ""))


def _insides(text: str, lowered: str, name: str) -> Iterator[str]:
    """The contents of all elements of that name. By searching for their two ends, which a regular expression does again
    and again where there is no end."""
    at = 0
    while (start := lowered.find(f"<{name}", at)) >= 0:
        begin = lowered.find(">", start) + 1
        end = lowered.find(f"</{name}", begin) if begin else -1
        if end < 0:
            return
        yield text[begin:end]
        at = end


def _bare(html: str) -> str:
    """The words alone, in one line."""
    return " ".join(unescape(nh3.clean(html, tags=set())).split())


def _lower(text: str) -> str:
    """ASCII letters in lower case, and every letter where it was: `str.lower` makes some of them two."""
    return text.translate(_LOWER)


_LOWER: Final = {upper: upper + 32 for upper in range(65, 91)}
