"""Accompaniment that does not know the chords: the history from which the model learns to choose the next chord. In a
jam the earlier chords are the model's own, chosen from the notes heard so far. Four kinds of companion imitate it, two
per piece, in turns of four bars, so that no single habit hints at the notes of people.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import Final

from antiphon_engines.audio.symbolic.tokens import TICKS_PER_BEAT, Chord

from .harmony import CANDIDATES, Tone, foreseen, progression

_KINDS: Final = {"listener": 0.55, "loop": 0.2, "late": 0.15, "still": 0.1}
"""Listens as late as the model, with more or less luck; plays a loop of its own; plays the right chord beats too late;
stays on one chord for bars."""
_TURN_BARS: Final = 4


def late(chords: Sequence[Chord], beats: int) -> list[Chord]:
    """``chords`` (one a beat), so many beats later."""
    return [chords[max(0, beat - beats)] for beat in range(len(chords))]


def _still(tonics: Sequence[int], mode: str, span: int, rng: random.Random) -> list[Chord]:
    out: list[Chord] = []
    for first in range(0, len(tonics), span):
        root, quality, _ = CANDIDATES[mode][0] if rng.random() < 0.5 else rng.choice(CANDIDATES[mode][:6])
        out += [Chord((root + tonic) % 12, quality) for tonic in tonics[first : first + span]]
    return out


def companions_chords(
    people: Sequence[Tone],
    wanted: Sequence[Chord],
    tonics: Sequence[int],
    mode: str,
    bar_beats: int,
    lag: int,
    rng: random.Random,
) -> list[Chord]:
    """One chord a beat: triads, or ``wanted`` ones. ``tonics`` is the tonic of each beat, ``lag`` is in ticks."""
    names = rng.choices(list(_KINDS), list(_KINDS.values()), k=2)
    beats = len(tonics)
    lines: dict[str, list[Chord]] = {}
    for name in sorted(set(names)):
        if name == "listener":
            lines[name] = foreseen(
                people, tonics, mode, bar_beats, lag, rng, noise=rng.choice((0.05, 0.2, 0.6))
            )
        elif name == "loop":
            minor = mode in ("min", "dor")
            loop = progression("any", 0, minor, bar_beats, -(-beats // bar_beats), rng)
            lines[name] = [Chord((c.root + t) % 12, c.quality) for c, t in zip(loop, tonics, strict=False)]
        elif name == "late":
            lines[name] = late(wanted, -(-lag // TICKS_PER_BEAT) + rng.randrange(1, 4))
        else:
            lines[name] = _still(tonics, mode, bar_beats * rng.choice((1, 2, 4)), rng)
    turn = _TURN_BARS * bar_beats
    chosen = [rng.choice(names) for _ in range(0, beats, turn)]
    return [lines[chosen[beat // turn]][beat] for beat in range(beats)]
