"""Shapes of a mouth from phonemes or, where none are known, from loudness.

The shapes: `rest`, `closed` (m, b, p), `teeth` (f, v and most consonants), `wide` (see, bed), `open` (father, about),
`round` (who, go)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

import numpy as np

from antiphon_engines.api import MouthAt, MouthShape
from antiphon_engines.speech.speaker import Pcm

_SHAPES: Final[dict[str, MouthShape]] = {
    **dict.fromkeys("mbp", "closed"),
    **dict.fromkeys("fvtdnszlʃʒʧʤʦʣkɡŋɹrhjxçɾʔθð", "teeth"),
    **dict.fromkeys("iɪAɛeɨyᵻ", "wide"),
    **dict.fromkeys("aɑæʌIWəᵊɐɜɚ", "open"),
    **dict.fromkeys("ɔɒuʊwOQoYœø", "round"),
}
"""Phoneme -> shape, in the symbols of the voices' model."""
SHORT: Final = 0.06
"""Seconds of silence for which a mouth does not close."""
_WINDOW: Final = 1 / 24
REST: Final = "rest"
_STEPS: Final[tuple[tuple[float, MouthShape], ...]] = ((0.12, REST), (0.3, "teeth"), (0.65, "wide"))
"""Loudness, as a part of the loudest, up to which the mouth has this shape; above it is open."""
_WIDEST: Final[MouthShape] = "open"


def from_phonemes(timed: Iterable[tuple[str, float]]) -> tuple[MouthAt, ...]:
    """`timed`: phonemes and marks in order, each with the seconds that it lasts."""
    spans: list[tuple[MouthShape, float]] = []
    before = 0.0
    for symbol, seconds in timed:
        if symbol in "ˈˌ":
            before += seconds
        elif symbol == "ː" and spans:
            spans[-1] = spans[-1][0], spans[-1][1] + seconds
        else:
            spans.append((_SHAPES.get(symbol, REST), before + seconds))
            before = 0.0
    found: list[MouthAt] = []
    at = 0.0
    for shape, seconds in spans:
        silent = shape == REST and seconds < SHORT and bool(found)
        if not silent and seconds > 0 and (not found or found[-1].shape != shape):
            found.append(MouthAt(round(at, 4), shape))
        at += seconds
    return (*found, MouthAt(round(at, 4), REST)) if found and found[-1].shape != REST else tuple(found)


def from_loudness(pcm: Pcm, rate: int) -> tuple[MouthAt, ...]:
    """How far a mouth is open by how loud it is: an approximation."""
    size = max(1, round(rate * _WINDOW))
    count = len(pcm) // size
    if not count:
        return ()
    loud = np.sqrt(np.mean(np.square(pcm[: count * size].reshape(count, size).astype(np.float32)), axis=1))
    most = float(loud.max())
    if most <= 0:
        return (MouthAt(0.0, REST),)
    found: list[MouthAt] = []
    for place, level in enumerate(loud / most):
        shape = next((name for top, name in _STEPS if level < top), _WIDEST)
        if not found or found[-1].shape != shape:
            found.append(MouthAt(round(place * size / rate, 4), shape))
    return (*found, MouthAt(round(len(pcm) / rate, 4), REST))
