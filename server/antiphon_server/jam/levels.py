"""How loud and where each part of a jam was heard over time, and on which instrument the band played. Pure."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Sequence
from typing import Final, NamedTuple

from msgspec import Struct

from antiphon_proto.document.jam import PLAYER_VOLUME, ROLE_PANS
from antiphon_server.jam.recording import BandPlayed, BandVoiced, JamEvent, Mixed, Part


class ScoreNote(Struct, frozen=True, array_like=True):
    """Times are milliseconds, `start_ms` from the beginning of the score."""

    start_ms: float
    duration_ms: float
    pitch: int
    velocity: int


class Level(Struct, frozen=True, array_like=True):
    """From `at_ms` of the score on a track is heard at this volume, 0 to 1, and place, 0 is left."""

    at_ms: float
    volume: float
    pan: float


class Tone(Struct, frozen=True, array_like=True):
    """From `at_ms` of the score on the band's brightness, 0 to 1."""

    at_ms: float
    brightness: float


class TrackKey(NamedTuple):
    """Whose notes, on which instrument: what makes a track."""

    part: Part
    author: str
    key: str
    program: int
    kit: int = 0


class Mix:
    """How loud and where everything was heard, over time."""

    def __init__(self, events: Sequence[JamEvent]) -> None:
        self._strips: dict[tuple[str, str], list[Level]] = {}
        self._sounds: dict[str, list[BandVoiced]] = {}
        for event in events:
            if isinstance(event, Mixed):
                level = Level(event.at_ms, event.volume, event.pan)
                self._strips.setdefault((event.part, event.key), []).append(level)
            elif isinstance(event, BandVoiced):
                self._sounds.setdefault(event.run, []).append(event)
                for voice in event.voices:
                    level = Level(event.at_ms, voice.volume, voice.pan)
                    self._strips.setdefault((f"band {event.run}", voice.role), []).append(level)

    def instrument(self, played: BandPlayed) -> tuple[int, int]:
        """Program and kit of a note of the band."""
        sounds = self._sounds.get(played.run, ())
        at = bisect_right(sounds, played.at_ms, key=lambda one: one.at_ms) - 1
        for voice in sounds[max(0, at)].voices if sounds else ():
            if voice.role == played.role:
                return voice.program, voice.kit
        return played.program, 0

    def audible(self, key: TrackKey, note: ScoreNote) -> bool:
        """Whether anything of a note was heard; times are server time."""
        levels = self._of(key)
        first = max(0, bisect_right(levels, note.start_ms, key=lambda one: one.at_ms) - 1)
        end = note.start_ms + note.duration_ms
        return any(
            level.volume > 0 for place, level in enumerate(levels[first:]) if not place or level.at_ms < end
        )

    def levels(self, key: TrackKey, start_ms: float) -> tuple[Level, ...]:
        """From the beginning of a score on."""
        found: list[Level] = []
        for level in self._of(key):
            moved = Level(max(0.0, level.at_ms - start_ms), level.volume, level.pan)
            if found and (
                found[-1].at_ms == moved.at_ms
                or (found[-1].volume, found[-1].pan) == (moved.volume, moved.pan)
            ):
                moved = moved if found[-1].at_ms == moved.at_ms else found[-1]
                found.pop()
            found.append(moved)
        first = found[0]
        return (Level(0.0, first.volume, first.pan), *found[1:])

    def tones(self, start_ms: float) -> tuple[Tone, ...]:
        """Of all bands: one plays at a time."""
        told = sorted((one for sounds in self._sounds.values() for one in sounds), key=lambda one: one.at_ms)
        found: list[Tone] = []
        for one in told:
            tone = Tone(max(0.0, one.at_ms - start_ms), one.brightness)
            if found and found[-1].at_ms == tone.at_ms:
                found.pop()
            if not found or found[-1].brightness != tone.brightness:
                found.append(tone)
        return tuple(found)

    def _of(self, key: TrackKey) -> list[Level]:
        part = f"band {key.author}" if key.part == "band" else key.part
        return self._strips.get((part, key.key)) or [_DEFAULTS[key.part](key.key)]


_DEFAULTS: Final[dict[Part, Callable[[str], Level]]] = {
    "person": lambda _: Level(0.0, PLAYER_VOLUME, 0.5),
    "loop": lambda _: Level(0.0, 1.0, 0.5),
    "band": lambda role: Level(0.0, 1.0, _PANS.get(role, 0.5)),
}
"""Of records that say nothing of levels."""
_PANS: Final[dict[str, float]] = {str(role): pan for role, pan in ROLE_PANS.items()}
