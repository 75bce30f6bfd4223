"""Word files (Office Open XML, ECMA-376) through python-docx."""

from __future__ import annotations

import io
import re
from typing import Any, Final

from docx import Document
from docx.table import Table
from docx.text.paragraph import Paragraph

from antiphon_server.formats.archive import check
from antiphon_server.formats.manuscript import MAX_LEVEL, Block, Kind, Manuscript, Words, join, trimmed

_STYLES: Final[dict[Kind, str]] = {
    "paragraph": "Normal",
    "quote": "Intense Quote",
    "bullet": "List Bullet",
    "ordered": "List Number",
}
_HEADING: Final = re.compile(r"Heading (\d)")


def read(data: bytes) -> Manuscript:
    """Paragraphs, headings, lists and quotes by their styles' names, tables row by row. Raises PeerError."""
    check(data)
    document: Any = Document(io.BytesIO(data))
    blocks: list[Block] = []
    for item in document.iter_inner_content():
        if isinstance(item, Paragraph):
            blocks += _blocks(item)
        elif isinstance(item, Table):
            for row in item.rows:
                blocks.append(Block(join([Words("\t".join(cell.text for cell in row.cells))])))
    return Manuscript(trimmed(blocks), document.core_properties.title or "")


def write(manuscript: Manuscript) -> bytes:
    document: Any = Document()
    if manuscript.title:
        document.core_properties.title = manuscript.title[:255]
    for block in manuscript.blocks:
        if block.kind == "heading":
            paragraph = document.add_heading(level=block.level)
        else:
            paragraph = document.add_paragraph(style=_STYLES[block.kind])
        for words in block.words:
            run = paragraph.add_run(words.text)
            run.bold, run.italic = words.bold or None, words.italic or None
    stream = io.BytesIO()
    document.save(stream)
    return stream.getvalue()


def _blocks(paragraph: Paragraph) -> list[Block]:
    kind, level = _kind(paragraph)
    lines: list[list[Words]] = [[]]
    for run in paragraph.runs:
        first, *rest = run.text.split("\n")
        style = (bool(run.bold), bool(run.italic))
        lines[-1].append(Words(first, *style))
        for text in rest:
            lines.append([Words(text, *style)])
    return [Block(join(line), kind, level) for line in lines]


def _kind(paragraph: Paragraph) -> tuple[Kind, int]:
    name = (paragraph.style.name if paragraph.style is not None else "") or ""
    if found := _HEADING.fullmatch(name):
        return "heading", min(max(int(found[1]), 1), MAX_LEVEL)
    if name == "Title":
        return "heading", 1
    if "Quote" in name:
        return "quote", 0
    if name.startswith("List Number"):
        return "ordered", 0
    if name.startswith("List"):
        return "bullet", 0
    return "paragraph", 0
