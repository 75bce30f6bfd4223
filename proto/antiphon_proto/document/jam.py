"""The jam: its clock, notes of people and the band, controls of the band. Shared by wire, document and engines.

Three clocks meet here. *Server time* is Unix milliseconds on the server's clock (clients know their offset to it).
*Beats* are quarter notes from the jam's first beat, as floats; *ticks* are `PPQ` to a beat, as whole numbers. *Samples*
count 48 kHz frames of the band's audio stream from its start. `Transport` ties beats to server time.
"""

from __future__ import annotations

import math
from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

PPQ: Final = 480
"""Ticks of a quarter note, in loops, band notes and MIDI files."""
SAMPLE_RATE: Final = 48_000
CHANNELS: Final = 2

MAX_NOTE_EVENTS: Final = 64
"""Events of one `play` message."""
MAX_LOOP_NOTES: Final = 2_000
MAX_LOOP_BARS: Final = 32
MAX_LOOPS: Final = 64
MAX_PROMPTS: Final = 8

Tempo = Annotated[float, Meta(ge=30.0, le=300.0)]
"""Quarter notes a minute."""
Meter = Annotated[int, Meta(ge=2, le=7)]
"""Quarter notes a bar."""
Tonic = Annotated[int, Meta(ge=0, le=11)]
"""Pitch class, 0 is C."""
KeyMode = Literal["maj", "min"]
Pitch = Annotated[int, Meta(ge=0, le=127)]
Velocity = Annotated[int, Meta(ge=0, le=127)]
Program = Annotated[int, Meta(ge=0, le=128)]
"""General MIDI program, 0 to 127; 128 is the drum kit."""
Unit = Annotated[float, Meta(ge=0.0, le=1.0)]
BandRole = Literal["lead", "bass", "chords", "pad", "drums"]
BAND_ROLES: Final[tuple[BandRole, ...]] = ("lead", "bass", "chords", "pad", "drums")
BandMode = Literal["accompany", "answer", "free"]
"""`accompany` follows the players; `answer` waits for a phrase and answers it; `free` plays by itself."""
Reaction = Annotated[float, Meta(ge=0.25, le=8.0)]
"""Shortest time, in beats, until the band's sound reacts to the players."""
When = Literal["now", "beat", "bar"]

# The document: root `jam`, a Y.Map ----------------------------------------------------------------------

TRANSPORT: Final = "transport"
"""{"now": Transport, "next": Transport or null} as JSON objects; written by the server only."""
BAND: Final = "band"
"""Y.Map of the band's controls, one entry per field of `BandControls` (`prompts`: a Y.Map text -> weight; `roles`: a
Y.Map role -> bool; `volumes`, `pans`: a Y.Map role -> 0 to 1; `instruments`: a Y.Map role -> program), and of its
strips in the mixer: `muted` and `solo`, Y.Maps role -> bool."""
PLAYERS: Final = "players"
"""Y.Map: participant id -> {"program": Program, "volume": 0 to 1, "pan": 0 (left) to 1, "muted": bool, "solo": bool}.
Everybody chooses their own program; who may edit may mix."""
LOOPS: Final = "loops"
"""Y.Map: loop id -> Y.Map of a loop's fields (`LOOP_FIELDS`)."""
SETTINGS: Final = "settings"
"""Y.Map: `interval` (bars after which people hear each other, 0: at once), `metronome` (bool), `count_in` (bars)."""

LOOP_FIELDS: Final = ("name", "program", "bars", "beats", "notes", "volume", "pan", "muted", "solo", "by")
"""`notes` is a JSON array of [tick, duration in ticks, pitch, velocity]; the loop sounds at every bar whose number is a
multiple of `bars`. `by` is the author, which the server sets."""


class Transport(Struct, frozen=True, forbid_unknown_fields=True):
    """Beat `beat` sounds at server time `at_ms`, later beats follow at `tempo`; while stopped, the beat stays.

    Bar `bar` begins at beat `bar_beat`; bars of `beats` follow it. `serial` rises with every change.
    """

    serial: int = 0
    playing: bool = False
    at_ms: float = 0.0
    beat: float = 0.0
    tempo: Tempo = 110.0
    beats: Meter = 4
    bar: int = 0
    bar_beat: float = 0.0
    tonic: Tonic = 0
    mode: KeyMode = "maj"

    def beat_at(self, ms: float) -> float:
        """The beat that sounds at server time `ms` (not before `at_ms`)."""
        return self.beat + (max(0.0, ms - self.at_ms) * self.tempo / 60_000 if self.playing else 0.0)

    def ms_at(self, beat: float) -> float:
        """Server time, in milliseconds, of a beat from `beat` on; infinite while stopped."""
        return self.at_ms + (beat - self.beat) * 60_000 / self.tempo if self.playing else math.inf

    def bar_at(self, beat: float) -> int:
        """Number of the bar that `beat` lies in."""
        return self.bar + math.floor((beat - self.bar_beat) / self.beats)

    def next_line(self, beat: float, when: When) -> float:
        """The first beat or bar line at or after `beat`; `beat` itself for "now"."""
        if when == "now":
            return beat
        length = self.beats if when == "bar" else 1
        return self.bar_beat + math.ceil((beat - self.bar_beat) / length - 1e-9) * length


class TransportChange(Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """Unset fields do not change. `bar` jumps to the start of a bar (with `playing` true: starts there)."""

    playing: bool | UnsetType = UNSET
    tempo: Tempo | UnsetType = UNSET
    beats: Meter | UnsetType = UNSET
    tonic: Tonic | UnsetType = UNSET
    mode: KeyMode | UnsetType = UNSET
    bar: Annotated[int, Meta(ge=0, le=100_000)] | UnsetType = UNSET


class NoteEvent(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A key pressed (`velocity` 1 to 127) or released (0), at server time `at_ms`."""

    at_ms: float
    pitch: Pitch
    velocity: Velocity


class BandNote(Struct, frozen=True, array_like=True):
    """A note of the band: `tick` counts from the jam's first beat. Drums: `pitch` is the General MIDI key."""

    tick: int
    duration: int
    role: BandRole
    pitch: Pitch
    velocity: Velocity


class BandChord(Struct, frozen=True, array_like=True):
    """The harmony from `tick` on, for people to read: "Am7"."""

    tick: int
    name: Annotated[str, Meta(max_length=16)]


class Prompt(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    """A direction for the band, in words, and its weight against the others'."""

    text: Annotated[str, Meta(min_length=1, max_length=200)]
    weight: Unit = 1.0


class BandControls(Struct, frozen=True, forbid_unknown_fields=True):
    """The room's wishes to the band. Heard from the next bar line on, as soon as `reaction` allows.

    `density` and `brightness` None leave it to the model. `roles` play; `instruments` and `volumes` are by role.
    """

    prompts: Annotated[tuple[Prompt, ...], Meta(max_length=MAX_PROMPTS)] = (Prompt("pop"),)
    mode: BandMode = "accompany"
    roles: frozenset[BandRole] = frozenset({"bass", "chords", "drums"})
    density: Unit | None = None
    brightness: Unit | None = None
    reaction: Reaction = 0.5
    temperature: Annotated[float, Meta(ge=0.1, le=2.0)] = 0.9
    volumes: dict[BandRole, Unit] = {}
    pans: dict[BandRole, Unit] = {}
    instruments: dict[BandRole, Program] = {}


ROLE_PANS: Final[dict[BandRole, float]] = {"lead": 0.6, "bass": 0.5, "chords": 0.36, "pad": 0.5, "drums": 0.5}
"""Where a role stands when nobody has moved it."""
PLAYER_VOLUME: Final = 0.8
"""Of a person who has set none."""
NEW_PLAYER: Final = {"program": 0, "volume": PLAYER_VOLUME, "pan": 0.5, "muted": False, "solo": False}
"""The entry of somebody who has chosen nothing yet."""


class BandVoice(Struct, frozen=True, array_like=True):
    """How a role of the band sounds: program (128: the drum kit `kit`), volume 0 to 1, pan 0 (left) to 1."""

    role: BandRole
    program: Program
    kit: Program
    volume: Unit
    pan: Unit


class BandSound(Struct, frozen=True, array_like=True):
    """From sample `sample` of the stream on the band sounds like this; `brightness` 0.5 leaves its sound as it is."""

    sample: int
    brightness: Unit
    voices: tuple[BandVoice, ...]


def level(volume: float, *, muted: bool, solo: bool, soloed: bool) -> float:
    """The volume at which a strip of the mixer is heard. `soloed`: whether any strip of the room is solo."""
    return 0.0 if muted or (soloed and not solo) else volume


def loop_notes(value: Any) -> list[tuple[int, int, int, int]] | None:
    """A loop's `notes` as (tick, duration, pitch, velocity), or None when they do not have the form that LOOP_FIELDS
    states."""
    if not isinstance(value, list) or len(value) > MAX_LOOP_NOTES:
        return None
    longest = MAX_LOOP_BARS * 7 * PPQ
    notes: list[tuple[int, int, int, int]] = []
    for item in value:
        if not isinstance(item, list) or len(item) != 4:
            return None
        whole = [int(part) if isinstance(part, (int, float)) and part == part // 1 else -1 for part in item]
        tick, duration, pitch, velocity = whole
        if not (0 <= tick < longest and 0 < duration <= longest and 0 <= pitch < 128 and 0 < velocity < 128):
            return None
        notes.append((tick, duration, pitch, velocity))
    return notes
