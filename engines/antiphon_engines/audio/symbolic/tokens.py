"""The vocabulary of the embedded music model: one token stream for a band, ordered by time.

A stream is a list of bars. Every bar restates its controls, so a change is heard at the next bar line, and opens each
beat with the chord that rules it::

    bar    := BAR STYLE KEY TEMPO DENSITY ROLES LAG beat (BEAT_k beat)*
    beat   := heard* CHORD event*
    heard  := [HEARD_t] H<pitch>+        a note-on that a person played (its length is not known yet)
    event  := [AT_t] voice | HEARD_t H<pitch>+
    voice  := <role><pitch>+ DUR         notes of one voice that start and end together
            | D_<drum>

People's notes are *given*: they are injected and never predicted. They stand ``lag`` ticks later than they sounded,
which is how late the band may hear them. The chord of a beat stands after everything heard up to that beat, so it can
follow the melody, and a guess that the melody contradicts is mended one beat later.

Ticks: 12 a quarter note. Pitches: MIDI numbers. ``t`` in AT_t and HEARD_t counts ticks from the beat.
"""

from __future__ import annotations

import bisect
import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

TICKS_PER_BEAT: Final = 12
STYLES: Final = (
    "any", "pop", "rock", "hardrock", "ballad", "folk", "country", "blues", "jazz", "bossa", "samba", "reggae", "ska",
    "funk", "disco", "house", "techno", "hiphop", "lofi", "ambient", "waltz", "jazzwaltz", "march", "celtic", "chorale",
    "classical", "latin", "tango", "metal", "gospel",
)  # fmt: skip
TEMPO_BORDERS: Final = (70, 90, 110, 130, 155)
"""Quarter notes a minute that part the six tempo classes."""
DENSITY_BORDERS: Final = (1.2, 2.5, 4.0, 6.0)
"""Onsets of the band a beat (one a role and tick) that part the five density classes."""
LAGS: Final = (0, 3, 6, 12, 24)
"""Ticks between a person's note and the moment the band may know it."""
QUALITIES: Final[dict[str, tuple[int, ...]]] = {
    "maj": (0, 4, 7),
    "min": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "maj7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
    "dim": (0, 3, 6),
    "sus": (0, 5, 7),
}
DURATIONS: Final = (1, 2, 3, 4, 6, 8, 9, 12, 16, 18, 24, 30, 36, 48, 72, 96)
RANGES: Final[dict[str, tuple[int, int]]] = {
    "H": (36, 96),
    "M": (36, 96),
    "B": (24, 60),
    "C": (40, 84),
    "P": (36, 96),
}
"""Lowest and highest pitch of people (H), lead melody (M), bass (B), chords (C) and pad (P)."""
DRUMS: Final[dict[str, int]] = {
    "K": 36, "S": 38, "R": 37, "CP": 39, "H": 42, "O": 46, "PH": 44, "RD": 51, "RB": 53, "CR": 49, "LT": 45, "MT": 47,
    "HT": 50, "SH": 70, "TB": 54, "CB": 56, "CG": 63, "CL": 75,
}  # fmt: skip
"""Name and General MIDI key of each drum, in the order in which hits of one tick are written."""
DRUM_NAMES: Final = tuple(DRUMS)
ROLES: Final = ("M", "B", "C", "P", "D")
"""The band's roles in the order in which one tick's events are written: lead, bass, chords, pad, drums."""

Mode = Literal["maj", "min"]


class Key(NamedTuple):
    """A tonic pitch class (0 = C) and its mode."""

    tonic: int
    mode: Mode


class Chord(NamedTuple):
    """A root pitch class (0 = C) and a name in QUALITIES."""

    root: int
    quality: str

    def pitch_classes(self) -> frozenset[int]:
        """The pitch classes that belong to this chord."""
        return frozenset((self.root + step) % 12 for step in QUALITIES[self.quality])


class Note(NamedTuple):
    """One note of the band. Drums: ``pitch`` is an index into DRUM_NAMES and ``duration`` is 0."""

    tick: int
    role: str
    pitch: int
    duration: int


class Heard(NamedTuple):
    """One note-on of a person, at the tick at which the band comes to know it."""

    tick: int
    pitch: int


@dataclass(frozen=True)
class Bar:
    """One bar: its controls, one chord a beat (None: no chord), and its events in ticks from the bar line."""

    beats: int = 4
    number: int = 0
    style: str = "any"
    key: Key | None = None
    tempo: int | None = None
    density: int | None = None
    roles: frozenset[str] = frozenset(ROLES)
    lag: int = 0
    chords: tuple[Chord | None, ...] = ()
    notes: tuple[Note, ...] = ()
    heard: tuple[Heard, ...] = field(default=())

    @property
    def ticks(self) -> int:
        """Length of the bar in ticks."""
        return self.beats * TICKS_PER_BEAT


def _names() -> Iterator[str]:
    yield from ("PAD", "BOS", "EOS")
    for beats in (4, 3):
        yield from (f"BAR{beats}_{number}" for number in range(8))
    yield from (f"STYLE_{style}" for style in STYLES)
    yield from (f"KEY_{tonic}_{mode}" for mode in ("maj", "min") for tonic in range(12))
    yield "KEY_any"
    yield from (f"TEMPO_{index}" for index in range(len(TEMPO_BORDERS) + 1))
    yield "TEMPO_any"
    yield from (f"DENSITY_{index}" for index in range(len(DENSITY_BORDERS) + 1))
    yield "DENSITY_any"
    yield from (f"ROLES_{mask}" for mask in range(1 << len(ROLES)))
    yield from (f"LAG_{lag}" for lag in LAGS)
    yield from (f"CHORD_{root}_{quality}" for quality in QUALITIES for root in range(12))
    yield "CHORD_none"
    yield from (f"BEAT_{beat}" for beat in range(1, 4))
    yield from (f"AT_{tick}" for tick in range(1, TICKS_PER_BEAT))
    yield from (f"HEARD_{tick}" for tick in range(1, TICKS_PER_BEAT))
    for role, (low, high) in RANGES.items():
        yield from (f"{role}{pitch}" for pitch in range(low, high + 1))
    yield from (f"D_{name}" for name in DRUM_NAMES)
    yield from (f"DUR_{ticks}" for ticks in DURATIONS)


VOCABULARY: Final = tuple(_names())
IDS: Final[dict[str, int]] = {name: index for index, name in enumerate(VOCABULARY)}
PAD: Final = IDS["PAD"]
BOS: Final = IDS["BOS"]
EOS: Final = IDS["EOS"]
PADDED_SIZE: Final = -(-len(VOCABULARY) // 16) * 16
"""Rows of the model's embedding: the vocabulary filled up to a multiple of 16."""

KINDS: Final = (
    "given",
    "bar",
    "beat",
    "at",
    "chord",
    "lead",
    "bass",
    "comp",
    "pad",
    "drum",
    "duration",
    "end",
)
"""Classes of token for losses and reports; *given* tokens are never predicted."""
_KIND_OF_ROLE: Final = {"M": "lead", "B": "bass", "C": "comp", "P": "pad"}
_PREFIX_KINDS: Final = (
    ("BAR", "bar"), ("BEAT_", "beat"), ("AT_", "at"), ("CHORD_", "chord"), ("DUR_", "duration"), ("D_", "drum"),
    ("EOS", "end"),
)  # fmt: skip


def kind_of(name: str) -> str:
    """The name in KINDS of the token called ``name``."""
    for prefix, kind in _PREFIX_KINDS:
        if name.startswith(prefix):
            return kind
    return _KIND_OF_ROLE.get(name[0], "given") if name[1:].isdigit() else "given"


KIND_INDEX: Final = tuple(KINDS.index(kind_of(name)) for name in VOCABULARY)
"""KIND_INDEX[token id] is the token's place in KINDS."""


def fingerprint() -> str:
    """SHA-256 of the vocabulary: weights and token files carry it, so that a stale pair is noticed."""
    return hashlib.sha256("\n".join(VOCABULARY).encode()).hexdigest()


def fold(role: str, pitch: int) -> int:
    """``pitch`` moved by octaves into the range of ``role``."""
    low, high = RANGES[role]
    if pitch < low:
        return pitch + -(-(low - pitch) // 12) * 12
    if pitch > high:
        return pitch - -(-(pitch - high) // 12) * 12
    return pitch


def nearest_duration(ticks: int) -> int:
    """The entry of DURATIONS that is nearest to ``ticks`` (the shorter of two that are as near)."""
    return min(DURATIONS, key=lambda duration: (abs(duration - ticks), duration))


def tempo_class(beats_per_minute: float) -> int:
    """The tempo class of a tempo in quarter notes a minute."""
    return bisect.bisect_right(TEMPO_BORDERS, beats_per_minute)


def density_class(onsets_per_beat: float) -> int:
    """The density class of a number of band onsets a beat."""
    return bisect.bisect_right(DENSITY_BORDERS, onsets_per_beat)


def chord_name(chord: Chord | None) -> str:
    """The token name of a chord."""
    return "CHORD_none" if chord is None else f"CHORD_{chord.root}_{chord.quality}"


def chord_of(name: str) -> Chord | None:
    """The chord of a CHORD token's name."""
    if name == "CHORD_none":
        return None
    _, root, quality = name.split("_")
    return Chord(int(root), quality)


def roles_mask(roles: Iterable[str]) -> int:
    """The number of the ROLES token for a set of roles."""
    return sum(1 << ROLES.index(role) for role in set(roles))


def header(bar: Bar) -> list[int]:
    """The seven control tokens that open ``bar``."""
    key = "any" if bar.key is None else f"{bar.key.tonic}_{bar.key.mode}"
    return [
        IDS[f"BAR{bar.beats}_{bar.number % 8}"],
        IDS[f"STYLE_{bar.style}"],
        IDS[f"KEY_{key}"],
        IDS[f"TEMPO_{'any' if bar.tempo is None else bar.tempo}"],
        IDS[f"DENSITY_{'any' if bar.density is None else bar.density}"],
        IDS[f"ROLES_{roles_mask(bar.roles)}"],
        IDS[f"LAG_{bar.lag}"],
    ]


def _voice(notes: Sequence[Note]) -> Iterator[int]:
    """Tokens of the notes of one role at one tick: those of one length share its DUR token, short ones first."""
    for duration in sorted({note.duration for note in notes}):
        yield from (IDS[f"{n.role}{n.pitch}"] for n in sorted(notes) if n.duration == duration)
        yield IDS[f"DUR_{duration}"]


def encode_bar(bar: Bar) -> list[int]:
    """Token ids of one bar. Raises KeyError for a pitch or a duration that has no token."""
    out = header(bar)
    heard: dict[int, list[int]] = {}
    for tick, pitch in sorted(bar.heard):
        heard.setdefault(tick, []).append(IDS[f"H{pitch}"])
    notes: dict[int, list[Note]] = {}
    for note in bar.notes:
        notes.setdefault(note.tick, []).append(note)
    for beat in range(bar.beats):
        if beat:
            out.append(IDS[f"BEAT_{beat}"])
        for offset in range(TICKS_PER_BEAT):
            tick = beat * TICKS_PER_BEAT + offset
            if tick in heard:
                out += [IDS[f"HEARD_{offset}"]] if offset else []
                out += heard[tick]
            if offset == 0:
                out.append(IDS[chord_name(bar.chords[beat])])
            if tick in notes:
                out += [IDS[f"AT_{offset}"]] if offset else []
                for role in ROLES[:-1]:
                    out += _voice([note for note in notes[tick] if note.role == role])
                out += [IDS[f"D_{DRUM_NAMES[n.pitch]}"] for n in sorted(notes[tick]) if n.role == "D"]
    return out


def encode(bars: Sequence[Bar], *, end: bool = True) -> list[int]:
    """Token ids of a piece, from BOS to EOS (left out if ``end`` is false)."""
    out = [BOS]
    for bar in bars:
        out += encode_bar(bar)
    return [*out, EOS] if end else out


def _open(name: str, controls: Sequence[str]) -> Bar:
    style, key, tempo, density, roles, lag = (text.split("_", 1)[1] for text in controls)
    mask = int(roles)
    tonic, _, mode = key.partition("_")
    return Bar(
        beats=int(name[3]),
        number=int(name[5:]),
        style=style,
        key=None if key == "any" else Key(int(tonic), "maj" if mode == "maj" else "min"),
        tempo=None if tempo == "any" else int(tempo),
        density=None if density == "any" else int(density),
        roles=frozenset(role for place, role in enumerate(ROLES) if mask >> place & 1),
        lag=int(lag),
    )


def decode(ids: Iterable[int]) -> list[Bar]:
    """The bars that a token stream holds; the inverse of `encode`, and lenient with streams that break off.

    Padding ids beyond the vocabulary and notes whose DUR has not come are left out.
    """
    names = [VOCABULARY[index] for index in ids if index < len(VOCABULARY)]
    bars: list[Bar] = []
    index = 0
    while index < len(names):
        if not names[index].startswith("BAR") or len(names) < index + 7:
            index += 1
            continue
        bar = _open(names[index], names[index + 1 : index + 7])
        stop = index + 7
        while stop < len(names) and not names[stop].startswith(("BAR", "BOS", "EOS")):
            stop += 1
        bars.append(_fill(bar, names[index + 7 : stop]))
        index = stop
    return bars


def _fill(bar: Bar, names: Sequence[str]) -> Bar:
    """``bar`` with the chords, notes and heard notes of its body."""
    chords: list[Chord | None] = []
    notes: list[Note] = []
    heard: list[Heard] = []
    group: list[tuple[str, int]] = []
    beat = offset = heard_offset = 0
    for name in names:
        head, _, tail = name.partition("_")
        if head == "BEAT":
            beat, offset, heard_offset = int(tail) * TICKS_PER_BEAT, 0, 0
        elif head == "AT":
            offset = int(tail)
        elif head == "HEARD":
            heard_offset = int(tail)
        elif head == "CHORD":
            chords.append(chord_of(name))
        elif head == "D":
            notes.append(Note(beat + offset, "D", DRUM_NAMES.index(tail), 0))
        elif head == "DUR":
            notes += [Note(beat + offset, role, pitch, int(tail)) for role, pitch in group]
            group = []
        elif head[0] == "H":
            heard.append(Heard(beat + heard_offset, int(head[1:])))
        elif head[0] in RANGES:
            group.append((head[0], int(head[1:])))
    return Bar(
        bar.beats, bar.number, bar.style, bar.key, bar.tempo, bar.density, bar.roles, bar.lag,
        tuple(chords), tuple(sorted(notes)), tuple(sorted(heard)),
    )  # fmt: skip


def transposition(semitones: int) -> list[int]:
    """Token id -> token id after a transposition, (PADDED_SIZE,) ints; drums, times and other controls stay.

    Pitches that leave the range of their role come back by octaves.
    """
    table = list(range(PADDED_SIZE))
    for index, name in enumerate(VOCABULARY):
        head, *rest = name.split("_")
        if head in ("KEY", "CHORD") and len(rest) == 2:
            table[index] = IDS[f"{head}_{(int(rest[0]) + semitones) % 12}_{rest[1]}"]
        elif not rest and head[0] in RANGES and head[1:].isdigit():
            table[index] = IDS[f"{head[0]}{fold(head[0], int(head[1:]) + semitones)}"]
    return table
