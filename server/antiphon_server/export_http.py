"""Manuscripts over HTTP: `GET /api/rooms/{room}/export` and `POST /api/rooms/{room}/import`."""

from __future__ import annotations

import re
from typing import Final, cast, get_args
from urllib.parse import quote

from aiohttp import web

from antiphon_proto.errors import PeerError, RateLimited
from antiphon_server.formats.jobs import TYPES, Bounds, Form, Found, Read, Readable, Writable, Write, Written
from antiphon_server.formats.manuscript import Manuscript, from_pieces, to_ops
from antiphon_server.formats.report import Report, appendix, as_json, report
from antiphon_server.gateway import GATEWAY
from antiphon_server.http import authorised, body
from antiphon_server.rights import Right, require
from antiphon_server.room import Room

_HEADERS: Final = {"Cache-Control": "no-store"}
_UNFIT: Final = re.compile(r'[\x00-\x1f\x7f"\\\\/:*?<>|]+')
_TITLE: Final = 200


async def export(request: web.Request) -> web.Response:
    """`GET .../export?format=md|html|docx|epub|txt|fountain|pdf|json[&form=prose|screenplay][&authorship=1]`.

    The text stands without its open suggestions. With `authorship` the report on who wrote what follows it; `json` is
    the text as a Quill delta and that report.
    """
    gateway = request.app[GATEWAY]
    _, room = await authorised(request)
    if not gateway.convert_rate.allow(gateway.proxies.address(request)):
        raise RateLimited("too many files from this address; wait a little")
    wanted = request.query.get("format", "md")
    if wanted != "json" and wanted not in get_args(Writable):
        raise PeerError(f"no format {wanted[:20]!r}; there are {', '.join(get_args(Writable))} and json")
    room.flush()
    title = _title(room)
    manuscript = from_pieces(room.shared.document.pieces(), title)
    made = _report(room, title)
    name = " ".join(_UNFIT.sub(" ", title).split()) or "untitled"
    if wanted == "json":
        answer = {"title": title, "ops": to_ops(manuscript), "report": as_json(made)}
        return web.json_response(answer, headers={**_HEADERS, **_attached(f"{name}.json")})
    form = request.query.get("form") or room.shared.document.setting("form")
    if request.query.get("authorship") in ("1", "true"):
        manuscript = Manuscript((*manuscript.blocks, *appendix(made)), title)
    job = Write(
        cast(Writable, wanted),
        manuscript,
        cast(Form, form) if form in get_args(Form) else "prose",
        Bounds(text=gateway.settings.limits.max_document),
    )
    written = cast(Written, await gateway.converter.run(job))
    kind = TYPES[job.format]
    return web.Response(
        body=written.data,
        content_type=kind,
        charset="utf-8" if kind.startswith("text/") else None,
        headers={**_HEADERS, **_attached(f"{name}.{wanted}"), "Content-Security-Policy": "sandbox"},
    )


async def convert(request: web.Request) -> web.Response:
    """`POST .../import?format=md|html|docx|epub|txt|fountain`, the file as the body -> `{"title", "ops"}`: a Quill
    delta that the caller puts where it likes, as an edit of its own. Nothing in the room changes by it."""
    gateway = request.app[GATEWAY]
    grant, _ = await authorised(request)
    require(grant.role, Right.EDIT)
    if not gateway.convert_rate.allow(gateway.proxies.address(request)):
        raise RateLimited("too many files from this address; wait a little")
    wanted = request.query.get("format", "")
    if wanted not in get_args(Readable):
        raise PeerError(f"no format {wanted[:20]!r}; there are {', '.join(get_args(Readable))}")
    limits = gateway.settings.limits
    data = await body(request, limits.max_import, limits.upload_timeout, "file")
    job = Read(cast(Readable, wanted), data, Bounds(text=limits.max_document))
    found = cast(Found, await gateway.converter.run(job))
    return web.json_response({"title": found.title, "ops": found.ops}, headers=_HEADERS)


def _report(room: Room, title: str) -> Report:
    return report(
        room=room.id,
        title=title,
        offset=room.offset,
        at_ms=room.unix_ms(),
        story=room.shared.document.data(),
        spans=room.authorship(),
        people=room.participants(),
        runs={run.info.id: (run.info, run.record.params) for run in room.runs if not run.private},
    )


def _title(room: Room) -> str:
    value = room.shared.document.setting("title")
    return value[:_TITLE] if isinstance(value, str) else ""


def _attached(name: str) -> dict[str, str]:
    """RFC 6266: the plain name for old programs, the true one beside it."""
    stem, _, ending = name.encode("ascii", "ignore").decode().rpartition(".")
    plain = f"{stem.strip() or 'untitled'}.{ending}"
    return {
        "Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"
    }


ROUTES = (
    web.get("/api/rooms/{room}/export", export),
    web.post("/api/rooms/{room}/import", convert),
)
