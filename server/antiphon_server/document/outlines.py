"""A summary of each object of the board, kept so that common questions do not read every stroke: on a full board
(16 MB) that takes about a second.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from msgspec import Struct

from antiphon_proto.document.canvas import POINTS

Box: TypeAlias = tuple[float, float, float, float]
"""Left, top, right, bottom, in canvas units."""


def box_of(fields: Mapping[str, Any]) -> Box:
    """The largest area that an object may cover: for a rotated one, its circle."""
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


class Outline(Struct, frozen=True):
    type: str
    hidden: bool
    asset: str
    """The picture that it shows; empty where there is none."""
    box: Box


class Outlines:
    """Of all objects. `everything` reads the board once, `one` reads objects that were touched since."""

    def __init__(
        self,
        everything: Callable[[], Mapping[str, Mapping[str, Any]]],
        one: Callable[[str], Mapping[str, Any] | None],
    ) -> None:
        self._everything = everything
        self._one = one
        self._known: dict[str, Outline] | None = None
        self._touched: set[str] = set()

    def touch(self, key: str) -> None:
        """The object is new, changed or gone."""
        if self._known is not None:
            self._touched.add(key)

    def all(self) -> Mapping[str, Outline]:
        """As they are now, not to be changed."""
        if self._known is None:
            self._known = {key: _outline(fields) for key, fields in self._everything().items()}
        for key in self._touched:
            self._known.pop(key, None)
            if (fields := self._one(key)) is not None:
                self._known[key] = _outline(fields)
        self._touched.clear()
        return self._known


def _outline(fields: Mapping[str, Any]) -> Outline:
    kind, asset = fields.get("type"), fields.get("asset")
    return Outline(
        kind if isinstance(kind, str) else "",
        bool(fields.get("hidden")),
        asset if isinstance(asset, str) else "",
        box_of(fields),
    )
