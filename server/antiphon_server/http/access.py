"""Who asks over HTTP, and the body of their request: tokens, members, bounds."""

from __future__ import annotations

import asyncio
from typing import Any, TypeVar

import msgspec
from aiohttp import web
from msgspec import Struct, structs, to_builtins

from antiphon_proto.errors import PeerError, RateLimited, TooLarge
from antiphon_server.core.join_tokens import Unauthorized
from antiphon_server.core.members import Member
from antiphon_server.core.seat import Grant
from antiphon_server.gateway import GATEWAY
from antiphon_server.rooms.room import Room

_PIECE = 64 * 1024
_JSON_SECONDS = 20.0

B = TypeVar("B", bound=Struct)


def base_url(request: web.Request) -> str:
    """The base of invite links: the public URL, or the host that was asked, which the guard has checked."""
    gateway = request.app[GATEWAY]
    return gateway.settings.public_url or gateway.proxies.base_url(request)


async def authorised(request: web.Request) -> tuple[Grant, Room]:
    """The caller's grant for the room in the address. Raises Unauthorized, NotFound or Denied."""
    gateway = request.app[GATEWAY]
    if "token" in request.query:
        # Addresses end up in logs, histories and referrers.
        raise Unauthorized("a join token goes in the header `Authorization: Bearer`, not in the address")
    grant = gateway.tokens.verify(bearer(request))
    if grant.room != request.match_info["room"]:
        raise Unauthorized("the token is for another room")
    room = await gateway.hub.get(grant.room, gateway.proxies.address(request))
    gateway.sockets.known(request.protocol)
    room.moderation.entitled(grant, request.headers.get("X-Antiphon-Session", ""))
    return grant, room


def pay_for_lookup(request: web.Request) -> None:
    """Raises RateLimited for an address that asks for facts of rooms too often."""
    gateway = request.app[GATEWAY]
    if not gateway.lookup_rate.allow(gateway.proxies.address(request)):
        raise RateLimited("too many requests from this address; wait a little")


def bearer(request: web.Request) -> str:
    """The token of the request; empty if it has none."""
    scheme, _, value = request.headers.get("Authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else ""


async def body(request: web.Request, bound: int, seconds: float, what: str) -> bytes:
    """The whole body. Raises TooLarge as soon as it is known to be, PeerError when it is empty or comes too slowly."""
    message = f"a {what} of more than {bound} bytes"
    if (request.content_length or 0) > bound:
        raise TooLarge(message)
    data = bytearray()
    try:
        async with asyncio.timeout(seconds):
            while piece := await request.content.read(_PIECE):
                data += piece
                if len(data) > bound:
                    raise TooLarge(message)
    except TimeoutError:
        raise PeerError(f"the {what} did not arrive within {seconds:g} seconds") from None
    if not data:
        raise PeerError(f"the body is the {what}; it was empty")
    return bytes(data)


async def json_body(request: web.Request, form: type[B]) -> B:
    """The JSON object in the body; an empty body counts as `{}`. Raises PeerError for anything that is not of this
    form, and for one that comes too slowly; aiohttp refuses one over the bound of the application with 413."""
    try:
        async with asyncio.timeout(_JSON_SECONDS):
            data = await request.read()
        return msgspec.json.decode(data or b"{}", type=form)
    except TimeoutError:
        raise PeerError(f"the body did not arrive within {_JSON_SECONDS:g} seconds") from None
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PeerError(f"the body is not what is expected: {error}") from None


def acting(request: web.Request, room: Room) -> Member:
    """Who does this: the member whose session secret stands in `X-Antiphon-Session`. Raises Unauthorized."""
    member = room.members.of_session(request.headers.get("X-Antiphon-Session", ""))
    if member is None or member.record.revoked:
        raise Unauthorized("the session secret of a member of this room is needed")
    return member


def named(value: Struct) -> dict[str, Any]:
    """A struct that travels as an array on the wire, as a JSON object."""
    return {field: to_builtins(getattr(value, field)) for field in structs.asdict(value)}
