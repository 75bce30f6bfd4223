"""`/api/rooms/{room}/assets`: pictures come in, are made ours, and go out under the name of their content."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from antiphon_proto.errors import NotFound, RateLimited
from antiphon_server.assets.store import AssetInfo
from antiphon_server.core.rights import Right, require
from antiphon_server.gateway import GATEWAY
from antiphon_server.http.access import authorised, body, pay_for_lookup
from antiphon_server.http.provenance import provenance
from antiphon_server.http.recording import record
from antiphon_server.trust.leaf import sha256

_HEADERS: Final = {
    # The name is the content's hash, so the content never changes; the token keeps it private.
    "Cache-Control": "private, max-age=31536000, immutable",
    # Opened by itself the picture may do nothing at all.
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Content-Disposition": "inline",
}


async def upload(request: web.Request) -> web.Response:
    """`POST /api/rooms/{room}/assets`, the picture's file as the body -> 201 `{"sha256", "type", "size", "width",
    "height"}` once it is on disk; with `scaled_from: [width, height]` where it was made smaller, and `frames` where
    there was more than one, of which the first is kept. The stored file is not the uploaded one: see
    `assets.sanitize`."""
    gateway = request.app[GATEWAY]
    grant, _ = await authorised(request)
    require(grant.role, Right.EDIT)
    if not gateway.upload_rate.allow(gateway.proxies.address(request)):
        raise RateLimited("too many pictures from this address; wait a little")
    pictures, seconds = gateway.pictures, gateway.settings.limits.upload_timeout
    async with pictures.receiving(request.content_length):
        data = await body(request, pictures.limits.file_bytes, seconds, "picture")
        await authorised(request)  # a body may take a minute: the member may have been removed meanwhile
        picture = await pictures.clean(data)
    _, room = await authorised(request)
    await gateway.assets.put(grant.room, picture.info, picture.data)
    await record(request, grant, room, "upload", picture.info.sha256, {"file": sha256(data)})
    told: dict[str, object] = dict(described(picture.info))
    if picture.scaled_from is not None:
        told["scaled_from"] = picture.scaled_from
    if picture.frames > 1:
        told["frames"] = picture.frames
    return web.json_response(told, status=201, headers={"Cache-Control": "no-store"})


async def download(request: web.Request) -> web.Response:
    """`GET /api/rooms/{room}/assets/{sha256}` -> the picture. A room sees its own assets only."""
    gateway = request.app[GATEWAY]
    grant, _ = await authorised(request)
    info = await gateway.assets.find(grant.room, request.match_info["sha256"])
    if info is None:
        raise NotFound("there is no such asset in this room")
    etag = f'"{info.sha256}"'
    if request.headers.get("If-None-Match") == etag:
        return web.Response(status=304, headers={**_HEADERS, "ETag": etag})
    data = await gateway.assets.read(grant.room, info)
    return web.Response(body=data, content_type=info.type, headers={**_HEADERS, "ETag": etag})


async def show_provenance(request: web.Request) -> web.Response:
    """`GET /api/rooms/{room}/assets/{sha256}/provenance` -> where the picture comes from (PROTOCOL.md)."""
    pay_for_lookup(request)
    gateway = request.app[GATEWAY]
    grant, _ = await authorised(request)
    info = await gateway.assets.find(grant.room, request.match_info["sha256"])
    if info is None:
        raise NotFound("there is no such asset in this room")
    room = await gateway.hub.get(grant.room)
    return web.json_response(provenance(room.context, info), headers={"Cache-Control": "no-store"})


def described(info: AssetInfo) -> dict[str, str | int]:
    """The answer to an upload."""
    return {
        "sha256": info.sha256,
        "type": info.type,
        "size": info.size,
        "width": info.width,
        "height": info.height,
    }


ROUTES = (
    web.post("/api/rooms/{room}/assets", upload),
    web.get("/api/rooms/{room}/assets/{sha256}", download),
    web.get("/api/rooms/{room}/assets/{sha256}/provenance", show_provenance),
)
