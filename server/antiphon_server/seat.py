"""One connection's place in a room, and what it takes to get one."""

from __future__ import annotations

from msgspec import Struct

from antiphon_proto.messages import Resume, Role
from antiphon_server.frames import Dialect, Outlet


class Grant(Struct, frozen=True):
    """What a verified join token says. `link` is the id of the invite link that it was made for."""

    room: str
    role: Role
    link: str


class JoinRequest(Struct, frozen=True):
    """`hello`, after its token was verified. `session` is the secret of an earlier `welcome`."""

    grant: Grant
    name: str
    client_id: int
    session: str | None = None
    resume: Resume | None = None
    dialect: Dialect = "native"


class Seat:
    """One connection's place. Made by `Room.join`; the room changes it, others only read it."""

    __slots__ = ("client_id", "dialect", "gone", "outlet", "participant", "role")

    def __init__(
        self, outlet: Outlet, participant: str, role: Role, dialect: Dialect, client_id: int | None
    ) -> None:
        self.outlet = outlet
        self.participant = participant
        self.role = role
        self.dialect = dialect
        self.client_id = client_id
        """Yjs client id of its awareness state; a plain Yjs client says it with its first state."""
        self.gone = False
        """The seat was given up: replaced, revoked or left. Nothing that still arrives from it counts."""
