"""From a tune to training pieces: harmonise, arrange, hand parts to people and to the band, write bars.

What makes the band listen:

- The melody is the people's part most of the time, and it stands ``lag`` ticks late, as it will in a live jam.
- Chords are chosen with the whole melody in view, one a beat, and fit it; the model, which hears only the past, learns
  the best guess from what it heard.
- Some chords are replaced by a *wrong guess* for a beat or two. The band plays it, the guess itself is never a target,
  and the next chord is right again: the model learns to mend its own mistakes instead of staying on them.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from antiphon_engines.audio.tokens import (
    LAGS,
    TICKS_PER_BEAT,
    VOCABULARY,
    Bar,
    Chord,
    Heard,
    Key,
    Note,
    density_class,
    encode,
    fold,
    kind_of,
    nearest_duration,
    tempo_class,
)

from .arrange import Arranger, Style, styles_for
from .harmony import CANDIDATES, Tone, coloured, harmonise, progression, riff

NOT_A_TARGET: Final = 0x8000
"""Flag on a stored token: it is there, but the model is not asked to predict it."""
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
    """A whole arrangement before it is written as bars. Chords: one a beat; ``guessed`` are beats with a wrong one."""

    bar_beats: int
    bars: int
    minor: bool
    keys: list[int]
    styles: list[str]
    beats_per_minute: float
    chords: list[Chord]
    notes: list[Note]
    roles: list[frozenset[str]]
    people: list[Tone]
    lag: int
    guessed: set[int] = field(default_factory=set)

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
        """Token ids of the piece, with NOT_A_TARGET set on the chords that are wrong guesses."""
        ids = encode(self.to_bars())
        chord_places = [place for place, index in enumerate(ids) if kind_of(VOCABULARY[index]) == "chord"]
        for beat in self.guessed:
            ids[chord_places[beat]] |= NOT_A_TARGET
        return ids


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


def _moved(chord: Chord, semitones: int) -> Chord:
    return Chord((chord.root + semitones) % 12, chord.quality)


def guesses(
    chords: list[Chord],
    keys: Sequence[int],
    mode: str,
    bar_beats: int,
    rng: random.Random,
    share: float = 0.12,
) -> set[int]:
    """Replace chords by wrong guesses, in place, at about ``share`` of the half bars; returns the beats replaced.

    A guess is the chord before (the band stayed) or another chord of the key; it lasts one beat, seldom two.
    """
    truth = list(chords)
    replaced: set[int] = set()
    for beat in range(0, len(chords) - 2, 2 if bar_beats == 4 else 3):
        if rng.random() >= share:
            continue
        if beat and truth[beat - 1] != truth[beat] and rng.random() < 0.5:
            guess = truth[beat - 1]
        else:
            root, quality, _ = rng.choice(CANDIDATES[mode][:6])
            guess = Chord((root + keys[beat // bar_beats]) % 12, quality)
        for at in range(beat, beat + (2 if rng.random() < 0.25 else 1)):
            if truth[at] != guess:
                chords[at] = guess
                replaced.add(at)
    return replaced


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
"""What people play, and how often: the melody; every other phrase, answered by the band; the beginning, continued by
the band; the chords or the bass under the band's melody; nothing while the band leads; nothing at all."""


def _cast(
    piece: Piece, melody: Sequence[Tone], part: str, base: frozenset[str], rng: random.Random
) -> tuple[list[frozenset[str]], list[Tone]]:
    """Who plays what: roles of the band in each bar, and the notes of people."""
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
            on = frozenset(role for role in base if rng.random() >= 0.09) or frozenset("C")
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

    ``part`` (in PARTS) is what people play, drawn if it is None. Without ``faults`` there are no wrong guesses and
    people play exactly.
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
    chords: list[Chord] = []
    keys: list[int] = []
    style_names: list[str] = []
    shifts: list[int] = []
    for section in sections:
        wanted: dict[Chord, Chord] = {}
        for chord in plain[section.first * bar_beats : (section.first + section.bars) * bar_beats]:
            moved = _moved(chord, section.shift)
            if moved not in wanted:
                wanted[moved] = coloured(moved, section.style.colour, tonic + section.shift, rng)
            chords.append(wanted[moved])
        keys += [(tonic + section.shift) % 12] * section.bars
        shifts += [section.shift] * section.bars
        style_names += [section.style.name] * section.bars
    melody = [t._replace(pitch=t.pitch + shifts[min(bars - 1, t.tick // length)]) for t in melody]
    piece = Piece(
        bar_beats, bars, minor, keys, style_names, rng.uniform(*opening.tempo), chords, [], [], [], lag=0
    )  # fmt: skip
    if faults and melody and rng.random() < 0.7:
        piece.guessed = guesses(chords, keys, mode, bar_beats, rng)
    bass_centre, chord_centre = rng.choice((36, 38, 40)), rng.choice((57, 60, 62))
    for section in sections:
        arranger = Arranger(section.style, chords, bar_beats, section.level, rng, bass_centre, chord_centre)
        piece.notes += arranger.play(section.first, section.bars)
    base = _band(opening, any(section.style.drums != ({},) for section in sections), rng)
    if part is None:
        part = rng.choices(list(PARTS), list(PARTS.values()))[0] if melody else "none"
    piece.roles, piece.people = _cast(piece, melody, part, base, rng)
    if faults:
        piece.people = _people_play_like_people(piece.people, rng)
    piece.notes += [Note(tone.tick, "M", tone.pitch, tone.duration) for tone in melody]
    if piece.people:
        piece.lag = rng.choices(LAGS, _LAG_WEIGHTS)[0]
    elif piece.guessed:
        piece.guessed = set()
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
        chords, notes, [frozenset(roles)] * bars, _people_play_like_people(people, rng),
        rng.choices(LAGS, _LAG_WEIGHTS)[0] if people else 0,
    )  # fmt: skip
