"""Undo and redo among several (docs/decisions/undo.md).

Undo takes back the last action of a participant (`core.action_log`), whatever others did since, and touches nothing of
theirs; redo does it again. Runs can also be undone by name (`take_back_run`), after a restart of the server too.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterator, Sequence
from functools import partial
from typing import Any, Final, TypeAlias

from antiphon_proto import schema
from antiphon_proto.errors import Conflict
from antiphon_proto.messages.editing import Stepped, Surface
from antiphon_server.core.action_log import Hand
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import Member
from antiphon_server.core.run_registry import RunEntry
from antiphon_server.document.authorship import Owner, Span
from antiphon_server.document.canvas import Canvas, unpaint
from antiphon_server.document.change import Change, DocumentBroken
from antiphon_server.document.deletions import OwnedPiece, without
from antiphon_server.document.jam import Jam
from antiphon_server.document.side_roots import SideRoots
from antiphon_server.document.state import SERVER_ORIGIN, Credits
from antiphon_server.document.text_index import size
from antiphon_server.document.undo.actions import Action, RunState
from antiphon_server.document.undo.entries import Entry, Place, take_back, weight
from antiphon_server.document.undo.parts import Ranged, Work, batched, parts_of
from antiphon_server.document.undo.stretches import Insertion, Operation, Stretch

_SHOWN: Final = 64
"""Objects that whoever steps back is told of."""
_OBJECT_BYTES: Final = 4096
"""Fields of an object, before and after, that one of a part may have."""

REASONED: Final = frozenset({"fix", "suggest", "performer"})
"""Tasks whose suggestions carry a reason."""

Reconduct: TypeAlias = Callable[[str, dict[str, Any], dict[str, Any]], bool]
"""(participant, fields of the transport as they should be now, fields to set) -> whether any were set."""


class UndoRedo:
    """`stop_run` stops a live run for a member; raises NotFound, Denied or Conflict."""

    def __init__(
        self, room: RoomContext, stop_run: Callable[[Member, str], None], reconduct: Reconduct
    ) -> None:
        self._room = room
        self._log = room.actions
        self._stop_run = stop_run
        self._reconduct = reconduct

    # Back and again --------------------------------------------------------------------------------------

    def back(self, member: Member, surface: Surface | None, request: int) -> Iterator[None]:
        """Take back the member's last action of a surface, or of any, with a stop after each part of a large one.
        Raises Conflict, or Denied for a live run."""
        return self._step(member, surface, request, redo=False)

    def again(self, member: Member, surface: Surface | None, request: int) -> Iterator[None]:
        """Redo the member's last undone action, in the same way. Raises Conflict."""
        return self._step(member, surface, request, redo=True)

    def take_back_run(self, member: Member, run: RunEntry) -> Generator[None, None, list[tuple[int, int]]]:
        """Remove the remaining work of a run and restore the content that it removed, as an action of this member's,
        with a stop after each part of a large one; returns the ranges of restored text."""
        hand = self._log.command(member.id, "undo_run", run.info.id)
        hand.turned = True
        number = self._log.next()
        changes, operations = yield from self._take_back(member, run, hand, number)
        after = _undone(run)
        if changes:
            story = any(change.splices or change.reformats for change in changes)
            surface: Surface = "story" if story else "canvas"
            part = hand.parts.get(surface) or self._log.begin(hand, surface, number)
            # Undoing this action reverses its changes of formats.
            for change in changes:
                self._log.add_formats(change, part, backward=False)
                yield
            part.runs[run.info.id] = (after, _state(run))
        run.update(undone=after[0], suggestion=after[1])
        return [
            (one.at, one.at + sum(size(piece.text) for piece in one.pieces))
            for one in operations
            if isinstance(one, Insertion)
        ]

    # Steps -----------------------------------------------------------------------------------------------

    def _step(
        self, member: Member, surface: Surface | None, request: int, *, redo: bool
    ) -> Generator[None, None, None]:
        stacks = self._log.stacks(member.id)
        while True:
            found = [
                (stack.undone if redo else stack.done)[-1]
                for name, stack in stacks.items()
                if surface in (None, name) and (stack.undone if redo else stack.done)
            ]
            if not found:
                raise Conflict("there is nothing to redo" if redo else "there is nothing to undo")
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
        """Undo or redo one action; returns its changes: True for one outside the document, empty for none."""
        stack = self._log.stack(member.id, action.surface)
        if not redo and action.kind == "run" and self._live(action):
            self._stop_run(member, action.run or "")
        source, target = (stack.undone, stack.done) if redo else (stack.done, stack.undone)
        source.remove(action)
        target.append(action)
        for one in stack.done:
            one.open = False
        if not redo:
            action.undone_at = self._log.next()
        passed, action.passed = action.passed, False
        if (redo and passed) or self._moot(action, redo):
            action.passed = not redo
            return ()
        if action.conducted is not None:
            then, later = action.conducted
            return (True,) if self._reconduct(member.id, *((then, later) if redo else (later, then))) else ()
        hand = Hand(member.id, action.kind, action.group, action.order, action.run, {action.surface: action})
        hand.turned = True
        if action.kind == "run" and not redo:
            run = self._room.runs.get(action.run or "")
            hand.reversed = True
            before = _state(run)
            self._log.drop_formats(action)
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
        """Revert the last effect of the action."""
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
            [partial(take_back, dict(some)) for some in batched(found.items(), _units)],
        )
        if not changes:
            action.entries = found  # it may matter again when others have gone back
        return changes

    def _take_back(
        self, member: Member, run: RunEntry, hand: Hand, sign: int
    ) -> Generator[None, None, tuple[list[Change], list[Operation]]]:
        """Remove the remaining work of a run and restore the work of others that it took, in the name of `sign`."""
        shared = self._room.shared
        key = run.info.id
        cleared = {schema.ATTR_SUGGEST_DELETE: None}
        if run.info.task in REASONED:
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
                self._log.reset()
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


def _units(item: tuple[Place, Entry]) -> int:
    """A large object counts as several."""
    return 1 + weight(dict((item,))) // _OBJECT_BYTES


def _state(run: RunEntry) -> RunState:
    return run.info.undone, run.info.suggestion


def _undone(run: RunEntry) -> RunState:
    suggestion = run.info.suggestion
    return True, "rejected" if suggestion == "open" else suggestion
