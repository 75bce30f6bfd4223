"""Prediction of people's next notes from their earlier ones."""

from __future__ import annotations

from antiphon_engines.audio.symbolic.recall import Recall

BAR = 48
TUNE = [
    (0, 60),
    (12, 64),
    (24, 67),
    (36, 64),
    (48, 65),
    (60, 69),
    (72, 72),
    (84, 69),
    (96, 67),
    (108, 71),
    (132, 74),
]


def test_a_repeated_tune_is_foretold() -> None:
    recall = Recall()
    for start in (0, 4 * BAR):
        for tick, pitch in TUNE[: len(TUNE) if start == 0 else 8]:
            recall.add(start + tick, pitch)
    known = 4 * BAR + 95
    found = recall.foretold(known, known + 1, known + 40, BAR)
    assert found == [(4 * BAR + 96, 67 % 12), (4 * BAR + 108, 71 % 12), (4 * BAR + 132, 74 % 12)]


def test_nothing_is_foretold_of_a_new_tune() -> None:
    recall = Recall()
    for tick, pitch in TUNE:
        recall.add(tick, pitch)
    assert recall.foretold(140, 141, 160, BAR) == []
    assert Recall().foretold(100, 101, 120, BAR) == []


def test_notes_that_are_not_known_yet_are_not_used() -> None:
    recall, blind = Recall(), Recall()
    for start in (0, 4 * BAR):
        for tick, pitch in TUNE:
            recall.add(start + tick, pitch)
            if start + tick <= 4 * BAR + 60:
                blind.add(start + tick, pitch)
    known = 4 * BAR + 60
    assert recall.foretold(known, known + 1, known + 30, BAR) == blind.foretold(
        known, known + 1, known + 30, BAR
    )
