"""`/api/rooms/{room}/assets/{sha256}/...`: conversions of a picture that need no model."""

from __future__ import annotations

from aiohttp import web

from antiphon_proto.errors import NotFound, RateLimited
from antiphon_server.core.rights import Right, require
from antiphon_server.core.seat import Grant
from antiphon_server.gateway import GATEWAY
from antiphon_server.http.access import authorised
from antiphon_server.http.assets import described
from antiphon_server.http.recording import record


async def trace(request: web.Request) -> web.Response:
    """`POST /api/rooms/{room}/assets/{sha256}/trace` -> the picture as an SVG file of filled outlines."""
    _, data = await _picture(request)
    gateway = request.app[GATEWAY]
    made = await gateway.tracer.trace(data, gateway.proxies.address(request))
    headers = {
        "Cache-Control": "no-store",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "Content-Disposition": 'attachment; filename="picture.svg"',
    }
    return web.Response(text=made, content_type="image/svg+xml", headers=headers)


async def enlarge(request: web.Request) -> web.Response:
    """`POST /api/rooms/{room}/assets/{sha256}/enlarge` -> 201 with a new asset of twice the width and height, as an
    upload is answered. Interpolated (Lanczos): no detail is added."""
    gateway = request.app[GATEWAY]
    grant, data = await _picture(request)
    picture = await gateway.pictures.enlarge(data, 2)
    _, room = await authorised(request)  # a member removed meanwhile may add nothing
    await gateway.assets.put(grant.room, picture.info, picture.data)
    facts = {"enlarged": request.match_info["sha256"]}
    await record(request, grant, room, "upload", picture.info.sha256, facts)
    return web.json_response(described(picture.info), status=201, headers={"Cache-Control": "no-store"})


async def _picture(request: web.Request) -> tuple[Grant, bytes]:
    """The bytes of the asset in the address, for who may make something of it."""
    gateway = request.app[GATEWAY]
    grant, _ = await authorised(request)
    require(grant.role, Right.EDIT)
    if not gateway.upload_rate.allow(gateway.proxies.address(request)):
        raise RateLimited("too many pictures from this address; wait a little")
    info = await gateway.assets.find(grant.room, request.match_info["sha256"])
    if info is None:
        raise NotFound("there is no such asset in this room")
    return grant, await gateway.assets.read(grant.room, info)


ROUTES = (
    web.post("/api/rooms/{room}/assets/{sha256}/trace", trace),
    web.post("/api/rooms/{room}/assets/{sha256}/enlarge", enlarge),
)
