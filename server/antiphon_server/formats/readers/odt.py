"""Every word of an OpenDocument text, and a count of lost content."""

from __future__ import annotations

import posixpath
import zipfile
from collections.abc import Iterable
from typing import Final
from xml.etree.ElementTree import Element

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from antiphon_proto.errors import PeerError
from antiphon_proto.schema import MAX_INDENT
from antiphon_server.formats.manuscript import (
    LISTS,
    MAX_LEVEL,
    Block,
    Kind,
    Manuscript,
    Words,
    first_strong,
    join,
    numbered,
    safe_link,
    trimmed,
)
from antiphon_server.formats.notices import Tally
from antiphon_server.formats.readers.docx_parts import local, value, whole
from antiphon_server.formats.readers.zip_files import check

_SHAPES: Final = frozenset({
    "frame", "text-box", "custom-shape", "rect", "ellipse", "circle", "line", "polyline", "polygon", "regular-polygon",
    "path", "connector", "caption", "measure",
})  # fmt: skip
_NO_TEXT: Final = frozenset({
    "annotation-end", "soft-page-break", "bookmark", "change", "forms", "index-title-template", "script", "desc",
    "note-citation", "title",
})  # fmt: skip
"""Elements beside the text, whatever is in them."""
_MAX_CHAIN: Final = 20
_MAX_BLANKS: Final = 10_000


class _Style:
    """The property of an automatic or named style; None where it has none."""

    def __init__(self, element: Element) -> None:
        self.name = value(element, "display-name") or value(element, "name") or ""
        self.parent = value(element, "parent-style-name") or ""
        self.list = value(element, "list-style-name")
        self.outline = whole(value(element, "default-outline-level"))
        self.bold = self.italic = self.underline = self.strike = self.rtl = self.hidden = None  # type: bool | None
        for child in element:
            weight, slant = value(child, "font-weight"), value(child, "font-style")
            under, through = value(child, "text-underline-style"), value(child, "text-line-through-style")
            mode, display = value(child, "writing-mode"), value(child, "display")
            self.bold = self.bold if weight is None else weight == "bold" or weight[:1] in "6789"
            self.italic = self.italic if slant is None else slant in ("italic", "oblique")
            self.underline = self.underline if under is None else under != "none"
            self.strike = self.strike if through is None else through != "none"
            self.rtl = self.rtl if mode is None else mode.startswith("rl")
            self.hidden = self.hidden if display is None else display == "none"


class Reader:
    def __init__(self, data: bytes) -> None:
        self._archive = check(data)
        if b"encryption-data" in self._bytes("META-INF/manifest.xml"):
            raise PeerError("the file is protected by a password: save it without")
        content = self._part("content.xml")
        if content is None:
            raise PeerError("the file is damaged: it has no text")
        self._content = content
        self._styles: dict[str, _Style] = {}
        self._lists: dict[str, dict[int, tuple[Kind, int]]] = {}
        for root in (self._part("styles.xml"), self._content):
            for element in root.iter() if root is not None else ():
                match local(element.tag):
                    case "style":
                        self._styles[value(element, "name") or ""] = _Style(element)
                    case "list-style":
                        self._lists[value(element, "name") or ""] = _levels(element)
        self._tally = Tally()
        self._blocks: list[Block] = []
        self._wanted: list[int] = []
        self._line: list[Words] = []
        self._boxes: list[Element] = []
        self._titled = False
        self._notes: list[Element] = []
        self._counts: dict[int, int] = {}
        self._item: tuple[Kind, int, int] | None = None
        """Kind, depth and number of the item whose first line comes next."""

    def read(self) -> Manuscript:
        text = next(
            (each for each in self._content.iter() if local(each.tag) == "text" and "office" in each.tag),
            None,
        )
        if text is None:
            raise PeerError("the file is damaged: it has no text")
        self._flow(text)
        if self._notes:
            self._put(Block(), 0)
        for number, note in enumerate(self._notes, 1):
            body = next((each for each in note if local(each.tag) == "note-body"), None)
            for index, paragraph in enumerate(body if body is not None else ()):
                self._flow([paragraph], prefix=f"[{number}] " if index == 0 else "")
        title = self._title()
        blocks = numbered(self._blocks, self._wanted)
        first = blocks[0] if blocks else Block()
        if title and self._titled and first.text.strip() == title:
            blocks = blocks[1:]
        return Manuscript(trimmed(blocks), title, self._tally.notices())

    def _flow(self, parent: Iterable[Element], prefix: str = "") -> None:
        for element in parent:
            match local(element.tag):
                case "p" | "h":
                    self._paragraph(element, prefix)
                case "list":
                    self._list(element, 0, None)
                case "table":
                    self._table(element)
                case "tracked-changes":
                    self._tally.add(
                        "deletions", sum(local(each.tag) == "deletion" for each in element.iter())
                    )
                    self._tally.add(
                        "insertions", sum(local(each.tag) == "insertion" for each in element.iter())
                    )
                case "annotation":
                    self._tally.add("comments")
                case "numbered-paragraph":
                    self._numbered(element)
                case name if name in _SHAPES:
                    self._frame(element)
                    self._flush_boxes()
                case name if name in _NO_TEXT or name.endswith(("-source", "-decls")):
                    pass
                case _:
                    self._flow(element)

    def _list(self, element: Element, depth: int, style: str | None) -> None:
        style = value(element, "style-name") or style
        kind, start = self._lists.get(style or "", {}).get(depth, ("bullet", 1))
        number = start - 1
        if value(element, "continue-numbering") == "true" or value(element, "continue-list"):
            number = self._counts.get(depth, number)
        for item in element:
            name = local(item.tag)
            if name not in ("list-item", "list-header"):
                continue
            first = True
            number = whole(value(item, "start-value"), number + 1)
            for child in item:
                if local(child.tag) == "list":
                    self._list(child, depth + 1, style)
                elif local(child.tag) in ("p", "h"):
                    self._item = (
                        (kind, min(depth, MAX_INDENT), number) if first and name == "list-item" else None
                    )
                    self._paragraph(child)
                    first, self._item = False, None
                else:
                    self._flow([child])
        self._counts[depth] = number

    def _numbered(self, element: Element) -> None:
        """An item of a list outside of a list."""
        depth = max(0, whole(value(element, "level"), 1) - 1)
        style = value(element, "style-name") or ""
        kind, start = self._lists.get(style, {}).get(depth, ("bullet", 1))
        self._counts[depth] = whole(value(element, "start-value"), self._counts.get(depth, start - 1) + 1)
        self._item = (kind, min(depth, MAX_INDENT), self._counts[depth])
        self._flow(element)
        self._item = None

    def _paragraph(self, element: Element, prefix: str = "") -> None:
        self._line = [Words(prefix)] if prefix else []
        self._boxes, outer = [], self._boxes
        style = value(element, "style-name") or ""
        self._inline(element, (False, False, False, False, ""))
        line, self._line = self._line, []
        kind, level, indent, number = self._shape(element, style)
        rtl = bool(self._said(style, "rtl"))
        for words in _lines(line, one=kind in LISTS or kind == "heading"):
            text = "".join(each.text for each in words)
            right = rtl and first_strong(text) != "rtl"
            self._titled |= not self._blocks and self._named(style, "title")
            self._put(Block(words, kind, level, indent, rtl=right), number)
        self._flush_boxes()
        self._boxes = outer

    def _flush_boxes(self) -> None:
        boxes, self._boxes = self._boxes, []
        for box in boxes:
            self._flow(box)

    def _shape(self, element: Element, style: str) -> tuple[Kind, int, int, int]:
        if local(element.tag) == "h":
            level = whole(value(element, "outline-level"), 1)
            return "heading", min(max(level, 1), MAX_LEVEL), 0, 0
        if self._item is not None:
            kind, indent, number = self._item
            return kind, 0, indent, number if kind == "ordered" else 0
        if self._named(style, "title"):
            return "heading", 1, 0, 0
        return ("quote", 0, 0, 0) if self._named(style, "quot") else ("paragraph", 0, 0, 0)

    def _inline(self, parent: Element, style: tuple[bool, bool, bool, bool, str]) -> None:
        self._text(parent.text, style)
        for element in parent:
            name = local(element.tag)
            match name:
                case "span":
                    dressed = self._dressed(style, value(element, "style-name") or "")
                    if dressed is None:
                        self._tally.add("hidden")
                    else:
                        self._inline(element, dressed)
                case "a":
                    link = safe_link(value(element, "href"))
                    self._inline(element, (*style[:4], link or style[4]))
                case "s":
                    self._line.append(Words(" " * min(whole(value(element, "c"), 1), _MAX_BLANKS), *style))
                case "tab":
                    self._line.append(Words("\t", *style))
                case "line-break":
                    self._line.append(Words("\n", *style))
                case "note":
                    self._notes.append(element)
                    self._tally.add("footnotes")
                    self._line.append(Words(f"[{len(self._notes)}]", *style))
                case "annotation":
                    self._tally.add("comments")
                case "ruby":
                    self._ruby(element, style)
                case _ if name in _SHAPES:
                    self._frame(element)
                case _ if name in _NO_TEXT:
                    pass
                case _:
                    self._inline(element, style)
            self._text(element.tail, style)

    def _text(self, text: str | None, style: tuple[bool, bool, bool, bool, str]) -> None:
        """Blanks are folded, as the standard has it (section 6.1.2)."""
        if not text:
            return
        folded = " ".join(text.replace("\t", " ").split()) or " "
        lead = " " if text[0].isspace() and folded != " " else ""
        tail = " " if text[-1].isspace() and folded != " " else ""
        whole_text = f"{lead}{folded}{tail}"
        if not self._line or self._line[-1].text.endswith((" ", "\n")):
            whole_text = whole_text.removeprefix(" ")
        if whole_text:
            self._line.append(Words(whole_text, *style))

    def _ruby(self, element: Element, style: tuple[bool, bool, bool, bool, str]) -> None:
        for child in element:
            if local(child.tag) == "ruby-base":
                self._inline(child, style)
            elif local(child.tag) == "ruby-text":
                self._tally.add("readings")
                self._line.append(Words(f"({''.join(child.itertext())})", *style))

    def _frame(self, element: Element) -> None:
        """A picture, an object, or a box with words."""
        box = element
        if local(element.tag) == "frame":
            box = next((each for each in element if local(each.tag) == "text-box"), element)
        names = {local(each.tag) for each in element.iter()}
        lines = (each for each in box.iter() if local(each.tag) in ("p", "h"))
        if any("".join(each.itertext()).strip() for each in lines):
            # Boxes inside of it come with its text.
            self._tally.add("text_boxes")
            self._boxes.append(box)
        elif "object" in names or "object-ole" in names:
            href = next((value(e, "href") or "" for e in element.iter() if local(e.tag) == "object"), "")
            formula = self._part(posixpath.normpath(f"{href}/content.xml"))
            if formula is not None and local(formula.tag) == "math":
                self._tally.add("formulas")
                letters = "".join(
                    t
                    for e in formula.iter()
                    if local(e.tag) in ("mi", "mn", "mo", "mtext")
                    for t in e.itertext()
                )
                self._line.append(Words(letters))
            else:
                self._tally.add("objects")
        elif "image" in names:
            self._tally.add("pictures")

    def _table(self, table: Element) -> None:
        self._tally.add("tables")
        for row in _rows(table):
            line: list[Words] = []
            for index, cell in enumerate(
                e for e in row if local(e.tag) in ("table-cell", "covered-table-cell")
            ):
                blocks, wanted = self._blocks, self._wanted
                self._blocks, self._wanted = [], []
                self._flow(cell)
                inside, self._blocks, self._wanted = self._blocks, blocks, wanted
                line += [Words("\t")] if index else []
                for number, block in enumerate(inside):
                    line += [Words(" ")] if number else []
                    line += [Words(each.text.replace("\t", " "), *each.style) for each in block.words]
            self._put(Block(join(line)), 0)

    def _put(self, block: Block, number: int) -> None:
        self._blocks.append(block)
        self._wanted.append(number)

    def _dressed(
        self, style: tuple[bool, bool, bool, bool, str], name: str
    ) -> tuple[bool, bool, bool, bool, str] | None:
        if self._said(name, "hidden"):
            return None
        fields = ("bold", "italic", "underline", "strike")
        said = [self._said(name, field) for field in fields]
        bold, italic, underline, strike = (
            old if new is None else new for old, new in zip(style, said, strict=False)
        )
        return (bool(bold), bool(italic), bool(underline), bool(strike), style[4])

    def _chain(self, name: str) -> Iterable[_Style]:
        for _ in range(_MAX_CHAIN):
            style = self._styles.get(name)
            if style is None:
                return
            yield style
            name = style.parent

    def _said(self, name: str, field: str) -> bool | None:
        return next(
            (said for style in self._chain(name) if (said := getattr(style, field)) is not None), None
        )

    def _named(self, name: str, part: str) -> bool:
        names = [name, *(style.name for style in self._chain(name)), *(s.parent for s in self._chain(name))]
        return any(each.lower() == part if part == "title" else part in each.lower() for each in names)

    def _title(self) -> str:
        meta = self._part("meta.xml")
        found = next((e for e in meta.iter() if local(e.tag) == "title"), None) if meta is not None else None
        return " ".join((found.text or "").split()) if found is not None else ""

    def _part(self, name: str) -> Element | None:
        data = self._bytes(name)
        try:
            root: Element | None = fromstring(data) if data else None
        except (ParseError, DefusedXmlException) as error:
            raise PeerError(f"the file is damaged: {name}: {error}") from None
        return root

    def _bytes(self, name: str) -> bytes:
        """b"" when there is no such part."""
        try:
            return self._archive.read(name)
        except KeyError:
            return b""
        except (RuntimeError, OSError, zipfile.BadZipFile) as error:
            raise PeerError(f"the file is damaged: {name}: {error}") from None


def _rows(table: Element) -> Iterable[Element]:
    """In whatever they are wrapped, without those of tables in the cells."""
    for each in table:
        if local(each.tag) == "table-row":
            yield each
        elif local(each.tag) in ("table-header-rows", "table-rows", "table-row-group"):
            yield from _rows(each)


def _levels(style: Element) -> dict[int, tuple[Kind, int]]:
    found: dict[int, tuple[Kind, int]] = {}
    for each in style:
        ordered = local(each.tag) == "list-level-style-number" and bool(value(each, "num-format"))
        kind: Kind = "ordered" if ordered else "bullet"
        found[whole(value(each, "level"), 1) - 1] = (kind, whole(value(each, "start-value"), 1))
    return found


def _lines(words: Iterable[Words], *, one: bool) -> list[tuple[Words, ...]]:
    lines: list[list[Words]] = [[]]
    for each in words:
        first, *rest = each.text.split("\n")
        lines[-1].append(Words(first, *each.style))
        for text in rest:
            if one:
                lines[-1].append(Words(" "))
            else:
                lines.append([])
            lines[-1].append(Words(text, *each.style))
    return [join(line) for line in lines]
