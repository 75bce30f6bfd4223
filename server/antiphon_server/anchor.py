"""Places in the story that follow everybody's edits: byte offsets, folded over each applied change."""

from __future__ import annotations

from collections.abc import Iterable
from weakref import WeakSet

from antiphon_proto.splices import Side, Splice, fold


class Anchor:
    """One place. Its owner may set `at` after its own edits."""

    __slots__ = ("__weakref__", "at", "side")

    def __init__(self, at: int, side: Side = "left") -> None:
        self.at = at
        self.side: Side = side

    def fold(self, changes: Iterable[Splice]) -> None:
        self.at = fold(self.at, changes, self.side)


class Passage:
    """The text that stood in [start, end) at one time: what others insert into it is not part of it."""

    __slots__ = ("__weakref__", "ranges")

    def __init__(self, start: int, end: int) -> None:
        self.ranges = [(start, end)] if start < end else []
        """[start, end) of what is left of it, in order."""

    def fold(self, changes: Iterable[Splice]) -> None:
        for change in changes:
            ranges: list[tuple[int, int]] = []
            for start, end in self.ranges:
                if change.inserted and start < change.at < end:
                    ranges.append((start, change.at))
                    start = change.at
                moved = fold(start, (change,), "right"), fold(end, (change,), "left")
                if moved[0] < moved[1]:
                    ranges.append(moved)
            self.ranges = ranges


class Trail:
    """Everything that has changed since one time, for places that become known only later."""

    __slots__ = ("__weakref__", "changes")

    def __init__(self) -> None:
        self.changes: list[Splice] = []

    def fold(self, changes: Iterable[Splice]) -> None:
        self.changes.extend(changes)


class Anchors:
    """Every live place of a text; one that nobody holds any more is forgotten by itself."""

    def __init__(self) -> None:
        self._anchors: WeakSet[Anchor | Passage | Trail] = WeakSet()

    def put(self, at: int, side: Side = "left") -> Anchor:
        anchor = Anchor(at, side)
        self._anchors.add(anchor)
        return anchor

    def trail(self) -> Trail:
        trail = Trail()
        self._anchors.add(trail)
        return trail

    def passage(self, start: int, end: int) -> Passage:
        passage = Passage(start, end)
        self._anchors.add(passage)
        return passage

    def fold(self, changes: Iterable[Splice]) -> None:
        changes = tuple(changes)
        for anchor in self._anchors:
            anchor.fold(changes)
