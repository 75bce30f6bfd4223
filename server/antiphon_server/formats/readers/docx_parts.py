"""The parts of a Word file (Office Open XML, ECMA-376) that define its paragraphs: relationships, styles, lists.

Elements are told by their local names, so that the Strict form of the standard, which has other namespaces, is read by
the same code as the Transitional one.
"""

from __future__ import annotations

import posixpath
import re
import zipfile
from collections.abc import Iterator
from typing import Final, NamedTuple
from xml.etree.ElementTree import Element

from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import ParseError, fromstring

from antiphon_proto.errors import PeerError
from antiphon_proto.schema import MAX_INDENT
from antiphon_server.formats.manuscript import MAX_LEVEL, Kind

_HEADING: Final = re.compile(r"heading (\d)", re.IGNORECASE)
_LIST: Final = re.compile(r"list (bullet|number)(?: (\d))?", re.IGNORECASE)
_OFF: Final = frozenset({"0", "false", "off", "none"})
_MAX_CHAIN: Final = 20
"""Styles that a style may be based on, one on the other; Word itself stops at 11."""


def local(name: str) -> str:
    return name.rpartition("}")[2]


def named(element: Element | None, name: str) -> Element | None:
    """The first child of that local name."""
    if element is not None:
        for child in element:
            if local(child.tag) == name:
                return child
    return None


def every(element: Element | None, name: str) -> Iterator[Element]:
    if element is not None:
        for child in element:
            if local(child.tag) == name:
                yield child


def value(element: Element | None, name: str = "val") -> str | None:
    """An attribute by its local name."""
    if element is not None:
        for key, found in element.attrib.items():
            if local(key) == name:
                return found
    return None


def on(parent: Element | None, name: str) -> bool | None:
    """A switch such as <w:b/>: on, off, or not said."""
    found = named(parent, name)
    return None if found is None else (value(found) or "1").lower() not in _OFF


def whole(text: str | None, otherwise: int = 0) -> int:
    try:
        return int(text or "")
    except ValueError:
        return otherwise


class Relation(NamedTuple):
    kind: str
    target: str
    external: bool


class Package:
    """A zip file of XML parts. Raises PeerError for a damaged one."""

    def __init__(self, archive: zipfile.ZipFile) -> None:
        self._archive = archive
        self._names = set(archive.namelist())
        start = next((r.target for r in self.relations("").values() if r.kind == "officeDocument"), "")
        self.main = start or "word/document.xml"

    def relations(self, part: str) -> dict[str, Relation]:
        folder, name = posixpath.split(part)
        root = self.part(posixpath.join(folder, "_rels", f"{name}.rels"))
        found: dict[str, Relation] = {}
        for each in root if root is not None else ():
            target = each.get("Target", "")
            external = each.get("TargetMode", "").lower() == "external"
            if not external:
                target = posixpath.normpath(posixpath.join("/", folder, target)).lstrip("/")
            found[each.get("Id", "")] = Relation(each.get("Type", "").rpartition("/")[2], target, external)
        return found

    def part(self, name: str) -> Element | None:
        """None when there is none."""
        if name not in self._names:
            return None
        try:
            root: Element = fromstring(self._archive.read(name))
        except (KeyError, RuntimeError, OSError, zipfile.BadZipFile) as error:
            raise PeerError(f"the file is damaged: {error}") from None
        except (ParseError, DefusedXmlException) as error:
            raise PeerError(f"the file is damaged: {name}: {error}") from None
        return root


class Shape(NamedTuple):
    """The kind of a paragraph; `number` is an ordered item's, or 0."""

    kind: Kind = "paragraph"
    level: int = 0
    indent: int = 0
    number: int = 0


class Styles:
    def __init__(self, root: Element | None) -> None:
        self._by_id = {value(style, "styleId") or "": style for style in every(root, "style")}
        default = next(
            (
                value(style, "styleId")
                for style in every(root, "style")
                if value(style, "default") in ("1", "true") and value(style, "type") == "paragraph"
            ),
            None,
        )
        self.default = default or ""
        self._chains: dict[str, tuple[Element, ...]] = {}

    def chain(self, style: str) -> tuple[Element, ...]:
        """A style and its base style."""
        if style in self._chains:
            return self._chains[style]
        found: list[Element] = []
        at = style
        while at in self._by_id and len(found) < _MAX_CHAIN:
            found.append(self._by_id[at])
            at = value(named(found[-1], "basedOn")) or ""
        self._chains[style] = tuple(found)
        return self._chains[style]

    def switch(self, style: str, name: str) -> bool:
        for each in self.chain(style):
            said = on(named(each, "rPr"), name)
            if said is not None:
                return said
        return False


class Numbering:
    """The lists of a file. Counts as Word does: by the abstract list, until a list says where it starts."""

    def __init__(self, root: Element | None, styles: Styles) -> None:
        self._styles = styles
        self._abstract = {value(each, "abstractNumId") or "": each for each in every(root, "abstractNum")}
        self._nums = {value(each, "numId") or "": each for each in every(root, "num")}
        self._by_style = {
            value(named(each, "styleLink")) or "": key
            for key, each in self._abstract.items()
            if named(each, "styleLink") is not None
        }
        self._counts: dict[str, dict[int, int]] = {}
        self._begun: set[tuple[str, int]] = set()

    def item(self, num: str, indent: int) -> Shape:
        """The kind and number of the next item of this list; a bullet for an undefined list."""
        found = self._nums.get(num)
        key = value(named(found, "abstractNumId")) or ""
        link = value(named(self._abstract.get(key), "numStyleLink"))
        key = self._by_style.get(link, key) if link else key
        override = next((o for o in every(found, "lvlOverride") if whole(value(o, "ilvl")) == indent), None)
        level = named(override, "lvl")
        if level is None:
            levels = every(self._abstract.get(key), "lvl")
            level = next((each for each in levels if whole(value(each, "ilvl")) == indent), None)
        form = value(named(level, "numFmt")) or ("decimal" if level is not None else "bullet")
        depth = min(max(indent, 0), MAX_INDENT)
        if form in ("bullet", "none"):
            return Shape("bullet", 0, depth)
        counts = self._counts.setdefault(key, {})
        first = whole(value(named(override, "startOverride")), -1)
        if first >= 0 and (num, indent) not in self._begun:
            counts[indent] = first
        elif indent in counts:
            counts[indent] += 1
        else:
            counts[indent] = whole(value(named(level, "start")), 1)
        self._begun.add((num, indent))
        for deeper in [each for each in counts if each > indent]:
            del counts[deeper]
        return Shape("ordered", 0, depth, counts[indent])


def shape(properties: Element | None, styles: Styles, numbering: Numbering) -> Shape:
    """The kind of a paragraph by its style, its outline level and its list."""
    style = value(named(properties, "pStyle")) or styles.default
    chain = styles.chain(style)
    names = [value(named(each, "name")) or "" for each in chain] or [style]
    outline: str | None = None
    num: Element | None = named(properties, "numPr")
    for holder in (properties, *(named(each, "pPr") for each in chain)):
        outline = outline or value(named(holder, "outlineLvl"))
        num = named(holder, "numPr") if num is None else num
    for name in names:
        if found := _HEADING.fullmatch(name):
            return Shape("heading", min(max(int(found[1]), 1), MAX_LEVEL))
        if name.lower() == "title":
            return Shape("heading", 1)
    if outline is not None and 0 <= whole(outline, 9) < MAX_LEVEL:
        return Shape("heading", whole(outline) + 1)
    number = value(named(num, "numId"))
    if number not in (None, "0"):
        return numbering.item(number or "", whole(value(named(num, "ilvl"))))
    for name in names:
        listed = _LIST.fullmatch(name)
        if listed and number != "0":
            kind: Kind = "ordered" if listed[1].lower() == "number" else "bullet"
            return Shape(kind, 0, min(whole(listed[2], 1), MAX_INDENT + 1) - 1)
        if "quote" in name.lower() or name.lower() == "block text":
            return Shape("quote")
    if any(name.lower() == "list paragraph" for name in names) and num is not None and number != "0":
        return Shape("bullet")
    return Shape()
