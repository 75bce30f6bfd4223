"""Forms that a style has by itself: the twelve bars of a blues."""

from __future__ import annotations

from typing import Final

from antiphon_engines.audio.symbolic.tokens import Chord, Key

_BLUES: Final = (0, 0, 0, 0, 5, 5, 0, 0, 7, 5, 0, 7)
"""Semitones from the tonic to the root of each bar's chord: one, four and five."""


def form_chord(style: str, key: Key, bar: int) -> Chord | None:
    """The chord of bar `bar`, counted from 0, where the style has a form."""
    if style != "blues":
        return None
    step = _BLUES[bar % len(_BLUES)]
    # Four and one of a minor blues are minor, its five leads back.
    quality = "m7" if key.mode == "min" and step != 7 else "7"
    return Chord((key.tonic + step) % 12, quality)
