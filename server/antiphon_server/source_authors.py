"""Who drew what a picture is painted from: the makers of all that stands in its frame when it is asked for."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from typing import Any, TypeAlias

from antiphon_proto.canvas import POINTS
from antiphon_server.object_authors import ObjectAuthor

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom, in canvas units."""


def box_of(fields: Mapping[str, Any]) -> Box:
    """What an object covers at most: turned, the circle that it turns in."""
    x, y = float(fields.get("x", 0)), float(fields.get("y", 0))
    w, h = float(fields.get("w", 0)), float(fields.get("h", 0))
    left, top, right, bottom = min(x, x + w), min(y, y + h), max(x, x + w), max(y, y + h)
    if points := fields.get(POINTS):
        across, down = points[0::3], points[1::3]
        left, right = x + min(across), x + max(across)
        top, bottom = y + min(down, default=0.0), y + max(down, default=0.0)
    if fields.get("rotation"):
        middle, radius = ((left + right) / 2, (top + bottom) / 2), math.hypot(right - left, bottom - top) / 2
        left, right = middle[0] - radius, middle[0] + radius
        top, bottom = middle[1] - radius, middle[1] + radius
    return left, top, right, bottom


def source_authors(
    frame: Mapping[str, Any],
    objects: Mapping[str, Mapping[str, Any]],
    authors: Iterable[tuple[str, ObjectAuthor]],
) -> dict[str, Any]:
    """`{"authors": people, "runs": runs, "objects": how many}` of what stands in the frame, frames left out."""
    place = box_of(frame)
    inside = {
        key
        for key, fields in objects.items()
        if fields.get("type") != "frame" and not fields.get("hidden") and _meet(place, box_of(fields))
    }
    hands = [hand for key, one in authors if key in inside for hand in (one.creator, one.editor)]
    return {
        "authors": sorted({hand.author for hand in hands if hand.run is None}),
        "runs": sorted({hand.run for hand in hands if hand.run is not None}),
        "objects": len(inside),
    }


def _meet(one: Box, other: Box) -> bool:
    return one[0] <= other[2] and other[0] <= one[2] and one[1] <= other[3] and other[1] <= one[3]
