"""A room's own past: points of it that people name, and going back to one."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterable, Iterator

from msgspec.structs import replace

from antiphon_proto.errors import Denied, NotFound, PeerError, TooLarge
from antiphon_proto.messages import Version, Versions
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import Member
from antiphon_server.core.rights import Right, may
from antiphon_server.document.authorship import Owner
from antiphon_server.history.restore import Restoration

_MAX_VERSIONS = 200


class Timeline:
    """`comments` returns the ids of the comments that there are."""

    def __init__(self, room: RoomContext, comments: Callable[[], Iterable[str]]) -> None:
        self._room = room
        self._comments = comments

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
            raise Denied("this version belongs to another participant")
        self._put(tuple(one for one in self.versions() if one is not found))

    def standing(self) -> tuple[frozenset[str], frozenset[str]]:
        """Existing comments and runs: marks of others need not come back."""
        return frozenset(self._comments()), frozenset(run.info.id for run in self._room.runs)

    def restore(self, member: Member, restoration: Restoration) -> Iterator[None]:
        """Restore story and canvas, with a stop after each part of a large restoration; the story must not change
        meanwhile. Its parts become durable together. Raises StorageUnavailable or TooLarge."""
        room = self._room
        room.require_writable()
        document = room.shared.document
        if not document.fits(2 * restoration.inserted):
            raise TooLarge("the document is at its bound")
        hand = room.actions.command(member.id, "restore")
        with room.journal.together():
            for number, (work, credits) in enumerate(restoration.parts()):
                if number:
                    yield
                change = document.rework(work, member.origin)
                room.commit(change, Owner(member.id), credits=credits, hand=hand)
            self._revive(restoration)
        room.wake()

    def _revive(self, restoration: Restoration) -> None:
        """Runs whose text stands again can be undone again, and suggestions that are open again be settled."""
        for run in self._room.runs:
            if run.info.id in restoration.written | restoration.suggested and not run.live:
                run.update(undone=False)
            if run.info.id in restoration.suggested:
                run.update(suggestion="open")

    def _put(self, versions: tuple[Version, ...]) -> None:
        room = self._room
        room.require_writable()
        room.put_identity(replace(room.identity, versions=versions))
        room.tell_all(Versions(versions))
        room.wake()
