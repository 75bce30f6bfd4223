"""The members of a room: who they are, how they are known again, and who of them is here."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Iterable, Iterator
from itertools import islice
from typing import Final, cast

from msgspec.structs import replace

from antiphon_proto.errors import CloseCode, ProtocolViolation
from antiphon_proto.messages import Participant, Role
from antiphon_server.core.seat import Grant, JoinRequest, Seat
from antiphon_server.document.state import FIRST_ORIGIN
from antiphon_server.room_limits import RoomLimits
from antiphon_server.store.api import Forgotten, Invite, MemberRecord

AI: Final = Participant("ai", "Antiphon", "#7c4dff", "editor", "ai")
"""The co-author: a participant like the others."""
PROOFREADER: Final = Participant("proofreader", "Proofreader", "#00897b", "editor", "ai")
"""Who the corrections are from."""
COLORS = (
    "#e4572e", "#2e86ab", "#3a9d5d", "#c2417c", "#b08900", "#00838f",
    "#8d5a2b", "#5b6ee1", "#d1495b", "#4d7c0f", "#a23ed1", "#00695c",
)  # fmt: skip


_USED_UP: Final = "this invitation has let in as many as it may"


class Member:
    """One person, or one plain Yjs client. `record` is kept in the store."""

    __slots__ = ("_changed", "origin", "record", "seat", "since")

    def __init__(
        self, record: MemberRecord, origin: int, changed: dict[str, MemberRecord | Forgotten]
    ) -> None:
        self.record = record
        self.origin = origin
        """Of this member's transactions in the document."""
        self.seat: Seat | None = None
        """Set by `Members.place` only."""
        self.since: int | None = None
        """The room's offset when they first came in this life of it."""
        self._changed = changed

    @property
    def id(self) -> str:
        return self.record.id

    @property
    def role(self) -> Role:
        return cast(Role, self.record.role)

    @property
    def participant(self) -> Participant:
        record = self.record
        online = self.seat is not None
        return Participant(record.id, record.name, record.color, self.role, record.kind, online)

    @property
    def person(self) -> str:
        """The same for all sessions that came with each other's passes."""
        return self.record.person or self.record.id

    def update(self, **changes: object) -> None:
        record = replace(self.record, **changes)
        if record != self.record:
            self.record = self._changed[record.id] = record


class Members:
    """By id, and by session. At most `limits.max_known`: then those make room who left no trace, and where there
    are none only known sessions are let in.

    `traces` gives everybody who made something that the room still holds; `forgotten` hears whom it forgets."""

    def __init__(
        self,
        limits: RoomLimits,
        records: Iterable[MemberRecord] = (),
        *,
        traces: Callable[[], set[str]] = set,
        forgotten: Callable[[Member], None] = lambda member: None,
        unix_ms: Callable[[], int] = lambda: 0,
    ) -> None:
        self._limits = limits
        self._traces = traces
        self._forgotten = forgotten
        self._unix_ms = unix_ms
        self._next_origin = FIRST_ORIGIN
        self._by_id: dict[str, Member] = {}
        self._by_session: dict[bytes, Member] = {}
        self._seated: dict[str, tuple[Member, Seat]] = {}
        self._changed: dict[str, MemberRecord | Forgotten] = {}
        for record in sorted(records, key=lambda record: record.joined_ms):
            self._add(record)

    def knows(self, request: JoinRequest) -> bool:
        """Whether this is a returning member."""
        return self._find(request)[0] is not None

    def admit(self, request: JoinRequest, link: Invite | None) -> tuple[Member, str]:
        """The member who asks to join, and the secret by which they are known from now on; changes nobody's seat.

        `link` is the one of its token, if it lets people in. A pass does, while its member was not put out. Who comes
        back with a session needs neither; a plain Yjs client's name is no secret, so it does.

        Raises ProtocolViolation: REVOKED, UNAUTHORIZED (a link that has ended), ROOM_FULL.
        """
        grant = request.grant
        member, session = self._find(request)
        giver = self._by_id.get(grant.member) if grant.member else None
        if any(one is not None and one.record.revoked for one in (member, giver)):
            raise ProtocolViolation("you were removed from this room", CloseCode.REVOKED)
        if giver is None and link is None and (member is None or request.dialect == "yjs"):
            raise ProtocolViolation("this invitation is no longer valid", CloseCode.UNAUTHORIZED)
        if (member is None or member.seat is None) and self.online >= self._limits.max_members:
            raise ProtocolViolation("the room is full", CloseCode.ROOM_FULL)
        if member is None:
            if giver is None and link is not None and link.used_up:
                raise ProtocolViolation(_USED_UP, CloseCode.UNAUTHORIZED)
            return self._new(request, session, giver)
        assert session is not None
        # Once an agent, always: its earlier work stays marked when a person goes on with its session.
        changes: dict[str, object] = {"kind": "agent"} if request.kind == "agent" else {}
        if name := self._name(request.name):
            changes["name"] = name
        if giver is not None or link is not None:
            changes |= {"role": grant.role, "link": grant.link, "expires_ms": _end(grant)}
        member.update(**changes)
        return member, session

    def enrol(self, request: JoinRequest, link: Invite | None) -> Member:
        """A plain Yjs client that is to have a pass of its own: a new member, before it connects. Raises as `admit`."""
        giver = self._by_id.get(request.grant.member) if request.grant.member else None
        if giver is not None and giver.record.revoked:
            raise ProtocolViolation("you were removed from this room", CloseCode.REVOKED)
        if giver is None and link is None:
            raise ProtocolViolation("this invitation is no longer valid", CloseCode.UNAUTHORIZED)
        if giver is None and link is not None and link.used_up:
            raise ProtocolViolation(_USED_UP, CloseCode.UNAUTHORIZED)
        return self._new(request, secrets.token_urlsafe(24), giver)[0]

    def of_session(self, session: str) -> Member | None:
        """The native client's member whose session secret this is."""
        return self._by_session.get(_hash("native", session)) if session else None

    def get(self, participant: str) -> Member | None:
        return self._by_id.get(participant)

    def __iter__(self) -> Iterator[Member]:
        return iter(self._by_id.values())

    def place(self, member: Member, seat: Seat | None) -> None:
        """Give the member this seat, or none."""
        member.seat = seat
        if seat is None:
            self._seated.pop(member.id, None)
        else:
            self._seated[member.id] = (member, seat)

    def seated(self) -> list[tuple[Member, Seat]]:
        """Who is here."""
        return list(self._seated.values())

    @property
    def online(self) -> int:
        return len(self._seated)

    def changed(self) -> list[MemberRecord | Forgotten]:
        """Records that the store does not have yet; they count as handed over."""
        records = list(self._changed.values())
        self._changed.clear()
        return records

    def _new(self, request: JoinRequest, session: str | None, giver: Member | None) -> tuple[Member, str]:
        if len(self._by_id) >= self._limits.max_known and not self._forget():
            raise ProtocolViolation("the room takes no more members", CloseCode.ROOM_FULL)
        if request.dialect == "native" or session is None:
            session = secrets.token_urlsafe(24)
        record = MemberRecord(
            id=f"p{secrets.token_hex(5)}",
            session_hash=_hash(request.dialect, session),
            name=self._name(request.name) or "Guest",
            color=self._color(),
            role=request.grant.role,
            link=request.grant.link,
            joined_ms=self._unix_ms(),
            kind=request.kind,
            person=giver.person if giver else "",
            expires_ms=_end(request.grant),
            plain=request.dialect == "yjs",
        )
        self._changed[record.id] = record
        return self._add(record), session

    def _add(self, record: MemberRecord) -> Member:
        member = Member(record, self._next_origin, self._changed)
        self._next_origin += 1
        self._by_id[record.id] = member
        self._by_session[record.session_hash] = member
        return member

    def _forget(self) -> bool:
        """Forget a tenth of the room's places, so that it is seldom done: the oldest members who left no trace."""
        traces = self._traces()
        idle = (
            member
            for member in self._by_id.values()
            if member.seat is None and not member.record.revoked and member.id not in traces
        )
        gone = list(islice(idle, max(1, self._limits.max_known // 10)))
        for member in gone:
            del self._by_id[member.id], self._by_session[member.record.session_hash]
            self._changed[member.id] = Forgotten(member.id)
            self._forgotten(member)
        return bool(gone)

    def _find(self, request: JoinRequest) -> tuple[Member | None, str | None]:
        """Who asks, if they are known, and by which secret."""
        own = self._by_id.get(request.grant.member) if request.dialect == "yjs" else None
        if own is not None and own.record.plain:
            return own, ""  # a plain client with a pass of its own
        session = request.session if request.dialect == "native" else self._plain_session(request)
        return (self._by_session.get(_hash(request.dialect, session)) if session else None), session

    def _plain_session(self, request: JoinRequest) -> str:
        """A plain Yjs client has no session: it is the first member of its link and name who is not here now."""
        number = 1
        while True:
            session = f"{request.grant.link}/{request.grant.role}/{self._name(request.name)}/{number}"
            member = self._by_session.get(_hash("yjs", session))
            if member is None or member.seat is None:
                return session
            number += 1

    def _name(self, name: str) -> str:
        return "".join(c for c in " ".join(name.split()) if c.isprintable())[: self._limits.max_name].strip()

    def _color(self) -> str:
        used = [member.record.color for member in self._by_id.values()]
        return min(COLORS, key=used.count)


def _end(grant: Grant) -> int | None:
    """When a membership that this token gives ends (Unix milliseconds); None: with the link or the member."""
    return None if grant.renews or grant.expires is None else int(grant.expires * 1000)


def _hash(dialect: str, session: str) -> bytes:
    """Plain Yjs clients' sessions are guessable, so they live in a world of their own."""
    return hashlib.sha256(f"{dialect}\0{session}".encode(errors="replace")).digest()
