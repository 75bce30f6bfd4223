"""Numbers that look like chance and are the same in JavaScript, and colours: what the evaluator's parts share."""

from __future__ import annotations

import math


def hash_of(text: str) -> int:
    """FNV-1a of the code points, 32 bits, mixed."""
    found = 2166136261
    for letter in text:
        found = ((found ^ ord(letter)) * 16777619) & 0xFFFFFFFF
    return mix(found)


def mix(value: int) -> int:
    """A number of 31 bits."""
    value &= 0xFFFFFFFF
    value = ((value ^ (value >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    value = ((value ^ (value >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    return (value ^ (value >> 16)) & 0x7FFFFFFF


def shade(colour: str, factor: float) -> str:
    """`#rrggbb` darker (below 1) or lighter."""
    parts = (int(colour[first : first + 2], 16) for first in (1, 3, 5))
    return "#" + "".join(f"{min(255, math.floor(part * factor + 0.5)):02x}" for part in parts)


def veil(colour: str, opacity: float) -> str:
    """`#rrggbb` as `#rrggbbaa`; opacity 0 to 1."""
    return f"{colour}{math.floor(min(1.0, max(0.0, opacity)) * 255 + 0.5):02x}"


def rounded(value: float) -> float:
    """To hundredths, halves upwards."""
    return math.floor(value * 100 + 0.5) / 100
