"""Yjs ids of the story's characters: how shots name their places in the text.

Offline work over a whole document (a helper process): about 10 us an item. Pages ask Yjs itself.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence

from antiphon_proto import schema
from antiphon_server.document.updates.item_index import ItemIndex
from antiphon_server.document.updates.parser import inspect


class StoryPlaces:
    """Of the story in a Yjs state. Places are code points of its text, an embed counting one. Raises MalformedUpdate or
    Misplaced for a state that is none."""

    def __init__(self, state: bytes, text: str) -> None:
        info = inspect(state, ours=True)
        index = ItemIndex()
        index.add(info, "stored")
        gone = _by_client(info.deletions)
        self._runs: list[tuple[int, int, int, int]] = []
        """(client, clock, length, place in UTF-16 units of the text) of each run, in order; length 0: it is deleted,
        and so stands where the next character does."""
        self._starts: list[int] = []
        self._clients: dict[int, list[tuple[int, int]]] = {}
        """Client -> (clock, number of the run), in order."""
        at = 0
        for client, clock, length in index.characters(schema.STORY):
            for first, count, alive in _parts(clock, length, gone.get(client, ())):
                self._clients.setdefault(client, []).append((first, len(self._runs)))
                self._runs.append((client, first, count if alive else 0, at))
                self._starts.append(at)
                at += count if alive else 0
        for runs in self._clients.values():
            runs.sort()
        self._wide = [number for number, letter in enumerate(text) if ord(letter) > 0xFFFF]
        """Code points of two units."""
        self._wide_units = [place + number for number, place in enumerate(self._wide)]
        self._units = at
        self._length = len(text)

    def name(self, place: int) -> str:
        """The id of the character at a place that is in the text: `client:clock`."""
        units = place + bisect_right(self._wide, place - 1)
        number = bisect_right(self._starts, units) - 1
        client, clock, _, start = self._runs[number]
        return f"{client}:{clock + units - start}"

    def find(self, name: str) -> tuple[int, bool] | None:
        """The place of a character, and whether it still stands; that of a deleted one is where the next stands. None
        for an id that the story never had."""
        client, _, tail = name.partition(":")
        clock = int(tail)
        runs = self._clients.get(int(client), [])
        at = bisect_right(runs, (clock, len(self._runs))) - 1
        if at < 0:
            return None
        first, number = runs[at]
        _, _, length, start = self._runs[number]
        if length and clock >= first + length:
            return None
        units = start + (clock - first if length else 0)
        return units - bisect_right(self._wide_units, units - 1), bool(length)


def _by_client(deletions: Sequence[tuple[int, int, int]]) -> dict[int, list[tuple[int, int]]]:
    """Client -> [start, end) of deleted items, in order, neighbours joined."""
    found: dict[int, list[tuple[int, int]]] = {}
    for client, clock, length in sorted(deletions):
        spans = found.setdefault(client, [])
        if spans and clock <= spans[-1][1]:
            spans[-1] = spans[-1][0], max(spans[-1][1], clock + length)
        else:
            spans.append((clock, clock + length))
    return found


def _parts(clock: int, length: int, gone: Sequence[tuple[int, int]]) -> list[tuple[int, int, bool]]:
    """A run cut where its characters begin or end to be deleted: (clock, length, whether it stands)."""
    end = clock + length
    parts: list[tuple[int, int, bool]] = []
    for start, stop in gone[max(0, bisect_right(gone, (clock, 2**63)) - 1) :]:
        if start >= end:
            break
        if stop <= clock:
            continue
        if start > clock:
            parts.append((clock, start - clock, True))
            clock = start
        last = min(stop, end)
        parts.append((clock, last - clock, False))
        clock = last
    if clock < end:
        parts.append((clock, end - clock, True))
    return parts
