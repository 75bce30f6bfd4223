"""Where characters of two UTF-16 units stand, by the clocks of their second halves: an update must not cut them."""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left
from typing import Final

_WIDE: Final = re.compile("[\U00010000-\U0010ffff]")


def second_halves(clock: int, text: str) -> list[int]:
    """Clocks of the second halves in `text`, whose first unit is at `clock`."""
    return [clock + number + found.start() + 1 for number, found in enumerate(_WIDE.finditer(text))]


class WideCharacters:
    def __init__(self) -> None:
        self._halves: dict[int, array[int]] = {}

    def __bool__(self) -> bool:
        return bool(self._halves)

    def __contains__(self, client: int) -> bool:
        return client in self._halves

    def add(self, client: int, halves: list[int]) -> None:
        """In order, and behind those of the client that are known."""
        if halves:
            self._halves.setdefault(client, array("Q")).extend(halves)

    def cut_at(self, client: int, clock: int) -> bool:
        """Whether the second half of a character stands at `clock`."""
        halves = self._halves.get(client)
        if halves is None:
            return False
        at = bisect_left(halves, clock)
        return at < len(halves) and halves[at] == clock

    def forget(self, client: int, end: int) -> None:
        """Those from clock `end` on."""
        if (halves := self._halves.get(client)) is not None:
            del halves[bisect_left(halves, end) :]
            if not halves:
                del self._halves[client]

    def known(self) -> dict[int, list[int]]:
        return {client: list(halves) for client, halves in self._halves.items()}
