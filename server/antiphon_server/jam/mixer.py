"""The mixer of a room: how loud and where every person, loop and role of the band is heard, from the document.

One rule for all (`antiphon_proto.document.jam.level`): pages, the band's engine, the recording and its files follow it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple

from msgspec.structs import replace

from antiphon_proto.document.jam import BAND_ROLES, PLAYER_VOLUME, BandControls, level
from antiphon_server.document.jam import Jam
from antiphon_server.jam.recording import Part


class Strip(NamedTuple):
    """Volume 0 to 1 as it is heard, and pan, 0 is left."""

    volume: float
    pan: float


def soloed(jam: Jam) -> bool:
    """Whether any strip is solo."""
    fields = [*jam.players.values(), *jam.loops.values()]
    return any(isinstance(one, Mapping) and _on(one, "solo") for one in fields) or any(
        jam.role_flag("solo", role) and not jam.role_flag("muted", role) for role in BAND_ROLES
    )


def strips(jam: Jam, people: Iterable[str]) -> dict[tuple[Part, str], Strip]:
    """Of the people, of all who have set something, and of the loops."""
    alone = soloed(jam)
    found: dict[tuple[Part, str], Strip] = {}
    for person in {*people, *jam.players}:
        fields = jam.players.get(person)
        fields = fields if isinstance(fields, Mapping) else {}
        found["person", person] = _strip(fields, PLAYER_VOLUME, alone)
    for key, fields in jam.loops.items():
        found["loop", key] = _strip(fields, 1.0, alone)
    return found


def heard(jam: Jam) -> BandControls:
    """The band's controls, with the volumes at which its roles are heard."""
    controls, alone = jam.controls, soloed(jam)
    volumes = dict(controls.volumes)
    for role in BAND_ROLES:
        muted, solo = jam.role_flag("muted", role), jam.role_flag("solo", role)
        if muted or (alone and not solo):
            volumes[role] = level(volumes.get(role, 1.0), muted=muted, solo=solo, soloed=alone)
    return replace(controls, volumes=volumes)


def _strip(fields: Mapping[str, Any], volume: float, alone: bool) -> Strip:
    muted, solo = fields.get("muted") is True, fields.get("solo") is True
    own = _unit(fields.get("volume"), volume)
    return Strip(level(own, muted=muted, solo=solo, soloed=alone), _unit(fields.get("pan"), 0.5))


def _on(fields: Mapping[str, Any], name: str) -> bool:
    """Whether a strip is solo and can be heard: a muted one silences nobody."""
    return fields.get(name) is True and fields.get("muted") is not True


def _unit(value: object, default: float) -> float:
    sound = isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= 1
    return float(value) if sound else default  # type: ignore[arg-type]
