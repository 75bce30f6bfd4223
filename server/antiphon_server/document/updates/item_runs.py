"""Runs of items of a Yjs document, the places in which they stand, and the runs of one client in order."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from typing import Final

from antiphon_server.document.updates.parser import Id
from antiphon_server.document.updates.schema import Rule

_BLOCK: Final = 512
"""Runs per block; a block is halved at twice this."""


class Node:
    """A root, or a type inside one."""

    __slots__ = ("places", "rule")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.places: dict[str | None, Place] = {}


class Place:
    """A list of items: the sequence of a node, or the former values of one of its keys."""

    __slots__ = ("head", "key", "node")

    def __init__(self, node: Node, key: str | None) -> None:
        self.node = node
        self.key = key
        self.head: Run | None = None


class Run:
    """Items of one client that follow each other. `place` None: collected, in no list."""

    __slots__ = ("client", "clock", "left", "length", "origin", "place", "right", "right_origin", "what")

    def __init__(
        self,
        client: int,
        clock: int,
        length: int,
        what: int,
        origin: Id | None,
        right_origin: Id | None,
        place: Place | None,
    ) -> None:
        self.client = client
        self.clock = clock
        self.length = length
        self.what = what
        self.origin = origin
        self.right_origin = right_origin
        self.place = place
        self.left: Run | None = None
        self.right: Run | None = None

    def holds(self, item: Id) -> bool:
        return item[0] == self.client and self.clock <= item[1] < self.clock + self.length


class ClientRuns:
    """The runs of one client, without gaps. In blocks, so that cutting one of many thousands moves few."""

    __slots__ = ("_blocks", "_starts")

    def __init__(self) -> None:
        self._starts: list[int] = []
        self._blocks: list[tuple[list[int], list[Run]]] = []

    @property
    def last(self) -> Run | None:
        return self._blocks[-1][1][-1] if self._blocks else None

    def find(self, clock: int) -> Run:
        """The run that holds `clock`, which must be known."""
        clocks, runs = self._blocks[bisect_right(self._starts, clock) - 1]
        return runs[bisect_right(clocks, clock) - 1]

    def append(self, run: Run) -> None:
        if not self._blocks:
            self._starts.append(run.clock)
            self._blocks.append(([], []))
        clocks, runs = self._blocks[-1]
        clocks.append(run.clock)
        runs.append(run)
        if len(runs) > 2 * _BLOCK:
            self._halve(len(self._blocks) - 1)

    def insert(self, run: Run) -> None:
        """The second part of one that was cut."""
        number = bisect_right(self._starts, run.clock) - 1
        clocks, runs = self._blocks[number]
        at = bisect_right(clocks, run.clock)
        clocks.insert(at, run.clock)
        runs.insert(at, run)
        if len(runs) > 2 * _BLOCK:
            self._halve(number)

    def pop(self) -> Run:
        """Take the last one away."""
        clocks, runs = self._blocks[-1]
        clocks.pop()
        run = runs.pop()
        if not runs:
            self._blocks.pop()
            self._starts.pop()
        return run

    def touching(self, clock: int, length: int) -> Iterator[Run]:
        """Those that hold something of [clock, clock + length)."""
        number = bisect_right(self._starts, clock) - 1
        at = bisect_right(self._blocks[number][0], clock) - 1
        while number < len(self._blocks):
            for run in self._blocks[number][1][at:]:
                if run.clock >= clock + length:
                    return
                yield run
            number, at = number + 1, 0

    def _halve(self, number: int) -> None:
        clocks, runs = self._blocks[number]
        half = len(runs) // 2
        self._blocks[number : number + 1] = [(clocks[:half], runs[:half]), (clocks[half:], runs[half:])]
        self._starts.insert(number + 1, clocks[half])
