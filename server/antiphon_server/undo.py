"""Undo and redo among several (docs/decisions/undo.md).

Each participant has a list of their own actions for each surface: bursts of typing, strokes, moves, formats, accepted
and rejected suggestions, the runs that they asked for, loops, changes of tempo. Undo takes the last one back, whatever
others did since, and touches nothing of theirs; redo does it again. The lists live with the room in memory: they
survive reconnects, and a restart of the server ends them, but for runs, which can be undone by name (`take_back_run`).

Every change of the document passes `note`, which enters it into the action that it belongs to.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Final

from msgspec import Struct

from antiphon_proto import schema
from antiphon_proto.editing import StepKind, Stepped, Surface
from antiphon_proto.errors import Conflict
from antiphon_server.authorship import Owner, Span
from antiphon_server.canvas import Canvas
from antiphon_server.document import Change, DocumentBroken
from antiphon_server.jam import Jam
from antiphon_server.long_work import result
from antiphon_server.painting import unpaint
from antiphon_server.removed import OwnedPiece, without
from antiphon_server.runs import RunEntry
from antiphon_server.shared import SERVER_ORIGIN, Credits
from antiphon_server.side_roots import SideRoots
from antiphon_server.text_index import size
from antiphon_server.undo_actions import SURFACE_OF, SURFACES, Action, Format, RunState, Stack
from antiphon_server.undo_entries import Entry, Place, Shadow, entries, take_back
from antiphon_server.undo_parts import Ranged, Work, batched, parts_of
from antiphon_server.undo_trace import Insertion, Operation, Stretch, Trace

if TYPE_CHECKING:
    from antiphon_server.members import Member
    from antiphon_server.room import Room

_PAUSE_MS: Final = 500
"""Edits of a client that does not mark its steps are one step until it pauses for so long."""
_GARBAGE: Final = 64
"""Forgotten actions after which their marks are swept from the trace."""
_HELD_BYTES: Final = 32 * 1024 * 1024
"""Of what a room's actions hold of deleted text and former objects; beyond, the oldest are forgotten."""
_SHOWN: Final = 64
"""Objects that whoever steps back is told of."""
_UNTOLD = frozenset({"jam", "chat"})
"""Tasks of runs that are no actions: what the band played was heard, and the chat is no surface."""


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
    """Where what the action did before was replaced by what it did last."""
    reversed: bool = False
    """What it changes of formats is to be reversed by doing the action again."""


class Undo:
    def __init__(self, room: Room) -> None:
        self._room = room
        self._shadow = Shadow(room.shared.document.canvas)
        self._stacks: dict[str, dict[Surface, Stack]] = {}
        self._runs: dict[str, Hand] = {}
        self._number = 0
        self._garbage: set[int] = set()
        self._changed: set[str] = set()
        """Whose lists have changed since they were told."""
        self.reconduct: Callable[[str, dict[str, Any], dict[str, Any]], bool] = lambda *_: False
        """Set by who keeps the transport: (participant, fields as they should be now, fields to set) -> done."""

    def load(self) -> None:
        """The room has its document."""
        self._shadow = Shadow(self._room.shared.document.canvas)

    # What is done ----------------------------------------------------------------------------------------

    def edit(self, member: str, change: Change | None, step: StepKind) -> Hand | None:
        """Somebody's edit: it joins their last action or begins another one."""
        touched = _surfaces(change) if change is not None else []
        if change is None or not touched:
            return None
        if step in ("undo", "redo"):
            return self._turned_there(member, touched[0], redo=step == "redo")
        now = self._room.unix_ms()
        hand = Hand(member, "edit", self._next(), now)
        for surface in touched:
            stack = self._stack(member, surface)
            last = stack.top
            if (
                last is not None
                and last.kind == "edit"
                and last.open
                and _joins(last, change, surface, step, now)
            ):
                hand.parts[surface] = last
                last.last_ms = now
        return hand

    def command(self, member: str, kind: str, run: str | None = None) -> Hand:
        """Somebody does one thing: all that it changes is one action."""
        return Hand(member, kind, self._next(), self._room.unix_ms(), run)

    def adopt(self, run: RunEntry, member: str) -> None:
        """What a run writes from now on is this member's action."""
        self._runs[run.info.id] = self.command(member, "run", run.info.id)

    def conducted(self, member: str, before: dict[str, Any], after: dict[str, Any]) -> None:
        """Somebody changed fields of the jam's transport."""
        stack = self._stack(member, "jam")
        now = self._room.unix_ms()
        last = stack.top
        soon = last is not None and last.open and now - last.last_ms < _PAUSE_MS
        if soon and last and last.conducted and last.conducted[1].keys() == after.keys():
            last.conducted = last.conducted[0], after
            last.last_ms = now
            return
        action = self._begin(Hand(member, "conduct", self._next(), now), "jam")
        action.conducted = before, after
        action.open = True

    def hand_of(self, owner: Owner) -> Hand | None:
        """Of a change that a run makes by itself."""
        if owner.run is None:
            return None
        runs = self._room.runs
        info = runs.get(owner.run).info if runs.knows(owner.run) else None
        if info is None or info.author != owner.author or info.task in _UNTOLD:
            return None
        if owner.run not in self._runs:
            self._runs[owner.run] = Hand(info.participant, "run", self._next(), info.created_ms, info.id)
        return self._runs[owner.run]

    def mark(self, change: Change, hand: Hand | None) -> int | None:
        """The mark that the trace is to give to what `change` did to the story; None: it has it."""
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
        found = entries(change, self._shadow, self._room.shared.document.side)
        if hand is None:
            return
        if change.reformats and (not hand.turned or hand.reversed):
            self._formats(change, self._part(hand, "story"), hand.reversed)
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
                action.replace(more)  # what it did last
                hand.replaced.add(surface)
            else:
                action.add(more)
        self._bound()

    def settled(self, hand: Hand, run: str, before: RunState, after: RunState) -> None:
        """What was done also changed how a run stands."""
        for action in hand.parts.values():
            action.runs[run] = (after, before)

    # Back and again --------------------------------------------------------------------------------------

    def back(self, member: Member, surface: Surface | None, request: int) -> Iterator[None]:
        """Take back the member's last action of a surface, or of any, with a stop after each part of a large one.
        Raises Conflict, or Denied for a live run."""
        return self._step(member, surface, request, redo=False)

    def again(self, member: Member, surface: Surface | None, request: int) -> Iterator[None]:
        """Do again what the member took back last, in the same way. Raises Conflict."""
        return self._step(member, surface, request, redo=True)

    def take_back_run(self, member: Member, run: RunEntry) -> list[tuple[int, int]]:
        """Remove what is left of what a run made and restore what it removed, as an action of this member's; returns
        what came back of the text."""
        hand = self.command(member.id, "undo_run", run.info.id)
        hand.turned = True
        number = self._next()
        changes, operations = result(self._take_back(member, run, hand, number))
        after = _undone(run)
        if changes:
            story = any(change.splices or change.reformats for change in changes)
            surface: Surface = "story" if story else "canvas"
            part = hand.parts.get(surface) or self._begin(hand, surface, number)
            # What was changed of formats is what is to be reversed by taking this back.
            for change in changes:
                self._formats(change, part, backward=False)
            part.runs[run.info.id] = (after, _state(run))
        run.update(undone=after[0], suggestion=after[1])
        return [
            (one.at, one.at + sum(size(piece.text) for piece in one.pieces))
            for one in operations
            if isinstance(one, Insertion)
        ]

    # What clients are told -------------------------------------------------------------------------------

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
        self._room.shared.trace.forget((), run)

    # Steps -----------------------------------------------------------------------------------------------

    def _step(
        self, member: Member, surface: Surface | None, request: int, *, redo: bool
    ) -> Generator[None, None, None]:
        stacks = self._stacks.get(member.id, {})
        while True:
            found = [
                (stack.undone if redo else stack.done)[-1]
                for name, stack in stacks.items()
                if surface in (None, name) and (stack.undone if redo else stack.done)
            ]
            if not found:
                raise Conflict("there is nothing to do again" if redo else "there is nothing to undo")
            first = max(found, key=lambda one: (one.undone_at if redo else one.order, one.number))
            parts = [action for action in found if action.group == first.group]
            told: list[Change | bool] = []
            for action in parts:
                told += yield from self._turn(member, action, redo)
            if told:
                self._room.flush()
                self._room.tell(member.id, self._stepped(request, parts, told, redo))
                self._room.wake()
                return

    def _turn(
        self, member: Member, action: Action, redo: bool
    ) -> Generator[None, None, Sequence[Change | bool]]:
        """Turn one action; what it changed: True when that is not in the document, nothing when nothing did."""
        stack = self._stack(member.id, action.surface)
        if not redo and action.kind == "run" and self._live(action):
            self._room.stop_run(member, action.run or "")
        source, target = (stack.undone, stack.done) if redo else (stack.done, stack.undone)
        source.remove(action)
        target.append(action)
        for one in stack.done:
            one.open = False
        if not redo:
            action.undone_at = self._next()
        passed, action.passed = action.passed, False
        if (redo and passed) or self._moot(action, redo):
            action.passed = not redo
            return ()
        if action.conducted is not None:
            then, later = action.conducted
            return (True,) if self.reconduct(member.id, *((then, later) if redo else (later, then))) else ()
        hand = Hand(member.id, action.kind, action.group, action.order, action.run, {action.surface: action})
        hand.turned = True
        if action.kind == "run" and not redo:
            run = self._room.runs.get(action.run or "")
            hand.reversed = True
            before = _state(run)
            self._garbage.update(abs(one.number) for one in action.formats)
            action.formats.clear()
            changes, _ = yield from self._take_back(member, run, hand, -action.number)
            action.runs[run.info.id] = (before, _undone(run))
        else:
            changes = yield from self._revert(member, action, hand, redo)
        if changes:
            self._settle(action, redo)
        action.passed = not changes and not redo
        return changes

    def _live(self, action: Action) -> bool:
        runs = self._room.runs
        return runs.knows(action.run) and runs.get(action.run or "").live

    def _moot(self, action: Action, redo: bool) -> bool:
        """Whether nothing is to be done since the run that it is about is gone or was undone by itself."""
        if action.run is None:
            return False
        runs = self._room.runs
        if not runs.knows(action.run):
            return True
        undone = runs.get(action.run).info.undone
        if action.kind == "undo_run":
            return undone == redo
        return undone if action.kind != "run" else undone != redo

    def _settle(self, action: Action, redo: bool) -> None:
        for key, (done, undone) in action.runs.items():
            if self._room.runs.knows(key):
                run = self._room.runs.get(key)
                state = done if redo else undone
                run.update(undone=state[0], suggestion=state[1])

    def _revert(
        self, member: Member, action: Action, hand: Hand, redo: bool
    ) -> Generator[None, None, list[Change]]:
        """Take back what the action last did, or undid."""
        shared = self._room.shared
        trace = shared.trace
        sign = -action.number if redo else action.number
        found = action.entries
        action.entries = {}

        def back(stretch: Stretch) -> tuple[OwnedPiece, ...]:
            return stretch.pieces if stretch.taker == sign and sign not in stretch.marks else ()

        def formats() -> Iterator[Ranged]:
            for one in action.formats:
                expected, target = (one.former, one.value) if redo else (one.value, one.former)
                mark = -one.number if redo else one.number
                for start, end in trace.reformat(mark, one.name, expected, target, shared.document.between):
                    yield start, end, {one.name: target}

        changes, _ = yield from self._transact(
            member,
            hand,
            trace.alive(sign) if action.surface == "story" else [],
            back if action.surface == "story" else None,
            -sign,
            formats,
            [partial(take_back, dict(some)) for some in batched(found.items())],
        )
        if not changes:
            action.entries = found  # it may matter again when others have gone back
        return changes

    def _take_back(
        self, member: Member, run: RunEntry, hand: Hand, sign: int
    ) -> Generator[None, None, tuple[list[Change], list[Operation]]]:
        """Remove what is left of what a run made and restore what it took of others' work, in the name of `sign`."""
        shared = self._room.shared
        key = run.info.id
        cleared = {schema.ATTR_SUGGEST_DELETE: None}
        if run.info.task == "fix":
            cleared[schema.ATTR_REASON] = None

        def back(stretch: Stretch) -> tuple[OwnedPiece, ...]:
            if stretch.run != key:
                return ()
            return tuple(
                OwnedPiece(
                    piece.text,
                    without(piece.attributes, schema.ATTR_SUGGEST_DELETE),
                    piece.owner,
                    piece.embed,
                )
                for piece in stretch.pieces
                if piece.owner.run != key
            )

        def formats() -> Iterator[Ranged]:
            for start, end in shared.document.marked(schema.ATTR_SUGGEST_DELETE, key):
                yield start, end, dict(cleared)

        made = shared.objects.by_run(key)
        target = run.info.target

        def objects(canvas: Canvas, _jam: Jam, _side: SideRoots) -> None:
            unpaint(canvas, made=made, run=key, target=target)

        return (
            yield from self._transact(
                member, hand, shared.authorship.ranges(key), back, sign, formats, [objects], run=key
            )
        )

    def _transact(
        self,
        member: Member,
        hand: Hand,
        gone: list[tuple[int, int]],
        back: Callable[[Stretch], tuple[OwnedPiece, ...]] | None,
        sign: int,
        formats: Callable[[], Iterator[Ranged]],
        objects: Sequence[Callable[[Canvas, Jam, SideRoots], None]],
        run: str | None = None,
    ) -> Generator[None, None, tuple[list[Change], list[Operation]]]:
        """An edit of the member's: ranges of the text go, deleted stretches come back, then formats, then objects.
        A small one is one change; of a large one each part is, with a stop after it. Raises DocumentBroken; then
        nothing can be undone any more."""
        shared = self._room.shared
        run = run or hand.run
        changes: list[Change] = []

        def made(work: Work, written: Sequence[Operation]) -> None:
            try:
                change = shared.document.revert(work, SERVER_ORIGIN)
            except DocumentBroken:
                self._reset()
                raise
            spans = [
                Span(size(piece.text), piece.owner)
                for one in written
                if isinstance(one, Insertion)
                for piece in one.pieces
            ]
            credits = Credits(spans, {}) if spans else None
            self._room.commit(change, Owner(member.id, run), credits=credits, hand=hand)
            if change is not None:
                changes.append(change)

        operations: list[Operation] = []
        if back is not None:
            operations = yield from shared.trace.turn(gone, back, sign, shared.owned, run)
        steps = parts_of(operations, formats, objects)
        for number, (work, written) in enumerate(steps):
            if number:
                yield
            made(work, written)
        return changes, operations

    def _turned_there(self, member: str, surface: Surface, *, redo: bool) -> Hand | None:
        """Somebody's page took back, or did again, their last action itself, while it had no connection."""
        stack = self._stack(member, surface)
        source, target = (stack.undone, stack.done) if redo else (stack.done, stack.undone)
        if not source:
            return self.command(member, "edit")
        action = source.pop()
        target.append(action)
        action.open = False
        if not redo:
            action.undone_at = self._next()
        sign = -action.number if redo else action.number
        for stretch in self._room.shared.trace:
            if stretch.taker == sign and sign not in stretch.marks:
                stretch.taker = 0  # it came back as new text
        self._garbage.update(abs(one.number) for one in action.formats)
        action.formats.clear()
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

    def _stepped(self, request: int, parts: list[Action], told: list[Change | bool], redo: bool) -> Stepped:
        changes = [change for change in told if isinstance(change, Change)]
        ranges = [(one.at, one.at + one.inserted) for change in changes for one in change.splices]
        ranges += [(one.start, one.end) for change in changes for one in change.reformats]
        objects = [one.id for change in changes for one in change.objects][:_SHOWN]
        where = (min(start for start, _ in ranges), max(end for _, end in ranges)) if ranges else None
        first = parts[0]
        return Stepped(
            step=request,
            redo=redo,
            surface=first.surface,
            kind=first.kind,
            offset=self._room.offset,
            start=where[0] if where else None,
            end=where[1] if where else None,
            objects=tuple(objects),
            run=first.run or "",
        )

    # Small parts -----------------------------------------------------------------------------------------

    def _next(self) -> int:
        self._number += 1
        return self._number

    def _stack(self, member: str, surface: Surface) -> Stack:
        self._changed.add(member)
        stacks = self._stacks.setdefault(member, {})
        if surface not in stacks:
            stacks[surface] = Stack()
        return stacks[surface]

    def _part(self, hand: Hand, surface: Surface) -> Action:
        """The part of an action on a surface; it is there from now on."""
        if (action := hand.parts.get(surface)) is None:
            action = self._begin(hand, surface)
        elif action.kind == "edit" and not hand.turned and not hand.by_page:
            self._release(self._stack(hand.actor, surface).clear_undone())
        return action

    def _begin(self, hand: Hand, surface: Surface, number: int | None = None) -> Action:
        action = Action(number or self._next(), surface, hand.kind, hand.group, hand.order_ms, hand.run)
        hand.parts[surface] = action
        stack = self._stack(hand.actor, surface)
        if stack.top is not None and stack.top.order <= action.order:
            stack.top.open = False
        if hand.kind != "run" or not stack.undone or stack.undone[-1].order < action.order:
            self._release(stack.clear_undone())
        self._release(stack.push(action))
        return action

    def _formats(self, change: Change, action: Action, backward: bool) -> None:
        """Enter what a change did to formats: `backward` as what doing the action again reverses."""
        trace = self._room.shared.trace
        known: dict[tuple[str, str, str], int] = {}
        for one in change.reformats:
            key = one.name, repr(one.former), repr(one.value)
            if key not in known:
                known[key] = self._next()
                former, value = (one.value, one.former) if backward else (one.former, one.value)
                action.formats.append(Format(known[key], one.name, former, value))
            trace.mark(one.start, one.end, -known[key] if backward else known[key])

    def _release(self, actions: Iterable[Action]) -> None:
        for action in actions:
            self._garbage.update(action.numbers())
            if self._runs.get(action.run or "") is not None and action.kind == "run":
                self._runs.pop(action.run or "", None)
        if len(self._garbage) >= _GARBAGE:
            self._sweep()

    def _drop(self, stack: Stack) -> None:
        self._release([*stack])
        stack.done.clear()
        stack.undone.clear()

    def _sweep(self) -> None:
        self._room.shared.trace.forget(self._garbage)
        self._garbage.clear()

    def _bound(self) -> None:
        """Forget the oldest actions when too much is held."""
        trace = self._room.shared.trace
        if trace.held < _HELD_BYTES // 2 and self._number % 256:
            return  # what objects hold is counted now and then
        stacks = [stack for each in self._stacks.values() for stack in each.values()]
        held = trace.held + sum(action.weight for stack in stacks for action in stack)
        while held > _HELD_BYTES and (full := [stack for stack in stacks if stack.done]):
            oldest = min(full, key=lambda stack: stack.done[0].order)
            half = max(1, len(oldest.done) // 2)
            self._release(oldest.done[:half])
            del oldest.done[:half]
            self._sweep()
            held = trace.held + sum(action.weight for stack in stacks for action in stack)

    def _reset(self) -> None:
        """The document went back to what it was before a change that failed half-way: the trace may not fit it."""
        shared = self._room.shared
        shared.trace = Trace(shared.document.length)
        self._shadow = Shadow(shared.document.canvas)
        self._stacks.clear()
        self._runs.clear()
        self._garbage.clear()


def _surfaces(change: Change) -> list[Surface]:
    """What a change touches that can be undone."""
    touched = {
        "story": bool(change.splices or change.reformats or schema.STYLE in change.roots),
        "canvas": bool(change.objects),
        "jam": bool(change.jam),
    }
    return [surface for surface in SURFACES if touched[surface]]


def _joins(last: Action, change: Change, surface: Surface, step: StepKind, now_ms: float) -> bool:
    """Whether a change goes on with the last action."""
    if step:
        return step == "same"
    if now_ms - last.last_ms >= _PAUSE_MS:
        return False
    if surface == "canvas":
        keys = {place[2] for place in last.entries}
        return all(one.action == "changed" and one.id in keys for one in change.objects)
    if surface == "jam":
        keys = {place[2] for place in last.entries}
        return all(one.former is not None and one.key in keys for one in change.jam)
    return True


def _state(run: RunEntry) -> RunState:
    return run.info.undone, run.info.suggestion


def _undone(run: RunEntry) -> RunState:
    suggestion = run.info.suggestion
    return True, "rejected" if suggestion == "open" else suggestion
