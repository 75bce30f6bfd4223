"""Read single-voice ABC tunes: melody only, repeats played out, on the grid of 12 ticks a quarter note.

Covers the parts of ABC 1.6 that the tune books of music21's corpus use: fields K, L, M, T, in-line fields, accidentals
that hold for a bar, tuplets, broken rhythm, ties, chords (their top note), repeats and first and second endings. Grace
notes, chord symbols and decorations are skipped. A tune without whole bars is refused.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final, NamedTuple

from .harmony import Tone
from .pieces import Tune

_STEPS: Final = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_SHARP_ORDER: Final = "FCGDAEB"
_MAJOR_SHARPS: Final = {
    "C": 0, "G": 1, "D": 2, "A": 3, "E": 4, "B": 5, "F#": 6, "C#": 7, "F": -1, "Bb": -2, "Eb": -3, "Ab": -4, "Db": -5,
    "Gb": -6,
}  # fmt: skip
_MODES: Final = {
    "": ("maj", 0), "maj": ("maj", 0), "ion": ("maj", 0), "m": ("min", -3), "min": ("min", -3), "aeo": ("min", -3),
    "dor": ("dor", -2), "mix": ("mix", -1), "phr": ("min", -4), "lyd": ("lyd", 1), "loc": ("min", -5),
}  # fmt: skip
"""Start of a mode's name -> (mode in harmony.SCALES, sharps against the major key of the same tonic)."""
_ACCIDENTALS: Final = {"^": 1, "^^": 2, "_": -1, "__": -2, "=": 0}
_TUPLETS: Final = {
    2: Fraction(3, 2), 3: Fraction(2, 3), 4: Fraction(3, 4), 5: Fraction(2, 5), 6: Fraction(2, 6), 7: Fraction(2, 7)
}  # fmt: skip
_METERS: Final = {
    "4/4": (4, Fraction(1), False),
    "2/4": (4, Fraction(2), False),
    "6/8": (4, Fraction(2, 3), True),
    "12/8": (4, Fraction(2, 3), True),
    "9/8": (3, Fraction(2, 3), True),
    "3/4": (3, Fraction(1), False),
    "3/8": (3, Fraction(2), False),
}
"""Meter -> (beats of a bar of ours, factor on times, triplet feel): 6/8 becomes 4/4 in triplets, two bars of it one."""
_SHORTEST: Final = 24
_TOKEN: Final = re.compile(
    r"""(?P<skip>"[^"]*"|![^!]*!|\+[^+]*\+|\{[^}]*\})
      | \[(?P<field>[A-Z]):(?P<value>[^\]]*)\]
      | \[(?P<ending>[1-9])
      | (?P<bar>:*\|[|\]:1-9]*|::)
      | \((?P<tuplet>[2-7])(?::\d*){0,2}
      | \[(?P<chord>[^\]]*)\](?P<chord_length>\d*/*\d*)
      | (?P<accidental>[\^_=]*)(?P<note>[A-Ga-gzx])(?P<octave>[,']*)(?P<length>\d*/*\d*)
      | (?P<broken>[<>]+)
      | (?P<tie>-)
      | .""",
    re.VERBOSE,
)
_CHORD_NOTE: Final = re.compile(r"([\^_=]*)([A-Ga-g])([,']*)(\d*/*\d*)")


class AbcKey(NamedTuple):
    """Sharps of the signature (flats negative), tonic pitch class and mode."""

    sharps: int
    tonic: int
    mode: str


def parse_key(text: str) -> AbcKey:
    """The value of a K: field; C major if it cannot be read."""
    text = text.split("%")[0].strip()
    if text.startswith(("HP", "Hp")):  # Highland pipes
        return AbcKey(2, 9, "mix")
    match = re.match(r"([A-G])([#b]?)\s*([A-Za-z]*)", text)
    if match is None:
        return AbcKey(0, 0, "maj")
    letter, sign, name = match.groups()
    name = name.lower()[:3]
    mode, shift = _MODES.get(name, _MODES["m"] if name[:1] == "m" else _MODES[""])
    tonic = (_STEPS[letter] + {"#": 1, "b": -1, "": 0}[sign]) % 12
    return AbcKey(_MAJOR_SHARPS.get(letter + sign, 0) + shift, tonic, mode)


def signature(sharps: int) -> dict[str, int]:
    """Letter -> semitones up or down under a key signature."""
    letters = _SHARP_ORDER[:sharps] if sharps >= 0 else _SHARP_ORDER[::-1][:-sharps]
    return dict.fromkeys(letters, 1 if sharps > 0 else -1)


def parse_length(text: str) -> Fraction:
    """'3/2', '/', '//' and the like, in units of L."""
    match = re.match(r"(\d*)(/*)(\d*)", text)
    if match is None:
        return Fraction(1)
    over, slashes, under = match.groups()
    top = int(over or 1)
    return Fraction(top, (int(under) if under else 2 ** len(slashes)) if slashes else 1)


@dataclass
class _Measure:
    """Notes as [start, length, pitch or None] in quarters from the bar line, and the repeat signs around them."""

    notes: list[list[Fraction | int | None]] = field(default_factory=list)
    length: Fraction = Fraction(0)
    starts_repeat: bool = False
    ends_repeat: bool = False
    ending: int = 0


class _Reader:
    """State while the body of a tune is read."""

    def __init__(self) -> None:
        self.title = ""
        self.meter = "4/4"
        self.key = AbcKey(0, 0, "maj")
        self.first_key: AbcKey | None = None
        self.unit: Fraction | None = None
        self.measures: list[_Measure] = []
        self._now = _Measure()
        self._held: dict[tuple[str, int], int] = {}
        self._tuplet = (0, Fraction(1))
        self._broken: Fraction | None = None
        self._tied = False
        self._ending = 0
        self._starts = False

    def set_field(self, name: str, value: str) -> None:
        if name == "M":
            value = value.split()[0] if value else "4/4"
            self.meter = {"C": "4/4", "C|": "4/4"}.get(value, value)
        elif name == "L" and re.fullmatch(r"\d+/\d+", value):
            self.unit = Fraction(value)
        elif name == "K":
            self.key = parse_key(value) if value else self.key
            self.first_key = self.first_key or self.key
        elif name == "T" and not self.title:
            self.title = value

    def line(self, text: str) -> None:
        if self.unit is None:
            short = re.fullmatch(r"\d+/\d+", self.meter) is not None and Fraction(self.meter) < Fraction(3, 4)
            self.unit = Fraction(1, 16) if short else Fraction(1, 8)
        for match in _TOKEN.finditer(text):
            self._take(match)

    def _take(self, match: re.Match[str]) -> None:
        found = match.groupdict()
        if found["field"]:
            self.set_field(found["field"], found["value"].strip())
        elif found["ending"]:
            self._ending = int(found["ending"])
        elif found["bar"]:
            self._bar_line(found["bar"])
        elif found["tuplet"]:
            self._tuplet = (int(found["tuplet"]), _TUPLETS[int(found["tuplet"])])
        elif found["broken"]:
            self._break(found["broken"])
        elif found["tie"]:
            self._tied = True
        elif found["chord"] is not None:
            notes = _CHORD_NOTE.findall(found["chord"])
            if notes:
                pitches = [self._pitch(accidental, note, octave) for accidental, note, octave, _ in notes]
                self._add(max(pitches), parse_length(found["chord_length"]) * parse_length(notes[0][3]))
        elif found["note"]:
            rest = found["note"] in "zx"
            pitch = None if rest else self._pitch(found["accidental"], found["note"], found["octave"])
            self._add(pitch, parse_length(found["length"]))

    def _bar_line(self, sign: str) -> None:
        self.close(ends_repeat=sign.startswith(":"), double="||" in sign or "|]" in sign)
        if sign.endswith(":") and len(sign) > 1:
            self._starts = True
        if sign[-1].isdigit():
            self._ending = int(sign[-1])

    def close(self, *, ends_repeat: bool, double: bool) -> None:
        """End the measure at hand; an empty one only passes its repeat sign to the one before."""
        if self._now.notes:
            self._now.starts_repeat, self._now.ends_repeat, self._now.ending = (
                self._starts,
                ends_repeat,
                self._ending,
            )
            self.measures.append(self._now)
            self._starts = False
            if ends_repeat or double:
                self._ending = 0
        elif self.measures and ends_repeat:
            self.measures[-1].ends_repeat = True
        self._now, self._held = _Measure(), {}

    def _break(self, marks: str) -> None:
        if not self._now.notes:
            return
        short = Fraction(1, 2 ** len(marks))
        before, after = (2 - short, short) if marks[0] == ">" else (short, 2 - short)
        last = self._now.notes[-1]
        length = last[1]
        assert isinstance(length, Fraction)
        self._now.length += length * (before - 1)
        last[1] = length * before
        self._broken = after

    def _pitch(self, accidental: str, note: str, octave: str) -> int:
        letter = note.upper()
        height = (5 if note.islower() else 4) + octave.count("'") - octave.count(",")
        if accidental:
            self._held[letter, height] = _ACCIDENTALS.get(accidental, 0)
        shift = self._held.get((letter, height), signature(self.key.sharps).get(letter, 0))
        return 12 * (height + 1) + _STEPS[letter] + shift

    def _add(self, pitch: int | None, units: Fraction) -> None:
        assert self.unit is not None
        length = units * self.unit * 4
        left, factor = self._tuplet
        if left:
            length *= factor
            self._tuplet = (left - 1, factor)
        if self._broken is not None:
            length *= self._broken
            self._broken = None
        notes = self._now.notes
        if self._tied and pitch is not None and notes and notes[-1][2] == pitch:
            before = notes[-1][1]
            assert isinstance(before, Fraction)
            notes[-1][1] = before + length
        else:
            notes.append([self._now.length, length, pitch])
        self._tied = False
        self._now.length += length


def played_out(measures: Sequence[_Measure]) -> list[int]:
    """The order in which measures sound: every repeated part twice, with its second ending where it has one."""
    order: list[int] = []
    index = start = 0
    while index < len(measures):
        if measures[index].starts_repeat:
            start = index
        order.append(index)
        if not measures[index].ends_repeat:
            index += 1
            continue
        part = range(start, index + 1)
        order += [place for place in part if measures[place].ending != 1]
        index += 1
        if any(measures[place].ending == 1 for place in part):
            while index < len(measures) and measures[index].ending == 2:
                order.append(index)
                index += 1
        start = index
    return order


def _whole_bars(
    measures: Sequence[_Measure], length: Fraction
) -> list[list[list[Fraction | int | None]]] | None:
    """Notes by bar, short measures joined or filled; None if one is too long."""
    bars: list[tuple[list[list[Fraction | int | None]], Fraction]] = []
    for measure in measures:
        if measure.length > length * Fraction(11, 10):
            return None
        notes = [list(note) for note in measure.notes]
        if measure.length >= length * Fraction(99, 100):
            bars.append((notes, length))
        elif (
            bars and bars[-1][1] + measure.length <= length
        ):  # the second part of a bar that a repeat sign cuts
            before, filled = bars[-1]
            bars[-1] = (before + [[s + filled, d, p] for s, d, p in notes], filled + measure.length)  # type: ignore[operator]
        elif not bars:  # a pickup stands at the end of its bar
            bars.append(([[s + length - measure.length, d, p] for s, d, p in notes], length))  # type: ignore[operator]
        else:
            bars.append((notes, measure.length))
    return [notes for notes, _ in bars]


def read_tune(lines: Sequence[str], source: str) -> Tune | None:
    """One tune from its lines (from X: on); None if it is too short, in another meter, or not in whole bars."""
    reader = _Reader()
    for raw in lines:
        line = raw.rstrip("\r\n").split("%")[0].rstrip("\\ ")
        match = re.match(r"([A-Za-z]):(.*)", line)
        if match:
            reader.set_field(match.group(1), match.group(2).strip())
        elif reader.first_key is not None:
            reader.line(line)
    reader.close(ends_repeat=False, double=True)
    if reader.first_key is None or reader.meter not in _METERS:
        return None
    beats, factor, triplet = _METERS[reader.meter]
    bar = Fraction(4) * Fraction(reader.meter)
    bars = _whole_bars([reader.measures[i] for i in played_out(reader.measures)], bar)
    if bars is None:
        return None
    tones = []
    for number, notes in enumerate(bars):
        for start, length, pitch in notes:
            if isinstance(pitch, int) and start is not None and length is not None:
                tick = round((bar * number + start) * 12 * factor)
                tones.append(Tone(tick, max(1, round(length * 12 * factor)), pitch))
    if len(tones) < _SHORTEST:
        return None
    return Tune(
        source, reader.title, tuple(tones), beats, triplet, reader.first_key.tonic, reader.first_key.mode
    )


def read_book(text: str, source: str) -> Iterator[Tune | None]:
    """Every tune of an ABC file; None for one that is refused."""
    for part in re.split(r"(?m)^(?=X:)", text):
        if part.startswith("X:"):
            yield read_tune(part.split("\n"), source)
