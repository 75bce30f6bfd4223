"""`/api/rooms/{room}/search`: passages of a room, by words and by meaning."""

from __future__ import annotations

from typing import Annotated, Any

from aiohttp import web
from msgspec import Meta, Struct, field, to_builtins

from antiphon_proto.errors import PeerError, RateLimited
from antiphon_server.gateway import GATEWAY
from antiphon_server.http.access import acting, authorised, json_body
from antiphon_server.search.hits import KINDS, MAX_HITS, MAX_QUERY, Kind


class Query(Struct, frozen=True):
    """`limit` hits by words, and as many by meaning."""

    query: Annotated[str, Meta(min_length=1, max_length=MAX_QUERY)]
    kinds: Annotated[tuple[Kind, ...], Meta(min_length=1, max_length=len(KINDS))] = field(
        default_factory=lambda: KINDS
    )
    limit: Annotated[int, Meta(ge=1, le=MAX_HITS)] = 20
    meaning: bool = True


async def search(request: web.Request) -> web.Response:
    """`POST /api/rooms/{room}/search` `{"query"}` -> `{"hits", "meaning", "pending", "left_out"}`: passages of the
    story, chat, comments and board. A hit has `kind`, `text`, `id`, `start`, `author`, `ms`, `by` (`words` or
    `meaning`) and `marks`, [start, end) in the text; all places are UTF-16 units. `meaning` is `absent` where the
    server has no model for it; `pending` passages are not read for their meaning yet. For every member: all may read
    all of this."""
    gateway = request.app[GATEWAY]
    _, room = await authorised(request)
    member = acting(request, room)
    asked = await json_body(request, Query)
    if not asked.query.strip():
        raise PeerError("the query is empty")
    key = f"{room.id} {member.id}"
    if not gateway.search_rate.allow(key):
        raise RateLimited("too many searches; wait a little")
    found = await gateway.room_search.search(
        room.id,
        room.context.epoch,
        room.shared.document,
        asked.query.strip(),
        asked.kinds,
        asked.limit,
        asked.meaning,
        lambda: not room.closed and room.online() > 0,
    )
    hits: list[Any] = [{**to_builtins(hit.piece), "by": hit.by, "marks": hit.marks} for hit in found.hits]
    answer = {"hits": hits, "meaning": found.meaning, "pending": found.pending, "left_out": found.left_out}
    return web.json_response(answer, headers={"Cache-Control": "no-store"})


ROUTES = (web.post("/api/rooms/{room}/search", search),)
