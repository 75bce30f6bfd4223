"""Chords for a melody, chord progressions for a riff, and the colours that a style puts on plain triads.

The harmoniser is ours: a Viterbi search over diatonic chords, one state a beat. Its score is the share of the melody
that the chord holds, weighed by length and accent, with habits of harmonic rhythm (changes fall on bar lines and half
bars unless the melody asks for more) and of root movement.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from functools import cache
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from antiphon_engines.audio.symbolic.tokens import QUALITIES, TICKS_PER_BEAT, Chord

Floats = NDArray[np.float64]


class Tone(NamedTuple):
    """One melody note: start and length in ticks from the start of the piece, MIDI pitch."""

    tick: int
    duration: int
    pitch: int


SCALES: Final[dict[str, tuple[int, ...]]] = {
    "maj": (0, 2, 4, 5, 7, 9, 11),
    "min": (0, 2, 3, 5, 7, 8, 10),
    "mix": (0, 2, 4, 5, 7, 9, 10),
    "dor": (0, 2, 3, 5, 7, 9, 10),
    "lyd": (0, 2, 4, 6, 7, 9, 11),
}
_MAJOR: Final = ((0, "maj", 0.30), (2, "min", 0.06), (4, "min", -0.15), (5, "maj", 0.21), (7, "maj", 0.24),
                 (9, "min", 0.09), (10, "maj", -0.30), (2, "maj", -0.42))  # fmt: skip
CANDIDATES: Final[dict[str, tuple[tuple[int, str, float], ...]]] = {
    "maj": _MAJOR,
    "lyd": _MAJOR,
    "min": ((0, "min", 0.30), (5, "min", 0.12), (7, "maj", 0.15), (7, "min", -0.06), (8, "maj", 0.06),
            (3, "maj", 0.06), (10, "maj", 0.09), (2, "dim", -0.36)),
    "mix": ((0, "maj", 0.30), (10, "maj", 0.21), (5, "maj", 0.18), (7, "min", 0.0), (2, "min", 0.0), (9, "min", 0.0),
            (7, "maj", 0.06)),
    "dor": ((0, "min", 0.30), (5, "maj", 0.15), (10, "maj", 0.21), (3, "maj", 0.06), (7, "min", 0.06),
            (2, "min", -0.06)),
}  # fmt: skip
"""Scale mode -> (root above the tonic, quality, prior) of the chords that the harmoniser chooses from."""
_MOVES: Final[dict[tuple[int, int], float]] = {
    (7, 0): 0.35, (5, 0): 0.2, (2, 7): 0.35, (5, 7): 0.25, (0, 5): 0.15, (0, 7): 0.1, (9, 2): 0.25, (9, 5): 0.2,
    (0, 9): 0.15, (4, 9): 0.2, (8, 10): 0.15, (10, 0): 0.25, (10, 3): 0.15, (8, 7): 0.15, (3, 8): 0.15, (0, 8): 0.1,
    (0, 10): 0.15, (2, 0): -0.3, (7, 5): -0.15,
}  # fmt: skip
_LOOPS: Final[dict[str, tuple[tuple[int, ...], ...]]] = {
    "any": ((0, 7, 9, 5), (9, 5, 0, 7), (0, 9, 5, 7), (0, 5, 7, 5), (0, 5, 9, 7), (0, 7, 5, 7)),
    "min": ((0, 8, 3, 10), (0, 5, 8, 7), (0, 10, 8, 7), (0, 5, 0, 7), (0, 3, 10, 5)),
    "blues": ((0, 0, 0, 0, 5, 5, 0, 0, 7, 5, 0, 7), (0, 5, 0, 0, 5, 5, 0, 0, 7, 5, 0, 0)),
    "jazz": ((2, 7, 0, 9), (0, 9, 2, 7), (4, 9, 2, 7), (0, 5, 4, 9, 2, 7, 0, 0)),
    "rock": ((0, 10, 5, 0), (0, 0, 5, 10), (0, 5, 10, 5), (0, 3, 5, 0)),
}
_MAJOR_DEGREES: Final = {0: "maj", 2: "min", 4: "min", 9: "min"}
_MINOR_DEGREES: Final = {0: "min", 2: "dim", 5: "min"}
_CHANGE_COST: Final = {"bar": -0.05, "half": 0.25, "beat": 0.75}


def _beat_weights(melody: Sequence[Tone], tonic: int, beats: int) -> list[list[float]]:
    """(beats, 12): how much of each beat each pitch class above the tonic fills, weighed by accent."""
    weights = [[0.0] * 12 for _ in range(beats)]
    for tick, duration, pitch in melody:
        accent = 1.5 if tick % (2 * TICKS_PER_BEAT) == 0 else 1.2 if tick % TICKS_PER_BEAT == 0 else 0.9
        start, stop = tick, tick + duration
        while start < stop:
            beat = start // TICKS_PER_BEAT
            if beat >= beats:
                break
            upto = min(stop, (beat + 1) * TICKS_PER_BEAT)
            weights[beat][(pitch - tonic) % 12] += (upto - start) / TICKS_PER_BEAT * accent
            start = upto
    return weights


class _Search(NamedTuple):
    """Features of chords in a scale mode, one column per candidate."""

    fit: Floats  # (12, candidates) of each pitch class above the tonic
    prior: Floats  # (candidates,)
    moves: dict[str, Floats]  # (before, after) by the place of the change in the bar

    def step(self, scores: Floats, beat: int, bar_beats: int) -> Floats:
        """(before, after): the score of every way from the beat before to ``beat``, given the best until then."""
        place = beat % bar_beats
        level = "bar" if place == 0 else "half" if place == 2 and bar_beats == 4 else "beat"
        ways: Floats = scores[:, None] + self.moves[level]
        return ways


@cache
def _search(mode: str) -> _Search:
    candidates = CANDIDATES[mode]
    fit = np.full((12, len(candidates)), -0.8)
    for index, (root, quality, _) in enumerate(candidates):
        fit[[(root + step) % 12 for step in QUALITIES[quality]], index] = 1.0
        fit[root, index] += 0.15
    roots = [root for root, _, _ in candidates]
    moves = {
        level: np.array(
            [
                [0.0 if a == b else _MOVES.get((x, y), 0.0) - cost for b, y in enumerate(roots)]
                for a, x in enumerate(roots)
            ]
        )
        for level, cost in _CHANGE_COST.items()
    }
    return _Search(fit, np.array([prior * 0.4 for _, _, prior in candidates]), moves)


def _noise(rng: random.Random, *shape: int, scale: float = 0.05) -> Floats:
    """Noise that makes two arrangements of a tune differ where the melody leaves a choice."""
    return np.random.default_rng(rng.getrandbits(64)).normal(0, scale, shape)


def harmonise(
    melody: Sequence[Tone], tonic: int, mode: str, bar_beats: int, bars: int, rng: random.Random
) -> list[Chord]:
    """One triad a beat for ``melody`` (ticks from a bar line), chosen with the whole melody in view.

    A little noise from ``rng`` makes several arrangements of one tune differ where the melody leaves a choice.
    """
    search, beats = _search(mode), bars * bar_beats
    count = len(search.prior)
    scores = np.array(_beat_weights(melody, tonic, beats)) @ search.fit + search.prior
    scores += _noise(rng, count) + _noise(rng, beats, count)
    at_home = [root == 0 for root, _, _ in CANDIDATES[mode]]
    scores[0] += np.where(at_home, 0.6, 0.0)
    scores[-bar_beats:] += np.where(at_home, 0.6, 0.0)
    best, back = np.zeros(count), []
    for beat in range(beats):
        ways = search.step(best, beat, bar_beats)
        back.append(ways.argmax(0))
        best = ways.max(0) + scores[beat]
    state = int(best.argmax())
    path = []
    for pointers in reversed(back):
        path.append(state)
        state = int(pointers[state])
    return [_chord(mode, state, tonic) for state in reversed(path)]


def foreseen(
    heard: Sequence[Tone],
    tonics: Sequence[int],
    mode: str,
    bar_beats: int,
    lag: int,
    rng: random.Random,
    noise: float = 0.05,
) -> list[Chord]:
    """One triad per beat (``tonics``: of each beat), chosen by a band that hears ``heard`` ``lag`` ticks late. The
    search of `harmonise`, cut off at the notes known at each beat and continued without notes to that beat.
    """
    search, beats = _search(mode), len(tonics)
    turned = [t._replace(pitch=t.pitch - tonics[min(beats - 1, t.tick // TICKS_PER_BEAT)]) for t in heard]
    scores = np.array(_beat_weights(turned, 0, beats)) @ search.fit
    base = search.prior + _noise(rng, len(search.prior), scale=noise)
    base = base + _noise(rng, beats, len(search.prior), scale=noise)
    best, known_beats, chords = np.zeros(len(search.prior)), 0, []
    for beat, tonic in enumerate(tonics):
        known = beat * TICKS_PER_BEAT - lag
        while (known_beats + 1) * TICKS_PER_BEAT <= known + 1:
            best = search.step(best, known_beats, bar_beats).max(0) + scores[known_beats] + base[known_beats]
            known_beats += 1
        here = best
        for ahead in range(known_beats, beat + 1):
            here = search.step(here, ahead, bar_beats).max(0) + base[ahead]
            if ahead == known_beats:
                start = ahead * TICKS_PER_BEAT
                partly = [t._replace(tick=t.tick - start) for t in turned if start <= t.tick <= known]
                if partly:
                    here = here + np.array(_beat_weights(partly, 0, 1)[0]) @ search.fit
        chords.append(_chord(mode, int(here.argmax()), tonic))
    return chords


def _chord(mode: str, candidate: int, tonic: int) -> Chord:
    root, quality, _ = CANDIDATES[mode][candidate]
    return Chord((root + tonic) % 12, quality)


_LABELS: Final = tuple((root, quality) for quality in ("maj", "min", "7", "m7", "dim") for root in range(12))


def label(parts: Sequence[Sequence[Tone]], beats: int) -> list[Chord]:
    """The chord of each beat of a score: the template that contains most of the sounding notes; the bass counts
    more."""
    weights = [[0.0] * 12 for _ in range(beats)]
    for index, part in enumerate(parts):
        share = 1.3 if index == len(parts) - 1 else 1.0
        for row, more in zip(weights, _beat_weights(part, 0, beats), strict=True):
            for pitch_class in range(12):
                row[pitch_class] += more[pitch_class] * share
    chords: list[Chord] = []
    for row in weights:
        if not any(row):
            chords.append(chords[-1] if chords else Chord(0, "maj"))
            continue
        total = sum(row)

        def score(candidate: tuple[int, str], row: list[float] = row, total: float = total) -> float:
            root, quality = candidate
            steps = QUALITIES[quality]
            held = sum(row[(root + step) % 12] for step in steps)
            return 2 * held - total * 0.06 * len(steps) + 0.15 * row[root]

        chords.append(Chord(*max(_LABELS, key=score)))
    return chords


def progression(
    style: str, tonic: int, minor: bool, bar_beats: int, bars: int, rng: random.Random
) -> list[Chord]:
    """One triad per beat from a loop that suits ``style``: the harmony under a riff."""
    if style == "blues":
        loops = _LOOPS["blues"]
    elif minor:
        loops = _LOOPS["min"]
    elif style in ("jazz", "bossa", "jazzwaltz", "lofi", "gospel", "samba"):
        loops = _LOOPS["jazz"] + _LOOPS["any"][:2]
    elif style in ("rock", "hardrock"):
        loops = _LOOPS["rock"] + _LOOPS["any"]
    else:
        loops = _LOOPS["any"]
    loop = rng.choice(loops)
    degrees = _MINOR_DEGREES if minor else _MAJOR_DEGREES
    two_a_bar = (
        bar_beats == 4 and len(loop) == 4 and style in ("jazz", "gospel", "lofi") and rng.random() < 0.4
    )
    span = 2 if two_a_bar else bar_beats
    roots = [loop[beat // span % len(loop)] for beat in range(bars * bar_beats)]
    return [Chord((root + tonic) % 12, degrees.get(root, "maj")) for root in roots]


def coloured(chord: Chord, colour: str, tonic: int, rng: random.Random) -> Chord:
    """``chord`` as a style plays it: sevenths, suspensions or plain."""
    root, quality = chord
    dominant = (root - tonic) % 12 == 7 and quality == "maj"
    seventh = {"maj": "7" if dominant else "maj7", "min": "m7"}.get(quality, quality)
    if quality == "dim":
        return chord
    if colour == "jazz" or (colour == "soft" and rng.random() < 0.45):
        return Chord(root, seventh)
    if colour == "blues":
        return Chord(root, "7" if quality == "maj" else "m7")
    if colour == "funk":
        return Chord(root, "m7" if quality == "min" else "7" if rng.random() < 0.7 else quality)
    if colour == "dom" and dominant and rng.random() < 0.6:
        return Chord(root, "7")
    if colour == "triad" and dominant and rng.random() < 0.12:
        return Chord(root, "sus")
    return chord


def riff(
    chords: Sequence[Chord],
    tonic: int,
    mode: str,
    bar_beats: int,
    bars: int,
    triplet: bool,
    rng: random.Random,
) -> list[Tone]:
    """A melody of our own over ``chords`` (one a beat): a motif that is repeated, varied, and aims at chord tones."""
    scale = SCALES[mode]
    if rng.random() < 0.35:
        scale = (0, 3, 5, 7, 10) if mode in ("min", "dor") else (0, 2, 4, 7, 9)
    step = 4 if triplet else 3 if rng.random() < 0.25 else 6
    bar = bar_beats * TICKS_PER_BEAT
    motif_bars = rng.choice((1, 2, 2))
    slots = bar // step * motif_bars
    density = rng.uniform(0.35, 0.9)

    def motif() -> list[tuple[int, int, int]]:
        """(slot, length in slots, scale steps up or down) of each note."""
        notes, slot = [], 0
        while slot < slots:
            if slot == 0 or rng.random() < density:
                length = rng.choice((1, 2, 2, 2, 4, 4) if step == 3 else (1, 1, 1, 2, 2, 3, 4))
                notes.append((slot, length, rng.choice((-2, -1, -1, -1, 0, 1, 1, 1, 2, -3, 3))))
                slot += length
            else:
                slot += 1
        return notes

    motifs = {letter: motif() for letter in "ABC"}
    form = rng.choice(("AAAB", "ABAB", "AABA", "AAAA", "ABAC"))
    pool = [pitch for pitch in range(56, 86) if (pitch - tonic) % 12 in scale]
    place = len(pool) // 2
    tones = []
    for repeat in range(-(-bars // motif_bars)):
        letter = form[repeat % 4]
        if letter == "A":
            place = len(pool) // 2 + rng.choice((-1, 0, 0, 1))
        if rng.random() < 0.1:
            continue
        for slot, length, move in motifs[letter]:
            tick = repeat * motif_bars * bar + slot * step
            if tick >= bars * bar:
                break
            place = min(
                len(pool) - 1, max(0, place + move + (rng.choice((-1, 1)) if rng.random() < 0.1 else 0))
            )
            pitch = pool[place]
            if tick % (2 * TICKS_PER_BEAT) == 0:
                members = chords[min(len(chords) - 1, tick // TICKS_PER_BEAT)].pitch_classes()
                pitch = min(
                    range(pitch - 4, pitch + 5), key=lambda p: (p % 12 not in members, abs(p - pool[place]))
                )
            tones.append(Tone(tick, max(2, length * step - (rng.random() < 0.3)), pitch))
    return tones
