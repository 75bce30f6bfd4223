"""Seats newcomers: sends them the participants, the document and the presences."""

from __future__ import annotations

from antiphon_proto.errors import CloseCode, RateLimited
from antiphon_proto.messages import VERSION, Joined, Limits, Rebuild, Resume, Versions, Welcome
from antiphon_proto.sync import AwarenessState, SyncStep1, SyncStep2, SyncUpdate, YMessage
from antiphon_server.core.context import RoomContext
from antiphon_server.core.delivery import durable
from antiphon_server.core.members import Member
from antiphon_server.core.rights import Right, may, names
from antiphon_server.core.seat import JoinRequest, Seat
from antiphon_server.net.frames import Frame, Outlet, rebuild_frame, sync_frame, yjs_frame
from antiphon_server.token_bucket import Buckets

_REBUILDS_PER_SECOND = 0.5
_REBUILD_BURST = 10
_LARGE = 64 * 1024
"""Bytes of an answer that counts as a rebuild."""


class Admission:
    def __init__(self, room: RoomContext) -> None:
        self._room = room
        self._rebuilds = Buckets(_REBUILDS_PER_SECOND, _REBUILD_BURST, room.monotonic, room.limits.max_known)
        """By member: returning does not refill it."""
        self._synced: tuple[tuple[int, bytes], Frame] | None = None
        """The same for the last answer to a plain Yjs client: its key and its frame."""
        self._rebuilt: tuple[int, str, Frame] | None = None
        """Offset, reason and frame of the last rebuild: who comes at once with others gets the same."""
        self._folded: tuple[int, bytes] | None = None
        """Offset and state of a long document, made elsewhere a moment ago."""

    def seat(self, member: Member, session: str, outlet: Outlet, request: JoinRequest) -> Seat:
        """Give the member this connection instead of the one they may have, in one go."""
        room = self._room
        if (old := member.seat) is not None:
            old.outlet.close(CloseCode.REPLACED, "a newer connection of this session took over")
            room.vacate(member)
        native = request.dialect == "native"
        seat = Seat(
            outlet,
            member.id,
            request.dialect,
            room.ids.lease(member, request.client_id) if native else None,
            self._rebuilds.of(member.id),
        )
        seat.until = request.grant.expires
        room.members.place(member, seat)
        if native:
            self._welcome(member, session, seat, request)
        else:
            seat.outlet.send(yjs_frame(SyncStep1(room.shared.document.state_vector())))
        self.send_presences(seat)
        room.send_all(Frame.of(Joined(member.participant)), but=member.id)
        room.wake()
        return seat

    def rebuild(self, seat: Seat, reason: str) -> None:
        """Send the whole document. Raises RateLimited: it is the dearest thing that a client can ask for."""
        if not seat.rebuilds.allow():
            raise RateLimited("too many rebuilds; wait a little")
        room = self._room
        known = self._rebuilt if self._rebuilt and self._rebuilt[1] == reason else None
        # A newcomer has nothing that a state of a moment ago (`sweep`) could be at odds with. It is told one of a long
        # document only: who takes the first message for the whole would lack the last words.
        if known is None or not (known[0] == room.offset or (reason == "new" and self._recent)):
            offset, state = self._whole() if reason == "new" else (room.offset, room.shared.document.state())
            frame = rebuild_frame(Rebuild(room.lineage, room.epoch, offset, reason, b""), state)
            known = self._rebuilt = offset, reason, frame
        seat.outlet.send(known[2])
        for update in room.delivery.after(known[0]):
            seat.outlet.send(update)

    def sync(self, seat: Seat, vector: bytes) -> None:
        """Send a plain Yjs client the updates that it lacks. It pays for a large answer as for a rebuild; too many of
        them end the connection, since nothing in its protocol says "wait". Raises PeerError."""
        room = self._room
        document = room.shared.document
        offset, state = self._whole() if document.far(vector) else (room.offset, None)
        key = offset, b"" if state is not None else vector
        if self._synced is None or self._synced[0] != key:
            self._synced = key, sync_frame(document.since(vector) if state is None else state)
        frame = self._synced[1]
        if frame.size("yjs") > _LARGE and not seat.rebuilds.allow():
            seat.outlet.close(CloseCode.RATE_LIMITED, "you ask for too much of the document; wait a little")
            return
        seat.outlet.send(frame)
        for update in room.delivery.after(offset):
            seat.outlet.send(update)

    def show(self, seat: Seat) -> None:
        """Send a plain Yjs client the whole, since it changed its copy and may not; it pays as for a rebuild."""
        if seat.rebuilds.allow():
            offset, state = self._whole()
            seat.outlet.send(sync_frame(state))
            for update in self._room.delivery.after(offset):
                seat.outlet.send(update)

    def sweep(self) -> None:
        """Once a second: drop the answers that are kept for clients who come at the same time."""
        self._rebuilt = self._synced = self._folded = None

    def remember(self, offset: int, state: bytes) -> None:
        """The document's state as of an offset, for those who come within the next second."""
        self._folded = offset, state

    @property
    def remembers(self) -> bool:
        """Whether anybody can be told the state of a moment ago, and what came since."""
        return self._folded is not None and self._room.delivery.covers(self._folded[0])

    @property
    def awaits(self) -> bool:
        """Whether the next newcomer can be told such a state."""
        return self.remembers or self._recent

    @property
    def _recent(self) -> bool:
        """Whether the last newcomer was told such a state, and the next one can be."""
        last, room = self._rebuilt, self._room
        shared = last is not None and last[1] == "new" and room.delivery.covers(last[0])
        return shared and room.shared.document.long

    def covers(self, resume: Resume) -> bool:
        """Whether who comes back is told what it lacks rather than the whole."""
        room = self._room
        same = resume.lineage == room.lineage and resume.epoch == room.epoch
        return same and room.delivery.covers(resume.offset)

    def asks_for_all(self, seat: Seat, message: YMessage) -> bool:
        """Whether a plain client will be told the whole. Raises InvalidUpdate."""
        if isinstance(message, SyncStep1):
            return self._room.shared.document.far(message.state_vector)
        edits = isinstance(message, SyncStep2 | SyncUpdate)
        return edits and not may(self._room.member_of(seat).role, Right.EDIT)

    def _whole(self) -> tuple[int, bytes]:
        document = self._room.shared.document
        if self._folded is not None and self.remembers and not document.encoded:
            return self._folded
        return self._room.offset, document.state()

    def send_presences(self, seat: Seat) -> None:
        for frame in self._room.presence.all(but=seat.participant):
            seat.outlet.send(frame)

    def plain_presence(self, member: Member, seat: Seat, state: AwarenessState) -> None:
        """Take a plain Yjs client's own state; states of others that it repeats are ignored. Raises PeerError."""
        board, ids = self._room.presence, self._room.ids
        new = seat.client_id is None and state.state != "null"
        if new and ids.may_use(member, seat, state.client_id):
            ids.use(member, seat, (state.client_id,), own=True)
            seat.client_id = state.client_id
        if state.client_id == seat.client_id and board.set(
            member.participant, state.client_id, state.state, state.clock
        ):
            if state.state == "null":
                seat.client_id = None
            self._room.wake()

    def _welcome(self, member: Member, session: str, seat: Seat, request: JoinRequest) -> None:
        room, resume = self._room, request.resume
        limits = room.limits
        missing = self._missing(member, resume)
        if member.since is None:
            member.since = room.offset
        last_batch = member.record.last_batch
        welcome = Welcome(
            version=VERSION,
            room=room.id,
            participant=member.participant,
            session=session,
            lineage=room.lineage,
            epoch=room.epoch,
            offset=room.offset,
            participants=room.participants(),
            runs=room.runs.visible_to(member.id),
            models=room.models(),
            limits=Limits(
                limits.max_message,
                limits.max_update,
                limits.max_document,
                limits.max_runs,
                limits.edits_per_second,
                limits.max_asset,
                limits.max_asset_pixels,
                limits.max_objects,
                limits.max_points,
                limits.max_chat,
                limits.max_comments,
            ),
            server_ms=room.server_ms(),
            resumed=not missing,
            last_batch=last_batch,
            rights=names(member.role, limits.viewer_rights),
            client_id=seat.client_id or 0,
        )
        seat.outlet.send(Frame.of(welcome))
        if resume is None or missing:
            self.rebuild(seat, missing)
        else:
            for frame in self._room.delivery.after(resume.offset):
                seat.outlet.send(frame)
        room.welcome(seat)
        if last_batch:
            # Its acks may have gone to the connection before this one.
            self._room.journal.when_durable(lambda: durable(seat, last_batch, room.offset))
        seat.outlet.send(Frame.of(room.pass_for(member)))
        if (shares := room.shares()) is not None:
            seat.outlet.send(Frame.of(shares))
        if versions := room.identity.versions:
            seat.outlet.send(Frame.of(Versions(versions)))
        if may(member.role, Right.MODERATE):
            seat.outlet.send(Frame.of(room.links()))

    def _missing(self, member: Member, resume: Resume | None) -> str:
        """Why a client cannot resume; empty when it can."""
        room = self._room
        if resume is None:
            return "new"
        if resume.lineage != room.lineage:
            return "lineage"
        if resume.epoch != room.epoch:
            return "epoch"
        if not self._room.delivery.covers(resume.offset):
            return "offset"
        # Text deleted before one came is history.
        seen = member.since is not None and member.since <= resume.offset
        return "" if seen or may(member.role, Right.HISTORY, room.limits.viewer_rights) else "offset"
