"""Signed join tokens: who may enter which room, in which role, by which link.

A token is a JWT (HS256, RFC 7519) over `room`, `role`, `link`, of a pass `member`, `exp`, and `renew` where
the end is the server's bound and not the link's. A ticket (`ticket`) lives two minutes and only opens a plain Yjs
connection, which lasts until `until`: it may stand in an address, where logs and histories keep it. The key is made
once and kept beside the rooms. Whether the link is still in force is the room's to say.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path
from typing import Literal

import jwt
import msgspec

from antiphon_proto.errors import AntiphonError, ErrorCode, PeerError
from antiphon_proto.messages import Id, Role
from antiphon_server.core.seat import Grant

_ALGORITHM = "HS256"
_KEY_BYTES = 32
_MAX_TOKEN = 2048
TICKET_SECONDS = 120


class Unauthorized(PeerError):
    """No token, a bad one, or an expired one."""

    code = ErrorCode.UNAUTHORIZED


class KeyUnavailable(AntiphonError):
    """The signing key cannot be read or made; the message is one clear line."""

    code = ErrorCode.UNAVAILABLE


class _Claims(msgspec.Struct, frozen=True):
    room: Id
    role: Role
    link: Id
    member: Id | None = None
    exp: int | None = None
    renew: bool = False
    ticket: bool = False
    until: int | None = None


class _Operator(msgspec.Struct, frozen=True):
    operator: Literal[True]
    exp: int


class Tokens:
    """Issues and verifies join tokens. `clock` gives Unix seconds. A token ends `lifetime` seconds after it was issued
    at the latest (None: with its link)."""

    def __init__(
        self, key: bytes, clock: Callable[[], float] = time.time, lifetime: float | None = None
    ) -> None:
        self._key = key
        self._clock = clock
        self._lifetime = lifetime

    def issue(self, room: str, role: Role, link: str, lifetime: float | None = None) -> str:
        """A token for `role` in `room`; it ends after `lifetime` seconds."""
        ends = None if lifetime is None else self._clock() + lifetime
        return self.sign(Grant(room, role, link, expires=ends))

    def sign(self, grant: Grant) -> str:
        """The token of a grant."""
        claims: dict[str, object] = {"room": grant.room, "role": grant.role, "link": grant.link}
        if grant.member:
            claims["member"] = grant.member
        last = None if self._lifetime is None else self._clock() + self._lifetime
        if grant.expires is not None and (last is None or grant.expires <= last):
            claims["exp"] = int(grant.expires)
        elif last is not None:
            claims |= {"exp": int(last), "renew": grant.expires is None}
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def ticket(self, grant: Grant) -> str:
        """A token that opens a plain Yjs connection of this grant, if it comes soon."""
        claims: dict[str, object] = {"room": grant.room, "role": grant.role, "link": grant.link}
        if grant.member:
            claims["member"] = grant.member
        if grant.expires is not None:
            claims |= {"until": int(grant.expires), "renew": grant.renews}
        claims |= {"ticket": True, "exp": int(self._clock() + TICKET_SECONDS)}
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def operator(self, lifetime: float) -> str:
        """A token for the operator of this server, made with the signing key."""
        claims = {"operator": True, "exp": int(self._clock() + lifetime)}
        return jwt.encode(claims, self._key, algorithm=_ALGORITHM)

    def verify_operator(self, token: str) -> None:
        """Raises Unauthorized for anything but an operator's token in force."""
        try:
            if len(token) > _MAX_TOKEN:
                raise ValueError("too long")
            payload = jwt.decode(token, self._key, algorithms=[_ALGORITHM], options={"verify_exp": False})
            claims = msgspec.convert(payload, _Operator)
        except (jwt.InvalidTokenError, msgspec.ValidationError, ValueError, RecursionError) as error:
            raise Unauthorized("this is the operator's; the token is not valid") from error
        if claims.exp <= self._clock():
            raise Unauthorized("the token has expired")

    def link(self, grant: Grant) -> str:
        """The invite link's path (`room.Mint`)."""
        return link_path(grant.room, self.sign(grant))

    def verify_ticket(self, token: str) -> Grant:
        """The grant of a ticket. Raises Unauthorized, for any other token too."""
        grant, ticket = self._verified(token)
        if not ticket:
            raise Unauthorized(
                "a join token goes into the subprotocol `antiphon.token.TOKEN`, not into the address; there only a "
                "ticket may stand (`POST /api/rooms/ROOM/pass`)"
            )
        return grant

    def verify(self, token: str) -> Grant:
        """The grant of a token. Raises Unauthorized, never saying which part of a bad token was wrong."""
        grant, ticket = self._verified(token)
        if ticket:
            raise Unauthorized("a ticket only opens a plain Yjs connection")
        return grant

    def _verified(self, token: str) -> tuple[Grant, bool]:
        if not token:
            raise Unauthorized("a join token is needed")
        if len(token) > _MAX_TOKEN:
            raise Unauthorized("the token is not valid")
        try:
            payload = jwt.decode(token, self._key, algorithms=[_ALGORITHM], options={"verify_exp": False})
            claims = msgspec.convert(payload, _Claims)
        except (jwt.InvalidTokenError, msgspec.ValidationError, ValueError, RecursionError) as error:
            raise Unauthorized("the token is not valid") from error
        if claims.exp is not None and claims.exp <= self._clock():
            raise Unauthorized("the token has expired")
        expires = claims.until if claims.ticket else claims.exp
        grant = Grant(claims.room, claims.role, claims.link, claims.member or "", expires, claims.renew)
        return grant, claims.ticket


def link_path(room: str, token: str) -> str:
    """Where an invite leads, without the server's address. A fragment is never sent, logged or given as a referrer."""
    return f"/r/{room}#{token}"


def load_key(path: Path) -> bytes:
    """The signing key in `path`, made there with mode 0600 when there is none. Raises KeyUnavailable."""
    try:
        key = path.read_bytes() if path.exists() else _new_key(path)
    except OSError as error:
        raise KeyUnavailable(f"cannot use the signing key {path}: {error.strerror or error}") from error
    if len(key) != _KEY_BYTES:
        raise KeyUnavailable(f"{path} is not a signing key of this server; remove it to have a new one made")
    return key


def fingerprint(key: bytes) -> str:
    """Names a key without giving it away."""
    return hashlib.sha256(b"antiphon signing key\0" + key).hexdigest()[:32]


def _new_key(path: Path) -> bytes:
    """Written beside `path` and then linked: a crash leaves no half key, and of two servers that start, one wins."""
    draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(secrets.token_bytes(_KEY_BYTES))
            file.flush()
            os.fsync(file.fileno())
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)
    finally:
        draft.unlink()
    return path.read_bytes()
