"""The record of a room's jam over HTTP, as files: at once, or as an export with progress that can be cancelled."""

from __future__ import annotations

import asyncio
import math
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from antiphon_proto.document.jam import loop_notes
from antiphon_proto.errors import NotFound, PeerError, RateLimited
from antiphon_server.core.rights import Right, require
from antiphon_server.core.seat import Grant
from antiphon_server.file_exports import FileExport
from antiphon_server.gateway import GATEWAY, Gateway
from antiphon_server.http.access import acting, authorised, json_body, pay_for_lookup
from antiphon_server.http.jam.log import HEADERS, times
from antiphon_server.http.recording import record_export, send_export
from antiphon_server.jam.exports import MAX_PARTS, Wanted, parts_of, work
from antiphon_server.jam.midi import loop_midi
from antiphon_server.rooms.room import Room
from antiphon_server.trust.leaf import sha256

_TYPES: Final = {
    "mid": "audio/midi",
    "wav": "audio/wav",
    "flac": "audio/flac",
    "json": "application/json",
    "zip": "application/zip",
}
_QUICK: Final = ("mid", "json")
"""Made without sound."""


class NewSound(Struct, frozen=True, forbid_unknown_fields=True):
    """Sound of the record, or `zip`, its stems. Without times the last session, without `parts` everybody."""

    format: Literal["wav", "flac", "zip"]
    from_ms: float | None = None
    to_ms: float | None = None
    parts: Annotated[list[Annotated[str, Meta(max_length=80)]], Meta(max_length=MAX_PARTS)] = []


class NewName(Struct, frozen=True, forbid_unknown_fields=True):
    """`at_ms` lies in the session that is named; an empty name takes the old one away."""

    at_ms: float
    name: Annotated[str, Meta(max_length=80)]


async def sessions(request: web.Request) -> web.Response:
    """`GET .../jam/sessions` -> `{"sessions": [{"from_ms", "to_ms", "name", "people", "parts"}]}`, oldest first."""
    gateway = request.app[GATEWAY]
    _, room = await authorised(request)
    _pay(request, gateway)
    data = await _quick(request, room, Wanted("sessions"))
    return web.json_response({"sessions": msgspec.json.decode(data)}, headers=HEADERS)


async def name(request: web.Request) -> web.Response:
    """`POST .../jam/sessions` `{"at_ms", "name"}`: give the session that `at_ms` lies in a name."""
    pay_for_lookup(request)
    grant, room = await authorised(request)
    require(grant.role, Right.EDIT)
    wanted = await json_body(request, NewName)
    if not math.isfinite(wanted.at_ms):
        raise PeerError("the time of a session is a finite number of milliseconds")
    member = acting(request, room)
    room.jam_session.name_session(member, wanted.at_ms, wanted.name.strip())
    room.settle_jam()
    return web.json_response({"name": wanted.name.strip()}, headers=HEADERS)


async def export(request: web.Request) -> web.StreamResponse:
    """`GET .../jam/export?format=mid|wav|flac|json&from=MS&to=MS&part=person:ID` -> the record as a file; by default
    the last session, `part` several times for several. `&loop=ID` with `mid`: a loop as it stands there now."""
    gateway = request.app[GATEWAY]
    grant, room = await authorised(request)
    kind = request.query.get("format", "mid")
    if kind not in _TYPES:
        raise PeerError(f"no format {kind[:20]!r}; there are {', '.join(_TYPES)}")
    _pay(request, gateway)
    if (loop := request.query.get("loop")) is not None:
        data = _loop(room, loop, kind)
        recorded = await record_export(request, grant, room, sha256(data), kind)
        return _answer(data, kind, f"loop-{loop}", recorded)
    from_ms, to_ms = times(request)
    wanted = Wanted(kind, from_ms, to_ms, parts_of(request.query.getall("part", [])))  # type: ignore[arg-type]
    if kind in _QUICK:
        data = await _quick(request, room, wanted)
        recorded = await record_export(request, grant, room, sha256(data), kind)
        return _answer(data, kind, f"jam-{room.id}", recorded)
    made = await _begin(request, room, wanted)
    await gateway.jam_exports.wait(made)
    return await send_export(request, grant, room, made, _TYPES[made.kind], made.kind)


async def begin(request: web.Request) -> web.Response:
    """`POST .../jam/exports` `{"format", "from_ms"?, "to_ms"?, "parts"?}` -> 202 and the export's state."""
    gateway = request.app[GATEWAY]
    _, room = await authorised(request)
    asked = await json_body(request, NewSound)
    _pay(request, gateway)
    for time in (asked.from_ms, asked.to_ms):
        if time is not None and not (math.isfinite(time) and time >= 0):
            raise PeerError("a time is a finite number of milliseconds")
    if asked.to_ms is not None and asked.to_ms <= (asked.from_ms or 0):
        raise PeerError("`to_ms` is after `from_ms`")
    wanted = Wanted(asked.format, asked.from_ms, asked.to_ms, parts_of(asked.parts))
    return web.json_response((await _begin(request, room, wanted)).report(), status=202, headers=HEADERS)


async def show(request: web.Request) -> web.Response:
    """`GET .../jam/exports/{export}` -> `{"id", "state", "done", "problem", "code"}`; `done` is 0 to 1."""
    *_, made = await _find(request)
    return web.json_response(made.report(), headers=HEADERS)


async def cancel(request: web.Request) -> web.Response:
    """`DELETE .../jam/exports/{export}`: stop it, and delete its file."""
    *_, made = await _find(request)
    await request.app[GATEWAY].jam_exports.cancel(made)
    return web.json_response(made.report(), headers=HEADERS)


async def download(request: web.Request) -> web.StreamResponse:
    """`GET .../jam/exports/{export}/file`, once it is done."""
    grant, room, made = await _find(request)
    return await send_export(request, grant, room, made, _TYPES[made.kind], made.kind)


async def _find(request: web.Request) -> tuple[Grant, Room, FileExport]:
    pay_for_lookup(request)
    grant, room = await authorised(request)
    return grant, room, request.app[GATEWAY].jam_exports.get(room.id, request.match_info["export"])


async def _begin(request: web.Request, room: Room, wanted: Wanted) -> FileExport:
    gateway = request.app[GATEWAY]
    address = gateway.proxies.address(request)
    return await gateway.jam_exports.begin(
        room.id, wanted.kind, f"jam-{room.id}.{wanted.kind}", _work(gateway, room, wanted), address
    )


async def _quick(request: web.Request, room: Room, wanted: Wanted) -> bytes:
    gateway = request.app[GATEWAY]
    address = gateway.proxies.address(request)
    made = await gateway.jam_texts.begin(room.id, wanted.kind, "", _work(gateway, room, wanted), address)
    await gateway.jam_texts.wait(made)
    try:
        return await asyncio.to_thread(made.path.read_bytes)
    finally:
        await gateway.jam_texts.cancel(made)


def _work(gateway: Gateway, room: Room, wanted: Wanted) -> Any:
    room.settle_jam()
    names = {member.id: member.record.name for member in room.members}
    settings = gateway.settings
    return work(
        gateway.store, room.id, names, wanted, settings.cache_dir.expanduser(), settings.jam.export_seconds
    )


def _pay(request: web.Request, gateway: Gateway) -> None:
    if not gateway.convert_rate.allow(gateway.proxies.address(request)):
        raise RateLimited("too many files from this address; wait a little")


def _loop(room: Room, key: str, kind: str) -> bytes:
    fields: Any = room.shared.document.jam.loops.get(key)
    if fields is None:
        raise NotFound("there is no such loop in this room")
    if kind != "mid":
        raise PeerError("a single loop is exported as mid only")
    title = str(fields.get("name") or f"loop {key}")
    notes = loop_notes(fields["notes"]) or []
    return loop_midi(title, int(fields["program"]), int(fields["beats"]), notes)


def _answer(data: bytes, kind: str, title: str, recorded: dict[str, str]) -> web.Response:
    disposition = f'attachment; filename="{quote(title)}.{kind}"'
    headers = {**HEADERS, **recorded, "Content-Disposition": disposition}
    return web.Response(body=data, content_type=_TYPES[kind], headers=headers)


ROUTES = (
    web.get("/api/rooms/{room}/jam/sessions", sessions),
    web.post("/api/rooms/{room}/jam/sessions", name),
    web.get("/api/rooms/{room}/jam/export", export),
    web.post("/api/rooms/{room}/jam/exports", begin),
    web.get("/api/rooms/{room}/jam/exports/{export}", show),
    web.delete("/api/rooms/{room}/jam/exports/{export}", cancel),
    web.get("/api/rooms/{room}/jam/exports/{export}/file", download),
)
