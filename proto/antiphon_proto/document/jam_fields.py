"""Fields of the document root `jam` and their bounds, for server and SDK. Values are plain JSON values. Counts are
whole numbers, though Yjs may deliver them as floats.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from antiphon_proto.document.jam import (
    BAND,
    BAND_ROLES,
    LOOPS,
    MAX_LOOP_BARS,
    MAX_PROMPTS,
    PLAYERS,
    SETTINGS,
    BandControls,
    BandMode,
    Prompt,
    loop_notes,
)

Check = Callable[[object], bool]
SECTIONS: Final = (BAND, PLAYERS, LOOPS, SETTINGS)
"""The Y.Maps that clients may write."""
MAX_INTERVAL: Final = 16
_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")


def _between(low: float, high: float) -> Check:
    # A comparison with NaN is false.
    return lambda value: (
        isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high
    )


def _whole(low: int, high: int) -> Check:
    holds = _between(low, high)
    return lambda value: holds(value) and value == int(value)  # type: ignore[call-overload]


def _flag(value: object) -> bool:
    return isinstance(value, bool)


def _text(longest: int, shortest: int = 0) -> Check:
    return lambda value: isinstance(value, str) and shortest <= len(value) <= longest


def _role(value: object) -> bool:
    return isinstance(value, str) and value in BAND_ROLES


def _or_none(check: Check) -> Check:
    return lambda value: value is None or check(value)


_UNIT: Final = _between(0, 1)
_PROGRAM: Final = _whole(0, 128)

LOOP: Final[dict[str, Check]] = {
    "name": _text(64),
    "program": _PROGRAM,
    "bars": _whole(1, MAX_LOOP_BARS),
    "beats": _whole(2, 7),
    "notes": lambda value: loop_notes(value) is not None,
    "volume": _UNIT,
    "pan": _UNIT,
    "muted": _flag,
    "solo": _flag,
    "by": lambda value: isinstance(value, str) and is_loop_id(value),
}
LOOP_REQUIRED: Final = ("bars", "beats", "notes", "program")
PLAYER: Final[dict[str, Check]] = {
    "program": _PROGRAM,
    "volume": _UNIT,
    "pan": _UNIT,
    "muted": _flag,
    "solo": _flag,
}
SETTING: Final[dict[str, Check]] = {
    "interval": _whole(0, MAX_INTERVAL),
    "metronome": _flag,
    "count_in": _whole(0, 4),
}
CONTROL: Final[dict[str, Check]] = {
    "mode": lambda value: isinstance(value, str) and value in BandMode.__args__,  # type: ignore[attr-defined]
    "density": _or_none(_UNIT),
    "brightness": _or_none(_UNIT),
    "reaction": _between(0.25, 8),
    "temperature": _between(0.1, 2),
}
CONTROL_MAPS: Final[dict[str, tuple[Check, Check, int]]] = {
    "prompts": (_text(200, 1), _UNIT, MAX_PROMPTS),
    "roles": (_role, _flag, len(BAND_ROLES)),
    "volumes": (_role, _UNIT, len(BAND_ROLES)),
    "pans": (_role, _UNIT, len(BAND_ROLES)),
    "muted": (_role, _flag, len(BAND_ROLES)),
    "solo": (_role, _flag, len(BAND_ROLES)),
    "instruments": (_role, _PROGRAM, len(BAND_ROLES)),
}
"""Fields of `band` that are Y.Maps: check of a key, check of a value, most entries."""


def is_loop_id(value: str) -> bool:
    """Whether `value` may be the id of a loop."""
    return bool(_ID.fullmatch(value))


def faults(
    checks: Mapping[str, Check], fields: Mapping[str, object], required: tuple[str, ...] = ()
) -> list[str]:
    """Names of the invalid fields, missing ones included."""
    wrong = [name for name, value in fields.items() if name not in checks or not checks[name](value)]
    return wrong + [name for name in required if name not in fields]


def loop_faults(fields: Mapping[str, object]) -> list[str]:
    """Names of the invalid and of the missing fields of a loop."""
    return faults(LOOP, fields, LOOP_REQUIRED)


def band_controls(fields: Mapping[str, Any]) -> BandControls:
    """The band's controls from the (valid) fields of `band`; a missing or null field has its default."""
    default = BandControls()
    fields = {name: value for name, value in fields.items() if value is not None}
    plain = {name: fields[name] for name in CONTROL if name in fields}
    if "prompts" in fields:
        plain["prompts"] = tuple(Prompt(text, float(weight)) for text, weight in fields["prompts"].items())
    roles = {role: role in default.roles for role in BAND_ROLES} | dict(fields.get("roles", {}))
    return BandControls(
        roles=frozenset(role for role in BAND_ROLES if roles[role]),
        volumes={role: float(value) for role, value in fields.get("volumes", {}).items()},
        pans={role: float(value) for role, value in fields.get("pans", {}).items()},
        instruments={role: int(value) for role, value in fields.get("instruments", {}).items()},
        **plain,
    )
