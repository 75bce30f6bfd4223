"""Word files (Office Open XML, ECMA-376): read by our own walk (`docx_reader`), written through python-docx."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any, Final

from docx import Document
from docx.enum.style import WD_STYLE_TYPE
from docx.opc.constants import RELATIONSHIP_TYPE
from docx.oxml import OxmlElement
from docx.oxml.ns import qn
from docx.shared import RGBColor

from antiphon_proto.schema import MAX_INDENT
from antiphon_server.formats.manuscript import (
    LISTS,
    Block,
    Kind,
    Manuscript,
    Words,
    numbers,
    restarts,
)
from antiphon_server.formats.readers.docx import Reader

_STYLES: Final[dict[Kind, str]] = {
    "paragraph": "Normal",
    "quote": "Intense Quote",
    "bullet": "List Bullet",
    "ordered": "List Number",
}
_INDENT: Final = 720
"""Twentieths of a point that each level of a list stands in: half an inch, as in Word."""
_BULLETS: Final = "•◦▪"


def read(data: bytes) -> Manuscript:
    """Raises PeerError and TooLarge."""
    return Reader(data).read()


def write(manuscript: Manuscript) -> bytes:
    document: Any = Document()
    if manuscript.title:
        document.core_properties.title = manuscript.title[:255]
        document.add_paragraph(manuscript.title, style="Title")
    lists = _Lists(document, manuscript.blocks)
    for index, block in enumerate(manuscript.blocks):
        if block.kind == "heading":
            paragraph = document.add_heading(level=block.level)
        else:
            paragraph = document.add_paragraph(style=_STYLES[block.kind])
        if block.kind in LISTS:
            lists.put(paragraph, index, block)
        if block.right_to_left:
            _add(paragraph._p.get_or_add_pPr(), "w:bidi")
        for words in block.words:
            _put(paragraph, words, rtl=block.right_to_left)
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def _put(paragraph: Any, words: Words, *, rtl: bool) -> None:
    run = paragraph.add_run(words.text)
    run.bold, run.italic, run.underline = words.bold or None, words.italic or None, words.underline or None
    if words.strike:
        run.font.strike = True
    if rtl:
        run.font.rtl = True
    if words.link:
        relation = paragraph.part.relate_to(words.link, RELATIONSHIP_TYPE.HYPERLINK, is_external=True)
        link = _add(paragraph._p, "w:hyperlink")
        link.set(qn("r:id"), relation)
        run.style = _link_style(run.part.document)
        link.append(run._r)


def _link_style(document: Any) -> Any:
    """Links look as in Word, whose template has the style only when it is used."""
    if "Hyperlink" not in document.styles:
        style = document.styles.add_style("Hyperlink", WD_STYLE_TYPE.CHARACTER)
        style.font.underline, style.font.color.rgb = True, RGBColor(0x05, 0x63, 0xC1)
    return document.styles["Hyperlink"]


class _Lists:
    """Numbering for each list of its own, so that it starts where it should."""

    def __init__(self, document: Any, blocks: Sequence[Block]) -> None:
        self._root = document.part.numbering_part.element
        self._numbers, self._restarts = numbers(blocks), restarts(blocks)
        self._open: dict[tuple[Kind, int], int] = {}
        self._abstract: dict[Kind, int] = {}

    def put(self, paragraph: Any, index: int, block: Block) -> None:
        place = (block.kind, block.indent)
        if self._restarts[index] or place not in self._open:
            self._open[place] = self._new(block, self._numbers[index])
        properties = paragraph._p.get_or_add_pPr().get_or_add_numPr()
        properties.get_or_add_ilvl().val = block.indent
        properties.get_or_add_numId().val = self._open[place]

    def _new(self, block: Block, first: int) -> int:
        if block.kind not in self._abstract:
            self._abstract[block.kind] = self._levels(block.kind)
        elif block.kind == "bullet":
            return next(number for (kind, _), number in self._open.items() if kind == "bullet")
        num = self._root.add_num(self._abstract[block.kind])
        if block.kind == "ordered":
            num.add_lvlOverride(ilvl=block.indent).add_startOverride(first)
        return int(num.numId)

    def _levels(self, kind: Kind) -> int:
        """The nine levels of a list. Their definitions stand before all lists, as the schema has it."""
        known = self._root.findall(qn("w:abstractNum"))
        number = max((int(each.get(qn("w:abstractNumId"))) for each in known), default=-1) + 1
        abstract = OxmlElement("w:abstractNum")
        abstract.set(qn("w:abstractNumId"), str(number))
        _add(abstract, "w:multiLevelType", val="multilevel")
        for level in range(MAX_INDENT + 1):
            each = _add(abstract, "w:lvl")
            each.set(qn("w:ilvl"), str(level))
            _add(each, "w:start", val="1")
            _add(each, "w:numFmt", val="decimal" if kind == "ordered" else "bullet")
            text = f"%{level + 1}." if kind == "ordered" else _BULLETS[level % len(_BULLETS)]
            _add(each, "w:lvlText", val=text)
            _add(each, "w:lvlJc", val="left")
            indent = _add(_add(each, "w:pPr"), "w:ind")
            indent.set(qn("w:left"), str(_INDENT * (level + 1)))
            indent.set(qn("w:hanging"), str(_INDENT // 2))
        if known:
            known[-1].addnext(abstract)
        else:
            self._root.insert(0, abstract)
        return number


def _add(parent: Any, name: str, **attributes: str) -> Any:
    child = OxmlElement(name)
    for key, text in attributes.items():
        child.set(qn(f"w:{key}"), text)
    parent.append(child)
    return child
