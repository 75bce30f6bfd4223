"""A leaf of the ledger: the act, its time and its subject. Persons and content stand in it as keyed hashes only.

    [1, kind, at_ms, seq, who, subject, digest]          MessagePack

`who` is HMAC-SHA256(salt, "person" NUL id); where nobody is known the id is empty. `digest` is the hash of the facts
(the request, the parameters) under a key of the person's salt and the number of the leaf. Without the salt neither can
be told from random bytes; with it the server can show both.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Any, Final, Literal, TypeAlias

import msgspec
from msgspec import Struct

from antiphon_proto.errors import PeerError

VERSION: Final = 1
SALT_BYTES: Final = 32

Kind: TypeAlias = Literal[
    "run",  # somebody asked the AI, or made a suggestion
    "end",  # the outcome of a run
    "steer",
    "stop",
    "accept",
    "reject",
    "undo",
    "redo",
    "choose",
    "retry",
    "replace",
    "restore",
    "upload",
    "import",
    "export",
]


class Content(Struct, frozen=True, array_like=True, forbid_unknown_fields=True):
    version: int
    kind: Kind
    at_ms: int
    """Unix milliseconds."""
    seq: int
    """The newest entry of the room's history when it was done."""
    who: bytes
    subject: str
    """Id of a run, or SHA-256 (hex) of a file; empty where there is neither."""
    digest: bytes


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(Content).decode


def encode(content: Content) -> bytes:
    return _encode(content)


def decode(body: bytes) -> Content:
    """Raises PeerError."""
    try:
        return _decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise PeerError(f"this is not a leaf of a ledger: {error}") from None


def commitment(salt: bytes, person: str) -> bytes:
    return hmac.digest(salt, b"person\0" + person.encode(), hashlib.sha256)


def facts_digest(salt: bytes, number: int, facts: Any) -> bytes:
    """`facts`: anything that MessagePack holds."""
    key = hmac.digest(salt, b"facts\0%d" % number, hashlib.sha256)
    return hmac.digest(key, _encode(facts), hashlib.sha256)


def sha256(data: bytes) -> str:
    """The subject of a leaf about a file."""
    return hashlib.sha256(data).hexdigest()
