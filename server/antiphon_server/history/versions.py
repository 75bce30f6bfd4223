"""A room's own past: points of it that people name, and going back to one."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from antiphon_proto import schema
from antiphon_proto.comments import ATTR_COMMENT
from antiphon_proto.errors import Denied, NotFound, PeerError, TooLarge
from antiphon_proto.messages import Version, Versions
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import Member
from antiphon_server.core.rights import Right, may
from antiphon_server.document.authorship import Owner
from antiphon_server.document.text_diff import Difference
from antiphon_server.history.past_state import PastState, StoryPiece
from antiphon_server.history.restore import Restoration

_MAX_VERSIONS = 200
_OF_RUNS = (schema.ATTR_AI, schema.ATTR_SUGGEST, schema.ATTR_SUGGEST_DELETE)


class Timeline:
    """`has_comment`: whether there is a comment of this id."""

    def __init__(self, room: RoomContext, has_comment: Callable[[str], bool]) -> None:
        self._room = room
        self._has_comment = has_comment

    def versions(self) -> tuple[Version, ...]:
        """Oldest first."""
        return self._room.identity.versions

    def name(self, member: Member, name: str, seq: int | None = None) -> Version:
        """Name a point of the history; now by default. Raises PeerError or TooLarge."""
        room = self._room
        name = " ".join(name.split())
        if not 1 <= len(name) <= 100 or not name.isprintable():
            raise PeerError("a version's name has 1 to 100 characters")
        at = room.seq if seq is None else seq
        if not 0 <= at <= room.seq:
            raise PeerError(f"the history of this room goes to entry {room.seq}")
        if len(self.versions()) >= _MAX_VERSIONS:
            raise TooLarge(f"a room has {_MAX_VERSIONS} named versions at most; take some away")
        version = Version(f"v{secrets.token_hex(6)}", name, at, room.unix_ms(), member.id)
        self._put((*self.versions(), version))
        return version

    def remove(self, member: Member, version_id: str) -> None:
        """Take a name away; the point of the history stays. Raises NotFound or Denied."""
        found = next((one for one in self.versions() if one.id == version_id), None)
        if found is None:
            raise NotFound("there is no such version")
        if found.author != member.id and not may(member.role, Right.MODERATE):
            raise Denied("this version is somebody else's")
        self._put(tuple(one for one in self.versions() if one is not found))

    def restore(
        self, member: Member, moment: PastState, now: Sequence[StoryPiece], differences: Sequence[Difference]
    ) -> int:
        """Restore story and canvas; returns the number of the entry that did, or of the last one when nothing differed.
        `now` is the current story, and `differences` lead from it to the past one (`rooms.restore`).
        Raises StorageUnavailable or TooLarge."""
        room = self._room
        room.require_writable()
        document = room.shared.document
        restoration = Restoration(now, moment, self._keeps, differences)
        if not document.fits(2 * restoration.inserted):
            raise TooLarge("the document is at its bound")
        change = document.rework(restoration.write, member.origin)
        hand = room.actions.command(member.id, "restore")
        room.commit(change, Owner(member.id), credits=restoration.credits(), hand=hand)
        self._revive(moment)
        room.wake()
        return room.seq

    def _keeps(self, name: str, value: object) -> bool:
        """A comment that was deleted since marks nothing any more, and a run that is forgotten suggests nothing."""
        if name.startswith(ATTR_COMMENT):
            return self._has_comment(name.removeprefix(ATTR_COMMENT))
        if name in (schema.ATTR_SUGGEST, schema.ATTR_SUGGEST_DELETE, schema.ATTR_REASON):
            return name == schema.ATTR_REASON or self._room.runs.knows(value)
        return True

    def _revive(self, moment: PastState) -> None:
        """Runs whose text stands again can be undone again, and suggestions that are open again be settled."""
        runs = self._room.runs
        written = {piece.owner.run for piece in moment.story if piece.owner.run}
        suggested = {
            piece.attributes.get(mark)
            for piece in moment.story
            for mark in (schema.ATTR_SUGGEST, schema.ATTR_SUGGEST_DELETE)
        }
        for run in runs:
            if run.info.id in written | suggested and not run.live:
                run.update(undone=False)
            if run.info.id in suggested:
                run.update(suggestion="open")

    def _put(self, versions: tuple[Version, ...]) -> None:
        room = self._room
        room.require_writable()
        room.put_identity(replace(room.identity, versions=versions))
        room.tell_all(Versions(versions))
        room.wake()
