"""The state of one room, and the operations on it that all parts of the room share.

`RoomContext` owns the document, the members, the runs, the journal and the delivery of frames. Parts (chat, comments,
canvas, jam, runs) take it in their constructors. It knows none of them: they register listeners (`RoomListeners`),
which are called in the order of registration.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeAlias, cast

from msgspec import Struct, field

from antiphon_proto.lanes import Lane
from antiphon_proto.messages import (
    Left,
    Links,
    Message,
    ModelInfo,
    Participant,
    Pass,
    Preview,
    Role,
    Shares,
    Tokens,
)
from antiphon_server.clock import Clock
from antiphon_server.core.action_log import ActionLog, Hand
from antiphon_server.core.client_ids import ClientIds
from antiphon_server.core.delivery import Delivery
from antiphon_server.core.event_log import EventLog
from antiphon_server.core.journal import Journal
from antiphon_server.core.members import AI, PROOFREADER, Member, Members
from antiphon_server.core.pause import Pause
from antiphon_server.core.presence import PresenceBoard
from antiphon_server.core.resume_ring import Ring
from antiphon_server.core.run_places import RunPlaces
from antiphon_server.core.run_registry import RunRegistry
from antiphon_server.core.seat import Grant, Mint, Seat
from antiphon_server.core.token_log import TokenLog
from antiphon_server.document.authorship import Owner
from antiphon_server.document.change import Change
from antiphon_server.document.recount import Recounts
from antiphon_server.document.shares import shares
from antiphon_server.document.state import OURS, SERVER, SERVER_ORIGIN, Credits, SharedState
from antiphon_server.document.story_pieces import StoryPieces
from antiphon_server.document.updates.item_index import ItemIndex
from antiphon_server.net.frames import Frame
from antiphon_server.room_limits import RoomLimits
from antiphon_server.store.api import (
    JamEntry,
    JamTrim,
    RoomRecord,
    RoomStore,
    StorageUnavailable,
    StoredRoom,
)

LONG_STORY: Final = 256 * 1024
"""Bytes of a story from which reports on the whole are not made on the event loop."""


class CommitListener(Protocol):
    def __call__(self, change: Change, owner: Owner, sender: Seat | None) -> None:
        """A change was accounted for and waits for the next tick. `sender`: the connection that sent it, None when the
        server made it. May commit further changes."""


Authors: TypeAlias = Callable[[], set[str]]
"""Returns ids of participants."""


class RoomListeners(Struct):
    """Callables of the room's parts; each list is called in its order."""

    committed: list[CommitListener] = field(default_factory=list)
    welcomed: list[Callable[[Seat], None]] = field(default_factory=list)
    """A native newcomer has the document; messages about streams may follow."""
    left: list[Callable[[str], None]] = field(default_factory=list)
    """A participant's seat was given up."""
    authors: list[Authors] = field(default_factory=list)
    """Participants whose work a part holds; they are not forgotten."""
    performers: list[Callable[[], Sequence[Participant]]] = field(default_factory=list)
    """AI participants that a part brings in."""


class RoomContext:
    """`wake` asks for a tick. Raises DocumentBroken when the snapshot cannot be read."""

    def __init__(
        self,
        stored: StoredRoom,
        *,
        store: RoomStore,
        limits: RoomLimits,
        clock: Clock,
        mint: Mint,
        models: Callable[[], tuple[ModelInfo, ...]],
        recounts: Recounts,
        wake: Callable[[], None],
        index: ItemIndex | None = None,
        pieces: StoryPieces | None = None,
    ) -> None:
        self.id, self.lineage = stored.record.id, stored.record.lineage
        self.epoch = secrets.token_hex(8)
        self.limits = limits
        self.monotonic = clock.monotonic
        """Seconds."""
        self.unix_ms = clock.unix_ms
        self.server_ms = clock.server_ms
        """The time that clients know, in milliseconds."""
        self.models = models
        self.wake = wake
        """Ask for a tick."""
        self.listeners = RoomListeners()
        self.pause = Pause()
        self._identity = stored.record
        self._mint = mint
        self.shared = SharedState(limits, stored.snapshot, index, pieces=pieces)
        self.journal = Journal(store, self.id, limits.journal_bytes, clock.monotonic)
        self.tokens = TokenLog(limits.max_tokens_kept, stored.tokens, self.journal.add, clock.unix_ms)
        since = stored.snapshot.seq if stored.snapshot else 0
        self.places = RunPlaces(self.shared.anchors, stored.runs, since)
        self.log = EventLog(self.shared, self.places, self.journal, limits, clock.unix_ms, self.id, recounts)
        self.actions = ActionLog(self.shared, clock.unix_ms)
        self.runs = RunRegistry(limits, stored.runs, self._forget_run)
        self.members = Members(
            limits,
            stored.members,
            traces=self._authors,
            forgotten=self._forget_member,
            unix_ms=clock.unix_ms,
        )
        self.presence = PresenceBoard(limits.presence_interval, clock.unix_ms() // 1000)
        self.ids = ClientIds(self.members, self._id_taken)
        self.delivery = Delivery(Ring(limits.resume_frames, limits.resume_bytes), self.journal)
        self.told_shares: Shares | None = None
        """The shares of authorship that everybody was told last."""
        self._after: list[Frame] = []
        """Sent at the tick, after the update that they are about."""
        self._empty_since = clock.monotonic()

    # State -----------------------------------------------------------------------------------------------

    @property
    def offset(self) -> int:
        """Offset of the last update that was sent."""
        return self.delivery.offset

    @property
    def seq(self) -> int:
        """Number of the last entry of the history."""
        return self.log.seq

    @property
    def identity(self) -> RoomRecord:
        """The stored record of the room: lineage, invite links, named versions."""
        return self._identity

    def put_identity(self, record: RoomRecord) -> None:
        """Replace the record of the room, here and in the store."""
        self._identity = record
        self.journal.add(record)

    def model(self, modality: str) -> ModelInfo | None:
        """The model that serves a modality; None when there is none."""
        return next((model for model in self.models() if model.modality == modality), None)

    def writable(self) -> bool:
        """Whether the store accepts changes now."""
        return self.journal.available

    def require_writable(self) -> None:
        """Raises StorageUnavailable when the store accepts no changes."""
        if not self.writable():
            raise self.journal.problem or StorageUnavailable("too much waits for the disk")

    def participants(self) -> tuple[Participant, ...]:
        """Everybody who is connected, and everybody who made something that stands in the document."""
        shared = self.shared
        authors = shared.authorship.shares().keys() | shared.people()
        known = (member for member in self.members if member.seat is not None or member.id in authors)
        proofs = any(run.info.author == PROOFREADER.id for run in self.runs)
        brought = (one for some in self.listeners.performers for one in some())
        return (AI, *((PROOFREADER,) if proofs else ()), *brought, *(member.participant for member in known))

    def shares(self) -> Shares | None:
        """How many characters each author wrote: of a long story as everybody was told last, if they were."""
        if self.shared.document.length >= LONG_STORY:
            return self.told_shares
        return Shares(self.offset, *shares(self.shared))

    def link_ids(self) -> dict[Role, str]:
        """Role -> id of its invite link."""
        return cast(dict[Role, str], dict(self._identity.links))

    def links(self) -> Links:
        """The standing invite links, one for each role."""
        return Links({role: self._mint(Grant(self.id, role, link)) for role, link in self.link_ids().items()})

    def pass_for(self, member: Member) -> Pass:
        """A token of the member's own. It ends when their membership does."""
        record = member.record
        ends = None if record.expires_ms is None else record.expires_ms / 1000
        path = self._mint(Grant(self.id, member.role, record.link, member.id, ends))
        return Pass(path.partition("#")[2])

    # Changes ---------------------------------------------------------------------------------------------

    def commit(
        self,
        change: Change | None,
        owner: Owner,
        sender: Seat | None = None,
        credits: Credits | None = None,
        hand: Hand | None = None,
    ) -> None:
        """Account for a change of the document. It goes to the store and, with the next tick, to every client.

        `hand`: the action that it belongs to, where that is not a run's own. None as `change` is ignored.
        """
        if change is None:
            return
        if hand is None and owner.run is not None and self.runs.knows(owner.run):
            hand = self.actions.hand_of(owner, self.runs.get(owner.run).info)
        mark = self.actions.mark(change, hand)
        by = sender.participant if sender else None
        inherited = self.shared.take(change, owner, self.delivery.next_offset, by, credits, mark)
        self.actions.note(change, hand)
        self.log.enter(change.update, owner, credits)
        self.delivery.add(change.update, sender)
        if inherited:
            # A person typed inside a run's text: their words are not the run's.
            plain = self.shared.document.format(inherited, dict.fromkeys(OURS), SERVER_ORIGIN)
            self.commit(plain, SERVER)
        for listener in self.listeners.committed:
            listener(change, owner, sender)
        self.wake()

    def record(self, change: JamEntry | JamTrim) -> None:
        """Write a piece of the jam's recording to the store."""
        self.journal.add(change)

    # Frames ----------------------------------------------------------------------------------------------

    def send_all(self, frame: Frame, but: str = "") -> None:
        """Send to every connection, except that of participant `but`."""
        for member, seat in self.members.seated():
            if member.id != but:
                seat.outlet.send(frame)

    def tell(self, participant: str, message: Message) -> None:
        """Send to one participant, if they are connected."""
        member = self.members.get(participant)
        if member is not None and member.seat is not None:
            member.seat.outlet.send(Frame.of(message))

    def tell_all(self, message: Message) -> None:
        """Send to everybody. Token details wait for the tick's update: they follow the text that they describe."""
        if isinstance(message, Tokens):
            self._after.append(Frame.of(message))
        elif isinstance(message, Preview):
            self.send_all(Frame.of(message, slot=message.run))
        else:
            self.send_all(Frame.of(message))

    def flush(self) -> None:
        """Send the changes that have gathered, now, under the next offset."""
        self.delivery.flush([seat for _, seat in self.members.seated()])

    def flush_details(self) -> None:
        """Send the token details whose text was flushed."""
        after, self._after = self._after, []
        for frame in after:
            self.send_all(frame)

    def viewers(self) -> Sequence[Seat]:
        """The connections that previews go to."""
        return [seat for _, seat in self.members.seated() if seat.dialect == "native"]

    def forget_previews(self, run: str) -> None:
        """Discard previews of a run that still wait for slow clients."""
        for _, seat in self.members.seated():
            seat.outlet.forget(Lane.PREVIEW, run)

    # Connections -----------------------------------------------------------------------------------------

    def member_of(self, seat: Seat) -> Member:
        member = self.members.get(seat.participant)
        assert member is not None
        return member

    def leave(self, seat: Seat) -> None:
        """The connection is gone. Idempotent; the late call of a replaced seat has no effect."""
        if seat.gone:
            return
        member = self.member_of(seat)
        self.vacate(member)
        self.send_all(Frame.of(Left(member.id)))
        if not self.members.online:
            self._empty_since = self.monotonic()

    def vacate(self, member: Member) -> None:
        """Take the member's seat away; messages that still arrive over it are ignored."""
        if member.seat is None:
            return
        seat = member.seat
        self.members.place(member, None)
        seat.gone = True
        for listener in self.listeners.left:
            listener(member.id)
        self.ids.vacate(seat)
        if (frame := self.presence.drop(seat.client_id, member.id)) is not None:
            self.send_all(frame)

    def welcome(self, seat: Seat) -> None:
        """A native newcomer has the document: tell them about current streams."""
        for listener in self.listeners.welcomed:
            listener(seat)
        self.actions.welcome(seat.participant)

    def idle_for(self) -> float:
        """Seconds since the last member left; 0 while somebody is connected."""
        return 0.0 if self.members.online else self.monotonic() - self._empty_since

    # Callbacks -------------------------------------------------------------------------------------------

    def _id_taken(self, client: int) -> bool:
        """Whether a Yjs client id stands in the document, is the server's own, or is that of a run's cursor."""
        document = self.shared.document
        return client in document.clocks or client == document.client_id or self.presence.knows(client)

    def _forget_member(self, member: Member) -> None:
        self.actions.forget(member.id)
        self.ids.forget(member)

    def _forget_run(self, run: str) -> None:
        self.actions.forget_run(run)
        self.tokens.forget(run)
        self.places.forget(run)

    def _authors(self) -> set[str]:
        """Participants who made something that the room still holds."""
        shared = self.shared
        parts = (authors() for authors in self.listeners.authors)
        asked = {run.info.participant for run in self.runs}
        return asked.union(shared.authorship.shares(), shared.people(), shared.past(), *parts)
