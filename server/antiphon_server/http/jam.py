"""The record of a room's jam over HTTP: as events, as MIDI, as sound."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Any, Final

import msgspec
from aiohttp import web
from msgspec import to_builtins

from antiphon_proto.errors import NotFound, PeerError, RateLimited
from antiphon_proto.jam import loop_notes
from antiphon_server.gateway import GATEWAY
from antiphon_server.http.access import authorised, pay_for_lookup
from antiphon_server.http.recording import record_export
from antiphon_server.jam.midi import loop_midi, midi
from antiphon_server.jam.recording import JamEvent, Person, read
from antiphon_server.jam.score import score, session
from antiphon_server.rooms.room import Room
from antiphon_server.store.api import JamEntry, RoomStore
from antiphon_server.trust.leaf import sha256

_PAGE: Final = 200
"""Entries of the record that one answer of the log holds; each is about a second of playing."""
_TYPES: Final = {"mid": "audio/midi", "wav": "audio/wav", "flac": "audio/flac", "json": "application/json"}
_HEADERS: Final = {"Cache-Control": "no-store"}


async def log(request: web.Request) -> web.Response:
    """`GET .../jam/log?from=MS&to=MS&after=N` -> `{"events", "next"}`: notes and changes with authors and times, in
    server time. `next` is the `after` of the following page, null on the last."""
    pay_for_lookup(request)
    gateway = request.app[GATEWAY]
    _, room = await authorised(request)
    room.settle_jam()
    from_ms, to_ms = _times(request)
    after = _whole(request, "after", 0)
    entries = await gateway.store.jam(room.id, after=after, from_ms=from_ms, to_ms=to_ms, limit=_PAGE)
    events = await asyncio.to_thread(_within, entries, from_ms, to_ms)
    following = entries[-1].seq if len(entries) == _PAGE else None
    return web.json_response({"events": events, "next": following}, headers=_HEADERS)


async def export(request: web.Request) -> web.Response:
    """`GET .../jam/export?format=mid|wav|flac|json&from=MS&to=MS` -> the record as a file; by default the last session.
    `&loop=ID` with `mid`: a loop as it stands there now."""
    gateway = request.app[GATEWAY]
    grant, room = await authorised(request)
    kind = request.query.get("format", "mid")
    if kind not in _TYPES:
        raise PeerError(f"no format {kind[:20]!r}; there are {', '.join(_TYPES)}")
    if not gateway.convert_rate.allow(gateway.proxies.address(request)):
        raise RateLimited("too many files from this address; wait a little")
    if (loop := request.query.get("loop")) is not None:
        data = _loop(room, loop, kind)
        recorded = await record_export(request, grant, room, sha256(data), kind)
        return _file(data, kind, f"loop-{loop}", recorded)
    room.settle_jam()
    from_ms, to_ms = _times(request)
    entries = await _all(gateway.store, room.id, to_ms)
    events, low, high = await asyncio.to_thread(_chosen, entries, from_ms, to_ms)
    if kind == "json":
        data = await asyncio.to_thread(_ledger, room.id, events, low, high)
    else:
        loops = {key: str(fields.get("name") or "") for key, fields in room.shared.document.jam.loops.items()}
        named = {key: name for key, name in loops.items() if name}
        made = await asyncio.to_thread(score, events, low, high, named)
        if kind == "mid":
            data = await asyncio.to_thread(midi, made, f"Jam {room.id}")
        else:
            data = await gateway.renderer.render(
                made, "wav" if kind == "wav" else "flac", gateway.proxies.address(request)
            )
    recorded = await record_export(request, grant, room, sha256(data), kind)
    return _file(data, kind, f"jam-{room.id}", recorded)


async def _all(store: RoomStore, room: str, to_ms: int | None) -> list[JamEntry]:
    """From the beginning of the record, which says who is who and which transport is in force."""
    entries: list[JamEntry] = []
    while page := await store.jam(room, after=entries[-1].seq if entries else 0, to_ms=to_ms, limit=_PAGE):
        entries += page
    return entries


def _chosen(entries: list[JamEntry], from_ms: int, to_ms: int | None) -> tuple[list[JamEvent], float, float]:
    """All events, and which part of them is asked for."""
    events = [event for entry in entries for event in read(entry)]
    until = float("inf") if to_ms is None else to_ms
    first, last = session([event for event in events if from_ms <= event.at_ms < until])
    return events, float(from_ms or first), float(last if to_ms is None else to_ms)


def _ledger(room: str, events: list[JamEvent], low: float, high: float) -> bytes:
    """The credits of a jam."""
    inside = _plain(event for event in events if low <= event.at_ms < high)
    people = {event.participant: event.name for event in events if isinstance(event, Person)}
    body = {"room": room, "from_ms": low, "to_ms": high, "people": people, "events": inside}
    return msgspec.json.encode(body)


def _plain(events: Iterable[JamEvent]) -> list[dict[str, Any]]:
    """As JSON has them; sound stays out, it comes as a file."""
    plain: list[dict[str, Any]] = [to_builtins(event) for event in events]
    for event in plain:
        event.pop("opus", None)
    return plain


def _within(entries: tuple[JamEntry, ...], from_ms: int, to_ms: int | None) -> list[dict[str, Any]]:
    until = float("inf") if to_ms is None else to_ms
    events = [event for entry in entries for event in read(entry) if from_ms <= event.at_ms < until]
    return _plain(events)


def _loop(room: Room, key: str, kind: str) -> bytes:
    fields: Any = room.shared.document.jam.loops.get(key)
    if fields is None:
        raise NotFound("there is no such loop in this room")
    if kind != "mid":
        raise PeerError("a single loop is exported as mid only")
    name = str(fields.get("name") or f"loop {key}")
    notes = loop_notes(fields["notes"]) or []
    return loop_midi(name, int(fields["program"]), int(fields["beats"]), notes)


def _file(data: bytes, kind: str, name: str, recorded: dict[str, str]) -> web.Response:
    headers = {**_HEADERS, **recorded, "Content-Disposition": f'attachment; filename="{name}.{kind}"'}
    return web.Response(body=data, content_type=_TYPES[kind], headers=headers)


def _times(request: web.Request) -> tuple[int, int | None]:
    from_ms = _whole(request, "from", 0)
    to_ms = _whole(request, "to", -1)
    if to_ms != -1 and to_ms <= from_ms:
        raise PeerError("`to` is after `from`")
    return from_ms, None if to_ms == -1 else to_ms


def _whole(request: web.Request, name: str, default: int) -> int:
    value = request.query.get(name)
    if value is None:
        return default
    if not (value.isascii() and value.isdigit() and len(value) < 16):
        raise PeerError(f"`{name}` is a whole number")
    return int(value)


ROUTES = (
    web.get("/api/rooms/{room}/jam/log", log),
    web.get("/api/rooms/{room}/jam/export", export),
)
