"""A new room that begins as another one stood at some point: with its text, canvas, authors and pictures."""

from __future__ import annotations

import re
import secrets
from typing import Final

from msgspec.structs import replace

from antiphon_server.assets.store import AssetStore
from antiphon_server.core.members import AI, PROOFREADER
from antiphon_server.core.run_registry import LIVE
from antiphon_server.document.state import SERVER
from antiphon_server.rooms.hub import Hub
from antiphon_server.rooms.replay import Past
from antiphon_server.rooms.room import Room
from antiphon_server.store.api import Change, Entry, MemberRecord, RoomRecord, RunRecord

_NAMES: Final = re.compile(rb"(?=([0-9a-f]{64}))")
"""Names of assets stand in a document as they are."""
_NOBODYS: Final = frozenset({AI.id, PROOFREADER.id, SERVER.author})


async def fork(hub: Hub, assets: AssetStore, room: Room, moment: Past) -> RoomRecord:
    """Make the new room, durable when this returns; its history begins with entry 1, which brings everything.

    People who wrote in the old room are known in the new one by name; they join it anew. Raises QueueFull or
    StorageUnavailable.
    """
    now = room.context.unix_ms()
    members = _members(room, moment)
    runs = _runs(room, moment)
    tokens = [kept for run in runs if (kept := room.context.tokens.kept(run.info.id)) is not None]
    contents: list[Change] = [
        Entry(1, SERVER.author, moment.snapshot.state, now),
        replace(moment.snapshot, seq=1, at_ms=now),
        *members,
        *runs,
        *tokens,
    ]
    performers = room.context.identity.performers
    record = await hub.create(origin=(room.id, moment.seq), contents=contents, performers=performers)
    for name in {found.decode() for found in _NAMES.findall(moment.snapshot.state)}:
        if (info := await assets.find(room.id, name)) is not None:
            await assets.put(record.id, info, await assets.read(room.id, info))
    return record


def _members(room: Room, moment: Past) -> list[MemberRecord]:
    """Everybody whose work or words the moment holds. Their sessions stay with the old room."""
    authors = {author for author in moment.people if author not in _NOBODYS}
    return [
        replace(
            member.record,
            session_hash=secrets.token_bytes(32),
            link="",
            revoked=False,
            last_batch=0,
            clients=(),
        )
        for member in room.members
        if member.id in authors
    ]


def _runs(room: Room, moment: Past) -> list[RunRecord]:
    """The runs whose work the past state holds, with their requests and models."""
    named = moment.runs
    return [
        replace(
            run.record,
            info=replace(run.info, state="stopped") if run.info.state in LIVE else run.info,
            place=None,  # counted in the old room's history
        )
        for run in room.runs
        if run.info.id in named
    ]
