"""Messages of the shared document: what a client changes, what became of it, and what everybody is told."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from antiphon_proto.frame import Id, Message, Request, Text, UInt
from antiphon_proto.lanes import Lane

AckStatus = Literal[
    "applied", "durable", "denied", "invalid", "too_large", "rate_limited", "unavailable", "remake"
]


Surface = Literal["story", "canvas", "jam"]
"""Where something is undone. The style card belongs to the story."""
StepKind = Literal["", "new", "same", "undo", "redo"]
Count = tuple[UInt, UInt]


class Edit(Request, frozen=True, tag="edit"):
    """A Yjs update (v1 encoding). `batch` rises by one per session; each is answered by `ack`s.

    `step` says what it is for the sender's undo: `new` begins another step, `same` goes on with the last one, empty
    leaves it to the pauses between edits. `undo` and `redo` are of a client that had no connection and took its last
    step back, or did it again, by itself.
    """

    lane: ClassVar[Lane] = Lane.EDIT
    batch: UInt
    update: bytes
    step: StepKind = ""


class Undo(Request, frozen=True, tag="undo"):
    """Undo what a run made (`run`), or the sender's own last action (`run` is nil) on a surface, or on any (nil).
    `step` is echoed in `stepped` or in the `error`; a run is answered by `run`."""

    run: Id | None = None
    surface: Surface | None = None
    step: UInt = 0


class Redo(Request, frozen=True, tag="redo"):
    """Do the sender's own last undone action again."""

    surface: Surface | None = None
    step: UInt = 0


class Resync(Request, frozen=True, tag="resync"):
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


class Stepped(Message, frozen=True, tag="stepped"):
    """Answer to `undo` and `redo`: an action of this `kind` (`edit`, `run`, `accept`, `reject`, `restore`, `undo_run`,
    `conduct`) was taken back, or done again. What changed of the story lies in [start, end), UTF-8 bytes as at `offset`
    (nil: nothing did); `objects` are those of the canvas that changed, 64 at most."""

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
    """How many actions the receiver can undo and do again, by surface; a surface that is left out has none."""

    lane: ClassVar[Lane] = Lane.EDIT
    steps: dict[Surface, Count]


class Digest(Message, frozen=True, tag="digest"):
    """SHA-256 (first 16 bytes) of the story's UTF-8 text at `offset`; a client that differs sends `resync`."""

    lane: ClassVar[Lane] = Lane.EDIT
    offset: UInt
    sha256: bytes
