"""Messages of the shared document: what a client changes, what became of it, and what everybody is told."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from antiphon_proto.frame import Id, Message, Text, UInt
from antiphon_proto.lanes import Lane

AckStatus = Literal["applied", "durable", "denied", "invalid", "too_large", "rate_limited", "unavailable"]


class Edit(Message, frozen=True, tag="edit"):
    """A Yjs update (v1 encoding). `batch` rises by one per session; each is answered by `ack`s."""

    lane: ClassVar[Lane] = Lane.EDIT
    batch: UInt
    update: bytes


class Undo(Message, frozen=True, tag="undo"):
    """Undo a run's writing (`run`), or the sender's own last edit (`run` is nil)."""

    run: Id | None = None


class Redo(Message, frozen=True, tag="redo"):
    """Redo the sender's own last undone edit."""


class Resync(Message, frozen=True, tag="resync"):
    """The client found that its copy differs (see `digest`) and wants a `rebuild`."""

    reason: Annotated[str, Meta(max_length=128)] = ""


class Rebuild(Message, frozen=True, tag="rebuild"):
    """The whole document. Under another `lineage` the client must drop its copy first."""

    lane: ClassVar[Lane] = Lane.EDIT
    lineage: Id
    epoch: Id
    offset: UInt
    reason: str
    update: bytes


class Update(Message, frozen=True, tag="update"):
    """The merged document changes of one tick; applying it brings the client to `offset`."""

    lane: ClassVar[Lane] = Lane.EDIT
    offset: UInt
    update: bytes


class Ack(Message, frozen=True, tag="ack"):
    """The fate of a batch. `applied` comes with the offset that holds it; `durable` when it is on disk."""

    lane: ClassVar[Lane] = Lane.EDIT
    batch: UInt
    status: AckStatus
    offset: UInt = 0
    message: Text = ""


class Digest(Message, frozen=True, tag="digest"):
    """SHA-256 (first 16 bytes) of the story's UTF-8 text at `offset`; a client that differs sends `resync`."""

    lane: ClassVar[Lane] = Lane.EDIT
    offset: UInt
    sha256: bytes
