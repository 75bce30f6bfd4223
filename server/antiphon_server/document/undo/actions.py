"""The undo and redo stacks of each participant, one pair a surface (story, canvas, jam, film)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final, TypeAlias

from msgspec import Struct

from antiphon_proto import schema
from antiphon_proto.messages.editing import Surface
from antiphon_server.document.undo.entries import Entry, Place, join, weight

SURFACES: Final[tuple[Surface, ...]] = ("story", "canvas", "jam", "film")
SURFACE_OF: Final[dict[str, Surface]] = {
    schema.CANVAS: "canvas",
    schema.JAM: "jam",
    schema.STYLE: "story",
    schema.FILM: "film",
    schema.CODEX: "story",
}
_KEPT: Final = 300
"""Actions of one participant on one surface; the oldest are forgotten."""

RunState: TypeAlias = tuple[bool, str]
"""Whether a run is undone, and how its suggestion stands."""


class Format(Struct, frozen=True):
    """Text with the mark `number` has the value of an attribute instead of `former`."""

    number: int
    name: str
    former: Any
    value: Any


class Action:
    """`number` is its mark in the trace. `order` says where it stands among all actions of its participant."""

    __slots__ = (
        "changes",
        "conducted",
        "entries",
        "formats",
        "group",
        "kind",
        "last_ms",
        "number",
        "open",
        "order",
        "passed",
        "run",
        "runs",
        "surface",
        "undone_at",
        "weight",
    )

    def __init__(
        self, number: int, surface: Surface, kind: str, group: int, now_ms: float, run: str | None = None
    ) -> None:
        self.number = number
        self.surface: Surface = surface
        self.kind = kind
        self.group = group
        """Parts of one action on several surfaces share it."""
        self.run = run
        self.order = now_ms
        self.last_ms = now_ms
        self.open = kind == "edit"
        """More of the same may join it."""
        self.changes = 1
        """Edits that joined it."""
        self.formats: list[Format] = []
        self.entries: dict[Place, Entry] = {}
        self.runs: dict[str, tuple[RunState, RunState]] = {}
        """Run -> how it stands when the action is done, and when it is undone."""
        self.conducted: tuple[dict[str, Any], dict[str, Any]] | None = None
        """The transport's fields before and after."""
        self.weight = 0
        self.undone_at = 0
        """Counts up: the last undone action is redone first, on any surface."""
        self.passed = False
        """Nothing was left of it when it was to be taken back: then there is nothing to redo."""

    def add(self, more: dict[Place, Entry]) -> None:
        join(self.entries, more)
        self.weight = weight(self.entries)

    def replace(self, found: dict[Place, Entry]) -> None:
        """Replace the entries after an undo or redo."""
        self.entries = found
        self.weight = weight(found)

    def numbers(self) -> list[int]:
        return [self.number, *(abs(one.number) for one in self.formats)]


class Stack:
    """The actions of one participant on one surface, oldest first, and those that were undone, oldest last."""

    def __init__(self) -> None:
        self.done: list[Action] = []
        self.undone: list[Action] = []

    @property
    def top(self) -> Action | None:
        return self.done[-1] if self.done else None

    def push(self, action: Action) -> list[Action]:
        """A new action, in its place among the others; returns those that are forgotten for it."""
        at = len(self.done)
        while at and self.done[at - 1].order > action.order:
            at -= 1
        self.done.insert(at, action)
        over = self.done[: max(0, len(self.done) - _KEPT)]
        del self.done[: len(over)]
        return over

    def clear_undone(self) -> list[Action]:
        """A new action was done: the undone ones cannot be redone."""
        gone, self.undone = self.undone, []
        return gone

    def __iter__(self) -> Iterator[Action]:
        yield from self.done
        yield from self.undone
