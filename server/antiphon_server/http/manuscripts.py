"""Manuscripts over HTTP: `GET /api/rooms/{room}/export` and `POST /api/rooms/{room}/import`."""

from __future__ import annotations

import re
from typing import Final, cast, get_args
from urllib.parse import quote

from aiohttp import web
from msgspec import Raw, to_builtins

from antiphon_proto.errors import PeerError, RateLimited
from antiphon_server.core.rights import Right, require
from antiphon_server.formats.jobs import (
    TYPES,
    Bounds,
    Form,
    Found,
    PackedWrite,
    Read,
    Readable,
    Writable,
    Written,
)
from antiphon_server.gateway import GATEWAY
from antiphon_server.http.access import authorised, body
from antiphon_server.http.client_files import FONTS
from antiphon_server.http.recording import record, record_export
from antiphon_server.http.streaming import large
from antiphon_server.rooms.room import Room
from antiphon_server.trust.leaf import sha256
from antiphon_server.work.jobs import Export, Made

_HEADERS: Final = {"Cache-Control": "no-store"}
_UNFIT: Final = re.compile(r'[\x00-\x1f\x7f"\\\\/:*?<>|]+')
_TITLE: Final = 200


async def export(request: web.Request) -> web.StreamResponse:
    """`GET .../export?format=F[&form=prose|screenplay][&authorship=1]`, F of Writable or json.

    The text stands without its open suggestions. With `authorship` the authorship report follows it; `json` is
    the text as a Quill delta and that report. The header `Antiphon-Notices` names content that the format does not
    hold, as `code=count` with commas between (`formats.notices.CODES`).
    """
    gateway = request.app[GATEWAY]
    grant, room = await authorised(request)
    if not gateway.convert_rate.allow(gateway.proxies.address(request)):
        raise RateLimited("too many files from this address; wait a little")
    wanted = request.query.get("format", "md")
    if wanted != "json" and wanted not in get_args(Writable):
        raise PeerError(f"no format {wanted[:20]!r}; there are {', '.join(get_args(Writable))} and json")
    room.context.flush()
    title = _title(room)
    form = request.query.get("form") or room.shared.document.setting("form")
    appended = request.query.get("authorship") in ("1", "true")
    address = gateway.proxies.address(request)
    made = await gateway.pool.run(_reading(room, title, wanted == "json", appended), address)
    assert isinstance(made, Made)
    name = " ".join(_UNFIT.sub(" ", title).split()) or "untitled"
    if wanted == "json":
        headers = {**_HEADERS, **_attached(f"{name}.json")}
        headers |= await record_export(request, grant, room, sha256(made.data), "json")
        return await large(request, made.data, "application/json", headers=headers)
    job = PackedWrite(
        cast(Writable, wanted),
        Raw(made.data),
        cast(Form, form) if form in get_args(Form) else "prose",
        Bounds(text=gateway.settings.limits.max_document),
        str(FONTS) if FONTS.is_dir() else "",
    )
    written = cast(Written, await gateway.converter.run(job, address))
    kind = TYPES[job.format]
    headers = {**_HEADERS, **_attached(f"{name}.{wanted}"), "Content-Security-Policy": "sandbox"}
    if written.notices:
        headers["Antiphon-Notices"] = ", ".join(f"{each.code}={each.count}" for each in written.notices)
    headers |= await record_export(request, grant, room, sha256(written.data), wanted)
    return await large(request, written.data, kind, headers=headers)


async def convert(request: web.Request) -> web.Response:
    """`POST .../import?format=F[&encoding=E]`, F of Readable, the file as the body -> `{"title", "ops", "notices",
    "encoding"}`: a Quill delta that the caller puts where it likes, as an edit of its own. Nothing in the room changes
    by it. `notices` name the differences, `[{"code", "count"}]`; `encoding` is null for other than text files, else
    `{"name", "sure", "choices": [{"encoding", "preview"}]}`: a client that is not sure asks, and sends the file again
    with E."""
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
    await authorised(request)  # the member may have been removed while the body came
    job = Read(
        cast(Readable, wanted), data, Bounds(text=limits.max_document), request.query.get("encoding", "")
    )
    found = cast(Found, await gateway.converter.run(job, gateway.proxies.address(request)))
    _, room = await authorised(request)
    await record(request, grant, room, "import", sha256(data), wanted)
    return web.json_response(
        {
            "title": found.title,
            "ops": found.ops,
            "notices": to_builtins(found.notices),
            "encoding": to_builtins(found.encoding),
        },
        headers=_HEADERS,
    )


def _reading(room: Room, title: str, as_json: bool, appendix: bool) -> Export:
    return Export(
        copy=room.copy(),
        room=room.id,
        title=title,
        offset=room.context.offset,
        at_ms=room.context.unix_ms(),
        people=room.context.participants(),
        runs={run.info.id: (run.info, run.record.params) for run in room.runs if not run.private},
        as_json=as_json,
        appendix=appendix,
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
