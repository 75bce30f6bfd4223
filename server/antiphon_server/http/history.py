"""`/api/rooms/{room}`: its history, named versions, going back to a point, and forks (PROTOCOL.md)."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Final

from aiohttp import web
from msgspec import Struct

from antiphon_proto.errors import NotFound, PeerError, RateLimited
from antiphon_server.core.rights import Right, require
from antiphon_server.document.state import SERVER
from antiphon_server.gateway import GATEWAY
from antiphon_server.http.access import B, acting, authorised, json_body, named
from antiphon_server.http.rooms import invitations
from antiphon_server.http.streaming import large
from antiphon_server.rooms.fork import fork as make_fork
from antiphon_server.rooms.replay import Past
from antiphon_server.rooms.restore import bring_back
from antiphon_server.rooms.room import Room
from antiphon_server.store.api import EntryHead

_HEADERS: Final = {"Cache-Control": "no-store"}
_APART: Final = 60_000
"""Milliseconds between two entries of one group, at most."""
_PAGE: Final = 500
_LONGEST_PAGE: Final = 5000
_MAX_SEQ: Final = 2**53


class NewVersion(Struct):
    name: str
    seq: int | None = None


class Point(Struct):
    seq: int | None = None


async def show_history(request: web.Request) -> web.Response:
    """`GET .../history?after=SEQ | before=SEQ & limit=N` -> neighbouring entries of one hand as groups."""
    room = await _reading(request)
    limit = _number(request, "limit", _PAGE)
    if not 1 <= limit <= _LONGEST_PAGE:
        raise PeerError(f"limit is from 1 to {_LONGEST_PAGE}")
    after = _number(request, "after", 0)
    backwards = "before" in request.query
    before = _number(request, "before", _MAX_SEQ) if backwards else min(after + limit + 1, _MAX_SEQ)
    heads = await request.app[GATEWAY].store.heads(room.id, after, before, limit)
    edge = heads[0].seq if backwards and heads else heads[-1].seq if heads else None
    more = edge is not None and (edge > 1 if backwards else edge < room.context.seq)
    aside = [
        {"seq": one.seq, "kind": one.kind, "reason": one.reason, "at_ms": one.at_ms} for one in room.aside
    ]
    body = {
        "last": room.context.seq,
        "groups": _groups(heads),
        "next": edge if more else None,
        "aside": aside,
        "missing": _missing(room),
    }
    return web.json_response(body, headers=_HEADERS)


def _missing(room: Room) -> list[dict[str, int]]:
    """Losses by damage to the server's storage, oldest first."""
    return [named(loss) for loss in room.context.identity.losses]


async def show_moment(request: web.Request) -> web.StreamResponse:
    """`GET .../history/{seq}` -> story and canvas as they were after that entry, with their authors."""
    room = await _reading(request)
    moment = await _moment(request, room, _whole(request.match_info["seq"], "seq"))
    answer = await request.app[GATEWAY].archive.shown(moment)
    return await large(request, answer, "application/json", headers=_HEADERS)


async def compare(request: web.Request) -> web.StreamResponse:
    """`GET .../compare?from=SEQ&to=SEQ` -> the changes between two points, with their authors."""
    room = await _reading(request)
    start, end = (_whole(request.query.get(name, ""), name) for name in ("from", "to"))
    first, second = await _moment(request, room, start), await _moment(request, room, end)
    answer = await request.app[GATEWAY].archive.compared(first, second)
    return await large(request, answer, "application/json", headers=_HEADERS)


async def show_versions(request: web.Request) -> web.Response:
    """`GET .../versions`."""
    room = await _reading(request)
    return web.json_response(
        {"versions": [named(version) for version in room.timeline.versions()]}, headers=_HEADERS
    )


async def name_version(request: web.Request) -> web.Response:
    """`POST .../versions` `{"name", "seq"?}` -> 201, the version."""
    room, body = await _doing(request, Right.RESTORE, NewVersion)
    version = room.timeline.name(acting(request, room), body.name, body.seq)
    return web.json_response(named(version), status=201, headers=_HEADERS)


async def remove_version(request: web.Request) -> web.Response:
    """`DELETE .../versions/{id}` -> 204."""
    _, room = await _granted(request, Right.RESTORE)
    room.timeline.remove(acting(request, room), request.match_info["version"])
    return web.Response(status=204, headers=_HEADERS)


async def restore(request: web.Request) -> web.Response:
    """`POST .../restore` `{"seq"}` -> `{"seq"}`, the entry that did it."""
    room, body = await _doing(request, Right.RESTORE, Point)
    if body.seq is None:
        raise PeerError("seq is missing: the entry to go back to")
    gateway = request.app[GATEWAY]
    if not gateway.restore_rate.allow(f"{room.id} {acting(request, room).id}"):
        raise RateLimited("you bring the room back too often; wait a little")
    past = await _moment(request, room, body.seq)
    # The room may have been let go while the past was read.
    room = await gateway.hub.get(room.id)
    seq = await bring_back(room, lambda: acting(request, room), past, gateway.pool, gateway.turns)
    return web.json_response({"seq": seq}, headers=_HEADERS)


async def fork(request: web.Request) -> web.Response:
    """`POST .../fork` `{"seq"?}` -> 201, as for a new room, with where it comes from."""
    gateway = request.app[GATEWAY]
    room, body = await _doing(request, Right.FORK, Point)
    if not gateway.room_rate.allow(gateway.proxies.address(request)):
        raise RateLimited("too many rooms from this address; wait a little")
    moment = await _moment(request, room, room.context.seq if body.seq is None else body.seq)
    _, room = await authorised(request)
    record = await make_fork(gateway.hub, gateway.assets, room, moment)
    origin = {"room": room.id, "seq": moment.seq}
    return web.json_response({**invitations(request, record), "origin": origin}, status=201, headers=_HEADERS)


async def _granted(request: web.Request, right: Right) -> tuple[str, Room]:
    """The room, after the right of the caller's token. Raises Unauthorized, NotFound, Denied or RateLimited."""
    gateway = request.app[GATEWAY]
    grant, room = await authorised(request)
    require(grant.role, right, room.context.limits.viewer_rights)
    if not gateway.history_rate.allow(gateway.proxies.address(request)):
        raise RateLimited("too many requests for the past from this address; wait a little")
    room.tick()  # all changes until now are in the history
    return grant.role, room


async def _reading(request: web.Request) -> Room:
    return (await _granted(request, Right.HISTORY))[1]


async def _doing(request: web.Request, right: Right, form: type[B]) -> tuple[Room, B]:
    await _granted(request, right)
    wish = await json_body(request, form)
    return (await authorised(request))[1], wish  # the member may have been removed while the body came


async def _moment(request: web.Request, room: Room, seq: int) -> Past:
    if not 0 <= seq <= room.context.seq:
        raise NotFound(f"the history of this room goes from entry 0 to {room.context.seq}")
    gateway = request.app[GATEWAY]
    return await gateway.archive.past(room.id, seq, gateway.proxies.address(request))


def _groups(heads: Iterable[EntryHead]) -> list[dict[str, Any]]:
    groups: list[dict[str, Any]] = []
    for head in heads:
        last = groups[-1] if groups else None
        # A repair of the server's belongs to the repaired change.
        same = last is not None and (
            (head.author, head.run) == (last["author"], last["run"]) or head.author == SERVER.author
        )
        if last is not None and same and head.at_ms - last["to_ms"] <= _APART:
            last["last"], last["to_ms"] = head.seq, head.at_ms
            last["entries"] += 1
            last["bytes"] += head.size
            continue
        groups.append(
            {
                "first": head.seq,
                "last": head.seq,
                "author": head.author,
                "run": head.run,
                "from_ms": head.at_ms,
                "to_ms": head.at_ms,
                "entries": 1,
                "bytes": head.size,
            }
        )
    return groups


def _number(request: web.Request, name: str, otherwise: int) -> int:
    value = request.query.get(name)
    return otherwise if value is None else _whole(value, name)


def _whole(value: str, name: str) -> int:
    if not value.isascii() or not value.isdigit() or len(value) > 15:
        raise PeerError(f"{name} is a whole number")
    return int(value)


ROUTES = (
    web.get("/api/rooms/{room}/history", show_history),
    web.get("/api/rooms/{room}/history/{seq}", show_moment),
    web.get("/api/rooms/{room}/compare", compare),
    web.get("/api/rooms/{room}/versions", show_versions),
    web.post("/api/rooms/{room}/versions", name_version),
    web.delete("/api/rooms/{room}/versions/{version}", remove_version),
    web.post("/api/rooms/{room}/restore", restore),
    web.post("/api/rooms/{room}/fork", fork),
)
