"""One connection's place in a room, and the request for one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal, TypeAlias

from msgspec import Struct

from antiphon_proto.messages import Ack, Resume, Role
from antiphon_server.document.updates.overlap import Overlap
from antiphon_server.document.updates.parser import MalformedUpdate, TooManyItems, UpdateInfo
from antiphon_server.net.frames import Dialect, Outlet
from antiphon_server.token_bucket import TokenBucket


class Grant(Struct, frozen=True):
    """The content of a verified join token. `link` is the id of the invite link that it was made for."""

    room: str
    role: Role
    link: str
    member: str = ""
    """Of a pass: its member. It is valid while they are a member, even after the link has ended."""
    expires: float | None = None
    """When it ends, and with it every session that it opened: Unix seconds."""
    renews: bool = False
    """It ends only because every token does: who comes with it gets a new one."""


Mint: TypeAlias = Callable[[Grant], str]
"""Grant -> path with a join token in its fragment, for `links` and `pass`."""


class JoinRequest(Struct, frozen=True):
    """`hello`, after its token was verified. `session` is the secret of an earlier `welcome`."""

    grant: Grant
    name: str
    client_id: int
    session: str | None = None
    resume: Resume | None = None
    dialect: Dialect = "native"
    kind: Literal["human", "agent"] = "human"


class ReadUpdate(Struct, frozen=True):
    """The parsed content of an update, or its error, and the parts in which a large one is to be applied."""

    update: bytes
    found: UpdateInfo | TooManyItems | MalformedUpdate
    parts: tuple[tuple[bytes, UpdateInfo], ...] = ()
    overlap: Overlap | None = None
    """Of a large one that says known items again: whether they are the same."""


class Seat:
    """One connection's place. Made by `Room.join`; the room changes it, others only read it."""

    __slots__ = (
        "__weakref__",
        "client_id",
        "dialect",
        "gone",
        "held",
        "items",
        "outlet",
        "participant",
        "read",
        "rebuilds",
        "shows",
        "until",
    )

    def __init__(
        self, outlet: Outlet, participant: str, dialect: Dialect, client_id: int | None, rebuilds: TokenBucket
    ) -> None:
        self.outlet = outlet
        self.participant = participant
        self.dialect = dialect
        self.client_id = client_id
        """Yjs client id of its awareness state; a plain Yjs client says it with its first state."""
        self.rebuilds = rebuilds
        self.held: Ack | None = None
        """The refusal of a batch that may be sent again; later batches wait for it."""
        self.items = 0
        """Of the updates that came over this connection and were read: its reader is charged for them."""
        self.read: ReadUpdate | None = None
        """An update that is about to be taken (`update_reader`)."""
        self.shows: int | None = None
        """Pixels of the longer side of the largest picture that it shows; None: it has not said."""
        self.until: float | None = None
        """When the token that opened it ends: Unix seconds."""
        self.gone = False
        """The seat was given up: replaced, revoked or left. Nothing that still arrives from it counts."""
