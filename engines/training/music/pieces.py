"""From a tune to training pieces: harmonise, arrange, hand parts to people and to the band, write bars.

The band learns to listen because of these rules:

- The melody is the people's part most of the time. It is ``lag`` ticks late, as in a live jam.
- The chords that the band is *asked* for are chosen with the whole melody in view, one a beat, and fit it.
- The chords that it *plays*, and that are in the stream, are those of a band that hears as late as the model does
  (companions.py). With the right chords the previous beat would give away the coming notes of people: the model would
  learn to copy it instead of listening, and would fail on its own chords.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from antiphon_engines.audio.symbolic.tokens import (
    IDS,
    KIND_INDEX,
    KINDS,
    LAGS,
    TICKS_PER_BEAT,
    Bar,
    Chord,
    Heard,
    Key,
    Note,
    chord_name,
    density_class,
    encode,
    fold,
    nearest_duration,
    tempo_class,
)

from .arrange import Arranger, Style, styles_for
from .companions import companions_chords, late
from .harmony import Tone, coloured, harmonise, progression, riff

SECTION_BARS: Final = 8
MAX_BARS: Final = 40
_LAG_WEIGHTS: Final = (0.26, 0.24, 0.24, 0.18, 0.08)
_SWUNG: Final = (0, 1, 3, 4, 5, 7, 8, 9, 9, 10, 11, 11)
_LAID_BACK: Final = ("ambient", "ballad", "lofi", "hiphop", "reggae", "hardrock", "metal", "house", "techno")
_CONSONANT_SHIFTS: Final = (-5, -4, -3, -2, 2, 3, 4, 5, 7)


@dataclass(frozen=True)
class Tune:
    """A melody on a grid: ticks from a bar line, bars of 4 or 3 beats, a tonic and a mode in harmony.SCALES."""

    source: str
    title: str
    melody: tuple[Tone, ...]
    bar_beats: int
    triplet: bool
    tonic: int
    mode: str


@dataclass
class Section:
    """Bars ``first`` to ``first + bars`` in one style, key and density level."""

    first: int
    bars: int
    style: Style
    shift: int
    level: float


@dataclass
class Piece:
    """A whole arrangement before it is written as bars.

    Chords, one a beat: ``chords`` are played, ``wanted`` are those that the model is asked for.
    """

    bar_beats: int
    bars: int
    minor: bool
    keys: list[int]
    styles: list[str]
    beats_per_minute: float
    chords: list[Chord]
    wanted: list[Chord]
    notes: list[Note]
    roles: list[frozenset[str]]
    people: list[Tone]
    lag: int

    def to_bars(self) -> list[Bar]:
        """The bars of the piece; notes of roles that are silent in a bar are dropped, times and pitches made legal."""
        length = self.bar_beats * TICKS_PER_BEAT
        notes: list[dict[tuple[int, str, int], Note]] = [{} for _ in range(self.bars)]
        for note in self.notes:
            bar, tick = divmod(note.tick, length)
            if 0 <= bar < self.bars and note.role in self.roles[bar]:
                drum = note.role == "D"
                pitch = note.pitch if drum else fold(note.role, note.pitch)
                duration = 0 if drum else nearest_duration(note.duration)
                notes[bar].setdefault((tick, note.role, pitch), Note(tick, note.role, pitch, duration))
        heard: list[set[Heard]] = [set() for _ in range(self.bars)]
        for tone in self.people:
            bar, tick = divmod(tone.tick + self.lag, length)
            if 0 <= bar < self.bars:
                heard[bar].add(Heard(tick, fold("H", tone.pitch)))
        onsets = [len({(tick, role) for tick, role, _ in bar}) for bar in notes]
        out = []
        for bar in range(self.bars):
            group = onsets[bar // 4 * 4 : bar // 4 * 4 + 4]
            out.append(
                Bar(
                    beats=self.bar_beats,
                    number=bar % 8,
                    style=self.styles[bar],
                    key=Key(self.keys[bar], "min" if self.minor else "maj"),
                    tempo=tempo_class(self.beats_per_minute),
                    density=density_class(sum(group) / len(group) / self.bar_beats),
                    roles=self.roles[bar],
                    lag=self.lag,
                    chords=tuple(self.chords[bar * self.bar_beats : (bar + 1) * self.bar_beats]),
                    notes=tuple(sorted(notes[bar].values())),
                    heard=tuple(sorted(heard[bar])),
                )
            )
        return out

    def to_tokens(self) -> list[int]:
        """Token ids of the piece as played."""
        return encode(self.to_bars())

    def to_example(self) -> tuple[list[int], list[int]]:
        """Token ids as played, and as the model is asked for: they differ where it should have another chord."""
        played = self.to_tokens()
        asked, chord = list(played), KINDS.index("chord")
        places = [place for place, index in enumerate(played) if KIND_INDEX[index] == chord]
        for place, wanted in zip(places, self.wanted, strict=True):
            asked[place] = IDS[chord_name(wanted)]
        return played, asked


def swung(melody: Sequence[Tone]) -> list[Tone]:
    """Straight eighths and sixteenths moved onto a triplet grid."""

    def moved(tick: int) -> int:
        return tick // TICKS_PER_BEAT * TICKS_PER_BEAT + _SWUNG[tick % TICKS_PER_BEAT]

    return [Tone(moved(t.tick), max(1, moved(t.tick + t.duration) - moved(t.tick)), t.pitch) for t in melody]


def thinned(melody: Sequence[Tone], rng: random.Random) -> list[Tone]:
    """A calmer version: most short notes between beats are tied to the note before."""
    out: list[Tone] = []
    for tone in melody:
        if (
            out
            and tone.tick % TICKS_PER_BEAT
            and tone.tick - out[-1].tick < TICKS_PER_BEAT
            and rng.random() < 0.65
        ):
            out[-1] = out[-1]._replace(duration=tone.tick + tone.duration - out[-1].tick)
        else:
            out.append(tone)
    return out


def _choose_style(pool: dict[str, Style], folk: bool, rng: random.Random) -> Style:
    names = list(pool)
    favourites = ("pop", "rock", "jazz", "house", "lofi", "funk", "ambient", "ballad", "folk")
    weights = [2.0 if name == "celtic" and folk else 1.6 if name in favourites else 1.0 for name in names]
    return pool[rng.choices(names, weights)[0]]


def _sections(bars: int, bar_beats: int, triplet: bool, folk: bool, rng: random.Random) -> list[Section]:
    """Sections of eight bars; style, key and density level may change at each."""
    pool = styles_for(bar_beats, triplet)
    if not folk and triplet:
        pool = {name: style for name, style in pool.items() if style.triplet}
    style = _choose_style(pool, folk, rng)
    level, shift = rng.random(), 0
    changes_style = rng.random() < 0.4
    changes_key = rng.random() < 0.25
    sections = []
    for first in range(0, bars, SECTION_BARS):
        if first and changes_style and rng.random() < 0.5:
            same_feel = {name: other for name, other in pool.items() if other.triplet == style.triplet}
            style = _choose_style(same_feel, folk, rng)
        if first and rng.random() < 0.45:
            level = rng.random()
        if first and changes_key and rng.random() < 0.4:
            shift = rng.choice(_CONSONANT_SHIFTS)
        sections.append(Section(first, min(SECTION_BARS, bars - first), style, shift, level))
    return sections


def _section_at(sections: Sequence[Section], bar: int) -> Section:
    return sections[min(len(sections) - 1, bar // SECTION_BARS)]


class Palette:
    """The colours that each section's style puts on plain triads; a chord keeps its colour through a section."""

    def __init__(self, sections: Sequence[Section], tonic: int, bar_beats: int, rng: random.Random) -> None:
        self._sections, self._tonic, self._bar_beats, self._rng = sections, tonic, bar_beats, rng
        self._chosen: dict[tuple[int, Chord], Chord] = {}

    def coloured(self, beat: int, chord: Chord, *, moved: bool = False) -> Chord:
        """The triad ``chord`` as played at ``beat``; ``moved`` transposes it to the section's key first. Other chords
        are coloured already and do not change.
        """
        if chord.quality not in ("maj", "min", "dim"):
            return chord
        section = _section_at(self._sections, beat // self._bar_beats)
        if moved:
            chord = Chord((chord.root + section.shift) % 12, chord.quality)
        place = (section.first, chord)
        if place not in self._chosen:
            self._chosen[place] = coloured(
                chord, section.style.colour, self._tonic + section.shift, self._rng
            )
        return self._chosen[place]


def _follow(piece: Piece, mode: str, palette: Palette, rng: random.Random) -> None:
    """Give the band the chords of a late listener wherever people play and it has no lead of its own. Where no person
    is heard for a bar, the chords that it plays are also the target.
    """
    beats, length = piece.bar_beats, piece.bar_beats * TICKS_PER_BEAT
    tonics = [tonic for tonic in piece.keys for _ in range(beats)]
    plain = companions_chords(piece.people, piece.wanted, tonics, mode, beats, piece.lag, rng)
    with_people = {tone.tick // length for tone in piece.people}
    piece.chords, piece.wanted = list(piece.chords), list(piece.wanted)
    for beat, chord in enumerate(plain):
        bar = beat // beats
        if "M" not in piece.roles[bar]:
            piece.chords[beat] = palette.coloured(beat, chord)
            if not with_people & {bar - 1, bar}:
                piece.wanted[beat] = piece.chords[beat]


def _people_play_like_people(tones: Sequence[Tone], rng: random.Random) -> list[Tone]:
    """A few notes early, late or wrong."""
    out = []
    for tone in tones:
        tick = max(0, tone.tick + rng.choice((-1, 1))) if rng.random() < 0.06 else tone.tick
        pitch = tone.pitch + rng.choice((-1, 1, -2, 2)) if rng.random() < 0.015 else tone.pitch
        out.append(Tone(tick, tone.duration, pitch))
    return out


PARTS: Final = {
    "melody": 0.62,
    "trade": 0.14,
    "continue": 0.04,
    "comp": 0.06,
    "bass": 0.05,
    "lead": 0.03,
    "none": 0.06,
}
"""The people's part, and its frequency: the melody; every other phrase, answered by the band; the beginning, continued
by the band; the chords or the bass under the band's melody; nothing while the band leads; nothing at all."""


def _cast(
    piece: Piece, melody: Sequence[Tone], part: str, base: frozenset[str], rng: random.Random
) -> tuple[list[frozenset[str]], list[Tone]]:
    """Distribution of parts: roles of the band in each bar, and the notes of people."""
    length = piece.bar_beats * TICKS_PER_BEAT
    people: list[Tone] = list(melody) if part in ("melody", "trade", "continue") else []
    lead = [part in ("lead", "comp", "bass")] * piece.bars
    if part == "trade":
        phrase = rng.choice((2, 4))
        lead = [bar // phrase % 2 == 1 for bar in range(piece.bars)]
    elif part == "continue":
        turn = rng.randrange(4, max(5, piece.bars - 3))
        lead = [bar >= turn for bar in range(piece.bars)]
    elif part in ("comp", "bass"):
        role = "C" if part == "comp" else "B"
        people = [Tone(n.tick, n.duration, n.pitch) for n in piece.notes if n.role == role]
        base = (base | {"B", "C"}) - {role}
    roles, present, on = [], True, base
    kept = []
    for bar in range(piece.bars):
        if bar % 4 == 0:
            on = frozenset(role for role in sorted(base) if rng.random() >= 0.09) or frozenset("C")
            present = part == "trade" or rng.random() >= 0.06
        roles.append(on | {"M"} if lead[bar] else on)
        if present and not (lead[bar] and part in ("trade", "continue")):
            kept += [tone for tone in people if tone.tick // length == bar]
    return roles, kept


def _band(style: Style, drums: bool, rng: random.Random) -> frozenset[str]:
    """The roles that play in a piece."""
    roles = {"B", "C"}
    if drums and rng.random() < 0.85:
        roles.add("D")
    if style.pad or rng.random() < 0.2:
        roles.add("P")
    if rng.random() < 0.12:
        roles = roles - {"C"} | {"P"}
    if rng.random() < 0.1:
        roles.discard("B")
    return frozenset(roles)


def arranged(tune: Tune | None, seed: int, part: str | None = None, *, faults: bool = True) -> Piece:
    """One arrangement of ``tune``, or of a riff of our own when there is none; ``seed`` fixes every choice.

    ``part`` (in PARTS) is the people's part, drawn if it is None. Without ``faults`` the band plays the target chords
    and people play exactly.
    """
    rng = random.Random(seed)
    if tune is None:
        bar_beats = 3 if rng.random() < 0.12 else 4
        triplet = rng.random() < 1 / 3
        bars, tonic = rng.choice((16, 24, 32)), rng.randrange(12)
        mode = rng.choice(("maj", "maj", "min", "min", "mix", "dor"))
    else:
        bar_beats, triplet, tonic, mode = tune.bar_beats, tune.triplet, tune.tonic, tune.mode
        last = max(tone.tick + tone.duration for tone in tune.melody)
        bars = min(MAX_BARS, max(1, -(-last // (bar_beats * TICKS_PER_BEAT))))
    minor = mode in ("min", "dor")
    sections = _sections(bars, bar_beats, triplet, tune is not None, rng)
    opening = sections[0].style
    if tune is None:
        plain = progression(opening.name, tonic, minor, bar_beats, bars, rng)
        melody = riff(plain, tonic, mode, bar_beats, bars, triplet, rng) if rng.random() < 0.85 else []
        plain = (
            harmonise(melody, tonic, mode, bar_beats, bars, rng) if melody and rng.random() < 0.5 else plain
        )
    else:
        middle = sorted(tone.pitch for tone in tune.melody)[len(tune.melody) // 2]
        octave = (-12 if middle > 79 else 12 if middle < 60 else 0) + rng.choices(
            (0, -12, 12), (0.8, 0.12, 0.08)
        )[0]
        melody = [tone._replace(pitch=tone.pitch + octave) for tone in tune.melody]
        plain = harmonise(melody, tonic, mode, bar_beats, bars, rng)
    if opening.triplet and not triplet:
        melody = swung(melody)
    if opening.name in _LAID_BACK and rng.random() < 0.6:
        melody = thinned(melody, rng)
    length = bar_beats * TICKS_PER_BEAT
    tonics = [(tonic + section.shift) % 12 for section in sections for _ in range(section.bars)]
    palette = Palette(sections, tonic, bar_beats, rng)
    chords = [palette.coloured(beat, chord, moved=True) for beat, chord in enumerate(plain)]
    melody = [t._replace(pitch=t.pitch + _section_at(sections, t.tick // length).shift) for t in melody]
    style_names = [section.style.name for section in sections for _ in range(section.bars)]
    piece = Piece(
        bar_beats, bars, minor, tonics, style_names, rng.uniform(*opening.tempo), chords, chords, [], [], [], lag=0
    )  # fmt: skip
    centres = rng.choice((36, 38, 40)), rng.choice((57, 60, 62))

    def played(chords: list[Chord]) -> list[Note]:
        return [
            note
            for section in sections
            for note in Arranger(section.style, chords, bar_beats, section.level, rng, *centres).play(
                section.first, section.bars
            )
        ]

    base = _band(opening, any(section.style.drums != ({},) for section in sections), rng)
    if part is None:
        part = rng.choices(list(PARTS), list(PARTS.values()))[0] if melody else "none"
    if part in ("comp", "bass"):
        piece.notes = played(chords)
    piece.roles, piece.people = _cast(piece, melody, part, base, rng)
    if piece.people:
        piece.lag = rng.choices(LAGS, _LAG_WEIGHTS)[0]
    if faults:
        piece.people = _people_play_like_people(piece.people, rng)
        if part in ("comp", "bass"):
            piece.chords = late(chords, -(-piece.lag // TICKS_PER_BEAT))
        elif piece.people:
            _follow(piece, mode, palette, rng)
    piece.notes = played(piece.chords)
    piece.notes += [Note(tone.tick, "M", tone.pitch, tone.duration) for tone in melody]
    return piece


def part_score(
    parts: Sequence[Sequence[Tone]],
    chords: list[Chord],
    style: str,
    key: Key,
    bar_beats: int,
    bars: int,
    seed: int,
) -> Piece:
    """A four-part score as a piece: soprano leads or is a person's part, inner voices are pad, the lowest bass."""
    rng = random.Random(seed)
    soprano, *inner, bass = parts
    roles = {"M", "B", "P"}
    people: list[Tone] = []
    draw = rng.random()
    if draw < 0.65:
        people, roles = list(soprano), {"B", "P"}
    elif draw < 0.75:
        people, roles = list(bass), {"M", "P"}
    notes = [Note(t.tick, "M", t.pitch, t.duration) for t in soprano]
    notes += [Note(t.tick, "P", t.pitch, t.duration) for part in inner for t in part]
    notes += [Note(t.tick, "B", t.pitch, t.duration) for t in bass]
    return Piece(
        bar_beats, bars, key.mode == "min", [key.tonic] * bars, [style] * bars,
        rng.uniform(66, 96) if style == "chorale" else rng.uniform(80, 130),
        chords, chords, notes, [frozenset(roles)] * bars, _people_play_like_people(people, rng),
        rng.choices(LAGS, _LAG_WEIGHTS)[0] if people else 0,
    )  # fmt: skip
