"""The openly licensed picture sets, by package, version and licence, and how to fetch and render one icon of them."""

import io
import json
import re
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from .vocabulary import HOMONYMS, Concept

__all__ = ["RESOLUTION", "SOURCES", "Icon", "IconSource", "fetch", "icons_of", "render"]

RESOLUTION = 128
"""Side of a picture in pixels."""
MARGIN = 7
"""Pixels kept free on each side of an object."""


@dataclass(frozen=True, slots=True)
class IconSource:
    """An icon set: npm package ``@iconify-json/<name>``, pinned.

    ``role`` is ``train`` (the whole model sees it), ``shapes`` (one-colour shapes, which it sees in every colour) or
    ``test`` (no part of the model sees it; it measures the judge of the evaluation).
    """

    name: str
    version: str
    licence: str
    author: str
    role: str
    suffix: str = ""


SOURCES: tuple[IconSource, ...] = (
    IconSource("fluent-emoji-flat", "1.2.6", "MIT", "Microsoft Corporation", "train"),
    IconSource("fluent-emoji", "1.2.7", "MIT", "Microsoft Corporation", "train"),
    IconSource("noto", "1.2.9", "Apache-2.0", "Google Inc", "train"),
    IconSource("noto-v1", "1.2.5", "Apache-2.0", "Google Inc", "train"),
    IconSource("twemoji", "1.2.5", "CC-BY-4.0", "Twitter and other contributors", "train"),
    IconSource("emojione", "1.2.3", "CC-BY-4.0", "EmojiOne", "train"),
    IconSource("ph", "1.2.2", "MIT", "Phosphor Icons", "shapes", suffix="-fill"),
    IconSource("fxemoji", "1.2.2", "Apache-2.0", "Mozilla", "test"),
    IconSource("streamline-emojis", "1.2.4", "CC-BY-4.0", "Streamline", "test"),
)


@dataclass(frozen=True, slots=True)
class Icon:
    """One drawing: the set it is from, its name there, the noun it shows and its SVG source."""

    source: IconSource
    name: str
    noun: str
    svg: str


def fetch(folder: Path) -> Path:
    """Install the pinned packages with npm under ``folder`` and return the folder that holds the sets.

    Raises :class:`subprocess.CalledProcessError` when npm cannot reach its registry.
    """
    packages = [f"@iconify-json/{source.name}@{source.version}" for source in SOURCES]
    command = ["npm", "install", "--no-save", "--no-audit", "--no-fund", "--prefix", str(folder), *packages]
    folder.mkdir(parents=True, exist_ok=True)
    subprocess.run(command, check=True)
    return folder / "node_modules" / "@iconify-json"


def _plain(name: str) -> str:
    """Fold an icon name so that ``red-apple``, ``redapple`` and ``red-apple-2`` agree."""
    return re.sub(r"[^a-z]", "", re.sub(r"-\d+$", "", name.lower()))


def _svg(entry: dict[str, Any], width: int, height: int) -> str:
    w, h = entry.get("width", width), entry.get("height", height)
    left, top = entry.get("left", 0), entry.get("top", 0)
    body = entry["body"].replace("currentColor", "#222")
    namespaces = 'xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    return f'<svg {namespaces} width="{w}" height="{h}" viewBox="{left} {top} {w} {h}">{body}</svg>'


def icons_of(source: IconSource, sets: Path, concepts: Iterable[Concept]) -> Iterator[Icon]:
    """Yield the icons of one set that show one of the concepts."""
    data = json.loads((sets / source.name / "icons.json").read_text())
    width, height = data.get("width", 16), data.get("height", 16)
    names: dict[str, list[tuple[str, dict[str, Any]]]] = {}
    for name, entry in data["icons"].items():
        if not entry.get("hidden") and name.endswith(source.suffix):
            names.setdefault(_plain(name.removesuffix(source.suffix)), []).append((name, entry))
    for concept in concepts:
        wanted = dict.fromkeys(_plain(name) for name in concept.icons)
        if source.role in ("shapes", "test"):
            wanted.update(dict.fromkeys(_plain(name) for name in (concept.noun, *concept.synonyms)))
        for key in wanted:
            if source.role == "shapes" and key in HOMONYMS:
                continue
            for name, entry in names.get(key, ()):
                yield Icon(source, name, concept.noun, _svg(entry, width, height))


def render(svg: str) -> npt.NDArray[np.uint8] | None:
    """Draw an SVG, crop it to its ink and centre it: ``[128, 128, 4]`` straight-alpha sRGB, or None if it is empty."""
    import resvg_py  # type: ignore[import-not-found, unused-ignore]

    drawn = Image.open(
        io.BytesIO(bytes(resvg_py.svg_to_bytes(svg_string=svg, width=2 * RESOLUTION)))
    ).convert("RGBA")
    box = drawn.getchannel("A").point(lambda value: 255 if value > 8 else 0).getbbox()
    if box is None:
        return None
    drawn = drawn.crop(box)
    scale = (RESOLUTION - 2 * MARGIN) / max(drawn.size)
    size = max(1, round(drawn.width * scale)), max(1, round(drawn.height * scale))
    if min(size) < 12:
        return None
    # "RGBa" is premultiplied: resizing straight alpha would bleed the colour of invisible pixels into the edges.
    small = drawn.convert("RGBa").resize(size, Image.Resampling.LANCZOS).convert("RGBA")
    canvas = Image.new("RGBA", (RESOLUTION, RESOLUTION), (255, 255, 255, 0))
    canvas.paste(small, ((RESOLUTION - size[0]) // 2, (RESOLUTION - size[1]) // 2))
    return np.asarray(canvas)
