"""Numbers of English text as words."""

from __future__ import annotations

import re
from typing import Final

_SMALL: Final = str.split(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen "
    "sixteen seventeen eighteen nineteen"
)
_TENS: Final = str.split("zero ten twenty thirty forty fifty sixty seventy eighty ninety")
_LARGE: Final = ((10**9, "billion"), (10**6, "million"), (1000, "thousand"), (100, "hundred"))
_ORDINALS: Final = {
    "one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth",
    "twelve": "twelfth",
}  # fmt: skip
_MONEY: Final = {"$": ("dollar", "cent"), "£": ("pound", "penny"), "€": ("euro", "cent")}
_MOST: Final = 12
"""Digits of a number that is read as one; longer ones are read digit by digit."""
_NUMBER: Final = re.compile(
    r"(?P<money>[$£€])?(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?P<rest>\.\d+)?(?P<tail>st|nd|rd|th|s)?(?![\d])(?P<percent>\s?%)?",
    re.IGNORECASE,
)
_TIME: Final = re.compile(r"\b([01]?\d|2[0-3]):([0-5]\d)\b")


def spoken_numbers(text: str) -> str:
    """The text with its numbers, times, shares and sums of money as words."""
    return _NUMBER.sub(_words, _TIME.sub(_clock, text))


def cardinal(value: int) -> str:
    """`value` is at least 0."""
    if value < 20:
        return _SMALL[value]
    if value < 100:
        tens, ones = divmod(value, 10)
        return _TENS[tens] + (f" {_SMALL[ones]}" if ones else "")
    size, name = next(each for each in _LARGE if value >= each[0])
    count, rest = divmod(value, size)
    joint = " and " if rest and rest < 100 else " "
    return f"{cardinal(count)} {name}" + (f"{joint}{cardinal(rest)}" if rest else "")


def ordinal(value: int) -> str:
    first, blank, last = cardinal(value).rpartition(" ")
    if last in _ORDINALS:
        last = _ORDINALS[last]
    elif last.endswith("y"):
        last = f"{last[:-1]}ieth"
    else:
        last += "th"
    return f"{first}{blank}{last}"


def year(value: int) -> str:
    """1100 to 2099, as dates are read."""
    century, rest = divmod(value, 100)
    if 2000 <= value < 2010:
        return cardinal(value)
    if not rest:
        return f"{cardinal(century)} hundred"
    return f"{cardinal(century)} {f'oh {_SMALL[rest]}' if rest < 10 else cardinal(rest)}"


def _clock(found: re.Match[str]) -> str:
    hour, minute = int(found[1]), int(found[2])
    if not minute:
        return f"{cardinal(hour)} o'clock" if 0 < hour <= 12 else f"{cardinal(hour)} hundred"
    return f"{cardinal(hour)} {f'oh {_SMALL[minute]}' if minute < 10 else cardinal(minute)}"


def _words(found: re.Match[str]) -> str:
    digits = found["whole"].replace(",", "")
    rest, tail = found["rest"] or "", (found["tail"] or "").lower()
    if len(digits) > _MOST or (len(digits) > 1 and digits[0] == "0"):
        said = " ".join(_SMALL[int(one)] for one in digits)
    elif tail in ("st", "nd", "rd", "th") and not rest:
        said = ordinal(int(digits))
    elif found["money"]:
        return f" {_sum(int(digits), rest, *_MONEY[found['money']])} "
    elif len(digits) == 4 and "," not in found["whole"] and not rest and 1100 <= int(digits) < 2100:
        said = year(int(digits))
    else:
        said = cardinal(int(digits))
    if rest:
        said += " point " + " ".join(_SMALL[int(one)] for one in rest[1:])
    if tail == "s":
        said = f"{said[:-1]}ies" if said.endswith("y") else f"{said}s"
    return f" {said} percent " if found["percent"] else f" {said} "


def _sum(whole: int, rest: str, large: str, small: str) -> str:
    cents = int(rest[1:3].ljust(2, "0")) if rest else 0
    parts = [f"{cardinal(whole)} {large}{'' if whole == 1 else 's'}"] if whole or not cents else []
    if cents:
        many = "pence" if small == "penny" else f"{small}s"
        parts.append(f"{cardinal(cents)} {small if cents == 1 else many}")
    return " and ".join(parts)
