"""Checkpoints: the size and the root of a ledger, signed with Ed25519 (C2SP tlog-checkpoint and signed-note).

antiphon-5f0c...e1/ROOM            the origin: which server's key, which room
1042
<root hash, base64>

— antiphon-5f0c...e1/ROOM <key id and signature, base64>
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from msgspec import Struct

from antiphon_proto.errors import PeerError
from antiphon_server.core.join_tokens import load_key

FILE: Final = "ledger.key"
_ED25519: Final = b"\x01"
_DASH: Final = "\u2014 "
_LONGEST: Final = 4096
"""Characters of a note."""


class Checkpoint(Struct, frozen=True):
    origin: str
    size: int
    root: bytes


class Signer:
    """Signs the checkpoints of all rooms of a server."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key
        self.public = key.public_key().public_bytes_raw()

    @classmethod
    def generate(cls) -> Signer:
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def load(cls, folder: Path) -> Signer:
        """By the key in the data folder, made there when there is none. Raises KeyUnavailable."""
        return cls(Ed25519PrivateKey.from_private_bytes(load_key(folder / FILE)))

    def origin(self, room: str) -> str:
        return f"antiphon-{hashlib.sha256(self.public).hexdigest()[:16]}/{room}"

    def sign(self, room: str, size: int, root: bytes) -> str:
        origin = self.origin(room)
        body = f"{origin}\n{size}\n{base64.b64encode(root).decode()}\n"
        signature = key_id(origin, self.public) + self._key.sign(body.encode())
        return f"{body}\n{_DASH}{origin} {base64.b64encode(signature).decode()}\n"

    def verifier(self, room: str) -> str:
        """The public key, as a C2SP verifier key."""
        origin = self.origin(room)
        encoded = base64.b64encode(_ED25519 + self.public).decode()
        return f"{origin}+{key_id(origin, self.public).hex()}+{encoded}"


def key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + _ED25519 + public).digest()[:4]


def public_key(verifier: str) -> bytes:
    """The 32 bytes of a C2SP verifier key. Raises PeerError."""
    name, _, rest = verifier.strip().partition("+")
    identifier, _, encoded = rest.partition("+")
    key = _base64(encoded)
    if len(key) != 33 or key[:1] != _ED25519 or identifier != key_id(name, key[1:]).hex():
        raise PeerError("this is not an Ed25519 verifier key")
    return key[1:]


def read(note: str) -> Checkpoint:
    """The content of a checkpoint, without a look at its signatures. Raises PeerError."""
    body, _, _ = note.partition("\n\n")
    lines = body.split("\n")
    if len(note) > _LONGEST or len(lines) < 3 or not lines[0]:
        raise PeerError("this is not a checkpoint")
    size, root = lines[1], _base64(lines[2])
    if (
        not (size.isascii() and size.isdigit() and len(size) < 16 and str(int(size)) == size)
        or len(root) != 32
    ):
        raise PeerError("this is not a checkpoint")
    return Checkpoint(lines[0], int(size), root)


def verify(note: str, public: bytes) -> Checkpoint:
    """Raises PeerError: not a checkpoint, or not signed by this key."""
    found = read(note)
    body, _, signatures = note.partition("\n\n")
    identifier = key_id(found.origin, public)
    key = Ed25519PublicKey.from_public_bytes(public)
    prefix = f"{_DASH}{found.origin} "
    for line in signatures.split("\n"):
        if not line.startswith(prefix):
            continue
        signature = _base64(line.removeprefix(prefix))
        if signature[:4] != identifier:
            continue
        try:
            key.verify(signature[4:], f"{body}\n".encode())
        except InvalidSignature:
            break
        return found
    raise PeerError("the checkpoint is not signed by this key")


def _base64(text: str) -> bytes:
    """Empty when it is not."""
    try:
        found = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        return b""
    # Other spellings of the same bytes are not accepted: a changed bit changes the text.
    return found if base64.b64encode(found).decode() == text else b""
