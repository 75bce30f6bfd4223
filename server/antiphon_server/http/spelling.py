"""`/api/rooms/{room}/spelling`: faults of spelling and grammar, while people type."""

from __future__ import annotations

from typing import Annotated, Any

from aiohttp import web
from msgspec import Meta, Struct, to_builtins

from antiphon_proto.errors import RateLimited
from antiphon_server.core.rights import Right, require
from antiphon_server.gateway import GATEWAY
from antiphon_server.http.access import acting, authorised, json_body
from antiphon_server.spelling.findings import MAX_PASSAGES, Passage


class Passages(Struct, frozen=True):
    """Texts to check, each a piece of a paragraph."""

    passages: Annotated[list[Passage], Meta(min_length=1, max_length=MAX_PASSAGES)]


async def check(request: web.Request) -> web.Response:
    """`POST /api/rooms/{room}/spelling` `{"passages": [{"text", "language"}]}` -> `{"findings"}`: for each passage its
    faults (`start`, `end` in UTF-16 units, `kind`, `replacements`, `message`), or null where its language is not
    checked here. For members who may edit; nothing of it is kept with the room."""
    gateway = request.app[GATEWAY]
    grant, room = await authorised(request)
    require(grant.role, Right.EDIT)
    member = acting(request, room)
    passages = (await json_body(request, Passages)).passages
    cost = gateway.text_checker.unknown(passages)
    key = f"{room.id} {member.id}"
    if cost and not gateway.check_rate.allow(key, cost):
        raise RateLimited("too much text to check; wait a little")
    found: list[Any] = [to_builtins(each) for each in await gateway.text_checker.check(passages, key)]
    return web.json_response({"findings": found}, headers={"Cache-Control": "no-store"})


ROUTES = (web.post("/api/rooms/{room}/spelling", check),)
