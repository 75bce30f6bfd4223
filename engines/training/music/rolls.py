"""Draw a performance as a piano roll: people and the band in colours, chords as letters, drums below."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from PIL import Image, ImageDraw

from antiphon_engines.audio.symbolic.tokens import DRUM_NAMES, TICKS_PER_BEAT, Chord

from .measures import Take

_COLOURS: Final = {
    "H": (214, 69, 65),
    "M": (142, 68, 173),
    "B": (41, 98, 180),
    "C": (39, 150, 96),
    "P": (190, 190, 120),
    "D": (70, 70, 70),
}
_ROOTS: Final = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")
_SUFFIX: Final = {"maj": "", "min": "m", "7": "7", "maj7": "^7", "m7": "m7", "dim": "o", "sus": "4"}
_LOW, _HIGH = 28, 92
_TICK_WIDTH, _PITCH_HEIGHT, _DRUM_HEIGHT, _TOP = 2, 4, 5, 26


def symbol(chord: Chord) -> str:
    """'Am7' and the like; ^7 is a major seventh, 4 a suspension."""
    return _ROOTS[chord.root] + _SUFFIX[chord.quality]


def piano_roll(take: Take, title: str, path: Path) -> None:
    """Write a PNG with one pixel column pair a tick."""
    width = len(take.asked) * take.bar * _TICK_WIDTH + 10
    roll = (_HIGH - _LOW + 1) * _PITCH_HEIGHT
    image = Image.new("RGB", (width, _TOP + roll + 8 + len(DRUM_NAMES) * _DRUM_HEIGHT + 4), "white")
    draw = ImageDraw.Draw(image)

    def y(pitch: int) -> int:
        return _TOP + (_HIGH - min(_HIGH, max(_LOW, pitch))) * _PITCH_HEIGHT

    for pitch in range(_LOW, _HIGH + 1):
        if pitch % 12 in (1, 3, 6, 8, 10):
            draw.rectangle((0, y(pitch), width, y(pitch) + _PITCH_HEIGHT - 1), fill=(244, 244, 247))
    for tick in range(0, len(take.asked) * take.bar + 1, TICKS_PER_BEAT):
        shade = (150, 150, 160) if tick % take.bar == 0 else (226, 226, 232)
        draw.line((tick * _TICK_WIDTH, _TOP - 12, tick * _TICK_WIDTH, image.height), fill=shade)
    before = None
    for beat, chord in enumerate(take.chords):
        if chord != before:
            draw.text((beat * TICKS_PER_BEAT * _TICK_WIDTH + 2, _TOP - 13), symbol(chord), fill=(30, 30, 30))
        before = chord
    tones = [("H", t.tick, t.duration, t.pitch) for t in take.people]
    for role, tick, duration, pitch in [*((n.role, n.tick, n.duration, n.pitch) for n in take.notes), *tones]:
        left = tick * _TICK_WIDTH
        if role == "D":
            top = _TOP + roll + 8 + pitch * _DRUM_HEIGHT
            draw.rectangle((left, top, left + 3, top + _DRUM_HEIGHT - 2), fill=_COLOURS[role])
        else:
            right = left + max(3, duration * _TICK_WIDTH - 2)
            draw.rectangle((left, y(pitch), right, y(pitch) + _PITCH_HEIGHT - 1), fill=_COLOURS[role])
    draw.text((2, 1), title, fill=(0, 0, 0))
    image.quantize(16).save(path, optimize=True)
