"""Measures of a performance: pure functions over a `Take` (notes of people and band, and the controls). Shares are
fractions of 1. The measures do not depend on the model.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from antiphon_engines.audio.symbolic.tokens import (
    DRUM_NAMES,
    TICKS_PER_BEAT,
    Bar,
    Chord,
    Key,
    Note,
    density_class,
)

from .harmony import Tone

CONSONANT: Final = frozenset({0, 3, 4, 7, 8, 9})
"""Interval classes that count as consonant: unison, thirds, fifth, sixths (fourths are left out)."""
_SCALES: Final = {"maj": {0, 2, 4, 5, 7, 9, 11}, "min": {0, 2, 3, 5, 7, 8, 10, 11}}


@dataclass
class Take:
    """One performance. ``asked``: the controls of each bar. Ticks from the start; ``chords``: one a beat."""

    asked: list[Bar]
    notes: list[Note]
    chords: list[Chord]
    people: list[Tone]

    @property
    def bar(self) -> int:
        """Ticks in a bar."""
        return self.asked[0].ticks

    def chord_at(self, tick: int) -> Chord:
        """The chord that rules at ``tick``."""
        return self.chords[min(len(self.chords) - 1, tick // TICKS_PER_BEAT)]


def share(hits: Sequence[bool] | NDArray[np.bool_]) -> float | None:
    """The fraction of true values; None of nothing."""
    return float(np.mean(hits)) if len(hits) else None


def people_on_chord(take: Take, moved_bars: int = 0) -> list[bool]:
    """For each note of people: does the chord at that moment hold it? ``moved_bars`` turns the chords (chance)."""
    beats = take.asked[0].beats
    chords = take.chords[moved_bars * beats :] + take.chords[: moved_bars * beats]
    last = len(chords) - 1
    return [t.pitch % 12 in chords[min(last, t.tick // TICKS_PER_BEAT)].pitch_classes() for t in take.people]


def people_on_tonic(take: Take) -> list[bool]:
    """The same for a band that never leaves the tonic triad: the baseline for following."""
    hits = []
    for tone in take.people:
        key = take.asked[min(len(take.asked) - 1, tone.tick // take.bar)].key or Key(0, "maj")
        hits.append(tone.pitch % 12 in Chord(key.tonic, key.mode).pitch_classes())
    return hits


def in_key(take: Take) -> list[bool]:
    """For each pitched note of the band: is it in the scale that was asked for (minor with both sevenths)?"""
    hits = []
    for note in take.notes:
        key = take.asked[note.tick // take.bar].key
        if note.role != "D" and key is not None:
            hits.append((note.pitch - key.tonic) % 12 in _SCALES[key.mode])
    return hits


def on_own_chord(take: Take) -> list[bool]:
    """For each bass, chord and pad note: does the band's own chord hold it?"""
    return [n.pitch % 12 in take.chord_at(n.tick).pitch_classes() for n in take.notes if n.role in "BCP"]


def strong_ticks(take: Take) -> list[int]:
    """First and third beats of 4/4, first beats of 3/4."""
    step = 2 * TICKS_PER_BEAT if take.asked[0].beats == 4 else take.bar
    return list(range(0, len(take.asked) * take.bar, step))


def _sounding(notes: Sequence[tuple[int, int, int]], tick: int) -> list[int]:
    return [pitch for start, duration, pitch in notes if start <= tick < start + duration]


def strong_beats(take: Take) -> list[tuple[list[int], list[int]]]:
    """(pitches of people, pitches of the band) that sound on each strong beat."""
    band = [(n.tick, n.duration, n.pitch) for n in take.notes if n.role != "D"]
    return [(_sounding(take.people, tick), _sounding(band, tick)) for tick in strong_ticks(take)]


def consonance(pairs: Sequence[tuple[Sequence[int], Sequence[int]]]) -> tuple[int, int]:
    """(consonant intervals, intervals) between people and band over strong beats."""
    intervals = [(b - p) % 12 for people, band in pairs for p in people for b in band]
    return sum(interval in CONSONANT for interval in intervals), len(intervals)


def consonance_against_shuffled(
    takes: Sequence[Take], rounds: int, rng: np.random.Generator
) -> tuple[float, float, float]:
    """(share of consonant intervals, mean share with shuffled accompaniment, p) over all takes.

    Shuffling deals the band's strong beats of a piece anew; p is the share of rounds that reach the real one
    (never less than 1 / (rounds + 1)).
    """
    beats = [strong_beats(take) for take in takes]

    def pooled(rows: Sequence[Sequence[tuple[list[int], list[int]]]]) -> float:
        counts = np.array([consonance(row) for row in rows]).sum(0)
        return float(counts[0] / max(1, counts[1]))

    real = pooled(beats)
    shuffled = []
    for _ in range(rounds):
        rows = []
        for row in beats:
            order = rng.permutation(len(row))
            rows.append([(row[i][0], row[order[i]][1]) for i in range(len(row))])
        shuffled.append(pooled(rows))
    return real, float(np.mean(shuffled)), (1 + sum(value >= real for value in shuffled)) / (rounds + 1)


def onsets_per_beat(take: Take, first: int, bars: int) -> float:
    """Onsets of the band (one a role and tick) a beat over ``bars`` bars from bar ``first``."""
    start, stop = first * take.bar, (first + bars) * take.bar
    onsets = {(note.tick, note.role) for note in take.notes if start <= note.tick < stop}
    return len(onsets) / (bars * take.asked[0].beats)


def densities(take: Take) -> list[tuple[int, float, int]]:
    """(class asked for, onsets a beat, class played) of each four bars under one density."""
    out = []
    for first in range(0, len(take.asked) - 3, 4):
        asked = {bar.density for bar in take.asked[first : first + 4]}
        value = onsets_per_beat(take, first, 4)
        wanted = asked.pop()
        if not asked and wanted is not None:
            out.append((wanted, value, density_class(value)))
    return out


def drum_profile(notes: Sequence[Note], bar: int) -> NDArray[np.float64]:
    """(drums, 48) how often each drum is struck at each tick of a bar, unit length; zeros without drums."""
    profile = np.zeros((len(DRUM_NAMES), 48))
    for note in notes:
        if note.role == "D":
            profile[note.pitch, note.tick % bar] += 1
    length = float(np.linalg.norm(profile))
    return profile / length if length else profile


def _bar_sets(take: Take) -> list[frozenset[tuple[int, str, int]]]:
    sets: list[set[tuple[int, str, int]]] = [set() for _ in take.asked]
    for note in take.notes:
        bar, tick = divmod(note.tick, take.bar)
        sets[bar].add((tick, note.role, note.pitch if note.role == "D" else 0))
    return [frozenset(s) for s in sets]


def rhythm_repetition(take: Take, distance: int) -> float | None:
    """Mean overlap (Jaccard) of the rhythms of bars that lie ``distance`` bars apart."""
    sets = _bar_sets(take)
    pairs = [(a, b) for a, b in zip(sets, sets[distance:], strict=False) if a | b]
    return float(np.mean([len(a & b) / len(a | b) for a, b in pairs])) if pairs else None


def rank_correlation(pairs: Sequence[tuple[float, float]]) -> float:
    """Spearman's rank correlation, ties at their mean rank."""

    def ranks(values: NDArray[np.float64]) -> NDArray[np.float64]:
        _, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
        last = np.cumsum(counts)
        mean_rank: NDArray[np.float64] = (last - (counts - 1) / 2)[inverse]
        return mean_rank

    table = np.array(pairs, np.float64)
    return float(np.corrcoef(ranks(table[:, 0]), ranks(table[:, 1]))[0, 1])
