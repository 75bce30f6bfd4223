"""The film of a room over HTTP: its sheet, shots made from the text, the breakdown."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import msgspec
from aiohttp import web

from antiphon_server.core.rights import Right, require
from antiphon_server.document.object_authors import ObjectAuthors
from antiphon_server.film.maker import place
from antiphon_server.gateway import GATEWAY
from antiphon_server.http.access import acting, authorised, pay_for_lookup
from antiphon_server.http.streaming import large
from antiphon_server.rooms.room import Room
from antiphon_server.work.jobs import Made, Screen

_HEADERS: Final = {"Cache-Control": "no-store"}


async def show(request: web.Request) -> web.StreamResponse:
    """`GET .../film` -> `{"scenes", "shots", "bare", "authors", "cast"}`: the scenes of the script, the shots in the
    order of the film with the words that they stand for, how many beats of the script have no shot, who made and last
    changed each shot and look, and the looks that people chose. Places are code points of the story."""
    pay_for_lookup(request)
    _, room = await authorised(request)
    found = msgspec.json.decode(await _ask(request, room, Screen(room.shared.document.updates(), "sheet")))
    found["authors"] = _authors(room.shared.shots)
    return await large(request, msgspec.json.encode(found), "application/json", headers=_HEADERS)


async def make(request: web.Request) -> web.Response:
    """`POST .../film/make` -> `{"made": [ids]}`: a shot for each beat of the script that has none, as one action of
    the member who asks. Shots that are there stay as they are."""
    pay_for_lookup(request)
    grant, room = await authorised(request)
    require(grant.role, Right.EDIT)
    member = acting(request, room)
    require(member.role, Right.EDIT)
    room.context.require_writable()
    planned = msgspec.json.decode(await _ask(request, room, Screen(room.shared.document.updates(), "plan")))
    _, room = await authorised(request)  # it may have gone meanwhile, and so may the member
    member = acting(request, room)
    require(member.role, Right.EDIT)
    made: list[str] = []
    for ids in place(room.context, member.id, planned):
        made += ids
        await asyncio.sleep(0)
        room.context.require_writable()
    return web.json_response({"made": made}, headers=_HEADERS)


async def breakdown(request: web.Request) -> web.StreamResponse:
    """`GET .../film/breakdown` -> who and what each scene needs. As a table: `GET .../film/text?format=csv`."""
    pay_for_lookup(request)
    _, room = await authorised(request)
    data = await _ask(request, room, Screen(room.shared.document.updates(), "breakdown"))
    return await large(request, data, "application/json", headers=_HEADERS)


async def _ask(request: web.Request, room: Room, job: Screen) -> bytes:
    """Do it in a helper process."""
    gateway = request.app[GATEWAY]
    answer = await gateway.pool.run(job, gateway.proxies.address(request))
    assert isinstance(answer, Made)
    return answer.data


def _authors(shots: ObjectAuthors) -> dict[str, Any]:
    return {
        key: {
            name: {"author": owner.author, "run": owner.run}
            for name, owner in (("creator", one.creator), ("editor", one.editor))
        }
        for key, one in shots.items()
    }


ROUTES = (
    web.get("/api/rooms/{room}/film", show),
    web.post("/api/rooms/{room}/film/make", make),
    web.get("/api/rooms/{room}/film/breakdown", breakdown),
)
