"""EPUB 3 (https://www.w3.org/TR/epub-33/): a zip file of XHTML. The one well-kept Python library for it is AGPL."""

from __future__ import annotations

import hashlib
import io
import posixpath
import re
import zipfile
from collections import Counter
from collections.abc import Sequence
from html import escape
from typing import Final
from urllib.parse import unquote
from xml.etree.ElementTree import Element

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from antiphon_proto.errors import PeerError
from antiphon_server.formats import html
from antiphon_server.formats.encoding import decode, offered
from antiphon_server.formats.manuscript import Block, Manuscript, Notice, first_strong
from antiphon_server.formats.notices import Tally, merged
from antiphon_server.formats.readers.zip_files import check

_CONTAINER: Final = "{urn:oasis:names:tc:opendocument:xmlns:container}"
_OPF: Final = "{http://www.idpf.org/2007/opf}"
_DC: Final = "{http://purl.org/dc/elements/1.1/}"
_XHTML: Final = 'xmlns="http://www.w3.org/1999/xhtml"'
_DATE: Final = (1980, 1, 1, 0, 0, 0)
"""The earliest that a zip file knows: equal books are equal files."""
_ENCRYPTION: Final = "META-INF/encryption.xml"
_DECLARED: Final = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["']([A-Za-z0-9_:.-]+)["']""")


def read(data: bytes) -> Manuscript:
    """The chapters in the order of the spine. Raises PeerError."""
    archive = check(data)
    tally = Tally()
    found: list[tuple[Notice, ...]] = []
    blocks: list[Block] = []
    try:
        root = _xml(archive, "META-INF/container.xml").find(f".//{_CONTAINER}rootfile")
        if root is None:
            raise PeerError("the book does not say where its contents are")
        package_path = root.get("full-path", "")
        package = _xml(archive, package_path)
        items = {item.get("id"): item for item in package.iter(f"{_OPF}item")}
        names = set(archive.namelist())
        locked = _locked(archive) if _ENCRYPTION in names else frozenset()
        for reference in package.iter(f"{_OPF}itemref"):
            item = items.get(reference.get("idref"))
            if item is None or "nav" in (item.get("properties") or "").split():
                continue
            href = unquote(item.get("href", ""))
            path = posixpath.normpath(posixpath.join(posixpath.dirname(package_path), href))
            if path not in names:
                tally.add("files")
                continue
            if path in locked:
                raise PeerError("the book is protected against copying: its text is encrypted")
            chapter = html.read(_page(archive.read(path)))
            blocks += chapter.blocks
            found.append(chapter.notices)
    except (KeyError, RuntimeError, zipfile.BadZipFile, ParseError, DefusedXmlException) as error:
        raise PeerError(f"the book is damaged: {error}") from None
    title = package.find(f".//{_DC}title")
    name = " ".join((title.text or "").split()) if title is not None else ""
    return Manuscript(tuple(blocks), name, merged(tally.notices(), *found))


def write(manuscript: Manuscript, language: str = "und") -> bytes:
    """A file for each chapter. Deterministic: equal books are equal files."""
    title = escape(manuscript.title or html.first_words(manuscript) or "—")
    chapters = _chapters(manuscript.blocks)
    rtl = first_strong(manuscript.text) == "rtl"
    progression = ' page-progression-direction="rtl"' if rtl else ""
    names = [f"chapter{number}.xhtml" for number in range(1, len(chapters) + 1)]
    heads = [
        escape(next((b.text.strip() for b in each if b.kind == "heading"), "") or title) for each in chapters
    ]
    identifier = hashlib.sha256(manuscript.text.encode()).hexdigest()
    manifest = "".join(
        f'<item id="c{i}" href="{name}" media-type="application/xhtml+xml"/>' for i, name in enumerate(names)
    )
    spine = "".join(f'<itemref idref="c{i}"/>' for i in range(len(names)))
    links = "".join(f'<li><a href="{name}">{head}</a></li>' for name, head in zip(names, heads, strict=True))
    files = {
        "META-INF/container.xml": (
            '<container version="1.0" xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles>'
            '<rootfile full-path="book.opf" media-type="application/oebps-package+xml"/></rootfiles></container>'
        ),
        "book.opf": (
            '<package version="3.0" unique-identifier="id" xmlns="http://www.idpf.org/2007/opf">'
            '<metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f'<dc:identifier id="id">urn:sha256:{identifier}</dc:identifier><dc:title>{title}</dc:title>'
            f'<dc:language>{language}</dc:language><meta property="dcterms:modified">1980-01-01T00:00:00Z</meta>'
            '</metadata><manifest><item id="nav" href="nav.xhtml" media-type="application/xhtml+xml"'
            f' properties="nav"/>{manifest}</manifest><spine{progression}>{spine}</spine></package>'
        ),
        "nav.xhtml": (
            f'<html {_XHTML} xmlns:epub="http://www.idpf.org/2007/ops"><head><title>{title}</title></head><body>'
            f'<nav epub:type="toc"><ol>{links}</ol></nav></body></html>'
        ),
    }
    for name, head, chapter in zip(names, heads, chapters, strict=True):
        files[name] = (
            f"<html {_XHTML}><head><title>{head}</title></head><body>\n{html.body(chapter)}</body></html>"
        )
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        # First and not packed, so that the type can be told from the first bytes.
        archive.writestr(zipfile.ZipInfo("mimetype", _DATE), "application/epub+zip", zipfile.ZIP_STORED)
        for name, text in files.items():
            info = zipfile.ZipInfo(name, _DATE)
            archive.writestr(info, f'<?xml version="1.0" encoding="utf-8"?>\n{text}', zipfile.ZIP_DEFLATED)
    return stream.getvalue()


def _chapters(blocks: Sequence[Block]) -> list[list[Block]]:
    """Cut at the level that has the chapters: the first with more than one heading, and all levels above it."""
    counts = Counter(block.level for block in blocks if block.kind == "heading")
    level = next((each for each in sorted(counts) if counts[each] > 1), max(counts, default=1))
    chapters: list[list[Block]] = [[]]
    for block in blocks:
        # A book's or a part's title stays with the chapter that follows it at once.
        begins = block.kind == "heading" and block.level <= level
        alone = all(each.kind == "heading" or not each.text.strip() for each in chapters[-1])
        if begins and not alone:
            chapters.append([])
        chapters[-1].append(block)
    return chapters


def _page(data: bytes) -> str:
    """A chapter is UTF-8 by the standard, or as its mark or its first line says; old books have others."""
    found = _DECLARED.match(data)
    return decode(data, offered(found[1].decode("ascii")) if found else "").text


def _locked(archive: zipfile.ZipFile) -> frozenset[str]:
    """Encrypted files. Fonts often are; a text that is cannot be read."""
    root = _xml(archive, _ENCRYPTION)
    return frozenset(
        unquote(each.get("URI", "")) for each in root.iter() if each.tag.endswith("}CipherReference")
    )


def _xml(archive: zipfile.ZipFile, path: str) -> Element:
    root: Element = fromstring(archive.read(path))
    return root
