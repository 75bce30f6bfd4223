"""An SVG file as pixels, by resvg. To be called in a process of its own (`picture_process`).

Only drawing elements are handed on: no scripts, no foreign content, nothing that names another file or address. resvg
runs no scripts and asks no network, but it would open files of this machine that a picture names.
"""

from __future__ import annotations

import io
import re
from typing import Final
from xml.etree import ElementTree

from PIL import Image

_SVG: Final = "{http://www.w3.org/2000/svg}"
_LINKS: Final = ("href", "{http://www.w3.org/1999/xlink}href")
_DROPPED: Final = frozenset(
    {"script", "foreignObject", "iframe", "audio", "video", "handler", "listener", "set"}
)
_DATA: Final = re.compile(r"data:image/(png|jpeg|jpg|gif|webp);base64,", re.I)
_ADDRESS: Final = re.compile(r"url\(\s*(?!['\"]?#)[^)]*\)", re.I)
_IMPORT: Final = re.compile(r"@import[^;]*(;|$)", re.I)
_LENGTH: Final = re.compile(r"\s*([0-9.]+(?:e[+-]?[0-9]+)?)\s*(px|pt|pc|mm|cm|in|em|)\s*", re.I)
_UNITS: Final = {
    "": 1.0,
    "px": 1.0,
    "pt": 4 / 3,
    "pc": 16.0,
    "mm": 96 / 25.4,
    "cm": 96 / 2.54,
    "in": 96.0,
    "em": 16.0,
}
_LEAST: Final = 512
"""Pixels of the longer side, at least: an icon of 24 would be a blot on a board."""
_ELEMENTS: Final = 100_000


def rasterise(data: bytes, side: int) -> tuple[Image.Image, tuple[int, int]]:
    """The picture (RGBA), and its own size in pixels. The longer side has `side` pixels at most. Raises ValueError."""
    import resvg_py

    root = ElementTree.fromstring(data)
    if root.tag not in (f"{_SVG}svg", "svg"):
        raise ValueError("the root is no svg element")
    _clean(root)
    width, height = _size(root)
    longest = max(width, height)
    factor = min(side, max(longest, _LEAST)) / longest
    pixels = max(1, round(width * factor)), max(1, round(height * factor))
    root.set("width", str(width))
    root.set("height", str(height))
    made = resvg_py.svg_to_bytes(
        svg_string=ElementTree.tostring(root, encoding="unicode"), width=pixels[0], height=pixels[1]
    )
    image = Image.open(io.BytesIO(made), formats=("PNG",))
    return image.convert("RGBA"), (max(1, round(width)), max(1, round(height)))


def _clean(root: ElementTree.Element) -> None:
    for seen, parent in enumerate(root.iter()):
        if seen > _ELEMENTS:
            raise ValueError("too many elements")
        for child in list(parent):
            name = child.tag.rpartition("}")[2] if isinstance(child.tag, str) else "comment"
            if name in _DROPPED or name == "comment":
                parent.remove(child)
        for name, value in list(parent.attrib.items()):
            if name.rpartition("}")[2].lower().startswith("on"):
                del parent.attrib[name]
            elif name in _LINKS:
                if not (value.startswith("#") or _DATA.match(value)):
                    del parent.attrib[name]
            elif "(" in value:
                parent.set(name, _ADDRESS.sub("none", value))
        if isinstance(parent.tag, str) and parent.tag.endswith("style") and parent.text:
            parent.text = _ADDRESS.sub("none", _IMPORT.sub("", parent.text))


def _size(root: ElementTree.Element) -> tuple[float, float]:
    """Size in pixels: the file's own, else that of its view box, else the default of browsers."""
    box = [float(each) for each in re.findall(r"[-+0-9.eE]+", root.get("viewBox", ""))]
    width, height = _length(root.get("width")), _length(root.get("height"))
    if len(box) == 4 and box[2] > 0 and box[3] > 0:
        width, height = (
            width or (height * box[2] / box[3] if height else box[2]),
            height or (width * box[3] / box[2] if width else box[3]),
        )
    width, height = width or 300.0, height or 150.0
    if not (0 < width <= 1e6 and 0 < height <= 1e6 and 1e-4 < width / height < 1e4):
        raise ValueError("its size makes no sense")
    return width, height


def _length(value: str | None) -> float | None:
    match = _LENGTH.fullmatch(value or "")
    return float(match[1]) * _UNITS[match[2].lower()] or None if match else None
