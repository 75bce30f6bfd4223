"""Accepts and rejects suggestions, and undoes runs. Of a large one part by part, with a stop after each.

All three go by authorship, never by attributes alone: they touch only text of the run that is still there and still its
own, and no character of anybody else's.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from typing import TypeAlias

from antiphon_proto import schema
from antiphon_proto.errors import Conflict, PeerError
from antiphon_proto.messages import Accept, Reject, Stop
from antiphon_server.core.action_log import Hand
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import Member
from antiphon_server.core.run_registry import RunEntry
from antiphon_server.document.authorship import Owner
from antiphon_server.document.state import SERVER_ORIGIN
from antiphon_server.document.undo.parts import batched
from antiphon_server.history.undo import REASONED, UndoRedo
from antiphon_server.runs.supervisor import RunSupervisor

Ranges: TypeAlias = list[tuple[int, int]]


class Suggestions:
    def __init__(self, room: RoomContext, supervisor: RunSupervisor, undo: UndoRedo) -> None:
        self._room = room
        self._undo = undo
        self._supervisor = supervisor

    def accept(self, member: Member, message: Accept) -> Iterator[None]:
        """The insertion stays, the text that it replaces goes. Raises NotFound, Conflict or PeerError."""
        run = self._open(member, message.run)
        added, doomed = self._parts(member, run, message)
        hand = self._room.actions.command(member.id, "accept", run.info.id)
        yield from self._decide(member, run, hand, added, doomed, schema.ATTR_SUGGEST)
        self._settle(run, "accepted", hand)

    def reject(self, member: Member, message: Reject) -> Iterator[None]:
        """The insertion goes, the text that it would replace stays. Raises NotFound, Conflict or PeerError."""
        run = self._open(member, message.run)
        added, doomed = self._parts(member, run, message)
        hand = self._room.actions.command(member.id, "reject", run.info.id)
        yield from self._decide(member, run, hand, doomed, added, schema.ATTR_SUGGEST_DELETE)
        kept = self._room.shared.authorship.ranges(run.info.id)
        self._settle(run, "accepted" if kept else "rejected", hand)

    def undo(self, member: Member, run_id: str) -> Generator[None, None, Ranges]:
        """Remove the remaining text of the run and restore the text that it deleted; returns the restored ranges.

        A live run is stopped first, which takes the right to stop it. Raises NotFound, Denied, or Conflict when there
        is nothing to undo.
        """
        run = self._room.runs.known(run_id, member.id)
        if run.info.undone or run.private:
            raise Conflict("there is nothing of this run to undo")
        if run.info.task == "jam":
            raise Conflict("the band's music has been heard and cannot be undone")
        if run.live:
            self._supervisor.stop(member, Stop(run_id))
        restored = yield from self._undo.take_back_run(member, run)
        self._room.wake()
        return restored

    def _decide(
        self, member: Member, run: RunEntry, hand: Hand, stays: Ranges, goes: Ranges, mark: str
    ) -> Iterator[None]:
        """One part of the text loses the run's mark and stays, the other goes."""
        document = self._room.shared.document
        owner = Owner(member.id, run.info.id)
        for ranges in batched(stays):
            cleared = document.format(ranges, _cleared(run, mark), SERVER_ORIGIN)
            self._room.commit(cleared, owner, hand=hand)
            yield
        # From the end: a removal does not move later ones.
        for ranges in batched(goes[::-1]):
            self._room.commit(document.delete(ranges[::-1], SERVER_ORIGIN), owner, hand=hand)
            yield

    def _open(self, member: Member, run_id: str) -> RunEntry:
        run = self._room.runs.known(run_id, member.id)
        if run.info.suggestion != "open":
            raise Conflict("this run has no open suggestion")
        if run.live:
            raise Conflict("this run still writes; stop it first")
        return run

    def _parts(self, member: Member, run: RunEntry, message: Accept | Reject) -> tuple[Ranges, Ranges]:
        """The ranges that the suggestion would add and remove, within the named part."""
        shared = self._room.shared
        written = shared.authorship.ranges(run.info.id)
        added = _common(written, shared.document.marked(schema.ATTR_SUGGEST, run.info.id))
        doomed = shared.document.marked(schema.ATTR_SUGGEST_DELETE, run.info.id)
        if message.start is None and message.end is None:
            return added, doomed
        start, end = self._part(member, message)
        added, doomed = _common(added, [(start, end)]), _common(doomed, [(start, end)])
        if not added and not doomed:
            raise Conflict("nothing of this suggestion is open there")
        return added, doomed

    def _part(self, member: Member, message: Accept | Reject) -> tuple[int, int]:
        room = self._room
        document, window = room.shared.document, room.shared.edit_window
        start = window.carry(message.start or 0, "right", message.offset, room.offset, member.id)
        end = (
            document.length
            if message.end is None
            else window.carry(message.end, "left", message.offset, room.offset, member.id)
        )
        if start > end or end > document.length:
            raise PeerError("the part is not a range of the text")
        return document.snap(start), document.snap(end)

    def _settle(self, run: RunEntry, verdict: str, hand: Hand) -> None:
        """The suggestion is closed when nothing of it is open any more."""
        before = run.info.undone, run.info.suggestion
        document = self._room.shared.document
        written = self._room.shared.authorship.ranges(run.info.id)
        still = _common(written, document.marked(schema.ATTR_SUGGEST, run.info.id))
        if not still and not document.marked(schema.ATTR_SUGGEST_DELETE, run.info.id):
            run.update(suggestion=verdict)
        self._room.actions.settled(hand, run.info.id, before, (run.info.undone, run.info.suggestion))
        self._room.wake()


def _cleared(run: RunEntry, mark: str) -> dict[str, None]:
    """The attributes that go when a mark of the run is settled."""
    return dict.fromkeys((mark, schema.ATTR_REASON) if run.info.task in REASONED else (mark,))


def _common(a: Ranges, b: Ranges) -> Ranges:
    """The intersection of two ordered lists of ranges."""
    found: Ranges = []
    i = j = 0
    while i < len(a) and j < len(b):
        start, end = max(a[i][0], b[j][0]), min(a[i][1], b[j][1])
        if start < end:
            found.append((start, end))
        if a[i][1] < b[j][1]:
            i += 1
        else:
            j += 1
    return found
