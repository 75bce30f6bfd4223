"""Moderation: removes members, and makes and ends invite links.

A removed member is out at every door: the connection is closed at once, the session and the pass are refused, and the
link by which they came is ended, since they still hold it. Others who came by that link keep their access: a native
client's session or pass says who they are. A plain Yjs client has neither, so one that is not connected at that moment
needs another link.
"""

from __future__ import annotations

from msgspec.structs import replace

from antiphon_proto.errors import CloseCode, Conflict, Denied, NotFound
from antiphon_proto.messages import Links, Role
from antiphon_server.core import invites
from antiphon_server.core.context import RoomContext
from antiphon_server.core.join_tokens import Unauthorized
from antiphon_server.core.members import Member
from antiphon_server.core.rights import Right, may
from antiphon_server.core.seat import Grant
from antiphon_server.net.frames import Frame
from antiphon_server.runs.supervisor import RunSupervisor
from antiphon_server.store.api import Invite


class Moderation:
    def __init__(self, room: RoomContext, supervisor: RunSupervisor) -> None:
        self._room = room
        self._supervisor = supervisor
        self._came: list[str] = []

    def entitled(self, grant: Grant, session: str) -> None:
        """Whether a request over HTTP with this token (and this session secret, if it has one) may be served.

        A link with a limited number of uses serves only members who joined by it. Raises Denied for a removed member,
        Unauthorized for a link that is not valid.
        """
        members = self._room.members
        sitting = members.of_session(session)
        vouched = members.get(grant.member) if grant.member else None
        if any(member is not None and member.record.revoked for member in (sitting, vouched)):
            raise Denied("you were removed from this room")
        link = self.link(grant)
        if vouched is not None or (link is not None and link.max_uses is None):
            return
        if sitting is None or (sitting.record.link, sitting.role) != (grant.link, grant.role):
            raise Unauthorized("the invite link is no longer in force")

    def links(self) -> list[Invite]:
        """The links of the room; those who came since the last tick are counted."""
        return [self._counted(one) for one in invites.links(self._room.identity)]

    def link(self, grant: Grant) -> Invite | None:
        """The link of this token, if it is in force; those who came since the last tick are counted."""
        found = invites.in_force(self._room.identity, grant, self._room.unix_ms())
        return None if found is None else self._counted(found)

    def _counted(self, invite: Invite) -> Invite:
        return replace(invite, uses=invite.uses + self._came.count(invite.id))

    def came(self, member: Member) -> None:
        """A newcomer has joined; counted with the next tick, since many may join at once."""
        self._came.append(member.record.link)

    def settle(self) -> None:
        """Put the counts into the room's record."""
        if self._came:
            record = self._room.identity
            for link in self._came:
                record = invites.used(record, link)
            self._came.clear()
            self._room.put_identity(record)

    def remove(self, moderator: Member, participant: str, everywhere: bool) -> None:
        """Remove a member; `everywhere`: and all windows with the same person's pass. Raises NotFound, Conflict."""
        member = self._room.members.get(participant)
        if member is None:
            raise NotFound("there is no such participant in this room")
        if member is moderator:
            raise Conflict("you cannot remove yourself")
        if member.record.revoked:
            raise Conflict("this participant is removed already")
        person = member.person
        others = [one for one in self._room.members if everywhere and one.person == person]
        self._put_out([member, *(one for one in others if one is not moderator)])

    def end_link(self, link: str, members: bool, moderator: Member) -> None:
        """End a link; `members`: and remove all who joined by it, except the moderator. Raises NotFound."""
        room = self._room
        people = [one for one in room.members if one.record.link == link and one is not moderator]
        room.put_identity(invites.ended(room.identity, link, room.unix_ms()))
        if members:
            self._put_out(people)
        self._tell()

    def make_link(self, role: Role, name: str, expires_ms: int | None, max_uses: int | None = None) -> Invite:
        """Raises Conflict when there are too many."""
        room = self._room
        invite = Invite(invites.new_id(), role, name, room.unix_ms(), expires_ms, 0, max_uses)
        room.put_identity(invites.made(room.identity, invite))
        self._tell()
        return invite

    def expire(self) -> None:
        """Whose token has ended leaves."""
        room = self._room
        now = room.unix_ms() / 1000
        for _, seat in room.members.seated():
            if seat.until is not None and seat.until <= now:
                seat.outlet.close(CloseCode.UNAUTHORIZED, "the invitation has ended")
                room.leave(seat)

    def _put_out(self, members: list[Member]) -> None:
        room = self._room
        for member in members:
            member.update(revoked=True)
            self._supervisor.halt_all(member.id)
            if (seat := member.seat) is not None:
                seat.outlet.close(CloseCode.REVOKED, "you were removed from this room")
                room.leave(seat)
        known = {one.id for one in invites.links(room.identity)}
        for link in {member.record.link for member in members} & known:
            room.put_identity(invites.ended(room.identity, link, room.unix_ms()))
        self._tell()
        room.wake()

    def _tell(self) -> None:
        links: Links = self._room.links()
        for member, seat in self._room.members.seated():
            if may(member.role, Right.MODERATE):
                seat.outlet.send(Frame.of(links))
