"""Places in the story that follow everybody's edits: byte offsets, folded over each applied change."""

from __future__ import annotations

from collections.abc import Sequence
from weakref import WeakSet

from msgspec import Struct

from antiphon_proto.document.splices import Side, Splice, fold


class Anchor:
    """One place. Its owner may set `at` after its own edits."""

    __slots__ = ("__weakref__", "at", "side")

    def __init__(self, at: int, side: Side = "left") -> None:
        self.at = at
        self.side: Side = side

    def fold(self, changes: Sequence[Splice]) -> None:
        at = self.at
        for change in changes:
            if change.at > at:
                break
            at = fold(at, (change,), self.side)
        self.at = at


class Passage:
    """The text that stood in [start, end) at one time: text that others insert into it is not part of it."""

    __slots__ = ("__weakref__", "ranges")

    def __init__(self, start: int, end: int) -> None:
        self.ranges = [(start, end)] if start < end else []
        """[start, end) of each remaining part, in order."""

    def fold(self, changes: Sequence[Splice]) -> None:
        moved_by = 0  # by the changes before it, which are most of them
        for change in changes:
            if not self.ranges or change.at >= self.ranges[-1][1] + moved_by:
                break
            if change.at + change.deleted <= self.ranges[0][0] + moved_by:
                moved_by += change.inserted - change.deleted
                continue
            self._move(moved_by)
            moved_by = 0
            ranges: list[tuple[int, int]] = []
            for start, end in self.ranges:
                if change.inserted and start < change.at < end:
                    ranges.append((start, change.at))
                    start = change.at
                moved = fold(start, (change,), "right"), fold(end, (change,), "left")
                if moved[0] < moved[1]:
                    ranges.append(moved)
            self.ranges = ranges
        self._move(moved_by)

    def _move(self, by: int) -> None:
        if by:
            self.ranges = [(start + by, end + by) for start, end in self.ranges]


class Trail:
    """Everything that has changed since one time, for places that become known only later."""

    __slots__ = ("__weakref__", "changes")

    def __init__(self) -> None:
        self.changes: list[Splice] = []

    def fold(self, changes: Sequence[Splice]) -> None:
        self.changes.extend(changes)


class Anchors:
    """The live places of a text, held by weak references."""

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

    def fold(self, changes: Sequence[Splice]) -> None:
        """Follow one change of the text: its splices stand in the order of the text."""
        for anchor in self._anchors:
            anchor.fold(changes)


class Place(Struct):
    """`at` is where the next text goes; it follows everybody's edits. `carried` are the comment marks that new
    text inherits: those of the whole selection that it replaces, or of the passage that it stands inside."""

    at: Anchor
    selection: Passage
    carried: tuple[str, ...] = ()

    @property
    def range(self) -> tuple[int, int]:
        """The remaining selection, or the place itself."""
        ranges = self.selection.ranges
        return (ranges[0][0], ranges[-1][1]) if ranges else (self.at.at, self.at.at)
