"""Enters every change of a room's document into the action of the participant who made it.

Each participant has a list of their own actions for each surface: bursts of typing, strokes, moves, formats, accepted
and rejected suggestions, the runs that they asked for, loops, changes of tempo. The lists live with the room in memory:
they survive reconnects, and a restart of the server ends them. `undo` takes actions back and does them again.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any, Final

from msgspec import Struct

from antiphon_proto import schema
from antiphon_proto.document.film import TRANSPORT as FILM_TRANSPORT
from antiphon_proto.document.film import is_sound
from antiphon_proto.messages import RunInfo
from antiphon_proto.messages.editing import StepKind, Surface
from antiphon_server.core.long_work import finished
from antiphon_server.core.run_registry import RunEntry
from antiphon_server.document.authorship import Owner
from antiphon_server.document.change import Change
from antiphon_server.document.state import SharedState
from antiphon_server.document.undo.actions import SURFACE_OF, SURFACES, Action, Format, RunState, Stack
from antiphon_server.document.undo.entries import Entry, Place, Shadow, entries
from antiphon_server.document.undo.trace import Trace

_PAUSE_MS: Final = 500
"""Edits of a client that does not mark its steps are one step until it pauses for so long."""
_GARBAGE: Final = 64
"""Forgotten actions after which their marks are swept from the trace."""
_MOST: Final = 500
"""Changes of the story that one action holds: who writes without a pause for an hour does not keep all of it."""
_STRETCH_BYTES: Final = 500
"""Of each stretch of the trace, beside its text."""
_HELD_BYTES: Final = 32 * 1024 * 1024
"""Deleted text and former objects that a room's actions may hold; beyond, the oldest actions are forgotten."""
_UNTOLD = frozenset({"jam", "chat", "performer"})
"""Tasks of runs that are no actions: played music cannot be undone, the chat is no surface, and a performer's work is
undone as one, by its run."""


class Hand(Struct):
    """Who makes a change, and the parts of their action by surface; a part begins with the first change there."""

    actor: str
    kind: str
    group: int
    order_ms: float
    run: str | None = None
    parts: dict[Surface, Action] = {}
    turned: bool = False
    """An action is taken back or done again: the trace knows."""
    by_page: bool = False
    """A page took its last step back, or did it again, by itself."""
    replaced: set[Surface] = set()
    """Surfaces on which the action's entries were replaced already."""
    reversed: bool = False
    """Redoing the action reverses its changes of formats."""


class ActionLog:
    def __init__(self, shared: SharedState, unix_ms: Callable[[], int]) -> None:
        self._shared = shared
        self._unix_ms = unix_ms
        self._shadow = Shadow(shared.document.canvas)  # `load` fills it
        self._stacks: dict[str, dict[Surface, Stack]] = {}
        self._runs: dict[str, Hand] = {}
        self._number = 0
        self._garbage: set[int] = set()
        self._gone: set[str] = set()
        """Numbers and runs whose marks are to be swept from the trace, """
        self._sweeping: Iterator[None] | None = None
        """and the sweep that is under way."""
        self._swept: frozenset[int] = frozenset()
        """The numbers of the last sweep: a piece cut meanwhile may have kept a mark until the next one."""
        self._changed: set[str] = set()
        """Whose lists have changed since they were told."""

    def load(self) -> Iterator[None]:
        """The room has its document: read its board, with stops."""
        self._shadow = Shadow(self._shared.document.canvas)
        return self._shadow.load()

    # Actions -------------------------------------------------------------------------------------------

    def edit(self, member: str, change: Change | None, step: StepKind) -> Hand | None:
        """Somebody's edit: it joins their last action or begins another one."""
        touched = _surfaces(change) if change is not None else []
        if change is None or not touched:
            return None
        if step in ("undo", "redo"):
            return self._turned_there(member, touched[0], redo=step == "redo")
        now = self._unix_ms()
        hand = Hand(member, "edit", self.next(), now)
        for surface in touched:
            stack = self.stack(member, surface)
            last = stack.top
            if (
                last is not None
                and last.kind == "edit"
                and last.open
                and _joins(last, change, surface, step, now)
            ):
                hand.parts[surface] = last
                last.last_ms = now
                last.changes += 1
        return hand

    def command(self, member: str, kind: str, run: str | None = None) -> Hand:
        """Somebody does one thing: all that it changes is one action."""
        return Hand(member, kind, self.next(), self._unix_ms(), run)

    def adopt(self, run: RunEntry, member: str) -> None:
        """Text that a run writes from now on belongs to an action of this member."""
        self._runs[run.info.id] = self.command(member, "run", run.info.id)

    def conducted(self, member: str, before: dict[str, Any], after: dict[str, Any]) -> None:
        """Somebody changed fields of the jam's transport."""
        stack = self.stack(member, "jam")
        now = self._unix_ms()
        last = stack.top
        soon = last is not None and last.open and now - last.last_ms < _PAUSE_MS
        if soon and last and last.conducted and last.conducted[1].keys() == after.keys():
            last.conducted = last.conducted[0], after
            last.last_ms = now
            return
        action = self.begin(Hand(member, "conduct", self.next(), now), "jam")
        action.conducted = before, after
        action.open = True

    def hand_of(self, owner: Owner, info: RunInfo) -> Hand | None:
        """The action that a change of `owner`'s belongs to, when a run makes it by itself. `info`: of that run."""
        if owner.run is None or info.author != owner.author or info.task in _UNTOLD:
            return None
        if owner.run not in self._runs:
            self._runs[owner.run] = Hand(info.participant, "run", self.next(), info.created_ms, info.id)
        return self._runs[owner.run]

    def mark(self, change: Change, hand: Hand | None) -> int | None:
        """The mark of `change` in the trace of the story; None: the trace has it already."""
        if hand is None:
            return 0
        if hand.turned:
            return None
        if not (change.splices or change.reformats):
            return 0
        number = self._part(hand, "story").number
        return -number if hand.reversed else number

    def note(self, change: Change, hand: Hand | None) -> None:
        """The change was made, and the trace knows of its text."""
        found = entries(change, self._shadow, self._shared.document.side)
        if hand is None:
            return
        if change.reformats and (not hand.turned or hand.reversed):
            self.add_formats(change, self._part(hand, "story"), hand.reversed)
        by_surface: dict[Surface, dict[Place, Entry]] = {}
        for place, entry in found.items():
            by_surface.setdefault(SURFACE_OF[place[0]], {})[place] = entry
        if (
            hand.kind == "run"
            and not hand.turned
            and not any(one.action != "changed" for one in change.objects)
        ):
            by_surface.pop(
                "canvas", None
            )  # a live frame, painted anew with every stroke: no action of its own
        for surface, more in by_surface.items():
            action = self._part(hand, surface)
            if (hand.turned or hand.by_page) and surface not in hand.replaced:
                action.replace(more)
                hand.replaced.add(surface)
            else:
                action.add(more)
        self._bound()

    def settled(self, hand: Hand, run: str, before: RunState, after: RunState) -> None:
        """The action also changed the state of a run."""
        for action in hand.parts.values():
            action.runs[run] = (after, before)

    # Messages to clients ---------------------------------------------------------------------------------

    def counts(self, member: str) -> dict[Surface, tuple[int, int]]:
        """Surface -> how many actions can be undone and done again; surfaces without any are left out."""
        stacks = self._stacks.get(member, {})
        found = {surface: (len(stack.done), len(stack.undone)) for surface, stack in stacks.items()}
        return {surface: both for surface, both in found.items() if any(both)}

    def untold(self) -> list[tuple[str, dict[Surface, tuple[int, int]]]]:
        """Whose counts may have changed since they were told; they count as told."""
        changed, self._changed = self._changed, set()
        return [(member, self.counts(member)) for member in sorted(changed)]

    def welcome(self, member: str) -> None:
        """A new connection was told nothing yet."""
        if member in self._stacks:
            self._changed.add(member)

    def forget(self, member: str) -> None:
        """This member will not come back."""
        for stack in self._stacks.pop(member, {}).values():
            self._drop(stack)
        self._changed.discard(member)

    def forget_run(self, run: str) -> None:
        self._runs.pop(run, None)
        self._gone.add(run)
        self._begin_sweep()

    # For undo and redo -----------------------------------------------------------------------------------

    def next(self) -> int:
        self._number += 1
        return self._number

    def stack(self, member: str, surface: Surface) -> Stack:
        self._changed.add(member)
        stacks = self._stacks.setdefault(member, {})
        if surface not in stacks:
            stacks[surface] = Stack()
        return stacks[surface]

    def begin(self, hand: Hand, surface: Surface, number: int | None = None) -> Action:
        action = Action(number or self.next(), surface, hand.kind, hand.group, hand.order_ms, hand.run)
        hand.parts[surface] = action
        stack = self.stack(hand.actor, surface)
        if stack.top is not None and stack.top.order <= action.order:
            stack.top.open = False
        if hand.kind != "run" or not stack.undone or stack.undone[-1].order < action.order:
            self._release(stack.clear_undone())
        self._release(stack.push(action))
        return action

    def add_formats(self, change: Change, action: Action, backward: bool) -> None:
        """Enter a change's formats. `backward`: redoing the action reverses them."""
        trace = self._shared.trace
        known: dict[tuple[str, str, str], int] = {}
        for one in change.reformats:
            key = one.name, repr(one.former), repr(one.value)
            if key not in known:
                known[key] = self.next()
                former, value = (one.value, one.former) if backward else (one.former, one.value)
                action.formats.append(Format(known[key], one.name, former, value))
            trace.mark(one.start, one.end, -known[key] if backward else known[key])

    def tidy(self) -> None:
        """With each tick at which the story is not being changed in parts: go on with a sweep."""
        if self._sweeping is not None and next(self._sweeping, self) is self:
            self._sweeping = None
            self._begin_sweep()

    def reset(self) -> None:
        """The document was restored after a failed change: the trace may not fit it any more."""
        shared = self._shared
        shared.trace = Trace(shared.document.length)
        finished(self.load())
        self._stacks.clear()
        self._runs.clear()
        self._garbage.clear()
        self._gone.clear()
        self._sweeping = None

    def stacks(self, member: str) -> dict[Surface, Stack]:
        """The actions of a member, by surface."""
        return self._stacks.get(member, {})

    def drop_formats(self, action: Action) -> None:
        """Stop tracking the formats of an action."""
        self._garbage.update(abs(one.number) for one in action.formats)
        action.formats.clear()

    # Inside ----------------------------------------------------------------------------------------------

    def _turned_there(self, member: str, surface: Surface, *, redo: bool) -> Hand | None:
        """Somebody's page took back, or did again, their last action itself, while it had no connection."""
        stack = self.stack(member, surface)
        source, target = (stack.undone, stack.done) if redo else (stack.done, stack.undone)
        if not source:
            return self.command(member, "edit")
        action = source.pop()
        target.append(action)
        action.open = False
        if not redo:
            action.undone_at = self.next()
        sign = -action.number if redo else action.number
        for stretch in self._shared.trace:
            if stretch.taker == sign and sign not in stretch.marks:
                stretch.taker = 0  # it came back as new text
        self.drop_formats(action)
        return Hand(
            member,
            action.kind,
            action.group,
            action.order,
            action.run,
            {surface: action},
            by_page=True,
            reversed=not redo,
        )

    def _part(self, hand: Hand, surface: Surface) -> Action:
        """The part of an action on a surface; it is there from now on."""
        if (action := hand.parts.get(surface)) is None:
            action = self.begin(hand, surface)
        elif action.kind == "edit" and not hand.turned and not hand.by_page:
            self._release(self.stack(hand.actor, surface).clear_undone())
        return action

    def _release(self, actions: Iterable[Action]) -> None:
        for action in actions:
            self._garbage.update(action.numbers())
            if self._runs.get(action.run or "") is not None and action.kind == "run":
                self._runs.pop(action.run or "", None)
        self._begin_sweep()

    def _drop(self, stack: Stack) -> None:
        self._release([*stack])
        stack.done.clear()
        stack.undone.clear()

    def _begin_sweep(self) -> None:
        if self._sweeping is None and (self._gone or len(self._garbage) >= _GARBAGE):
            self._sweeping = self._sweep()

    def _sweep(self) -> Iterator[None]:
        numbers, runs = self._swept | self._garbage, frozenset(self._gone)
        self._swept = frozenset(self._garbage)
        self._garbage.clear()
        self._gone.clear()
        return self._shared.trace.forget(numbers, runs)

    def _bound(self) -> None:
        """Forget the oldest actions when too much is held."""
        trace = self._shared.trace
        if trace.held < _HELD_BYTES // 2 and self._number % 256:
            return  # the size of objects is counted now and then

        def weighed() -> int:
            weights = (action.weight for stack in stacks for action in stack)
            return trace.held + _STRETCH_BYTES * trace.count + sum(weights)

        stacks = [stack for each in self._stacks.values() for stack in each.values()]
        held = weighed()
        while held > _HELD_BYTES and (full := [stack for stack in stacks if stack.done]):
            oldest = min(full, key=lambda stack: stack.done[0].order)
            half = max(1, len(oldest.done) // 2)
            self._release(oldest.done[:half])
            del oldest.done[:half]
            finished(self._sweep())
            held = weighed()


def _surfaces(change: Change) -> list[Surface]:
    """The undoable surfaces that a change touches."""
    touched = {
        "story": bool(
            change.splices or change.reformats or change.roots.keys() & {schema.STYLE, schema.CODEX}
        ),
        "canvas": bool(change.objects),
        "jam": bool(change.jam),
        "film": any(one.key != FILM_TRANSPORT and not is_sound(one.key) for one in change.film),
    }
    return [surface for surface in SURFACES if touched[surface]]


def _joins(last: Action, change: Change, surface: Surface, step: StepKind, now_ms: float) -> bool:
    """Whether a change goes on with the last action."""
    if surface == "story" and last.changes >= _MOST:
        return False
    if step:
        return step == "same"
    if now_ms - last.last_ms >= _PAUSE_MS:
        return False
    if surface == "canvas":
        keys = {place[2] for place in last.entries}
        return all(one.action == "changed" and one.id in keys for one in change.objects)
    if surface == "film":
        keys = {place[2] for place in last.entries}
        return all(one.former is not None and one.key in keys for one in change.film)
    if surface == "jam":
        keys = {place[2] for place in last.entries}
        return all(one.former is not None and one.key in keys for one in change.jam)
    return True
