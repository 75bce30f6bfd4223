"""Words of diagrams (SmartArt) and charts in a Word file: they stand in parts of their own."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from xml.etree.ElementTree import Element, SubElement

from antiphon_server.formats.readers.docx_parts import Package, Relation, every, local, named, value, whole


def graphic_words(
    elements: Iterable[Element], package: Package, relations: Mapping[str, Relation]
) -> list[Element]:
    """The words of the diagrams and charts among `elements`: elements that contain paragraphs. Raises PeerError for a
    damaged part."""
    found: list[Element] = []
    for element in elements:
        kind = local(element.tag)
        key = {"relIds": "dm", "chart": "id"}.get(kind)
        relation = relations.get(value(element, key) or "") if key else None
        part = package.part(relation.target) if relation and not relation.external else None
        if part is not None:
            found += _diagram(part) if kind == "relIds" else _box(_chart(part))
    return found


def _diagram(data: Element) -> list[Element]:
    """The texts of a diagram's data part, parents before children."""
    points = {value(point, "modelId") or "": point for point in every(named(data, "ptLst"), "pt")}
    children: dict[str, list[tuple[int, str]]] = {}
    for link in every(named(data, "cxnLst"), "cxn"):
        if (value(link, "type") or "parOf") == "parOf":
            place = whole(value(link, "srcOrd")), value(link, "destId") or ""
            children.setdefault(value(link, "srcId") or "", []).append(place)
    starts = [key for key, point in points.items() if value(point, "type") == "doc"]
    found: list[Element] = []
    seen: set[str] = set()
    stack = [*reversed(points), *starts]  # what no link reaches comes last
    while stack:
        key = stack.pop()
        point = points.get(key)
        if key in seen or point is None:
            continue
        seen.add(key)
        text = named(point, "t")
        if text is not None and any(
            (each.text or "").strip() for each in text.iter() if local(each.tag) == "t"
        ):
            found.append(text)
        stack += [child for _, child in sorted(children.get(key, ()), reverse=True)]
    return found


def _chart(chart: Element) -> list[str]:
    """A chart as lines: its titles, then a row for each category with the values of all series between tabs."""
    lines = [words for title in _all(chart, "title") if (words := _letters(title, "t"))]
    series = list(_all(chart, "ser"))
    names = [_letters(named(each, "tx"), "v") for each in series]
    columns = [(_points(each, "cat", "xVal"), _points(each, "val", "yVal")) for each in series]
    if any(names):
        lines.append("\t".join(["", *names]).rstrip("\t"))
    labels: dict[int, str] = {}
    for categories, _ in columns:
        labels = categories | labels
    for at in sorted(labels.keys() | {at for _, values in columns for at in values}):
        row = [labels.get(at, ""), *(values.get(at, "") for _, values in columns)]
        lines.append("\t".join(row).rstrip("\t"))
    if not series:  # charts of newer kinds keep their words in tables of another form
        lines += [
            (each.text or "").strip() for name in ("pt", "v") for each in _all(chart, name) if each.text
        ]
    return [line for line in lines if line.strip()]


def _box(lines: list[str]) -> list[Element]:
    """A text box with these lines; none without lines."""
    box = Element("txbxContent")
    for line in lines:
        run = SubElement(SubElement(box, "p"), "r")
        for index, cell in enumerate(line.split("\t")):
            if index:
                SubElement(run, "tab")
            SubElement(run, "t").text = cell
    return [box] if lines else []


def _all(root: Element, name: str) -> Iterator[Element]:
    return (each for each in root.iter() if local(each.tag) == name)


def _letters(root: Element | None, name: str) -> str:
    """The texts of all descendants of that name, in one line."""
    found = ((each.text or "") for each in _all(root, name)) if root is not None else ()
    return " ".join(" ".join(found).split())


def _points(series: Element, *names: str) -> dict[int, str]:
    """Place -> what stands there, of the first part of a series that has one of these names."""
    holder = next((found for name in names if (found := named(series, name)) is not None), None)
    if holder is None:
        return {}
    return {
        whole(value(point, "idx")): text for point in _all(holder, "pt") if (text := _letters(point, "v"))
    }
