"""Acts over HTTP, in the room's ledger."""

from __future__ import annotations

import asyncio
import hashlib
from pathlib import Path
from typing import Any, Final

from aiohttp import web

from antiphon_proto.errors import Conflict
from antiphon_server.core.seat import Grant
from antiphon_server.file_exports import FileExport
from antiphon_server.gateway import GATEWAY
from antiphon_server.rooms.room import Room
from antiphon_server.store.api import StorageUnavailable
from antiphon_server.trust.leaf import Kind

HEADER: Final = "Antiphon-Ledger"
"""Of an export: the number of its leaf, or `unrecorded` while the disk takes nothing."""


async def record(request: web.Request, grant: Grant, room: Room, kind: Kind, subject: str, facts: Any) -> int:
    """Enter an act; its leaf is on disk when this returns, and under a checkpoint when it is an export. Returns the
    number of the leaf. Raises StorageUnavailable."""
    room.context.require_writable()
    number = room.ledger.enter(kind, _person(request, grant, room), subject, facts)
    if kind == "export":
        await room.seal()
    else:
        room.tick()
        await request.app[GATEWAY].store.flush()
    return number


async def record_export(
    request: web.Request, grant: Grant, room: Room, subject: str, facts: Any
) -> dict[str, str]:
    """Enter an export; returns a header of its answer. Nobody is kept from taking their work out of a server whose
    disk is full."""
    try:
        return {HEADER: str(await record(request, grant, room, "export", subject, facts))}
    except StorageUnavailable:
        return {HEADER: "unrecorded"}


async def send_export(
    request: web.Request, grant: Grant, room: Room, export: FileExport, content_type: str, facts: Any
) -> web.FileResponse:
    """The file of an export that is done, entered in the ledger. Raises Conflict for another export."""
    if export.state != "done":
        raise Conflict(export.problem or "this export is not done")
    recorded = await record_export(request, grant, room, await asyncio.to_thread(_digest, export.path), facts)
    headers = {
        **recorded,
        "Cache-Control": "no-store",
        "Content-Disposition": f'attachment; filename="{export.name}"',
        "Content-Type": content_type,
    }
    return web.FileResponse(export.path, headers=headers)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _person(request: web.Request, grant: Grant, room: Room) -> str:
    """The member whose session secret or pass came along; empty for somebody who has only a link."""
    member = room.members.of_session(request.headers.get("X-Antiphon-Session", ""))
    if member is None and grant.member:
        member = room.members.get(grant.member)
    return "" if member is None else member.id
