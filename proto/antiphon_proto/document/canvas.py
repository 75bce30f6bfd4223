"""Objects of the canvas: their types, fields and bounds, for the server and the SDK.

The root `canvas` is a Y.Map: object id -> Y.Map of the fields below. Values are plain, with two exceptions: a stroke's
`points` is a Y.Array (numbers x, y, pressure; x, y, pressure; ...), so that it can grow while it is drawn, and the
`text` of a text object is a Y.Text (characters only: no formats, no embeds), so that several people can write in it at
once. Older rooms hold that text as a plain string; the server converts it to a Y.Text when it opens the room, and when
a client writes a plain string. Coordinates are canvas units (pixels at zoom 1), y downwards, `rotation` is degrees
clockwise about the middle.

`z` orders the objects from back to front (`antiphon_proto.document.order`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from typing import Final, cast

from antiphon_proto.document.order import MAX_KEY
from antiphon_proto.params import ImageTask

LIMIT: Final = 1_000_000.0
"""Coordinates and sizes, in canvas units, at most."""
DEFAULT_MAX_OBJECTS: Final = 5000
DEFAULT_MAX_POINTS: Final = 4000
POINTS: Final = "points"
TEXT: Final = "text"
ORDER: Final = "z"
MAX_TEXT: Final = 10_000
"""Characters of a text on the board."""
MAX_ALT: Final = 1000
"""Most characters of a picture's description by a person."""
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")

Check = Callable[[object], bool]


def _number(low: float = -LIMIT, high: float = LIMIT) -> Check:
    def holds(value: object) -> bool:
        # A comparison with NaN is false.
        return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high

    return holds


def _text(longest: int, pattern: str = "") -> Check:
    form = re.compile(pattern) if pattern else None

    def holds(value: object) -> bool:
        return (
            isinstance(value, str) and len(value) <= longest and (form is None or bool(form.fullmatch(value)))
        )

    return holds


def _one_of(*choices: str) -> Check:
    return lambda value: isinstance(value, str) and value in choices


def _flag(value: object) -> bool:
    return isinstance(value, bool)


_COLOR: Final = _text(9, r"#[0-9a-fA-F]{6}([0-9a-fA-F]{2})?")
_ASSET: Final = _text(64, r"[0-9a-f]{64}")
_NAME: Final = _text(64, r"[A-Za-z0-9_-]*")
_POSITIVE: Final = _number(0)
_TASK: Final = _one_of(*ImageTask.__args__)  # type: ignore[attr-defined]

_COMMON: Final[dict[str, Check]] = {
    "type": _one_of("stroke", "shape", "text", "image", "frame"),
    "z": _text(MAX_KEY, r"[0-9A-Za-z]+"),
    "x": _number(),
    "y": _number(),
    "w": _POSITIVE,
    "h": _POSITIVE,
    "rotation": _number(-360, 360),
    "opacity": _number(0, 1),
    "hidden": _flag,
    "locked": _flag,
    "layer": _text(64),
    "name": _text(200),
}
_PROVENANCE: Final[dict[str, Check]] = {
    "run": _NAME,
    "task": _TASK,
    "prompt": _text(2000),
    "negative_prompt": _text(2000),
    "model": _text(200),
    "seed": _number(0, 2**53 - 1),
    "params": _text(4000),
    "source": _ASSET,
    "mask": _ASSET,
    "asker": _NAME,
    "frame": _text(32_000),
}
_BY_TYPE: Final[dict[str, dict[str, Check]]] = {
    "stroke": {
        "tool": _one_of("pen", "marker", "eraser"),
        "color": _COLOR,
        "size": _number(0, 1000),
    },
    "shape": {
        "shape": _one_of("rectangle", "ellipse", "triangle", "diamond", "line", "arrow"),
        "color": _COLOR,
        "fill": _COLOR,
        "size": _number(0, 1000),
    },
    "text": {
        "text": _text(MAX_TEXT),
        "color": _COLOR,
        "font": _one_of("sans", "serif", "mono", "hand"),
        "font_size": _number(1, 1000),
        "align": _one_of("left", "center", "right"),
    },
    "image": {"asset": _ASSET, "style": _text(64), "alt": _text(MAX_ALT), **_PROVENANCE},
    "frame": {
        "prompt": _text(2000),
        "negative_prompt": _text(2000),
        "task": _TASK,
        "strength": _number(0, 1),
        "steps": _number(1, 100),
        "guidance": _number(0, 30),
        "seed": _number(0, 2**53 - 1),
        "style": _text(64),
        "sampler": _NAME,
        "adapter": _text(64),
        "adapter_scale": _number(-2, 2),
        "source": _ASSET,
        "mask": _ASSET,
        "live": _flag,
        "holder": _NAME,
        "asset": _ASSET,
        "run": _NAME,
    },
}
_REQUIRED: Final[dict[str, tuple[str, ...]]] = {
    "stroke": (POINTS,),
    "shape": ("shape", "w", "h"),
    "text": ("text",),
    "image": ("asset", "w", "h"),
    "frame": ("w", "h"),
}
KINDS: Final = tuple(_BY_TYPE)
_CHECKS: Final = {kind: {**own, **_COMMON} for kind, own in _BY_TYPE.items()}
"""Type -> field -> check, `points` apart."""


def is_id(value: str) -> bool:
    """Whether an object may have this id."""
    return bool(_ID.fullmatch(value))


def required(kind: object) -> tuple[str, ...]:
    """Fields without which an object of this type is none."""
    return ("type", "z", "x", "y", *_REQUIRED.get(kind if isinstance(kind, str) else "", ()))


def fits(kind: object, name: str, value: object, max_points: int = DEFAULT_MAX_POINTS) -> bool:
    """Whether an object of type `kind` may have `value` in its field `name`; `points` come as a list."""
    if name == POINTS:
        return kind == "stroke" and isinstance(value, list) and _points(value, max_points)
    check = _checks(kind).get(name)
    return check is not None and check(value)


def faults(fields: Mapping[str, object], max_points: int = DEFAULT_MAX_POINTS) -> list[str]:
    """Names of the fields that may not stand so, missing ones included; empty for a sound object."""
    kind = fields.get("type")
    checks = _checks(kind)
    wrong = [
        name
        for name, value in fields.items()
        if not ((check := checks.get(name)) is not None and check(value))
        and not (name == POINTS and fits(kind, name, value, max_points))
    ]
    return wrong + [name for name in required(kind) if name not in fields]


def _checks(kind: object) -> dict[str, Check]:
    return _CHECKS.get(kind, _COMMON) if isinstance(kind, str) else _COMMON


def _points(values: list[object], max_points: int) -> bool:
    if len(values) > 3 * max_points or not set(map(type, values)) <= {int, float}:
        return False
    numbers = cast(list[float], values)
    # A long stroke is looked at with every push onto it, so this must be quick. A NaN hides from `min` and `max`, but
    # not from the sum.
    return not numbers or (min(numbers) >= -LIMIT and max(numbers) <= LIMIT and not math.isnan(sum(numbers)))
