"""Variations on the tunes of the books, so that no model memorises how a tune continues."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from antiphon_engines.audio.symbolic.tokens import TICKS_PER_BEAT

from .harmony import SCALES, Tone
from .pieces import MAX_BARS, Tune

_SHARES: Final = {"itself": 0.4, "spliced": 0.35, "other_mode": 0.13, "half_time": 0.12}
_OTHER_MODE: Final = {"maj": "min", "min": "maj", "mix": "dor", "dor": "mix", "lyd": "min"}
_FORMS: Final = ("AABA", "ABAB", "ABAC", "AABB", "ABCA", "ABCD")


def _in_mode(pitch: int, tonic: int, old: str, new: str) -> int:
    """``pitch`` moved from its degree of one scale to the same degree of another; chromatic notes stay."""
    degree = (pitch - tonic) % 12
    return pitch + SCALES[new][SCALES[old].index(degree)] - degree if degree in SCALES[old] else pitch


def other_mode(tune: Tune) -> Tune:
    """A major tune in minor, a minor one in major."""
    mode = _OTHER_MODE[tune.mode]
    melody = tuple(t._replace(pitch=_in_mode(t.pitch, tune.tonic, tune.mode, mode)) for t in tune.melody)
    return replace(tune, melody=melody, mode=mode)


def half_time(tune: Tune) -> Tune:
    """Every note twice as long, as much as fits: quavers become crotchets, as in slower styles."""
    stop = MAX_BARS * tune.bar_beats * TICKS_PER_BEAT
    melody = tuple(
        Tone(2 * t.tick, 2 * t.duration, t.pitch) for t in tune.melody if 2 * (t.tick + t.duration) <= stop
    )
    return replace(tune, melody=melody)


def spliced(tunes: Sequence[Tune], rng: random.Random) -> Tune:
    """Phrases of up to four tunes of one meter and feel, in the key and mode of the first, in a form with repeats."""
    first = rng.choice(tunes)
    others = [first]
    for _ in range(40):
        other = rng.choice(tunes)
        if (other.bar_beats, other.triplet) == (first.bar_beats, first.triplet):
            others.append(other)
        if len(others) == 4:
            break
    phrase_bars = rng.choice((4, 8))
    length = phrase_bars * first.bar_beats * TICKS_PER_BEAT
    phrases: list[list[Tone]] = []
    for other in others:
        bars = max(tone.tick + tone.duration for tone in other.melody) // (other.bar_beats * TICKS_PER_BEAT)
        start = rng.randrange(0, max(1, bars - phrase_bars + 1), 4) * other.bar_beats * TICKS_PER_BEAT
        shift = (first.tonic - other.tonic + 6) % 12 - 6
        phrases.append(
            [
                Tone(
                    t.tick - start,
                    min(t.duration, start + length - t.tick),
                    _in_mode(t.pitch, other.tonic, other.mode, first.mode) + shift,
                )
                for t in other.melody
                if start <= t.tick < start + length
            ]
        )
    form = rng.choice(_FORMS) * (2 if phrase_bars == 4 and rng.random() < 0.6 else 1)
    melody = [
        tone._replace(tick=tone.tick + place * length)
        for place, letter in enumerate(form)
        for tone in phrases["ABCD".index(letter) % len(phrases)]
    ]
    return replace(first, melody=tuple(melody))


def varied(tunes: Sequence[Tune], rng: random.Random) -> Tune:
    """One of ``tunes``, or a variation."""
    kind = rng.choices(list(_SHARES), list(_SHARES.values()))[0]
    made = spliced(tunes, rng) if kind == "spliced" else rng.choice(tunes)
    if kind == "other_mode":
        made = other_mode(made)
    elif kind == "half_time":
        made = half_time(made)
    return made if len(made.melody) >= 8 else rng.choice(tunes)
