"""The engine's help for a small model: which chords and pitches people's notes speak for.

Two cases. People ask for a chord (hands.py): the chord that holds most of it is played, against the key and the model's
own choice. Or they play a line: the help then prefers chords that hold the notes they will probably play next, by the
notes just heard, by earlier passages like this (recall.py), and by the model's expectation."""

from __future__ import annotations

from functools import cache
from typing import Final

import numpy as np

from antiphon_engines.audio.symbolic import tokens
from antiphon_engines.audio.symbolic.controls import Controls
from antiphon_engines.audio.symbolic.decoder import Floats
from antiphon_engines.audio.symbolic.hands import Asked, Hands
from antiphon_engines.audio.symbolic.recall import Recall
from antiphon_engines.audio.symbolic.tokens import RANGES, TICKS_PER_BEAT, VOCABULARY, Chord, Key

CHORDS: Final = tuple(Chord(root, quality) for quality in tokens.QUALITIES for root in range(12))
"""The candidates; `Guide.bias` has a number for each."""
_SCALES: Final = {"maj": {0, 2, 4, 5, 7, 9, 11}, "min": {0, 2, 3, 5, 7, 8, 10, 11}}
_MEMBERS: Final[Floats] = np.array(
    [[pitch_class in chord.pitch_classes() for pitch_class in range(12)] for chord in CHORDS], np.float32
)
_SHARES: Final[Floats] = _MEMBERS / _MEMBERS.sum(1, keepdims=True)
_ROOTS: Final = np.array([chord.root for chord in CHORDS])
_FORMS: Final[dict[Chord, Floats]] = {
    chord: (120.0 * (np.arange(len(CHORDS)) == number)).astype(np.float32)
    for number, chord in enumerate(CHORDS)
}
"""For each chord the nats that make the model play it."""
_FOLLOWED_TICKS: Final = 3 * TICKS_PER_BEAT
_FORETOLD_WEIGHT: Final = 2.5
_EXPECTED_WEIGHT: Final = 3.0
"""The weight of predicted and of expected notes, in notes that were just heard."""
_FOURTH_NOTE_COST: Final = 1 / 7
"""The part of the melody that a fourth chord tone must hold to count: a note of the scale holds that much by chance."""
_FOURTH_NOTES: Final[Floats] = np.maximum(_MEMBERS.sum(1) - 3, 0)
_ASKED: Final = 120.0
"""Nats for a chord that holds all requested notes: a third of it is more than the model ever gives away."""
_LOWEST: Final = 0.05
"""The evidence of the lowest note of a chord for its root, as a part of `_ASKED`."""
_FEWEST_HELD: Final = 3
"""The requested notes that a chord must hold to be an answer."""


class Guide:
    """The notes of people, and the chords that they suggest for a beat."""

    def __init__(self) -> None:
        self._recall, self._hands = Recall(), Hands()
        self.asked: Asked | None = None
        """The request of people when the last chord was chosen."""

    def press(self, tick: int, pitch: int) -> None:
        self._recall.add(tick, pitch)
        self._hands.press(tick, pitch)

    def release(self, tick: int, pitch: int) -> None:
        self._hands.release(tick, pitch)

    def let_go(self, tick: int) -> None:
        self._hands.let_go(tick)

    def forget(self, known: int) -> None:
        """Drop notes that no longer matter after ``known``."""
        self._recall.forget(known)
        self._hands.forget(known)

    def bias(self, controls: Controls, now: int, logits: Floats) -> Floats | None:
        """(CHORDS,) nats for each chord of the beat at ``now``; ``logits`` are the model's of the same chords."""
        self.asked = None
        if not (controls.follow or controls.key_lock or controls.form):
            return None
        if controls.follow:
            asked = self._hands.asked(now - controls.lag)
            answers = None if asked is None else _answers(asked)
            if answers is not None:
                self.asked = asked
                return answers
        if controls.form is not None:
            return _FORMS[controls.form]
        bias = np.zeros(len(CHORDS), np.float32)
        weights = self._heard(controls, now)
        if weights.any():
            weights += _EXPECTED_WEIGHT * _expected(logits)
            held = _MEMBERS @ (weights / weights.sum()) - _FOURTH_NOTE_COST * _FOURTH_NOTES
            bias += controls.follow * held
        if controls.key is not None:
            bias -= controls.key_lock * (_MEMBERS @ _outside(controls.key))
        return bias

    def _heard(self, controls: Controls, now: int) -> Floats:
        """(12,) how much was heard of each pitch class, in notes that were just heard."""
        known = now - controls.lag
        weights = np.zeros(12, np.float32)
        for tick, pitch_class in self._recall.between(known - _FOLLOWED_TICKS + 1, known):
            weights[pitch_class] += 1 - (known - tick) / _FOLLOWED_TICKS
        for _, pitch_class in self._recall.foretold(
            known, known + 1, now + TICKS_PER_BEAT, controls.beats * TICKS_PER_BEAT
        ):
            weights[pitch_class] += _FORETOLD_WEIGHT
        return weights


def _answers(asked: Asked) -> Floats | None:
    """(CHORDS,) nats for chords that hold the requested notes; None if no chord does."""
    wanted = np.array([pitch_class in asked.pitch_classes for pitch_class in range(12)], np.float32)
    held = _MEMBERS @ wanted
    if held.max() < _FEWEST_HELD:
        return None
    others = _MEMBERS.sum(1) - held
    fit = held / wanted.sum() - _FOURTH_NOTE_COST * others + _LOWEST * (asked.lowest == _ROOTS)
    answers: Floats = (_ASKED * fit).astype(np.float32)
    return answers


def _expected(logits: Floats) -> Floats:
    """(12,) how likely each pitch class belongs to the chord that the model would choose; the sum is 1.

    A chord that shares notes with several likely ones is a better guess than the likeliest, if that is wrong.
    """
    odds = np.exp(logits - logits.max())
    share: Floats = (odds / odds.sum()) @ _SHARES
    return share


@cache
def _outside(key: Key, chord: Chord | None = None) -> Floats:
    """(12,) 1 for each pitch class outside the scale (minor keeps both sevenths).

    Where people have asked for ``chord``, its notes belong to the scale; those a semitone beside a foreign one do not.
    """
    inside = {(step + key.tonic) % 12 for step in _SCALES[key.mode]}
    if chord is not None:
        members = chord.pitch_classes()
        foreign = members - inside
        beside = {(pitch_class + step) % 12 for pitch_class in foreign for step in (-1, 1)}
        inside = (inside - beside) | members
    return np.array([float(pitch_class not in inside) for pitch_class in range(12)], np.float32)


@cache
def pitches_outside(key: Key, chord: Chord | None) -> Floats:
    """(vocabulary,) 1 for each pitch token of the band outside the key, or outside the scale of ``chord``."""
    table = np.zeros(len(VOCABULARY), np.float32)
    for role, (low, high) in RANGES.items():
        if role != "H":
            ids = [tokens.IDS[f"{role}{pitch}"] for pitch in range(low, high + 1)]
            table[ids] = _outside(key, chord)[np.arange(low, high + 1) % 12]
    return table
