"""OpenDocument texts (ISO 26300): a zip file of XML, read (`odt_reader`) and written by our own code. The one library
for it (odfpy) has no wheels and was last released in 2022."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Sequence
from html import escape
from typing import Final

from antiphon_proto.schema import MAX_INDENT
from antiphon_server.formats.manuscript import (
    LISTS,
    MAX_LEVEL,
    Block,
    Kind,
    Manuscript,
    Words,
    numbers,
    restarts,
)
from antiphon_server.formats.readers.odt import Reader

_TYPE: Final = "application/vnd.oasis.opendocument.text"
_DATE: Final = (1980, 1, 1, 0, 0, 0)
_SPACES: Final = {
    "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
    "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
    "style": "urn:oasis:names:tc:opendocument:xmlns:style:1.0",
    "fo": "urn:oasis:names:tc:opendocument:xmlns:xsl-fo-compatible:1.0",
    "xlink": "http://www.w3.org/1999/xlink",
    "dc": "http://purl.org/dc/elements/1.1/",
}
_XMLNS: Final = " ".join(f'xmlns:{name}="{space}"' for name, space in _SPACES.items())


def read(data: bytes) -> Manuscript:
    """Raises PeerError and TooLarge."""
    return Reader(data).read()


def write(manuscript: Manuscript) -> bytes:
    body = _body(manuscript.blocks)
    title = escape(manuscript.title)
    shown = f'<text:p text:style-name="Title">{_plain(manuscript.title)}</text:p>' if title else ""
    files = {
        "content.xml": (
            f'<office:document-content {_XMLNS} office:version="1.3"><office:automatic-styles>{_AUTOMATIC}'
            f"{_styles(manuscript.blocks)}</office:automatic-styles><office:body><office:text>{shown}{body}"
            "</office:text></office:body></office:document-content>"
        ),
        "styles.xml": (
            f'<office:document-styles {_XMLNS} office:version="1.3"><office:styles>{_NAMED}</office:styles>'
            "</office:document-styles>"
        ),
        "meta.xml": (
            f'<office:document-meta {_XMLNS} office:version="1.3"><office:meta><dc:title>{title}</dc:title>'
            "</office:meta></office:document-meta>"
        ),
    }
    entries = "".join(
        f'<manifest:file-entry manifest:full-path="{name}" manifest:media-type="text/xml"/>' for name in files
    )
    files["META-INF/manifest.xml"] = (
        '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0" manifest:version="1.3">'
        f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{_TYPE}"/>{entries}</manifest:manifest>'
    )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr(zipfile.ZipInfo("mimetype", _DATE), _TYPE, zipfile.ZIP_STORED)
        for name, text in files.items():
            archive.writestr(
                zipfile.ZipInfo(name, _DATE),
                f'<?xml version="1.0" encoding="UTF-8"?>\n{text}',
                zipfile.ZIP_DEFLATED,
            )
    return stream.getvalue()


def _body(blocks: Sequence[Block]) -> str:
    parts: list[str] = []
    opened: list[Kind] = []
    for block, number, restart in zip(blocks, numbers(blocks), restarts(blocks), strict=True):
        depth = block.indent + 1 if block.kind in LISTS else 0
        while len(opened) > depth or (len(opened) == depth and depth and restart):
            parts.append("</text:list-item></text:list>")
            opened.pop()
        if not depth:
            parts.append(_paragraph(block))
            continue
        if len(opened) == depth:
            parts.append("</text:list-item>")
        while len(opened) < depth:
            parts.append(f'<text:list text:style-name="{block.kind}">')
            opened.append(block.kind)
            if len(opened) < depth:
                parts.append("<text:list-item>")
        start = f' text:start-value="{number}"' if block.kind == "ordered" and restart and number != 1 else ""
        parts.append(f"<text:list-item{start}>{_paragraph(block)}")
    parts += ["</text:list-item></text:list>" for _ in opened]
    return "".join(parts)


def _paragraph(block: Block) -> str:
    tag, more = "p", ""
    style = {"quote": "Quotations", "heading": f"Heading_20_{block.level}"}.get(block.kind, "Standard")
    if block.kind == "heading":
        tag, more = "h", f' text:outline-level="{block.level}"'
    style += "_R" if block.right_to_left else ""
    return f'<text:{tag} text:style-name="{style}"{more}>{"".join(map(_span, block.words))}</text:{tag}>'


def _span(words: Words) -> str:
    text = _plain(words.text)
    name = _span_style(words)
    text = f'<text:span text:style-name="{name}">{text}</text:span>' if name else text
    return (
        f'<text:a xlink:type="simple" xlink:href="{escape(words.link)}">{text}</text:a>'
        if words.link
        else text
    )


def _span_style(words: Words) -> str:
    marks = zip("BIUS", (words.bold, words.italic, words.underline, words.strike), strict=True)
    return "".join(mark for mark, wanted in marks if wanted)


def _plain(text: str) -> str:
    """Blanks beyond the first, and tabs, have elements of their own."""
    parts: list[str] = []
    blank = True
    for letter in text:
        if letter == "\t":
            parts.append("<text:tab/>")
        elif letter.isspace() and letter in " \n\r":
            parts.append("<text:s/>" if blank else " ")
        else:
            parts.append(escape(letter, quote=False))
        blank = letter == " "
    if text.endswith(" ") and parts[-1] == " ":
        parts[-1] = "<text:s/>"
    return "".join(parts)


def _styles(blocks: Sequence[Block]) -> str:
    used = sorted({_span_style(words) for block in blocks for words in block.words} - {""})
    properties = {
        "B": 'fo:font-weight="bold"',
        "I": 'fo:font-style="italic"',
        "U": 'style:text-underline-style="solid"',
        "S": 'style:text-line-through-style="solid"',
    }
    return "".join(
        f'<style:style style:name="{name}" style:family="text"><style:text-properties '
        f"{' '.join(properties[mark] for mark in name)}/></style:style>"
        for name in used
    )


def _right(name: str) -> str:
    return (
        f'<style:style style:name="{name}_R" style:family="paragraph" style:parent-style-name="{name}">'
        '<style:paragraph-properties style:writing-mode="rl-tb" fo:text-align="start"/></style:style>'
    )


def _list_style(name: str) -> str:
    kind, form = (
        ("number", 'style:num-format="1" style:num-suffix="."')
        if name == "ordered"
        else ("bullet", 'text:bullet-char="•"')
    )
    levels = [
        f'<text:list-level-style-{kind} text:level="{level}" {form}>'
        '<style:list-level-properties text:list-level-position-and-space-mode="label-alignment">'
        '<style:list-level-label-alignment text:label-followed-by="listtab" fo:text-indent="-0.25in"'
        f' fo:margin-left="{level * 0.5}in"/></style:list-level-properties></text:list-level-style-{kind}>'
        for level in range(1, MAX_INDENT + 2)
    ]
    return f'<text:list-style style:name="{name}">{"".join(levels)}</text:list-style>'


_NAMES: Final = ("Standard", "Quotations", *(f"Heading_20_{level}" for level in range(1, MAX_LEVEL + 1)))
_AUTOMATIC: Final = "".join(map(_right, _NAMES)) + "".join(map(_list_style, ("bullet", "ordered")))
_NAMED: Final = (
    '<style:style style:name="Standard" style:family="paragraph"/>'
    '<style:style style:name="Quotations" style:family="paragraph" style:parent-style-name="Standard">'
    '<style:paragraph-properties fo:margin-left="0.4in" fo:margin-right="0.4in"/></style:style>'
    '<style:style style:name="Title" style:family="paragraph" style:parent-style-name="Standard">'
    '<style:text-properties fo:font-size="24pt"/></style:style>'
    + "".join(
        f'<style:style style:name="Heading_20_{level}" style:display-name="Heading {level}" style:family="paragraph"'
        f' style:parent-style-name="Standard" style:default-outline-level="{level}">'
        f'<style:text-properties fo:font-weight="bold" fo:font-size="{20 - 2 * level}pt"/></style:style>'
        for level in range(1, MAX_LEVEL + 1)
    )
)
