"""`/api`, health and metrics."""

from __future__ import annotations

import hmac
from typing import Annotated, Any

from aiohttp import web
from msgspec import Meta, Struct

from antiphon_proto.errors import ProtocolViolation, RateLimited
from antiphon_proto.messages import ModelInfo, Role
from antiphon_server.core.join_tokens import TICKET_SECONDS, Unauthorized, link_path
from antiphon_server.gateway import GATEWAY
from antiphon_server.http.access import authorised, base_url, bearer, json_body, named, pay_for_lookup
from antiphon_server.http.streaming import large
from antiphon_server.rooms.room import Room
from antiphon_server.store.api import RoomRecord
from antiphon_server.work.jobs import Authors, Made

_NO_STORE = {"Cache-Control": "no-store"}
_ROLES: tuple[Role, ...] = ("owner", "editor", "viewer")


async def create_room(request: web.Request) -> web.Response:
    """`POST /api/rooms` -> 201 `{"room", "links", "tokens"}`, each by role."""
    gateway = request.app[GATEWAY]
    if not gateway.room_rate.allow(gateway.proxies.address(request)):
        raise RateLimited("too many rooms from this address; wait a little")
    record = await gateway.hub.create()
    return web.json_response(invitations(request, record), status=201, headers=_NO_STORE)


def invitations(request: web.Request, record: RoomRecord) -> dict[str, Any]:
    """The answer to a request that made a room."""
    gateway = request.app[GATEWAY]
    tokens = {role: gateway.tokens.issue(record.id, role, record.links[role]) for role in _ROLES}
    base = base_url(request)
    return {
        "room": record.id,
        "links": {role: base + link_path(record.id, token) for role, token in tokens.items()},
        "tokens": tokens,
    }


async def show_room(request: web.Request) -> web.Response:
    """`GET /api/rooms/{room}` -> its participants, its runs, and the caller's rights."""
    pay_for_lookup(request)
    grant, room = await authorised(request)
    body = {
        "room": room.id,
        "role": grant.role,
        "offset": room.context.offset,
        "origin": dict(zip(("room", "seq"), origin, strict=True))
        if (origin := room.context.identity.origin)
        else None,
        "members": [named(member) for member in room.context.participants()],
        "runs": [named(run) for run in room.run_infos()],
        "models": [named(model) for model in request.app[GATEWAY].models()],
    }
    return web.json_response(body, headers=_NO_STORE)


async def show_text(request: web.Request) -> web.StreamResponse:
    """`GET /api/rooms/{room}/text` -> the story as plain text."""
    _, room = await authorised(request)
    _pay_for_reading(request, room)
    return await large(request, room.shared.document.data(), "text/plain", headers=_NO_STORE)


async def show_authorship(request: web.Request) -> web.StreamResponse:
    """`GET /api/rooms/{room}/authorship` -> who wrote which bytes (UTF-8) of the story, and how much in all, in
    bytes and in characters; and who made and who last changed each object of the canvas."""
    _, room = await authorised(request)
    _pay_for_reading(request, room)
    gateway = request.app[GATEWAY]
    job = Authors(
        room.shared.document.data(),
        room.shared.authorship.serialise(),
        room.context.offset,
        dict(room.shared.objects.items()),
    )
    made = await gateway.pool.run(job, gateway.proxies.address(request))
    assert isinstance(made, Made)
    return await large(request, made.data, "application/json", headers=_NO_STORE)


def _pay_for_reading(request: web.Request, room: Room) -> None:
    """Raises RateLimited: repeated reads of a long text have a rate."""
    gateway = request.app[GATEWAY]
    if not gateway.reading_rate.allow(
        gateway.proxies.address(request), 64 * 1024 + room.shared.document.length
    ):
        raise RateLimited("too much is read from this address; wait a little")


async def alive(_request: web.Request) -> web.Response:
    """`GET /healthz` -> 200 while the process answers."""
    return web.json_response({"status": "ok"}, headers=_NO_STORE)


async def ready(request: web.Request) -> web.Response:
    """`GET /readyz` -> 200 when rooms can be stored and every model that is set serves; else 503 with the reasons.
    A model that this installation cannot run is told, and does not count."""
    gateway = request.app[GATEWAY]
    broken, state = gateway.store.problem, gateway.engine.state
    models = {model.modality: _readiness(model) for model in gateway.models()}
    serving = state.status == "ready" and "loading" not in models.values()
    body = {
        "ready": broken is None and serving,
        "store": "ok" if broken is None else broken.message,
        "engine": {"status": state.status, "message": state.message},
        "models": models,
    }
    return web.json_response(body, status=200 if body["ready"] else 503, headers=_NO_STORE)


def _readiness(model: ModelInfo) -> str:
    if model.ready:
        return "ready"
    return "absent" if model.note_key == "absent" else "loading"


async def metrics(request: web.Request) -> web.Response:
    """`GET /metrics` in Prometheus' text format, for the bearer of `metrics_token` or of an operator's token."""
    gateway = request.app[GATEWAY]
    token, wanted = bearer(request), gateway.settings.metrics_token.get_secret_value()
    if not wanted or not hmac.compare_digest(token.encode(), wanted.encode()):
        gateway.tokens.verify_operator(token)
    return await open_metrics(request)


async def open_metrics(request: web.Request) -> web.Response:
    """The same on a port of its own."""
    return web.Response(
        body=request.app[GATEWAY].metrics.page(),
        headers={"Content-Type": "text/plain; version=0.0.4; charset=utf-8"},
    )


class PlainClient(Struct, frozen=True, forbid_unknown_fields=True):
    """A plain Yjs client that wants a pass of its own."""

    name: Annotated[str, Meta(max_length=200)] = ""


async def make_pass(request: web.Request) -> web.Response:
    """`POST /api/rooms/{room}/pass` `{"name"?}`, with an invite's token -> 201 `{"participant", "token", "ticket",
    "ticket_seconds"}`: a plain Yjs client becomes a member, and its pass stays valid after the link has ended. With
    such a pass: another ticket."""
    gateway = request.app[GATEWAY]
    address = gateway.proxies.address(request)
    if not gateway.join_rate.allow(address):
        raise RateLimited("too many newcomers from this address; wait a little")
    wish = await json_body(request, PlainClient)
    grant = gateway.tokens.verify(bearer(request))
    if grant.room != request.match_info["room"]:
        raise Unauthorized("the token is for another room")
    room = await gateway.hub.get(grant.room, address)
    member = room.members.get(grant.member) if grant.member else None
    if member is None or not member.record.plain:
        try:
            member = room.enrol(grant, wish.name)
        except ProtocolViolation as error:
            raise Unauthorized(error.message) from None
    elif member.record.revoked:
        raise Unauthorized("you were removed from this room")
    token = room.context.pass_for(member).token
    ticket = gateway.tokens.ticket(gateway.tokens.verify(token))
    answer = {"participant": member.id, "token": token, "ticket": ticket, "ticket_seconds": TICKET_SECONDS}
    return web.json_response(answer, status=201, headers=_NO_STORE)


ROUTES = (
    web.post("/api/rooms", create_room),
    web.get("/api/rooms/{room}", show_room),
    web.post("/api/rooms/{room}/pass", make_pass),
    web.get("/api/rooms/{room}/text", show_text),
    web.get("/api/rooms/{room}/authorship", show_authorship),
    web.get("/healthz", alive),
    web.get("/readyz", ready),
    web.get("/metrics", metrics),
)
