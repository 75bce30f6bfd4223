"""A room's ledger over HTTP: signed checkpoints, and the leaves and hashes under them as C2SP tiles (tlog-tiles)."""

from __future__ import annotations

import re
from typing import Any, Final

from aiohttp import web

from antiphon_proto.errors import NotFound
from antiphon_server.gateway import GATEWAY
from antiphon_server.http.access import authorised, pay_for_lookup
from antiphon_server.rooms.room import Room
from antiphon_server.store.api import RoomStore
from antiphon_server.store.ledger import STEP, TILE

_FRESH: Final = {"Cache-Control": "no-store"}
_FIXED: Final = {"Cache-Control": "private, max-age=31536000, immutable"}
_TILE: Final = re.compile(r"(entries|[0-9])/((?:x[0-9]{3}/){0,4}[0-9]{3})(?:\.p/([1-9][0-9]{0,2}))?")


async def show(request: web.Request) -> web.Response:
    """`GET .../ledger` -> `{"origin", "verifier", "size", "signed"}`: the public key of the checkpoints, how many
    leaves there are, and how many of them are under a checkpoint."""
    room = await _room(request)
    ledger = room.ledger
    signed = ledger.checkpoint.size if ledger.checkpoint else 0
    body: dict[str, Any] = {
        "origin": ledger.origin,
        "verifier": ledger.verifier,
        "size": ledger.size,
        "signed": signed,
    }
    return web.json_response(body, headers=_FRESH)


async def checkpoint(request: web.Request) -> web.Response:
    """`GET .../ledger/checkpoint` -> the newest signed checkpoint. 404 before the first."""
    room = await _room(request)
    if room.ledger.checkpoint is None:
        raise NotFound("this room has no checkpoint yet")
    return web.Response(text=room.ledger.checkpoint.note, headers=_FRESH)


async def tile(request: web.Request) -> web.Response:
    """`GET .../ledger/tile/L/N[.p/W]` -> hashes; `.../tile/entries/N[.p/W]` -> leaves, each after its length in two
    bytes. Only leaves under a checkpoint are there."""
    room = await _room(request)
    found = _TILE.fullmatch(request.match_info["tile"])
    covered = room.ledger.checkpoint.size if room.ledger.checkpoint else 0
    if found is not None:
        level = 0 if found[1] == "entries" else int(found[1])
        first = TILE * int(found[2].replace("x", "").replace("/", ""))
        width = int(found[3] or TILE)
        if (not found[3] or width < TILE) and first + width <= covered >> (STEP * level):
            store = request.app[GATEWAY].store
            data = await _read(store, room.id, found[1] == "entries", level, first, width)
            return web.Response(body=data, content_type="application/octet-stream", headers=_FIXED)
    raise NotFound("there is no such tile")


async def _read(store: RoomStore, room: str, whole: bool, level: int, first: int, width: int) -> bytes:
    if level:
        hashes = {one.number: one.hash for one in await store.tile_hashes(room, level, first, width)}
    else:
        leaves = {one.number: one for one in await store.leaves(room, first, width)}
        if whole and len(leaves) == width:
            return b"".join(len(one.body).to_bytes(2, "big") + one.body for one in leaves.values())
        hashes = {} if whole else {one.number: one.hash for one in leaves.values()}
    if hashes.keys() != set(range(first, first + width)):
        raise NotFound("a part of this tile is missing from the server's database")
    return b"".join(hashes[number] for number in range(first, first + width))


async def _room(request: web.Request) -> Room:
    pay_for_lookup(request)
    _, room = await authorised(request)
    return room


ROUTES = (
    web.get("/api/rooms/{room}/ledger", show),
    web.get("/api/rooms/{room}/ledger/checkpoint", checkpoint),
    web.get("/api/rooms/{room}/ledger/tile/{tile:.+}", tile),
)
