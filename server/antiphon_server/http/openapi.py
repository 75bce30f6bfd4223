"""The HTTP API as an OpenAPI 3.1 document, served at `/api/openapi.json`. A test holds every route against it, and a
fuzzer (`bench.http_fuzz`) sends requests by it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import metadata
from typing import Any, Final, get_args

import msgspec
from aiohttp import web
from msgspec import Struct, field

from antiphon_engines.api import Modality
from antiphon_proto.errors import ErrorCode
from antiphon_server.formats.jobs import Readable, Writable
from antiphon_server.http.engines import Wish
from antiphon_server.http.film.exports import NewExport
from antiphon_server.http.history import NewVersion, Point
from antiphon_server.http.jam.files import NewName, NewSound
from antiphon_server.http.links import NewLink
from antiphon_server.http.rooms import PlainClient
from antiphon_server.http.search import Query
from antiphon_server.http.spelling import Passages

Schema = dict[str, Any]

_MANY: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}
_MS: Final[Schema] = {"type": "integer", "minimum": 0, "maximum": 10**15 - 1}
_PATHS: Final[Mapping[str, Schema]] = {
    "room": {"type": "string", "pattern": "^[A-Za-z0-9_-]{1,64}$"},
    "sha256": {"type": "string", "pattern": "^[0-9a-f]{64}$"},
    "seq": _MANY,
    "version": {"type": "string", "minLength": 1, "maxLength": 64},
    "link": {"type": "string", "pattern": "^[0-9a-f]{16}$"},
    "export": {"type": "string", "pattern": "^[A-Za-z0-9_-]{16}$"},
    "modality": {"enum": list(get_args(Modality))},
    "tile": {"type": "string", "pattern": "^(entries|[0-9])/([0-9]{3})(\\.p/[0-9]{1,3})?$"},
}
JSON: Final = "application/json"
BYTES: Final = "application/octet-stream"


class Operation(Struct, frozen=True, kw_only=True):
    """One method of one address. `query`: name -> schema; those in `needed` are required. `body`: a struct that comes
    as JSON, or `bytes`. `answers`: status -> media type; `fields`: the least fields of a JSON answer. `token`:
    whose."""

    method: str
    path: str
    summary: str
    query: Mapping[str, Schema] = {}
    needed: frozenset[str] = frozenset()
    body: type[Struct] | type[bytes] | None = None
    answers: Mapping[int, str] = field(default_factory=lambda: {200: JSON})
    fields: tuple[str, ...] = ()
    token: str = "room"
    session: bool = False
    """The session secret of the member who does it is needed."""


def _choice(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


_ROOM: Final = "/api/rooms/{room}"
_ASSET: Final = f"{_ROOM}/assets/{{sha256}}"
_ASSET_FIELDS: Final = ("sha256", "type", "size", "width", "height")
_EXPORT_FIELDS: Final = ("id", "state", "done", "problem", "code")
_SPAN: Final[Mapping[str, Schema]] = {"from": _MS, "to": _MS}

OPERATIONS: Final = (
    Operation(
        method="POST", path="/api/rooms", summary="Make a room", answers={201: JSON}, token="",
        fields=("room", "links", "tokens"),
    ),
    Operation(
        method="GET", path=_ROOM, summary="Who is known in a room, what the AI did, and what the caller may do",
        fields=("room", "role", "offset", "members", "runs", "models"),
    ),
    Operation(
        method="GET", path=f"{_ROOM}/text", summary="The story as plain text", answers={200: "text/plain"}
    ),
    Operation(
        method="GET", path=f"{_ROOM}/authorship", summary="Who wrote what, and made which object",
        fields=("offset", "spans", "shares", "characters", "objects"),
    ),
    Operation(
        method="POST", path=f"{_ROOM}/pass", summary="A pass of its own for a plain Yjs client", body=PlainClient,
        answers={201: JSON}, fields=("participant", "token", "ticket"),
    ),
    Operation(
        method="GET", path=f"{_ROOM}/links", summary="The invite links, for owners", fields=("links",), session=True
    ),
    Operation(
        method="POST", path=f"{_ROOM}/links", summary="Make an invite link", body=NewLink, answers={201: JSON},
        fields=("links",), session=True,
    ),
    Operation(
        method="DELETE", path=f"{_ROOM}/links/{{link}}", summary="End an invite link, and with `members=1` memberships",
        query={"members": _choice("0", "1")}, fields=("links",), session=True,
    ),
    Operation(
        method="POST", path=f"{_ROOM}/assets", body=bytes, answers={201: JSON}, fields=_ASSET_FIELDS,
        summary="Add a picture: PNG, JPEG, WebP, GIF, BMP, TIFF, AVIF or SVG",
    ),
    Operation(method="GET", path=_ASSET, summary="A picture", answers={200: "image/*", 304: ""}),
    Operation(
        method="GET", path=f"{_ASSET}/provenance", summary="Where a picture comes from, by the room's records"
    ),
    Operation(
        method="POST", path=f"{_ASSET}/trace", summary="A picture as outlines", answers={200: "image/svg+xml"}
    ),
    Operation(
        method="POST", path=f"{_ASSET}/enlarge", summary="A new picture of twice the sides", answers={201: JSON},
        fields=_ASSET_FIELDS,
    ),
    Operation(
        method="POST", path=f"{_ROOM}/spelling", body=Passages, fields=("findings",), session=True,
        summary="Faults of spelling and grammar in short texts, English or Russian",
    ),
    Operation(
        method="POST", path=f"{_ROOM}/search", body=Query, fields=("hits", "meaning", "pending", "left_out"),
        session=True, summary="Passages of the room by words and by meaning: story, chat, comments, board",
    ),
    Operation(
        method="GET", path=f"{_ROOM}/export", summary="The story as a file", answers={200: "*/*"},
        query={
            "format": _choice(*get_args(Writable), "json"),
            "form": _choice("prose", "screenplay"),
            "authorship": _choice("0", "1"),
        },
    ),
    Operation(
        method="POST", path=f"{_ROOM}/import", summary="A file as a delta that the caller may put into the text",
        query={"format": _choice(*get_args(Readable)), "encoding": {"type": "string", "maxLength": 40}},
        needed=frozenset({"format"}), body=bytes, fields=("title", "ops", "notices", "encoding"),
    ),
    Operation(
        method="GET", path=f"{_ROOM}/jam/log", summary="What sounded, by whom and when", fields=("events", "next"),
        query={**_SPAN, "after": _MANY},
    ),
    Operation(
        method="GET", path=f"{_ROOM}/jam/export", summary="The jam as a file", answers={200: "*/*"},
        query={
            **_SPAN,
            "format": _choice("mid", "wav", "flac", "json", "zip"),
            "loop": {"type": "string", "maxLength": 64},
            "part": {"type": "string", "maxLength": 80},
        },
    ),
    Operation(
        method="GET", path=f"{_ROOM}/jam/sessions", summary="The sessions of the jam, with people and parts",
        fields=("sessions",),
    ),
    Operation(
        method="POST", path=f"{_ROOM}/jam/sessions", summary="Give a session a name", body=NewName, fields=("name",),
        session=True,
    ),
    Operation(
        method="POST", path=f"{_ROOM}/jam/exports", summary="Make a sound file of the jam, or its stems",
        body=NewSound, answers={202: JSON}, fields=_EXPORT_FIELDS,
    ),
    Operation(
        method="GET", path=f"{_ROOM}/jam/exports/{{export}}", summary="How far a sound file is", fields=_EXPORT_FIELDS
    ),
    Operation(
        method="DELETE", path=f"{_ROOM}/jam/exports/{{export}}", summary="Stop a sound file", fields=_EXPORT_FIELDS
    ),
    Operation(
        method="GET", path=f"{_ROOM}/jam/exports/{{export}}/file", summary="The sound file", answers={200: "*/*"}
    ),
    Operation(
        method="GET", path=f"{_ROOM}/film", summary="The scenes of the script and the shots of the film",
        fields=("scenes", "shots", "bare", "authors"),
    ),
    Operation(
        method="POST", path=f"{_ROOM}/film/make", summary="A shot for each beat of the script that has none",
        fields=("made",), session=True,
    ),
    Operation(
        method="GET", path=f"{_ROOM}/film/breakdown", summary="Who and what each scene needs", answers={200: "*/*"},
    ),
    Operation(
        method="GET", path=f"{_ROOM}/ledger", summary="The key and the size of the ledger",
        fields=("origin", "verifier", "size", "signed"),
    ),
    Operation(
        method="GET", path=f"{_ROOM}/ledger/checkpoint", summary="The newest signed checkpoint",
        answers={200: "text/plain"},
    ),
    Operation(
        method="GET", path=f"{_ROOM}/ledger/tile/{{tile}}", summary="Hashes or leaves of the ledger",
        answers={200: BYTES},
    ),
    Operation(
        method="GET", path=f"{_ROOM}/film/text", summary="Subtitles, edit lists or the breakdown",
        answers={200: "*/*"},
        query={"format": _choice("srt", "vtt", "edl", "otio", "fcpxml", "csv"), "language": _choice("en", "ru")},
    ),
    Operation(
        method="POST", path=f"{_ROOM}/film/exports", summary="Export the film or its storyboard", body=NewExport,
        answers={202: JSON}, fields=_EXPORT_FIELDS,
    ),
    Operation(
        method="GET", path=f"{_ROOM}/film/exports/{{export}}", summary="How far an export is", fields=_EXPORT_FIELDS
    ),
    Operation(
        method="DELETE", path=f"{_ROOM}/film/exports/{{export}}", summary="Stop an export", fields=_EXPORT_FIELDS
    ),
    Operation(
        method="GET", path=f"{_ROOM}/film/exports/{{export}}/file", summary="The exported file", answers={200: "*/*"}
    ),
    Operation(method="GET", path=f"{_ROOM}/trace", summary="What the device did, for owners", fields=("traceEvents",)),
    Operation(
        method="GET", path=f"{_ROOM}/history", summary="The room's past, in groups of one hand",
        query={"after": _MANY, "before": _MANY, "limit": {"type": "integer", "minimum": 1, "maximum": 5000}},
        fields=("last", "groups", "next", "missing"),
    ),
    Operation(
        method="GET", path=f"{_ROOM}/history/{{seq}}", summary="Story and canvas as they were after an entry",
        fields=("seq", "story", "canvas"),
    ),
    Operation(
        method="GET", path=f"{_ROOM}/compare", summary="What changed between two points",
        needed=frozenset({"from", "to"}), query={"from": _MANY, "to": _MANY},
    ),
    Operation(method="GET", path=f"{_ROOM}/versions", summary="Named points", fields=("versions",)),
    Operation(
        method="POST", path=f"{_ROOM}/versions", summary="Name a point", body=NewVersion, answers={201: JSON},
        session=True,
    ),
    Operation(
        method="DELETE", path=f"{_ROOM}/versions/{{version}}", summary="Forget a name", answers={204: ""}, session=True
    ),
    Operation(method="POST", path=f"{_ROOM}/restore", summary="Go back to a point", body=Point, session=True),
    Operation(
        method="POST", path=f"{_ROOM}/fork", summary="A new room that begins as this one stood", body=Point,
        answers={201: JSON}, fields=("room", "links", "tokens", "origin"),
    ),
    Operation(
        method="GET", path="/api/engines", summary="Which models serve, for the operator", token="operator",
        fields=("status", "models", "choices"),
    ),
    Operation(
        method="PUT", path="/api/engines/{modality}", summary="Let another model serve", body=Wish, answers={202: JSON},
        token="operator", fields=("status", "models", "choices"),
    ),
    Operation(method="GET", path="/api/openapi.json", summary="This document", token="", fields=("openapi",)),
    Operation(method="GET", path="/healthz", summary="Whether the process answers", token="", fields=("status",)),
    Operation(
        method="GET", path="/readyz", summary="Whether rooms can be stored and every model serves", token="",
        answers={200: JSON, 503: JSON}, fields=("ready", "store", "engine"),
    ),
    Operation(
        method="GET", path="/metrics", summary="Prometheus' text format", token="operator", answers={200: "text/plain"}
    ),
)  # fmt: skip


@cache
def document() -> Schema:
    """The whole description."""
    bodies = [one.body for one in OPERATIONS if one.body is not None and one.body is not bytes]
    _, components = msgspec.json.schema_components(bodies, ref_template="#/components/schemas/{name}")
    components["Error"] = {
        "type": "object",
        "required": ["error"],
        "properties": {
            "error": {
                "type": "object",
                "required": ["code", "message"],
                "properties": {
                    "code": {"enum": [str(code) for code in ErrorCode]},
                    "message": {"type": "string"},
                },
            }
        },
    }
    paths: dict[str, Schema] = {}
    for one in OPERATIONS:
        paths.setdefault(one.path, {})[one.method.lower()] = _operation(one)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Antiphon",
            "version": metadata.version("antiphon") if _installed() else "0",
            "description": "Rooms over HTTP. Live editing goes over the WebSocket at /ws (proto/PROTOCOL.md).",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "room": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "A join token or a pass of the room",
                },
                "operator": {"type": "http", "scheme": "bearer", "description": "An operator's token"},
                "session": {"type": "apiKey", "in": "header", "name": "X-Antiphon-Session"},
            },
        },
    }


def _operation(one: Operation) -> Schema:
    named = [part[1:-1] for part in one.path.split("/") if part.startswith("{")]
    parameters = [{"name": n, "in": "path", "required": True, "schema": _PATHS[n]} for n in named]
    parameters += [
        {"name": n, "in": "query", "required": n in one.needed, "schema": schema}
        for n, schema in one.query.items()
    ]
    described: Schema = {"summary": one.summary, "parameters": parameters, "responses": _responses(one)}
    described["security"] = [{one.token: [], **({"session": []} if one.session else {})}] if one.token else []
    if one.body is bytes:
        described["requestBody"] = {"required": True, "content": {BYTES: {"schema": {}}}}
    elif one.body is not None:
        ref = {"$ref": f"#/components/schemas/{one.body.__name__}"}
        described["requestBody"] = {"required": True, "content": {JSON: {"schema": ref}}}
    return described


def _responses(one: Operation) -> Schema:
    error = {"$ref": "#/components/schemas/Error"}
    answers: Schema = {"default": {"description": "An error", "content": {JSON: {"schema": error}}}}
    for status, media in one.answers.items():
        answers[str(status)] = {"description": one.summary}
        if media == JSON:
            schema = {"type": "object", "required": list(one.fields)}
            answers[str(status)]["content"] = {JSON: {"schema": schema}}
        elif media:
            answers[str(status)]["content"] = {media: {"schema": {}}}
    return answers


def _installed() -> bool:
    try:
        metadata.version("antiphon")
    except metadata.PackageNotFoundError:
        return False
    return True


async def show_document(_request: web.Request) -> web.Response:
    """`GET /api/openapi.json`."""
    return web.json_response(document(), headers={"Cache-Control": "no-cache"})


ROUTES = (web.get("/api/openapi.json", show_document),)
