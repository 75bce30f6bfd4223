"""Links to rooms, and making a room over HTTP."""

from __future__ import annotations

from urllib.parse import parse_qs, quote, urlsplit, urlunsplit

import aiohttp
from msgspec import Struct

from antiphon_client.errors import ClientError


class Address(Struct, frozen=True):
    """Where a room is. `base` is the server's address (http or https), without a trailing slash."""

    base: str
    room: str
    token: str

    @classmethod
    def parse(cls, url: str, token: str | None = None) -> Address:
        """Read an invite link (`https://host/r/ROOM#TOKEN`, or `?token=TOKEN`). Raises ClientError."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.netloc:
            raise ClientError(f"not a link to a room: {url!r}")
        prefix, marker, room = parts.path.rstrip("/").rpartition("/r/")
        if not marker or not room or "/" in room:
            raise ClientError(f"not a link to a room: {url!r}")
        found = token or parts.fragment or parse_qs(parts.query).get("token", [""])[0]
        if not found:
            raise ClientError(f"the link has no token: {url!r}")
        return cls(urlunsplit((parts.scheme, parts.netloc, prefix, "", "")), room, found)

    @property
    def link(self) -> str:
        """The invite link."""
        return f"{self.base}/r/{self.room}#{self.token}"

    @property
    def websocket(self) -> str:
        """The address of the native protocol."""
        return f"ws{self.base[4:]}/ws"

    @property
    def yjs(self) -> str:
        """The address of the plain y-websocket protocol; the token goes beside it (`yjs_protocols`)."""
        return f"ws{self.base[4:]}/yjs/{quote(self.room)}"

    @property
    def yjs_protocols(self) -> tuple[str, str]:
        """The WebSocket subprotocols that carry the token, as y-websocket's `protocols` takes them."""
        return "antiphon", f"antiphon.token.{self.token}"


async def create_room(server: str) -> dict[str, Address]:
    """Make a room on `server` ("http://127.0.0.1:8080"); the invite links by role. Raises ClientError."""
    base = server.rstrip("/")
    try:
        async with aiohttp.ClientSession() as http, http.post(f"{base}/api/rooms", json={}) as answer:
            body = await answer.json(content_type=None)
    except (aiohttp.ClientError, ValueError) as error:
        raise ClientError(f"{base} cannot make a room: {error}") from error
    if answer.status != 201:
        raise ClientError(f"{base} cannot make a room: {body}")
    return {role: Address(base, body["room"], token) for role, token in body["tokens"].items()}
