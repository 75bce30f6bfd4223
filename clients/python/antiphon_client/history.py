"""The room's past: changes by author, past states, restoring, and forks. Raises RequestRefused."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlencode

import msgspec
from msgspec import Struct

from antiphon_client.address import Address
from antiphon_client.http import call
from antiphon_client.session.listener import Listener
from antiphon_client.session.session import Session
from antiphon_proto.messages import ServerMessage, Version, Versions


class Group(Struct, frozen=True):
    """Neighbouring entries [first, last] of one author and run."""

    first: int
    last: int
    author: str
    run: str | None
    from_ms: int
    to_ms: int
    entries: int
    bytes: int


class Page(Struct, frozen=True):
    """`last` is the newest entry of the room; `next` asks for the page that follows, None at the end."""

    last: int
    groups: tuple[Group, ...]
    next: int | None


class Part(Struct, frozen=True):
    """A stretch of the story: a text or an embed."""

    insert: Any
    attributes: dict[str, Any]
    author: str
    run: str | None


class Moment(Struct, frozen=True):
    """The room after entry `seq`, which `author` made."""

    seq: int
    at_ms: int
    author: str
    run: str | None
    story: tuple[Part, ...]
    characters: int
    canvas: tuple[dict[str, Any], ...]

    @property
    def text(self) -> str:
        """The story as plain text."""
        return "".join(part.insert for part in self.story if isinstance(part.insert, str))


class Change(Struct, frozen=True):
    """`op` is equal, insert or delete; `author` wrote the text, also text that is gone."""

    op: str
    text: str
    author: str
    run: str | None


class _Compared(Struct, frozen=True):
    story: tuple[Change, ...]


class _Restored(Struct, frozen=True):
    seq: int


class _Forked(Struct, frozen=True):
    room: str
    tokens: dict[str, str]


class History(Listener):
    """`versions`: the points that people named, oldest first."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self.versions: tuple[Version, ...] = ()

    async def page(self, *, after: int = 0, before: int | None = None, limit: int = 500) -> Page:
        """Entries after `after`, or, with `before`, those that end there."""
        query = {"limit": limit, **({"after": after} if before is None else {"before": before})}
        return msgspec.json.decode(await self._call("GET", f"/history?{urlencode(query)}"), type=Page)

    async def at(self, seq: int) -> Moment:
        """The room after entry `seq`; 0 is its beginning."""
        return msgspec.json.decode(await self._call("GET", f"/history/{seq}"), type=Moment)

    async def compare(self, start: int, end: int) -> tuple[Change, ...]:
        """The changes between the stories of two points."""
        query = urlencode({"from": start, "to": end})
        return msgspec.json.decode(await self._call("GET", f"/compare?{query}"), type=_Compared).story

    async def name(self, name: str, seq: int | None = None) -> Version:
        """Name a point; now by default."""
        body = msgspec.json.encode({"name": name, **({} if seq is None else {"seq": seq})})
        made = msgspec.json.decode(await self._call("POST", "/versions", body, 201))
        return Version(**made)

    async def forget(self, version: str) -> None:
        """Take a name away; the point of the history stays."""
        await self._call("DELETE", f"/versions/{version}", expected=204)

    async def restore(self, seq: int) -> int:
        """Bring story and canvas back to a point, by an edit that `room.undo()` takes back; returns its entry."""
        body = msgspec.json.encode({"seq": seq})
        return msgspec.json.decode(await self._call("POST", "/restore", body), type=_Restored).seq

    async def fork(self, seq: int | None = None) -> dict[str, Address]:
        """A new room that begins as this one stood at a point (by default now); its invite links by role."""
        body = msgspec.json.encode({} if seq is None else {"seq": seq})
        made = msgspec.json.decode(await self._call("POST", "/fork", body, 201), type=_Forked)
        base = self._session.address.base
        return {role: Address(base, made.room, token) for role, token in made.tokens.items()}

    async def _call(self, method: str, path: str, data: bytes | None = None, expected: int = 200) -> bytes:
        session = self._session
        return await call(session.address, method, path, data, expected, session=session.secret or "")

    def on_message(self, message: ServerMessage) -> None:
        """Follow the named versions."""
        if isinstance(message, Versions):
            self.versions = message.versions
