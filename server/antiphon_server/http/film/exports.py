"""A film as a file over HTTP: text at once, pictures that move as an export with progress."""

from __future__ import annotations

from typing import Final, Literal

import msgspec
from aiohttp import web
from msgspec import Struct

from antiphon_proto.errors import Conflict, PeerError, RateLimited, TooLarge
from antiphon_server.core.rights import Right, require
from antiphon_server.core.seat import Grant
from antiphon_server.file_exports import FileExport
from antiphon_server.film.credits import CreditSources
from antiphon_server.film.exports import work
from antiphon_server.film.reel import length, reel
from antiphon_server.film.render import RenderJob, RenderParts
from antiphon_server.gateway import GATEWAY
from antiphon_server.http.access import authorised, json_body, pay_for_lookup
from antiphon_server.http.recording import record_export, send_export
from antiphon_server.http.streaming import large
from antiphon_server.rooms.room import Room
from antiphon_server.trust.leaf import sha256
from antiphon_server.work.jobs import Made, Screen

_HEADERS: Final = {"Cache-Control": "no-store"}
TEXTS: Final = {
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "edl": "text/plain",
    "otio": "application/json",
    "fcpxml": "application/xml",
    "csv": "text/csv",
}
_TYPES: Final = {"mp4": "video/mp4", "webm": "video/webm", "pdf": "application/pdf", "wav": "application/zip"}
_ENDINGS: Final = {"wav": "zip"}
LANGUAGES: Final = ("en", "ru")
_LONGEST: Final = 24 * 60 * 60
"""Frames of a film that is exported: an hour."""


class NewExport(Struct, frozen=True, forbid_unknown_fields=True):
    """A film, its storyboard (`pdf`) or its voices (`wav`, a ZIP of them) as a file. `height` of the picture, which is
    16:9; `language` of its credits."""

    format: Literal["mp4", "webm", "pdf", "wav"]
    height: Literal[360, 720, 1080] = 720
    language: Literal["en", "ru"] = "en"


async def text(request: web.Request) -> web.StreamResponse:
    """`GET .../film/text?format=srt|vtt|edl|otio|fcpxml|csv[&language=en|ru]` -> subtitles, an edit list,
    OpenTimelineIO, FCPXML or the breakdown, each with who made the film."""
    pay_for_lookup(request)
    grant, room = await authorised(request)
    kind, language = request.query.get("format", "srt"), request.query.get("language", "en")
    if kind not in TEXTS:
        raise PeerError(f"no format {kind[:20]!r}; there are {', '.join(TEXTS)}")
    if language not in LANGUAGES:
        raise PeerError(f"no language {language[:20]!r}; there are {', '.join(LANGUAGES)}")
    data = await _ask(request, room, _screen(room, kind, language))
    headers = {**_HEADERS, "Content-Disposition": f'attachment; filename="film-{room.id}.{kind}"'}
    headers |= await record_export(request, grant, room, sha256(data), f"film {kind}")
    return await large(request, data, TEXTS[kind], headers=headers)


async def begin(request: web.Request) -> web.Response:
    """`POST .../film/exports` `{"format", "height"?, "language"?}` -> 202 and the export's state."""
    gateway = request.app[GATEWAY]
    grant, room = await authorised(request)
    require(grant.role, Right.SEE)
    wanted = await json_body(request, NewExport)
    address = gateway.proxies.address(request)
    if not gateway.convert_rate.allow(address):
        raise RateLimited("too many files from this address; wait a little")
    film = msgspec.json.decode(
        await _ask(request, room, _screen(room, "render", wanted.language)), type=RenderParts
    )
    total = length(reel(film.shots))
    if not film.shots:
        raise Conflict("there is no film yet; make shots first")
    if total > _LONGEST:
        raise TooLarge("the film is longer than an hour; export it in parts")
    fields = ("sound",) if wanted.format == "wav" else ("picture", "sound")
    assets = {str(one[name]) for one in film.shots for name in fields if one.get(name)}
    if wanted.format == "wav":
        if not assets:
            raise Conflict("the film has no voices yet")
    else:
        assets |= {str(look["picture"]) for look in film.cast.values() if look.get("picture")}
    if wanted.format in ("mp4", "webm"):
        total += length(reel(film.cards))
    job = RenderJob(wanted.format, "", film, dict.fromkeys(assets, ""), wanted.height, _title(room))

    async def asset(name: str) -> bytes | None:
        info = await gateway.assets.find(room.id, name)
        return await gateway.assets.read(room.id, info) if info is not None else None

    name = f"film-{room.id}.{_ENDINGS.get(wanted.format, wanted.format)}"
    export = await gateway.film_exports.begin(room.id, wanted.format, name, work(job, total, asset), address)
    return web.json_response(export.report(), status=202, headers=_HEADERS)


async def show(request: web.Request) -> web.Response:
    """`GET .../film/exports/{export}` -> `{"id", "state", "done", "problem", "code"}`; `done` is 0 to 1."""
    *_, export = await _find(request)
    return web.json_response(export.report(), headers=_HEADERS)


async def cancel(request: web.Request) -> web.Response:
    """`DELETE .../film/exports/{export}`: stop it, and delete its file."""
    *_, export = await _find(request)
    await request.app[GATEWAY].film_exports.cancel(export)
    return web.json_response(export.report(), headers=_HEADERS)


async def download(request: web.Request) -> web.StreamResponse:
    """`GET .../film/exports/{export}/file`, once it is done."""
    grant, room, export = await _find(request)
    return await send_export(request, grant, room, export, _TYPES[export.kind], f"film {export.kind}")


async def _find(request: web.Request) -> tuple[Grant, Room, FileExport]:
    pay_for_lookup(request)
    grant, room = await authorised(request)
    return grant, room, request.app[GATEWAY].film_exports.get(room.id, request.match_info["export"])


async def _ask(request: web.Request, room: Room, job: Screen) -> bytes:
    gateway = request.app[GATEWAY]
    answer = await gateway.pool.run(job, gateway.proxies.address(request))
    assert isinstance(answer, Made)
    return answer.data


def _screen(room: Room, task: str, language: str) -> Screen:
    """With what the credits are counted from."""
    people = room.context.participants()
    runs = {run.info.id: run for run in room.runs if not run.private}
    sources = CreditSources(
        room.shared.authorship.serialise(),
        people,
        {key: run.info for key, run in runs.items()},
        {key: one.creator.author for key, one in room.shared.shots.items()},
        {run.record.asset: run.info.model for run in runs.values() if run.record.asset},
    )
    return Screen(room.shared.document.updates(), task, language, _title(room), sources)


def _title(room: Room) -> str:
    value = room.shared.document.setting("title")
    return value[:200] if isinstance(value, str) else ""


ROUTES = (
    web.get("/api/rooms/{room}/film/text", text),
    web.post("/api/rooms/{room}/film/exports", begin),
    web.get("/api/rooms/{room}/film/exports/{export}", show),
    web.delete("/api/rooms/{room}/film/exports/{export}", cancel),
    web.get("/api/rooms/{room}/film/exports/{export}/file", download),
)
