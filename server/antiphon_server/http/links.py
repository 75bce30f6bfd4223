"""`/api/rooms/{room}/links`: the invite links of a room, for its owners."""

from __future__ import annotations

from collections import Counter
from typing import Annotated, Any, Final

from aiohttp import web
from msgspec import Meta, Struct

from antiphon_proto.messages import Role
from antiphon_server.core import invites
from antiphon_server.core.members import Member
from antiphon_server.core.rights import Right, require
from antiphon_server.gateway import GATEWAY
from antiphon_server.http.access import acting, authorised, base_url, json_body, pay_for_lookup
from antiphon_server.rooms.room import Room

_HEADERS: Final = {"Cache-Control": "no-store"}
_DAY_MS: Final = 86_400_000


class NewLink(Struct, frozen=True, forbid_unknown_fields=True):
    """`days` until it, and the access of whoever came by it, ends; without it it does not end by itself. It lets in
    `uses` newcomers; without it any number."""

    role: Role
    name: Annotated[str, Meta(min_length=1, max_length=80)]
    days: Annotated[float, Meta(gt=0, le=3650)] | None = None
    uses: Annotated[int, Meta(ge=1, le=10_000)] | None = None


async def show_links(request: web.Request) -> web.Response:
    """`GET .../links` -> `{"links": [...]}`: id, role, name, url, created_ms, expires_ms, uses (newcomers that it let
    in), max_uses (null: any number), members (who came by it and were not put out), standing."""
    room, _ = await _moderating(request)
    return _answer(request, room)


async def make_link(request: web.Request) -> web.Response:
    """`POST .../links` `{"role", "name", "days"?, "uses"?}` -> 201 and the list."""
    await _moderating(request)
    wish = await json_body(request, NewLink)
    room, _ = await _moderating(request)  # who was put out while the body came has no say any more
    name = " ".join("".join(c for c in wish.name if c.isprintable()).split()) or wish.role
    expires = None if wish.days is None else room.context.unix_ms() + int(wish.days * _DAY_MS)
    room.context.require_writable()
    room.moderation.make_link(wish.role, name, expires, wish.uses)
    return _answer(request, room, 201)


async def end_link(request: web.Request) -> web.Response:
    """`DELETE .../links/{link}[?members=1]` -> the list. `members=1` puts out everybody who came by it."""
    room, member = await _moderating(request)
    room.context.require_writable()
    room.moderation.end_link(request.match_info["link"], request.query.get("members") == "1", member)
    return _answer(request, room)


async def _moderating(request: web.Request) -> tuple[Room, Member]:
    pay_for_lookup(request)
    grant, room = await authorised(request)
    require(grant.role, Right.MODERATE)
    member = acting(request, room)
    require(member.role, Right.MODERATE)
    return room, member


def _answer(request: web.Request, room: Room, status: int = 200) -> web.Response:
    record, base = room.context.identity, base_url(request)
    tokens = request.app[GATEWAY].tokens
    members = Counter(member.record.link for member in room.members if not member.record.revoked)
    rows: list[dict[str, Any]] = [
        {
            "id": one.id,
            "role": one.role,
            "name": one.name,
            "url": base + tokens.link(invites.grant_of(record, one)),
            "created_ms": one.created_ms,
            "expires_ms": one.expires_ms,
            "uses": one.uses,
            "max_uses": one.max_uses,
            "members": members[one.id],
            "standing": invites.standing(record, one.id),
        }
        for one in room.moderation.links()
    ]
    return web.json_response({"links": rows}, status=status, headers=_HEADERS)


ROUTES = (
    web.get("/api/rooms/{room}/links", show_links),
    web.post("/api/rooms/{room}/links", make_link),
    web.delete("/api/rooms/{room}/links/{link}", end_link),
)
