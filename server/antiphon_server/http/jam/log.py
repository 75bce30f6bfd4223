"""The record of a room's jam over HTTP, as events."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from aiohttp import web

from antiphon_proto.errors import PeerError
from antiphon_server.gateway import GATEWAY
from antiphon_server.http.access import authorised, pay_for_lookup
from antiphon_server.jam.export_process import plain
from antiphon_server.jam.recording import read
from antiphon_server.store.api import JamEntry

_PAGE: Final = 200
"""Entries of the record that one answer of the log holds; each is about a second of playing."""
HEADERS: Final = {"Cache-Control": "no-store"}


async def log(request: web.Request) -> web.Response:
    """`GET .../jam/log?from=MS&to=MS&after=N` -> `{"events", "next"}`: notes and changes with authors and times, in
    server time. `next` is the `after` of the following page, null on the last."""
    pay_for_lookup(request)
    gateway = request.app[GATEWAY]
    _, room = await authorised(request)
    room.settle_jam()
    from_ms, to_ms = times(request)
    after = _whole(request, "after") or 0
    entries = await gateway.store.jam(room.id, after=after, from_ms=from_ms or 0, to_ms=to_ms, limit=_PAGE)
    events = await asyncio.to_thread(_within, entries, from_ms or 0, to_ms)
    following = entries[-1].seq if len(entries) == _PAGE else None
    return web.json_response({"events": events, "next": following}, headers=HEADERS)


def _within(entries: tuple[JamEntry, ...], from_ms: int, to_ms: int | None) -> list[dict[str, Any]]:
    until = float("inf") if to_ms is None else to_ms
    return plain([event for entry in entries for event in read(entry) if from_ms <= event.at_ms < until])


def times(request: web.Request) -> tuple[int | None, int | None]:
    """`from` and `to` of the address, in milliseconds of server time. Raises PeerError."""
    from_ms, to_ms = _whole(request, "from"), _whole(request, "to")
    if to_ms is not None and to_ms <= (from_ms or 0):
        raise PeerError("`to` is after `from`")
    return from_ms, to_ms


def _whole(request: web.Request, name: str) -> int | None:
    value = request.query.get(name)
    if value is None:
        return None
    if not (value.isascii() and value.isdigit() and len(value) < 16):
        raise PeerError(f"`{name}` is a whole number")
    return int(value)


ROUTES = (web.get("/api/rooms/{room}/jam/log", log),)
