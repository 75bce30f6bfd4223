"""A room: the shared document, who is in it, and what each of them may do. (Signatures; the body follows.)"""

from __future__ import annotations

from antiphon_proto.errors import CloseCode
from antiphon_proto.messages import ClientMessage, ModelInfo, Role
from antiphon_proto.sync import YMessage
from antiphon_server.frames import Outlet
from antiphon_server.seat import JoinRequest, Seat


class Room:
    id: str
    epoch: str
    lineage: str
    offset: int

    def join(self, outlet: Outlet, request: JoinRequest) -> Seat:
        """Take a place: sends `welcome` and what the client lacks. Raises ProtocolViolation with the close code
        (REVOKED, ROOM_FULL, UNAUTHORIZED, DRAINING); then nothing was sent."""
        raise NotImplementedError

    def receive(self, seat: Seat, message: ClientMessage) -> None:
        """Handle one message (`hello`, `ping` and `fragment` are the connection's). Never raises for a peer's fault."""
        raise NotImplementedError

    def receive_yjs(self, seat: Seat, message: YMessage) -> None:
        """The same for a plain y-websocket client."""
        raise NotImplementedError

    def leave(self, seat: Seat) -> None:
        """The connection is gone. Idempotent; a replaced seat's late leave harms nobody."""
        raise NotImplementedError

    def tick(self) -> None:
        """Send what has gathered: one merged update, run states, presence, acks. Called by the hub, or a test."""
        raise NotImplementedError

    def go_away(self, reason: str, retry_ms: int) -> None:
        """Tell everybody, before a drain."""
        raise NotImplementedError

    def announce_models(self, models: tuple[ModelInfo, ...]) -> None:
        """The engines changed state."""
        raise NotImplementedError

    def online(self) -> int:
        """Connections now seated."""
        raise NotImplementedError

    def link_ids(self) -> dict[Role, str]:
        """Role -> id of the invite link in force (a token with another link lets only known sessions in)."""
        raise NotImplementedError

    async def close(self, code: CloseCode, reason: str = "") -> None:
        """Stop the runs, put everybody out with `code`, and flush."""
        raise NotImplementedError
