"""`/api/rooms/{room}/trace`: recent activity of the device, for the room's owner."""

from __future__ import annotations

from aiohttp import web

from antiphon_proto.errors import RateLimited
from antiphon_server.core.rights import Right, require
from antiphon_server.gateway import GATEWAY
from antiphon_server.http.access import authorised
from antiphon_server.http.streaming import large
from antiphon_server.work.jobs import Made, Trace


async def show_trace(request: web.Request) -> web.StreamResponse:
    """`GET /api/rooms/{room}/trace` -> trace-event JSON of the device's latest minutes; for the room's owner. Up to
    18 MB, so a helper process writes it."""
    gateway = request.app[GATEWAY]
    grant, room = await authorised(request)
    require(grant.role, Right.MODERATE)
    address = gateway.proxies.address(request)
    if not gateway.history_rate.allow(address):
        raise RateLimited("too many requests for the past from this address; wait a little")
    traced = await gateway.engine.trace()
    made = await gateway.pool.run(Trace(traced, [run.id for run in room.run_infos()]), address)
    assert isinstance(made, Made)
    return await large(request, made.data, "application/json", headers={"Cache-Control": "no-store"})


ROUTES = (web.get("/api/rooms/{room}/trace", show_trace),)
