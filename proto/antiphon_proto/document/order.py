"""Keys that order the objects of the canvas: a new key fits between any two, so concurrent changes of order do not
conflict.

Keys are strings of `DIGITS`, compared as ASCII, ties by object id. No generated key ends in "0": nothing would fit
below it. At both ends the length of keys grows with the logarithm of their number: the leading "z" (or "0") characters
say how many digits count behind them (1, 2, 4, then 8). A key between two others is the middle. In random order, the
length grows with the logarithm too; repeated halving of the same gap adds a digit for every six keys, and the server
respaces such keys when they are longer than `LONG` (`antiphon_server.document.board_order`).
`clients/web/src/canvas/order.ts` is the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

DIGITS: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
MAX_KEY: Final = 1024
"""Characters of a key, at most."""
LONG: Final = 40
"""Characters of a key above which the server respaces it and its neighbours."""
_BASE: Final = len(DIGITS)
_MOST: Final = 8
"""Most counting digits at an end: 62 ** 8 keys are never used up."""


def key_between(low: str = "", high: str = "") -> str:
    """A key above `low` and below `high`; "" is no bound. Raises ValueError when there is none between."""
    if not low and not high:
        made = DIGITS[_BASE // 2]
    elif not high:
        made = _above(low)
    elif not low:
        made = _below(high)
    else:
        made = "" if low >= high else _middle(low, high)
    if not made or made <= low or (high and made >= high):
        raise ValueError(f"no order key between {low!r} and {high!r}")
    return made


def keys_between(low: str, high: str, count: int) -> list[str]:
    """`count` keys in order, as short as they can be. Raises ValueError when there is none between."""
    if low and high:
        return list(_spread(low, high, count))
    keys: list[str] = []
    for _ in range(count):
        if high:
            high = key_between("", high)
            keys.append(high)
        else:
            low = key_between(low)
            keys.append(low)
    return keys[::-1] if high else keys


def sound(key: str) -> bool:
    """Whether the key is short and other keys fit on both sides of it."""
    return len(key) <= LONG and not key.endswith("0")


def _spread(low: str, high: str, count: int) -> Iterator[str]:
    if count > 0:
        half = count // 2
        made = key_between(low, high)
        yield from _spread(low, made, half)
        yield made
        yield from _spread(made, high, count - half - 1)


def _above(low: str) -> str:
    ends = len(low) - len(low.lstrip("z"))
    digits = min(1 << min(ends, 3), _MOST)
    number = _number(low[ends : ends + digits].ljust(digits, "0")) + 1
    if number % _BASE == 0:
        number += 1
    if number < (_BASE - 1) * _BASE ** (digits - 1):
        return "z" * ends + _written(number, digits)
    return "z" * (ends + 1) + "1".rjust(min(1 << min(ends + 1, 3), _MOST), "0")


def _below(high: str) -> str:
    ends = len(high) - len(high.lstrip("0"))
    digits = min(1 << min(ends, 3), _MOST)
    number = _number(high[ends : ends + digits].ljust(digits, "0")) - (len(high) <= ends + digits)
    if number % _BASE == 0:
        number -= 1
    if number >= _BASE ** (digits - 1):
        return "0" * ends + _written(number, digits)
    return "0" * (ends + 1) + "z" * min(1 << min(ends + 1, 3), _MOST)


def _middle(low: str, high: str) -> str:
    """Between two keys; `high` may be empty once the result is below it already."""
    made = ""
    while True:
        first = DIGITS.index(low[0]) if low else 0
        last = DIGITS.index(high[0]) if high else _BASE
        if last - first > 1:
            return made + DIGITS[(first + last) // 2]
        if last > first and len(high) > 1:
            return made + high[0]
        made += DIGITS[first]
        if last > first:
            high = ""
        elif len(high) == 1:
            return ""  # `high` is `low` and zeros
        low, high = low[1:], high[1:]


def _number(digits: str) -> int:
    number = 0
    for digit in digits:
        number = number * _BASE + DIGITS.index(digit)
    return number


def _written(number: int, length: int) -> str:
    digits = ""
    for _ in range(length):
        number, digit = divmod(number, _BASE)
        digits = DIGITS[digit] + digits
    return digits
