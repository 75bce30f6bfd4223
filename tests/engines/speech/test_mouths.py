from __future__ import annotations

import numpy as np

from antiphon_engines.api import MouthAt
from antiphon_engines.speech.mouths import from_loudness, from_phonemes


def test_shapes_follow_phonemes_at_their_times() -> None:
    timed = [
        (" ", 0.05),
        ("m", 0.1),
        ("ˈ", 0.05),
        ("ɑ", 0.1),
        ("ː", 0.05),
        ("m", 0.1),
        ("u", 0.2),
        (".", 0.3),
    ]
    assert from_phonemes(timed) == (
        MouthAt(0.0, "rest"),
        MouthAt(0.05, "closed"),
        MouthAt(0.15, "open"),  # with its stress before it and its length behind it
        MouthAt(0.35, "closed"),
        MouthAt(0.45, "round"),
        MouthAt(0.65, "rest"),
    )


def test_a_short_gap_between_words_closes_no_mouth() -> None:
    found = from_phonemes([("ɑ", 0.1), (" ", 0.05), ("i", 0.1), (" ", 0.1), ("i", 0.1)])
    assert [one.shape for one in found] == ["open", "wide", "rest", "wide", "rest"]
    assert from_phonemes([]) == ()


def test_loudness_opens_the_mouth_of_voices_without_phonemes() -> None:
    rate = 24_000
    quiet, loud = np.zeros(rate // 2, np.int16), np.full(rate // 2, 9000, np.int16)
    found = from_loudness(np.concatenate([quiet, loud, quiet]), rate)
    assert [one.shape for one in found] == ["rest", "open", "rest", "rest"]
    assert abs(found[1].second - 0.5) <= 1 / 24
    assert from_loudness(quiet, rate) == (MouthAt(0.0, "rest"),)
    assert from_loudness(quiet[:10], rate) == ()
