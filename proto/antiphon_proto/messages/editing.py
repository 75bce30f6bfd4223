"""Messages of the shared document: edits, undo, their acknowledgements, and updates to all clients."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from antiphon_proto.frame import Id, Message, Request, Text, UInt
from antiphon_proto.lanes import Lane

AckStatus = Literal[
    "applied", "durable", "denied", "invalid", "too_large", "rate_limited", "unavailable", "remake"
]


Surface = Literal["story", "canvas", "jam", "film"]
"""The part of the document that an undo applies to. The style card belongs to the story."""
StepKind = Literal["", "new", "same", "undo", "redo"]
Count = tuple[UInt, UInt]


class Edit(Request, frozen=True, tag="edit"):
    """A Yjs update (v1 encoding). `batch` rises by one per session; each is answered by `ack`s.

    `step` tells the server how to group the edit for the sender's undo: `new` begins a step, `same` continues the last
    one, and empty groups by the pauses between edits. `undo` and `redo` mark an edit with which a client that was
    offline undid or redid its last step itself.
    """

    lane: ClassVar[Lane] = Lane.EDIT
    batch: UInt
    update: bytes
    step: StepKind = ""


class Undo(Request, frozen=True, tag="undo"):
    """Undo a run (`run`), or the sender's own last action (`run` is nil) on `surface`, or on any surface (nil). `step`
    is echoed in `stepped` or in `error`. Undo of a run is answered by `run`."""

    run: Id | None = None
    surface: Surface | None = None
    step: UInt = 0


class Redo(Request, frozen=True, tag="redo"):
    """Redo the sender's last undone action."""

    surface: Surface | None = None
    step: UInt = 0


class Resync(Request, frozen=True, tag="resync"):
    """The client found that its copy differs (see `digest`) and asks for a `rebuild`."""

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
    """The status of a batch. `applied` carries the offset that includes it; `durable` follows when it is on disk."""

    lane: ClassVar[Lane] = Lane.EDIT
    batch: UInt
    status: AckStatus
    offset: UInt = 0
    message: Text = ""


class Stepped(Message, frozen=True, tag="stepped"):
    """Answer to `undo` and `redo`: an action of this `kind` (`edit`, `run`, `accept`, `reject`, `restore`, `undo_run`,
    `conduct`) was undone or redone. The changes to the story lie in [start, end), UTF-8 bytes as at `offset` (nil: no
    change); `objects` are the changed objects of the canvas, 64 at most."""

    lane: ClassVar[Lane] = Lane.EDIT
    step: UInt
    redo: bool
    surface: Surface
    kind: str
    offset: UInt
    start: UInt | None = None
    end: UInt | None = None
    objects: tuple[str, ...] = ()
    run: str = ""


class Steps(Message, frozen=True, tag="steps"):
    """How many actions the receiver can undo and redo, by surface; a missing surface has none."""

    lane: ClassVar[Lane] = Lane.EDIT
    steps: dict[Surface, Count]


class Digest(Message, frozen=True, tag="digest"):
    """SHA-256 (first 16 bytes) of the story's UTF-8 text at `offset`; a client that differs sends `resync`."""

    lane: ClassVar[Lane] = Lane.EDIT
    offset: UInt
    sha256: bytes
