"""Every word of a Word file: a walk over all of its text, in whatever it is wrapped; lost content is counted."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final
from xml.etree.ElementTree import Element

from antiphon_proto.errors import PeerError
from antiphon_server.formats.manuscript import (
    LISTS,
    Block,
    Manuscript,
    Words,
    first_strong,
    join,
    numbered,
    safe_link,
    trimmed,
)
from antiphon_server.formats.notices import Tally
from antiphon_server.formats.readers.docx_graphics import graphic_words
from antiphon_server.formats.readers.docx_parts import (
    Numbering,
    Package,
    Relation,
    Shape,
    Styles,
    local,
    named,
    on,
    shape,
    value,
)
from antiphon_server.formats.readers.zip_files import check

_HYPERLINK: Final = re.compile(r'\s*HYPERLINK\s+"([^"]+)"', re.IGNORECASE)
_LETTERS: Final = {"noBreakHyphen": "\u2011", "softHyphen": "\u00ad", "tab": "\t", "ptab": "\t", "cr": "\n"}
_SKIPPED: Final = frozenset({
    "pPr", "rPr", "sdtPr", "sdtEndPr", "smartTagPr", "customXmlPr", "tblPr", "tblGrid", "tblPrEx", "trPr", "tcPr",
    "sectPr", "instrText", "delText", "delInstrText", "Fallback", "rubyPr", "lastRenderedPageBreak", "footnoteRef",
    "endnoteRef", "separator", "continuationSeparator", "annotationRef", "proofErr", "fldData",
})  # fmt: skip
_PROPERTIES: Final = ("b", "i", "strike", "dstrike", "vanish")
_PLAIN: Final = (False, False, False, False)


class _Field:
    """A complex field: its instruction, and whether its result has begun."""

    def __init__(self) -> None:
        self.code = ""
        self.shown = False
        self.link = ""


class Reader:
    def __init__(self, data: bytes) -> None:
        self._package = Package(check(data))
        self._main = self._package.main
        self._relations = self._package.relations(self._main)
        self._styles = Styles(self._related("styles"))
        self._open_fields = False
        """Whether words between a field's beginning and its result count as text."""
        self._start()

    def _start(self) -> None:
        self._tally = Tally()
        self._numbering = Numbering(self._related("numbering"), self._styles)
        self._blocks: list[Block] = []
        self._wanted: list[int] = []
        self._line: list[Words] = []
        self._carried: list[Words] = []
        """Words of a paragraph whose end was deleted: they belong to the next one."""
        self._boxes: list[Element] = []
        self._notes: list[tuple[str, str]] = []
        self._fields: list[_Field] = []
        self._held = False
        """Whether a field has hidden words so far."""
        self._link = ""
        self._title = ""

    def read(self) -> Manuscript:
        root = self._package.part(self._main)
        body = named(root, "body")
        if body is None:
            raise PeerError("the file is damaged: it has no text")
        self._flow(body)
        self._end_carried()
        if self._fields and self._held:
            # A field that never ends would take all words behind it.
            self._start()
            self._open_fields = True
            self._flow(body)
            self._end_carried()
        self._end_notes()
        self._count_rest(body)
        title = self._core_title()
        blocks = numbered(self._blocks, self._wanted)
        if title and self._title == title and blocks and blocks[0].text.strip() == title:
            blocks = blocks[1:]
        return Manuscript(trimmed(blocks), title or self._title, self._tally.notices())

    def _flow(self, parent: Iterable[Element]) -> None:
        """Paragraphs and tables, in whatever they are wrapped."""
        for element in parent:
            match local(element.tag):
                case "p":
                    self._paragraph(element)
                case "tbl":
                    self._table(element)
                case "ins" | "moveTo":
                    self._tally.add("insertions")
                    self._flow(element)
                case "del" | "moveFrom":
                    self._tally.add("deletions")
                case "altChunk":
                    self._tally.add("objects")
                case "oMath" | "oMathPara" | "r":
                    # Words beside the paragraphs are a paragraph of their own.
                    self._paragraph([element])
                case "AlternateContent":
                    self._flow(_chosen(element))
                case name if name not in _SKIPPED:
                    self._flow(element)

    def _paragraph(self, paragraph: Element | list[Element], prefix: str = "") -> None:
        properties = None if isinstance(paragraph, list) else named(paragraph, "pPr")
        self._line, self._carried = [Words(prefix), *self._carried] if prefix else self._carried, []
        self._boxes, outer = [], self._boxes
        self._inline(paragraph, properties)
        boxes, self._boxes = self._boxes, outer
        if not boxes and named(named(properties, "rPr"), "del") is not None:
            self._carried = self._line
            return
        what = shape(properties, self._styles, self._numbering)
        right = self._bidi(properties)
        lines = self._lines(what)
        for line in lines:
            text = "".join(words.text for words in line)
            self._put(
                Block(line, what.kind, what.level, what.indent, rtl=right and first_strong(text) != "rtl"),
                what,
            )
        style = value(named(properties, "pStyle")) or ""
        if not self._title and any(
            (value(named(s, "name")) or "").lower() == "title" for s in self._styles.chain(style)
        ):
            self._title = "".join(words.text for words in lines[0]).strip()
        for box in boxes:
            self._flow(box)

    def _end_carried(self) -> None:
        if self._carried:
            self._paragraph([])

    def _put(self, block: Block, what: Shape) -> None:
        self._blocks.append(block)
        self._wanted.append(what.number)

    def _lines(self, what: Shape) -> list[tuple[Words, ...]]:
        """A line break ends the block, but in a heading or an item of a list, which would become two, it is a blank."""
        if what.kind == "heading" or what.kind in LISTS:
            return [join(self._line)]
        lines: list[list[Words]] = [[]]
        for words in self._line:
            first, *rest = words.text.split("\n")
            lines[-1].append(Words(first, *words.style))
            for text in rest:
                lines.append([Words(text, *words.style)])
        return [join(line) for line in lines]

    def _table(self, table: Element) -> None:
        """A row is a line with its cells between tabs; a table of one column is its paragraphs."""
        rows = [_inside(row, "tc") for row in _inside(table, "tr")]
        if all(len(row) <= 1 for row in rows):
            for row in rows:
                for cell in row:
                    self._flow(cell)
            return
        self._tally.add("tables")
        self._end_carried()
        for row in rows:
            line: list[Words] = []
            for index, cell in enumerate(row):
                if index:
                    line.append(Words("\t"))
                line += self._cell(cell)
            self._put(Block(join(line)), Shape())

    def _cell(self, cell: Element) -> list[Words]:
        """The words of a cell in one line."""
        blocks, wanted = self._blocks, self._wanted
        self._blocks, self._wanted = [], []
        self._flow(cell)
        self._end_carried()
        inside, self._blocks, self._wanted = self._blocks, blocks, wanted
        words: list[Words] = []
        for block in inside:
            if words and block.words:
                words.append(Words(" "))
            words += [Words(each.text.replace("\t", " "), *each.style) for each in block.words]
        return words

    def _inline(self, parent: Iterable[Element], paragraph: Element | None) -> None:
        for element in parent:
            match local(element.tag):
                case "r" | "fld":
                    self._run(element, paragraph)
                case "br":  # of drawings, where it stands between runs
                    self._say("\n", _PLAIN)
                case "hyperlink":
                    self._linked(element, paragraph, self._address(value(element, "id")))
                case "fldSimple":
                    found = _HYPERLINK.match(value(element, "instr") or "")
                    self._linked(element, paragraph, safe_link(found[1]) if found else self._link)
                case "ins" | "moveTo":
                    self._tally.add("insertions")
                    self._inline(element, paragraph)
                case "del" | "moveFrom":
                    self._tally.add("deletions")
                case "oMath" | "oMathPara":
                    self._tally.add("formulas")
                    letters = "".join(e.text or "" for e in element.iter() if local(e.tag) == "t")
                    self._line.append(Words(letters))
                case "AlternateContent":
                    self._inline(_chosen(element), paragraph)
                case name if name not in _SKIPPED:
                    self._inline(element, paragraph)

    def _linked(self, element: Element, paragraph: Element | None, link: str) -> None:
        self._link, before = link, self._link
        self._inline(element, paragraph)
        self._link = before

    def _run(self, run: Element, paragraph: Element | None) -> None:
        style = self._style(run, paragraph)
        if style is None:
            self._tally.add("hidden")
            return
        self._pieces(run, paragraph, style)

    def _pieces(
        self, run: Iterable[Element], paragraph: Element | None, style: tuple[bool, bool, bool, bool]
    ) -> None:
        for element in run:
            name = local(element.tag)
            if name == "t":
                self._say(element.text or "", style)
            elif name in _LETTERS:
                self._say(_LETTERS[name], style)
            elif name == "br":
                self._break(value(element, "type") or "", style)
            elif name == "sym":
                self._symbol(element, style)
            elif name in ("footnoteReference", "endnoteReference"):
                self._notes.append((name.removesuffix("Reference") + "s", value(element, "id") or ""))
                self._say(f"[{len(self._notes)}]", style)
            elif name == "fldChar":
                self._field(value(element, "fldCharType") or "")
            elif name == "instrText" and self._fields:
                self._fields[-1].code += element.text or ""
            elif name == "ruby":
                self._ruby(element, paragraph)
            elif name == "AlternateContent":
                self._pieces(_chosen(element), paragraph, style)
            elif name in ("drawing", "pict", "object"):
                self._drawing(element)
            elif name == "commentReference":
                self._tally.add("comments")
            elif name not in _SKIPPED and len(element):
                self._inline([element], paragraph)

    def _say(self, text: str, style: tuple[bool, bool, bool, bool]) -> None:
        if self._fields and not self._fields[-1].shown and not self._open_fields:
            self._held = self._held or bool(text.strip())
            return
        link = self._link or next((f.link for f in reversed(self._fields) if f.link), "")
        self._line.append(Words(text, *style, link))

    def _break(self, kind: str, style: tuple[bool, bool, bool, bool]) -> None:
        """A page's or a column's end ends a line that has begun, and is no line of its own."""
        if kind not in ("page", "column") or any(words.text.strip() for words in self._line):
            self._say("\n", style)

    def _symbol(self, element: Element, style: tuple[bool, bool, bool, bool]) -> None:
        """A letter of a font of symbols, whose codes say nothing without that font."""
        try:
            letter = chr(int(value(element, "char") or "", 16))
        except (ValueError, OverflowError):
            letter = "\ue000"
        if "\ue000" <= letter <= "\uf8ff" or "\ud800" <= letter <= "\udfff":
            self._tally.add("characters")
            letter = "\ufffd"
        self._say(letter, style)

    def _ruby(self, element: Element, paragraph: Element | None) -> None:
        self._inline(named(element, "rubyBase") or (), paragraph)
        reading = named(element, "rt")
        if reading is not None and any((e.text or "").strip() for e in reading.iter() if local(e.tag) == "t"):
            self._tally.add("readings")
            self._say("(", _PLAIN)
            self._inline(reading, paragraph)
            self._say(")", _PLAIN)

    def _field(self, kind: str) -> None:
        if kind == "begin":
            self._fields.append(_Field())
        elif kind == "separate" and self._fields:
            field = self._fields[-1]
            found = _HYPERLINK.match(field.code)
            field.shown, field.link = True, safe_link(found[1]) if found else ""
        elif kind == "end" and self._fields:
            self._fields.pop()

    def _drawing(self, element: Element) -> None:
        """A picture, an object, or a shape with words in it."""
        names = [local(each.tag) for each in _walk(element)]
        boxes = [each for each in _walk(element) if local(each.tag) == "txbxContent"]
        if boxes:
            self._tally.add("text_boxes", len(boxes))
            self._boxes += boxes
        elif drawn := [
            text for e in _walk(element) if local(e.tag) == "textpath" and (text := value(e, "string"))
        ]:
            self._tally.add("text_boxes")
            self._line += [Words(" ".join(drawn))]
        elif "blip" in names or "imagedata" in names or "svgBlip" in names:
            self._tally.add("pictures")
        elif not self._graphic(element) and (
            local(element.tag) == "object" or not {"chart", "relIds", "OLEObject"}.isdisjoint(names)
        ):
            self._tally.add("objects")

    def _graphic(self, element: Element) -> bool:
        """The words of diagrams and charts, behind the paragraph; whether there are any."""
        boxes = graphic_words(_walk(element), self._package, self._relations)
        self._boxes += boxes
        self._tally.add("graphics", 1 if boxes else 0)
        return bool(boxes)

    def _style(self, run: Element, paragraph: Element | None) -> tuple[bool, bool, bool, bool] | None:
        """Bold, italic, underline and strike; None for a hidden run. A paragraph style's own formatting does not count,
        and a heading is bold by itself."""
        properties = named(run, "rPr")
        character = value(named(properties, "rStyle")) or ""
        said = {}
        for name in _PROPERTIES:
            here = on(properties, name)
            said[name] = self._styles.switch(character, name) if here is None and character else bool(here)
        if said["vanish"]:
            return None
        under = value(named(properties, "u"))
        linked = bool(self._link) or any(field.link for field in self._fields)
        if under is None and character and not linked:
            for each in self._styles.chain(character):
                under = under or value(named(named(each, "rPr"), "u"))
        underline = under not in (None, "none")
        return said["b"], said["i"], underline, said["strike"] or said["dstrike"]

    def _bidi(self, properties: Element | None) -> bool:
        said = on(properties, "bidi")
        if said is not None:
            return said
        style = value(named(properties, "pStyle")) or self._styles.default
        for each in self._styles.chain(style):
            said = on(named(each, "pPr"), "bidi")
            if said is not None:
                return said
        return False

    def _address(self, relation: str | None) -> str:
        found = self._relations.get(relation or "")
        return safe_link(found.target) if found is not None and found.external else ""

    def _end_notes(self) -> None:
        """Notes stand at the end, each behind the number that its place in the text has."""
        if not self._notes:
            return
        self._put(Block(), Shape())
        at = 0
        parts = {kind: self._related_part(kind) for kind in ("footnotes", "endnotes")}
        # A note may have notes: they come behind it.
        while at < len(self._notes):
            kind, wanted = self._notes[at]
            at += 1
            root, relations = parts[kind]
            self._relations = relations
            note = next((n for n in root or () if value(n, "id") == wanted), None)
            self._tally.add("footnotes")
            self._note(note, f"[{at}] ")

    def _note(self, note: Element | None, prefix: str) -> None:
        for index, child in enumerate(note if note is not None else ()):
            if index == 0 and local(child.tag) == "p":
                self._paragraph(child, prefix)
            else:
                self._flow([child])
        self._end_carried()

    def _count_rest(self, body: Element) -> None:
        for relation in self._package.relations(self._main).values():
            if relation.kind in ("header", "footer") and not relation.external:
                root = self._package.part(relation.target)
                if root is not None and any(
                    (e.text or "").strip() for e in root.iter() if local(e.tag) == "t"
                ):
                    self._tally.add("headers")

    def _related(self, kind: str) -> Element | None:
        return self._related_part(kind)[0]

    def _related_part(self, kind: str) -> tuple[Element | None, dict[str, Relation]]:
        for relation in self._relations.values():
            if relation.kind == kind and not relation.external:
                return self._package.part(relation.target), self._package.relations(relation.target)
        return None, {}

    def _core_title(self) -> str:
        for relation in self._package.relations("").values():
            if relation.kind == "core-properties":
                title = named(self._package.part(relation.target), "title")
                return " ".join((title.text or "").split()) if title is not None else ""
        return ""


def _chosen(alternatives: Element) -> Iterable[Element]:
    """The first choice, and the fallback only when there is no other."""
    choice = named(alternatives, "Choice")
    return choice if choice is not None else (named(alternatives, "Fallback") or ())


def _inside(parent: Element, name: str) -> list[Element]:
    """Rows of a table or cells of a row, also those in content controls."""
    found: list[Element] = []
    for child in parent:
        if local(child.tag) == name:
            found.append(child)
        elif local(child.tag) not in _SKIPPED and local(child.tag) != "del":
            found += _inside(child, name)
    return found


def _walk(element: Element) -> Iterable[Element]:
    """An element and its descendants, without fallbacks and text boxes."""
    stack = [element]
    while stack:
        here = stack.pop()
        yield here
        if local(here.tag) == "txbxContent":
            continue
        stack += [child for child in reversed(here) if local(child.tag) != "Fallback"]
