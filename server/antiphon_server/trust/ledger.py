"""The ledger of a room: one leaf for each act, in the journal group that holds the act itself.

A checkpoint is signed only when all leaves under it are on disk, and nothing beyond the newest checkpoint is served:
a checkpoint that somebody has seen is never taken back by a crash.
"""

from __future__ import annotations

import secrets
from functools import partial
from typing import Any, Final

from antiphon_server.core.context import RoomContext
from antiphon_server.store.ledger import Leaf, Salt, SignedCheckpoint, StoredLedger, TileHash
from antiphon_server.trust import leaf
from antiphon_server.trust.notes import Signer
from antiphon_server.trust.tree import Tree, leaf_hash

INTERVAL: Final = 60.0
"""Seconds between two checkpoints of a room in which something happens."""


class Ledger:
    """`size`: leaves, also those that are not on disk yet."""

    def __init__(self, room: RoomContext, stored: StoredLedger, signer: Signer) -> None:
        self._room = room
        self._signer = signer
        self._tree = Tree.resumed(stored.size, stored.tails)
        self._salts = dict(stored.salts)
        self.checkpoint = stored.checkpoint
        """The newest that may be shown; None before the first."""
        self._asked = stored.checkpoint.size if stored.checkpoint else 0
        """Size of the newest checkpoint that is signed or will be."""
        self._asked_at = room.monotonic()

    @property
    def size(self) -> int:
        return self._tree.size

    @property
    def origin(self) -> str:
        return self._signer.origin(self._room.id)

    @property
    def verifier(self) -> str:
        """The public key of the checkpoints (C2SP verifier key)."""
        return self._signer.verifier(self._room.id)

    @property
    def signed(self) -> bool:
        """Every leaf is under a checkpoint."""
        return self.checkpoint is not None and self.checkpoint.size == self.size or not self.size

    def enter(self, kind: leaf.Kind, person: str, subject: str, facts: Any) -> int:
        """Add a leaf to the journal; returns its number. `person`: a member's id, or empty."""
        room, number = self._room, self._tree.size
        salt = self._salt(person)
        body = leaf.encode(
            leaf.Content(
                leaf.VERSION,
                kind,
                room.unix_ms(),
                room.seq,
                leaf.commitment(salt, person),
                subject,
                leaf.facts_digest(salt, number, facts),
            )
        )
        made = leaf_hash(body)
        tiles = (TileHash(*one) for one in self._tree.append(made))
        room.journal.add(Leaf(number, body, made), *tiles)
        room.wake()
        return number

    def sweep(self) -> None:
        """Once a second: a checkpoint each minute in which something happened."""
        if self.size > self._asked and self._room.monotonic() - self._asked_at >= INTERVAL:
            self.seal()

    def seal(self) -> None:
        """A checkpoint of all leaves, as soon as they are on disk."""
        if self.size <= self._asked:
            return
        self._asked, self._asked_at = self.size, self._room.monotonic()
        self._room.journal.when_durable(partial(self._sign, self.size, self._tree.root()))

    def _sign(self, size: int, root: bytes) -> None:
        self.checkpoint = SignedCheckpoint(size, self._signer.sign(self._room.id, size, root))
        self._room.journal.add(self.checkpoint)
        self._room.wake()

    def _salt(self, person: str) -> bytes:
        salt = self._salts.get(person)
        if salt is None:
            salt = self._salts[person] = secrets.token_bytes(leaf.SALT_BYTES)
            self._room.journal.add(Salt(person, salt))
        return salt
