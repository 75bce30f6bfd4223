"""The invite links of a room, as they stand in its record. Pure: every change gives a new record.

Three links stand for good, one for each role; when one of them is ended, another takes its place. Up to `MAX_NAMED`
more are made by owners, each with a name, and an end where one is wished. A token names its link; it opens the room
while the link is in force. Ending a link harms no member: they hold a pass of their own (`Grant.member`).
"""

from __future__ import annotations

import secrets
from typing import Final, cast

from msgspec.structs import replace

from antiphon_proto.errors import Conflict, NotFound
from antiphon_proto.messages import Role
from antiphon_server.core.seat import Grant
from antiphon_server.store.api import Invite, RoomRecord

MAX_NAMED: Final = 100


def new_id() -> str:
    """The id of a link; a token that is signed for another one does not open it."""
    return secrets.token_hex(8)


def links(record: RoomRecord) -> tuple[Invite, ...]:
    """All links that were not ended, the standing ones first, with the known facts of each."""
    known = {invite.id: invite for invite in record.invites}
    standing = [
        known.get(link) or Invite(link, role, created_ms=record.created_ms)
        for role, link in record.links.items()
    ]
    return (*standing, *(one for one in record.invites if one.id not in record.links.values()))


def standing(record: RoomRecord, link: str) -> bool:
    return link in record.links.values()


def grant_of(record: RoomRecord, invite: Invite) -> Grant:
    """The grant of a token of this link."""
    ends = None if invite.expires_ms is None else invite.expires_ms / 1000
    return Grant(record.id, cast(Role, invite.role), invite.id, expires=ends)


def in_force(record: RoomRecord, grant: Grant, now_ms: float) -> Invite | None:
    """The link of a token, if it lets people in."""
    found = next((one for one in links(record) if one.id == grant.link and one.role == grant.role), None)
    over = found is not None and found.expires_ms is not None and found.expires_ms <= now_ms
    return None if over else found


def used(record: RoomRecord, link: str) -> RoomRecord:
    """A newcomer used the link."""
    return _with(record, [replace(one, uses=one.uses + (one.id == link)) for one in links(record)])


def made(record: RoomRecord, invite: Invite) -> RoomRecord:
    """Raises Conflict when there are as many as may be."""
    if sum(not standing(record, one.id) for one in links(record)) >= MAX_NAMED:
        raise Conflict(f"this room has {MAX_NAMED} links of its own; end one of them first")
    return _with(record, [*links(record), invite])


def ended(record: RoomRecord, link: str, now_ms: int) -> RoomRecord:
    """End the link; a permanent one is replaced. Raises NotFound."""
    left = [one for one in links(record) if one.id != link]
    if len(left) == len(links(record)):
        raise NotFound("there is no such link in this room")
    renewed = {role: new_id() if old == link else old for role, old in record.links.items()}
    fresh = [
        Invite(renewed[role], role, created_ms=now_ms) for role, old in record.links.items() if old == link
    ]
    return _with(replace(record, links=renewed), [*fresh, *left])


def _with(record: RoomRecord, invites: list[Invite]) -> RoomRecord:
    return replace(record, invites=tuple(invites))
