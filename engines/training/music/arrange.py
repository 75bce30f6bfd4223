"""Arrange chords for a band in a style: bass, chords, pad and drums from the patterns in styles.toml.

The band follows one chord a beat. A chord that changes under a held note cuts it and strikes it anew, so a chord that
is mended in the middle of a bar (see pieces.py) is heard at once.
"""

from __future__ import annotations

import random
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Final

from antiphon_engines.audio.symbolic.tokens import DRUM_NAMES, QUALITIES, TICKS_PER_BEAT, Chord, Note

_DEGREES: Final = {"R": 0, "2": 2, "5": 7, "6": 9, "8": 12}
_TIMEKEEPERS: Final = ("H", "SH", "TB", "RD")
_FILL_DRUMS: Final = ("S", "HT", "MT", "LT")


@dataclass(frozen=True)
class Style:
    """One style's patterns for one meter (the letters are explained in styles.toml)."""

    name: str
    tempo: tuple[int, int]
    colour: str
    bass: tuple[str, ...]
    comp: tuple[str, ...]
    drums: tuple[dict[str, str], ...]
    triplet: bool = False
    pad: bool = False


@cache
def styles(meter: str) -> dict[str, Style]:
    """Style name -> patterns for ``meter``: '4/4', '4/4 triplets' or '3/4'."""
    with Path(__file__).with_name("styles.toml").open("rb") as file:
        table = tomllib.load(file)[meter]
    return {
        name: Style(
            name=name,
            tempo=(entry["tempo"][0], entry["tempo"][1]),
            colour=entry["colour"],
            bass=tuple(entry["bass"]),
            comp=tuple(entry["comp"]),
            drums=tuple(entry["drums"]),
            triplet=entry.get("triplet", False),
            pad=entry.get("pad", False),
        )
        for name, entry in table.items()
    }


def styles_for(bar_beats: int, triplet: bool) -> dict[str, Style]:
    """The styles that can accompany a melody of this meter and feel; straight tunes may be swung."""
    if bar_beats == 3:
        return {name: style for name, style in styles("3/4").items() if style.triplet or not triplet}
    straight = styles("4/4")
    if not triplet:
        return dict(straight)
    return styles("4/4 triplets") | {name: style for name, style in straight.items() if style.triplet}


@dataclass
class Arranger:
    """Plays one section (a run of bars in one style and at one density level) over the chords of a whole piece.

    ``chords`` holds one chord a beat of the piece; ``level`` from 0 to 1 asks for few or many notes.
    """

    style: Style
    chords: Sequence[Chord]
    bar_beats: int
    level: float
    rng: random.Random
    bass_centre: int = 38
    chord_centre: int = 60
    _voicing: list[int] | None = field(default=None, init=False)
    _voiced: Chord | None = field(default=None, init=False)

    @property
    def bar(self) -> int:
        """Ticks in a bar."""
        return self.bar_beats * TICKS_PER_BEAT

    def play(self, first: int, bars: int) -> list[Note]:
        """Notes of bass, chords, pad and drums for ``bars`` bars from bar ``first``, in ticks of the piece."""
        notes: list[Note] = []
        drums = self.rng.choice(self.style.drums)
        bass = self.rng.choice(self.style.bass)
        comp = self.rng.choice(self.style.comp)
        for index in range(bars):
            start = (first + index) * self.bar
            if index % 4 == 0 and self.rng.random() < 0.15:
                comp = self.rng.choice(self.style.comp)
            fill = index == bars - 1 and bool(drums) and self.bar_beats == 4 and self.rng.random() < 0.7
            notes += self._drums(start, drums, fill=fill, crash=index == 0 and first > 0)
            notes += self._bass(start, bass)
            notes += self._comp(start, comp)
            notes += self._pad(start)
        return notes

    def _chord(self, tick: int) -> Chord:
        return self.chords[min(len(self.chords) - 1, tick // TICKS_PER_BEAT)]

    def _until_change(self, tick: int, stop: int) -> int:
        """The first beat after ``tick`` and before ``stop`` at which the chord changes, else ``stop``."""
        chord = self._chord(tick)
        for beat in range(tick // TICKS_PER_BEAT + 1, -(-stop // TICKS_PER_BEAT)):
            if self._chord(beat * TICKS_PER_BEAT) != chord:
                return beat * TICKS_PER_BEAT
        return stop

    def _drums(self, start: int, kit: dict[str, str], *, fill: bool, crash: bool) -> list[Note]:
        hits: set[tuple[int, str]] = set()
        for drum, pattern in kit.items():
            step = self.bar // len(pattern)
            for index, mark in enumerate(pattern):
                tick = index * step
                skipped = mark != "x" or (fill and tick >= self.bar * 5 // 8 and drum != "K")
                if skipped or self.rng.random() < 0.02:
                    continue
                if drum in _TIMEKEEPERS and (
                    self.level < 0.12 or (self.level < 0.3 and tick % TICKS_PER_BEAT)
                ):
                    continue
                hits.add((tick, drum))
        if self.level > 0.75 and "H" in kit and self.bar_beats == 4 and not self.style.triplet and not fill:
            for index in range(16):
                if kit["H"][index] == "." and self.rng.random() < 0.5:
                    hits.add((index * 3, "H"))
                if index in (7, 9, 15) and "S" in kit and self.rng.random() < 0.15:
                    hits.add((index * 3, "S"))
        if fill:
            step = 4 if self.style.triplet else 3
            ticks = [24 + step * index for index in range(24 // step) if self.rng.random() < 0.75]
            hits |= {(tick, _FILL_DRUMS[index * 4 // len(ticks)]) for index, tick in enumerate(ticks)}
        if crash and "S" in kit and self.rng.random() < 0.7:
            hits.add((0, "CR"))
        return [Note(start + tick, "D", DRUM_NAMES.index(drum), 0) for tick, drum in sorted(hits)]

    def _runs(self, pattern: str) -> list[tuple[str, int, int, bool]]:
        """(mark, tick, length in ticks, held) of each note of a pattern; a note that is not held rings on."""
        step = self.bar // len(pattern)
        runs = []
        index = 0
        while index < len(pattern):
            mark = pattern[index]
            if mark in ".-":
                index += 1
                continue
            stop = index + 1
            held = pattern[stop : stop + 1] == "-"
            while pattern[stop : stop + 1] == ("-" if held else "."):
                stop += 1
            runs.append((mark, index * step, (stop - index) * step, held))
            index = stop
        return runs

    def _bass_pitch(self, mark: str, tick: int) -> int:
        root, quality = self._chord(tick)
        low = min(
            (root + 12 * octave for octave in range(1, 6)), key=lambda pitch: abs(pitch - self.bass_centre)
        )
        if mark == "a":
            following = self._chord((tick // self.bar + 1) * self.bar).root
            target = min(
                (following + 12 * o for o in range(1, 6)), key=lambda pitch: abs(pitch - self.bass_centre)
            )
            return target + self.rng.choice((-1, 1, -2, 2, 7))
        if mark == "3":
            return low + (3 if quality in ("min", "m7", "dim") else 5 if quality == "sus" else 4)
        if mark == "7":
            return low + (11 if quality == "maj7" else 10)
        if mark == "5" and quality == "dim":
            return low + 6
        return low + _DEGREES[mark]

    def _bass(self, start: int, pattern: str) -> list[Note]:
        notes = []
        longest = 12 if self.style.triplet or self.style.name in ("waltz", "march", "country", "ska") else 9
        for mark, offset, length, held in self._runs(pattern):
            if self.level < 0.25 and offset % (2 * TICKS_PER_BEAT):
                continue
            tick = start + offset
            stop = tick + (length if held else max(2, min(length, longest) - 1))
            while tick < stop:
                upto = self._until_change(tick, stop)
                pitch = self._bass_pitch(mark, tick)
                notes.append(Note(tick, "B", pitch - 12 if pitch > 55 else pitch, upto - tick))
                tick = upto
        return notes

    def _voice(self, chord: Chord) -> list[int]:
        """Pitches of ``chord`` from low to high, near the voicing that was played before."""
        if self._voicing is not None and chord == self._voiced:
            return self._voicing
        if self.style.colour == "power":
            low = 48 + chord.root if chord.root < 8 else 36 + chord.root
            voicing = [low, low + 7, low + 12]
        else:
            classes = [(chord.root + step) % 12 for step in QUALITIES[chord.quality]]
            if len(classes) == 4 and self.rng.random() < 0.3:
                classes = classes[1:]
            centre = float(self.chord_centre)
            if self._voicing is not None:
                centre = 0.8 * sum(self._voicing) / len(self._voicing) + 0.2 * centre
            choices = []
            for turn in range(len(classes)):
                rotation = classes[turn:] + classes[:turn]
                low = min(
                    (rotation[0] + 12 * o for o in range(3, 7)), key=lambda pitch: abs(pitch - (centre - 4))
                )
                stack = [low]
                for pitch_class in rotation[1:]:
                    stack.append(stack[-1] + ((pitch_class - stack[-1]) % 12 or 12))
                choices.append(stack)
            voicing = min(choices, key=lambda stack: abs(sum(stack) / len(stack) - centre))
        self._voicing, self._voiced = voicing, chord
        return voicing

    def _comp(self, start: int, pattern: str) -> list[Note]:
        notes = []
        step = self.bar // len(pattern)
        for mark, offset, length, held in self._runs(pattern):
            if self.level < 0.3 and offset % TICKS_PER_BEAT and self.rng.random() < 0.6:
                continue
            tick = start + offset
            if mark in "su":
                notes += [Note(tick, "C", p, max(2, min(step, 4))) for p in self._voice(self._chord(tick))]
            elif mark == "x":
                stop = tick + (length if held else max(3, min(length, 2 * TICKS_PER_BEAT)))
                while tick < stop:
                    upto = self._until_change(tick, stop)
                    notes += [Note(tick, "C", pitch, upto - tick) for pitch in self._voice(self._chord(tick))]
                    tick = upto
            elif mark == "b":
                low = self._voice(self._chord(tick))[0]
                notes.append(Note(tick, "C", low - 12 if low >= 52 else low, max(3, step * 2)))
            else:
                voicing = self._voice(self._chord(tick))
                tones = [*voicing, voicing[0] + 12]
                place = {"1": 0, "3": 1, "5": 2, "8": len(tones) - 1}[mark]
                upto = self._until_change(tick, tick + max(2, length))
                notes.append(Note(tick, "C", tones[min(place, len(tones) - 1)], upto - tick))
        return notes

    def _pad(self, start: int) -> list[Note]:
        notes = []
        tick = start
        while tick < start + self.bar:
            upto = self._until_change(tick, start + self.bar)
            chord = self._chord(tick)
            classes = [(chord.root + step) % 12 for step in QUALITIES[chord.quality]][-3:]
            pitches = sorted(
                min((c + 12 * o for o in range(3, 8)), key=lambda p: abs(p - 66)) for c in classes
            )
            notes += [
                Note(tick, "P", p, upto - tick) for p in (pitches[-2:] if self.level < 0.5 else pitches)
            ]
            tick = upto
        return notes
