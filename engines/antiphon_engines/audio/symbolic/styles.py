"""How a style sounds: the instruments of each role, the drum kit, and where its accents lie.

The model plays notes without velocities or programs; these tables are the band's hands. Programs are General MIDI
numbers of presets that the embedded SoundFont has.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from antiphon_proto.document.jam import BandRole

PRESETS: Final = (
    0, 4, 6, 11, 16, 19, 21, 22, 24, 25, 26, 27, 28, 29, 30, 32, 33, 34, 36, 38, 39, 40, 42, 46, 48, 52, 56, 57, 58, 60,
    61, 62, 66, 71, 73, 80, 81, 88, 89, 90, 91,
)  # fmt: skip
"""Programs of the embedded SoundFont."""
KITS: Final = (0, 8, 25)
"""Drum kits of the embedded SoundFont: standard, room, TR-808."""
DRUM_KIT: Final = 128
"""The program of a drum kit in the protocol."""
_FAMILIES: Final = (0, 11, 16, 24, 33, 48, 48, 61, 66, 73, 80, 89, 88, 24, 11, 91)
"""The substitute for each family of eight programs that the SoundFont lacks."""


@dataclass(frozen=True)
class Sound:
    """`accents` are added to a note's velocity by its place in the beat: on the bar's first beat, on the other strong
    beat, on weak beats, on the half of a beat, elsewhere."""

    lead: int
    bass: int
    chords: int
    pad: int
    kit: int
    accents: tuple[int, int, int, int, int]
    loose: float
    """Milliseconds by which hands are late at most."""

    def program(self, role: BandRole) -> int:
        """Preset of a role; of drums, the kit."""
        programs: dict[BandRole, int] = {
            "lead": self.lead,
            "bass": self.bass,
            "chords": self.chords,
            "pad": self.pad,
            "drums": self.kit,
        }
        return programs[role]


_EVEN: Final = (10, 4, 0, -4, -9)
_BACK: Final = (8, 0, 6, -5, -11)
_DRIVE: Final = (10, 6, 7, 1, -5)
_OFF: Final = (2, -3, -2, 9, -5)
_SWING: Final = (4, -2, 5, -4, 1)
_SOFT: Final = (6, 3, 0, -3, -6)

_SOUNDS: Final[Mapping[str, Sound]] = {
    "any": Sound(66, 33, 0, 48, 0, _EVEN, 7),
    "pop": Sound(73, 33, 0, 48, 0, _BACK, 6),
    "rock": Sound(29, 34, 27, 16, 8, _DRIVE, 7),
    "hardrock": Sound(30, 34, 29, 16, 8, _DRIVE, 6),
    "ballad": Sound(71, 33, 0, 48, 0, _SOFT, 9),
    "folk": Sound(22, 32, 25, 48, 0, _EVEN, 10),
    "country": Sound(25, 33, 25, 40, 0, _BACK, 8),
    "blues": Sound(22, 33, 27, 16, 0, _SWING, 11),
    "jazz": Sound(66, 32, 26, 4, 0, _SWING, 12),
    "bossa": Sound(73, 32, 24, 48, 0, _SOFT, 9),
    "samba": Sound(73, 33, 24, 61, 0, _OFF, 7),
    "reggae": Sound(57, 33, 27, 16, 8, _OFF, 12),
    "ska": Sound(56, 34, 27, 16, 8, _OFF, 6),
    "funk": Sound(66, 36, 27, 16, 8, _BACK, 5),
    "disco": Sound(62, 33, 27, 48, 0, _DRIVE, 4),
    "house": Sound(80, 38, 4, 89, 25, _DRIVE, 2),
    "techno": Sound(81, 39, 90, 89, 25, _DRIVE, 1),
    "hiphop": Sound(80, 38, 4, 48, 25, _BACK, 12),
    "lofi": Sound(11, 33, 4, 89, 8, _SOFT, 14),
    "ambient": Sound(73, 89, 88, 91, 8, _SOFT, 10),
    "waltz": Sound(40, 32, 0, 48, 0, _EVEN, 8),
    "jazzwaltz": Sound(66, 32, 26, 4, 0, _SWING, 12),
    "march": Sound(56, 58, 60, 61, 0, _DRIVE, 6),
    "celtic": Sound(73, 32, 46, 48, 0, _EVEN, 8),
    "chorale": Sound(52, 19, 19, 52, 0, _SOFT, 9),
    "classical": Sound(40, 42, 0, 48, 0, _SOFT, 9),
    "latin": Sound(56, 32, 0, 61, 0, _OFF, 6),
    "tango": Sound(40, 32, 21, 48, 0, _DRIVE, 7),
    "metal": Sound(30, 34, 30, 29, 8, _DRIVE, 3),
    "gospel": Sound(66, 33, 16, 52, 0, _BACK, 10),
}
_LEVELS: Final[dict[BandRole, int]] = {"lead": 92, "bass": 88, "chords": 72, "pad": 58, "drums": 84}
"""Velocity of each role before accents."""


def sound_of(style: str) -> Sound:
    """The sound of a style of `tokens.STYLES`."""
    return _SOUNDS[style]


def preset_of(program: int | None, *, drums: bool = False) -> int | None:
    """The preset of the SoundFont that comes nearest to a General MIDI program; for drums, the kit of that number. None
    leaves it to the style."""
    if program is None or drums:
        return program if program in KITS else None
    if not 0 <= program < DRUM_KIT:
        return None
    family = [preset for preset in PRESETS if preset // 8 == program // 8]
    return min(family, key=lambda preset: abs(preset - program), default=_FAMILIES[program // 8])


def velocity(
    sound: Sound, role: BandRole, beat: int, beats: int, offset: int, ticks: int, jitter: int
) -> int:
    """1 to 127 for a note `offset` of a beat's `ticks` after beat `beat` of a bar of `beats`; `jitter` is added."""
    strong, half, weak, off, else_ = sound.accents
    if offset == 0:
        accent = strong if beat == 0 else half if beats == 4 and beat == 2 else weak
    else:
        accent = off if 2 * offset == ticks else else_
    return max(1, min(127, _LEVELS[role] + accent + jitter))
