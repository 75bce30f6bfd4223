"""Measures when the band plays a chord that a person strikes. Rounds from fixed seeds, on a clock of ticks; JSON.

    python -m training.music.asked_chords --rounds 160 --json asked_chords.json

Each round is a band of four roles with the jam's own help. Key, style and place in the bar are drawn from its number.
After two bars a person strikes a chord and releases it after one, two or four beats, or holds it; nothing else is
played. *Answered* is the first note of the band that belongs to the chord while the band's chord contains it. *By
chance* is the same, counted from the same moment, when no chord is struck. *Something else* is the first note that
differs from the band's notes when no chord is struck.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal

import numpy as np

from antiphon_engines.audio.symbolic.controls import Controls
from antiphon_engines.audio.symbolic.decoder import Decoder
from antiphon_engines.audio.symbolic.loader import FOLDER, load_decoder
from antiphon_engines.audio.symbolic.performer import Performer
from antiphon_engines.audio.symbolic.tokens import TICKS_PER_BEAT, Chord, Key, Note

from .evaluate import HELP

BAR: Final = 4 * TICKS_PER_BEAT
WITHIN: Final = (1, 2, 3)
"""Bars."""
_LATEST: Final = WITHIN[-1] * BAR
_STEP: Final = 2
_LAG: Final = 12
"""Of the jam at its usual reaction and 120 a minute."""
_STYLES: Final = ("pop", "rock", "ballad", "jazz", "bossa", "funk", "reggae", "house")
_STEPS: Final = {"maj": (0, 2, 4, 5, 7, 9, 11), "min": (0, 2, 3, 5, 7, 8, 10)}
_DEGREES: Final = {
    "maj": ((0, "maj"), (2, "min"), (4, "min"), (5, "maj"), (7, "maj"), (9, "min")),
    "min": ((0, "min"), (3, "maj"), (5, "min"), (7, "min"), (8, "maj"), (10, "maj")),
}
_SEVENTHS: Final = ("7", "maj7", "m7")
_HELD_BEATS: Final = (1, 2, 4, 12)

Kind = Literal["in the key", "outside the key", "a seventh"]
KINDS: Final[tuple[Kind, ...]] = ("in the key", "outside the key", "a seventh")


@dataclass(frozen=True)
class Round:
    """A struck chord: ``pitches`` are pressed at ``tick`` and released after ``held`` beats."""

    kind: Kind
    seed: int
    key: Key
    style: str
    roles: frozenset[str]
    chord: Chord
    pitches: tuple[int, ...]
    tick: int
    held: int


@dataclass(frozen=True)
class Answer:
    """Ticks from the stroke until it is answered; None where it is not within three bars."""

    asked: Round
    ticks: int | None
    by_chance: int | None
    different: int | None
    own: tuple[bool, ...]
    """For bass, chords and pad, while the band's chord contains the struck one: whether it contains the note."""


def drawn(seed: int) -> Round:
    """The round of that number."""
    rng = np.random.default_rng([seed, 5])
    kind = KINDS[seed % len(KINDS)]
    key = Key(int(rng.integers(12)), "maj" if rng.random() < 0.6 else "min")
    scale = {(key.tonic + step) % 12 for step in _STEPS[key.mode]}
    if kind == "in the key":
        step, quality = _DEGREES[key.mode][int(rng.integers(6))]
        chord = Chord((key.tonic + step) % 12, quality)
    elif kind == "outside the key":
        foreign = [
            chord
            for root in range(12)
            for chord in (Chord(root, "maj"), Chord(root, "min"))
            if len(chord.pitch_classes() - scale) >= 2
        ]
        chord = foreign[int(rng.integers(len(foreign)))]
    else:
        chord = Chord(int(rng.integers(12)), _SEVENTHS[int(rng.integers(3))])
    low = 55 + int(rng.integers(8))
    pitches = tuple(sorted(low + (pitch_class - low) % 12 for pitch_class in chord.pitch_classes()))
    return Round(
        kind,
        seed,
        key,
        _STYLES[int(rng.integers(len(_STYLES)))],
        frozenset("BCD") | ({"M"} if rng.random() < 0.5 else {"P"}),
        chord,
        pitches,
        2 * BAR + int(rng.integers(BAR)),
        _HELD_BEATS[int(rng.integers(len(_HELD_BEATS)))],
    )


def play(decoder: Decoder, asked: Round, *, struck: bool = True) -> tuple[list[Note], dict[int, Chord]]:
    """The band's notes, and its chord at each beat, until three bars after the stroke."""
    controls = Controls(
        styles={asked.style: 1.0},
        key=asked.key,
        beats_per_minute=120.0,
        roles=asked.roles,
        lag=_LAG,
        urge=2.0,
        urged=frozenset("BCPD"),
        **HELP,  # type: ignore[arg-type]  # strengths of help, all of them floats
    )
    performer = Performer(decoder, controls, asked.seed)
    notes: list[Note] = []
    end = asked.tick + asked.held * TICKS_PER_BEAT
    for now in range(0, asked.tick + _LATEST + BAR, _STEP):
        if struck and now <= asked.tick < now + _STEP:
            for pitch in asked.pitches:
                performer.on_note(asked.tick, pitch)
        if struck and now <= end < now + _STEP:
            for pitch in asked.pitches:
                performer.release(end, pitch)
        notes += performer.advance(now + _STEP - 1, now + _STEP)
    return notes, dict(performer.chords)


def _answered(asked: Round, notes: Sequence[Note], chords: dict[int, Chord]) -> tuple[int | None, list[bool]]:
    wanted = asked.chord.pitch_classes()
    ticks, own = [], []
    for note in notes:
        chord = chords[note.tick // TICKS_PER_BEAT * TICKS_PER_BEAT]
        if note.role == "D" or note.tick < asked.tick or not wanted <= chord.pitch_classes():
            continue
        if note.pitch % 12 in wanted:
            ticks.append(note.tick - asked.tick)
        if note.role in "BCP":
            own.append(note.pitch % 12 in chord.pitch_classes())
    first = min(ticks, default=None)
    return (first if first is not None and first <= _LATEST else None), own


def answer(decoder: Decoder, asked: Round) -> Answer:
    """Play one round, with the stroke and without."""
    struck, alone = play(decoder, asked), play(decoder, asked, struck=False)
    ticks, own = _answered(asked, *struck)
    chance, _ = _answered(asked, *alone)
    different = min((note.tick - asked.tick for note in {*struck[0]} ^ {*alone[0]}), default=_LATEST + 1)
    return Answer(asked, ticks, chance, different if different <= _LATEST else None, tuple(own))


def summary(answers: Sequence[Answer]) -> dict[str, Any]:
    """Shares answered within so many bars, and when (in bars)."""

    def within(ticks: Sequence[int | None]) -> dict[str, float]:
        return {
            f"within {bars}": float(np.mean([t is not None and t <= bars * BAR for t in ticks]))
            for bars in WITHIN
        }

    found = [a.ticks / BAR for a in answers if a.ticks is not None]
    own = [hit for a in answers for hit in a.own]
    return {
        "rounds": len(answers),
        "answered": within([a.ticks for a in answers]),
        "by chance": within([a.by_chance for a in answers]),
        "something else": within([a.different for a in answers]),
        "bars, median": float(np.median(found)) if found else None,
        "bars, 95 %": float(np.quantile(found, 0.95)) if found else None,
        "bars, most": max(found, default=None),
        "band on its chord meanwhile": float(np.mean(own)) if own else None,
    }


def table(answers: Sequence[Answer]) -> dict[str, Any]:
    """All rounds, and by kind of chord and by how long it was held."""
    groups: dict[str, list[Answer]] = {"all": list(answers)}
    for each in answers:
        held = "held on" if each.asked.held == _HELD_BEATS[-1] else f"held for {each.asked.held} beats"
        groups.setdefault(each.asked.kind, []).append(each)
        groups.setdefault(held, []).append(each)
    return {name: summary(group) for name, group in sorted(groups.items())}


def main(argv: Sequence[str] | None = None) -> None:
    """Play the rounds."""
    parser = argparse.ArgumentParser(description="when the band answers a chord that somebody strikes")
    parser.add_argument("--weights", type=Path, default=FOLDER)
    parser.add_argument("--rounds", type=int, default=160)
    parser.add_argument("--first", type=int, default=0, help="number of the first round")
    parser.add_argument("--json", type=Path, default=Path("build/music/asked_chords.json"))
    options = parser.parse_args(argv)
    decoder = load_decoder(options.weights)
    rounds = range(options.first, options.first + options.rounds)
    report = table([answer(decoder, drawn(seed)) for seed in rounds])
    options.json.write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(report, indent=1))


if __name__ == "__main__":
    main()
