"""A room: the shared document, who is in it, and what each of them may do.

Synchronous and free of sockets and tasks: connections bring messages, `tick` sends what has gathered. Everything that
changes the document passes `commit`; everybody gets it, merged and encoded once, with the next tick and its offset.
The hub ticks the room some milliseconds after `wake`; a test does it by hand.

Longer than most files because all parts meet here; what they do is in their own files (`requests`, `edits`,
`delivery`, `reception`, `coauthor`, `suggestions`, `presence`, `journal`, `logbook`).
"""

from __future__ import annotations

import logging
import secrets
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager
from functools import partial
from typing import TypeAlias, cast

from msgspec import Struct, field

from antiphon_engines.api import Modality
from antiphon_proto.comments import ATTR_COMMENT
from antiphon_proto.errors import (
    AntiphonError,
    CloseCode,
    Denied,
    ErrorCode,
    PeerError,
    ProtocolViolation,
)
from antiphon_proto.lanes import Lane
from antiphon_proto.messages import (
    ClientMessage,
    Digest,
    Edit,
    Error,
    GoAway,
    Left,
    Links,
    Message,
    ModelInfo,
    Models,
    Participant,
    Pass,
    Preview,
    Role,
    Run,
    RunInfo,
    Shares,
    StepKind,
    Steps,
    Stop,
    Tokens,
)
from antiphon_proto.sync import Awareness, QueryAwareness, SyncStep1, SyncStep2, SyncUpdate, YMessage
from antiphon_server.asset_desk import AssetDesk
from antiphon_server.authorship import Owner, Span
from antiphon_server.bandstand import Bandstand
from antiphon_server.beacon import Beacon
from antiphon_server.canvas import Canvas, Mended
from antiphon_server.client_ids import ClientIds
from antiphon_server.clock import Clock
from antiphon_server.coauthor import Coauthor
from antiphon_server.correcting import Corrections
from antiphon_server.delivery import Delivery
from antiphon_server.document import Change
from antiphon_server.edits import Edits
from antiphon_server.frames import Frame, Outlet
from antiphon_server.journal import Journal
from antiphon_server.logbook import Logbook
from antiphon_server.long_work import LongWork, finished
from antiphon_server.members import Member, Members
from antiphon_server.moderation import Moderation
from antiphon_server.moved_comments import MovedComments
from antiphon_server.pace import Pace
from antiphon_server.painter import Painter
from antiphon_server.pause import Pause
from antiphon_server.plain_edits import PlainEdits
from antiphon_server.presence import PresenceBoard
from antiphon_server.proofreader import Proofreader
from antiphon_server.reception import Reception
from antiphon_server.recount import Recounts
from antiphon_server.requests import Requests, reference
from antiphon_server.revisions import Revisions
from antiphon_server.rights import Right, may
from antiphon_server.ring import Ring
from antiphon_server.room_limits import RoomLimits
from antiphon_server.run_places import RunPlaces
from antiphon_server.runs import RunEntry, RunRegistry
from antiphon_server.seat import Grant, JoinRequest, Seat
from antiphon_server.shared import OURS, SERVER, SERVER_ORIGIN, Credits, SharedState
from antiphon_server.shares import shares
from antiphon_server.sound import Sound
from antiphon_server.stage import Engine, Stage
from antiphon_server.store.api import (
    JamEntry,
    JamTrim,
    Quarantined,
    RoomRecord,
    RoomStore,
    StorageUnavailable,
    StoredRoom,
)
from antiphon_server.style_reading import StyleReader
from antiphon_server.suggestions import Suggestions
from antiphon_server.suspects import Suspects
from antiphon_server.talk import Talk
from antiphon_server.timeline import Timeline
from antiphon_server.token_log import TokenLog
from antiphon_server.undo import Hand, Undo
from antiphon_server.work_jobs import Copy
from antiphon_server.yindex import ItemIndex

log = logging.getLogger(__name__)

Mint: TypeAlias = Callable[[Grant], str]
"""Grant -> path with a join token in its fragment, for `links` and `pass`."""
_HEARTBEAT = 15.0
"""Seconds between two awareness heartbeats to plain Yjs clients, which forget after 30."""
_MENDED_TOLD = 8
"""Objects of one edit that its sender is told about."""


class Services(Struct, frozen=True):
    """What all rooms of a gateway share."""

    store: RoomStore
    engine: Engine | None
    limits: RoomLimits
    clock: Clock
    mint: Mint
    models: Callable[[], tuple[ModelInfo, ...]]
    assets: AssetDesk | None = None
    sound: Sound = field(default_factory=Sound)
    proofreader: Proofreader | None = None
    beacon: Beacon = field(default_factory=Beacon)
    suspects: Suspects = field(default_factory=Suspects)
    style: StyleReader | None = None
    """None: nobody learns a style here."""
    use_model: Callable[[Modality, str], None] | None = None
    """An owner's wish for another model; raises PeerError. None: nobody in a room may choose."""
    recounts: Recounts = field(default_factory=Recounts)


class Room:
    """`index` is of the stored snapshot, when that was read already. `wake` is called when a tick has something to do.
    With `at_once` false `opened` must be awaited before anything else. Both raise StorageUnavailable or DocumentBroken
    when `stored` cannot be read."""

    def __init__(
        self,
        stored: StoredRoom,
        services: Services,
        wake: Callable[[Room], None],
        index: ItemIndex | None = None,
        *,
        at_once: bool = True,
    ) -> None:
        limits, clock = services.limits, services.clock
        self.id = stored.record.id
        self.lineage = stored.record.lineage
        self.epoch = secrets.token_hex(8)
        self._record = stored.record
        self._services = services
        self._wake = wake
        self.shared = SharedState(limits, stored.snapshot, index)
        self.undo: Undo = Undo(self)
        self._journal = Journal(services.store, self.id, limits.journal_bytes, clock.monotonic)
        self.tokens = TokenLog(limits.max_tokens_kept, stored.tokens, self._journal.add, clock.unix_ms)
        since = stored.snapshot.seq if stored.snapshot else 0
        self._places = RunPlaces(self.shared.anchors, stored.runs, since)
        self._log = Logbook(
            self.shared, self._places, self._journal, limits, clock.unix_ms, self.id, services.recounts
        )
        self.runs = RunRegistry(limits, stored.runs, self._forget_run)
        self.members = Members(
            limits,
            stored.members,
            traces=self._traces,
            forgotten=self._forget_member,
            unix_ms=clock.unix_ms,
        )
        self.presence = PresenceBoard(limits.presence_interval, clock.unix_ms() // 1000)
        self.ids = ClientIds(self.members, self._taken)
        self._delivery = Delivery(Ring(limits.resume_frames, limits.resume_bytes), self._journal)
        suspect = partial(services.suspects.refuses, self.id)
        self._edits = Edits(
            self.shared,
            self._delivery,
            self._journal,
            self.commit,
            self._hand,
            self.ids,
            lambda take: PlainEdits(lambda: self.shared.document, take, self.state_for, clock.monotonic),
            suspect,
        )
        self._stage = Stage(self, services.engine)
        self.moderation = Moderation(self, self._stage)
        self._painter = Painter(self, self._stage, services.assets)
        self._suggestions = Suggestions(self, self._stage)
        self._reception = Reception(self, self._delivery, self._journal)
        coauthor = Coauthor(self, self._stage, self.tokens, self._places)
        self.talk = Talk(self, limits, coauthor, services.style)
        self.pause = Pause()
        self.long_work = LongWork(self.pause)
        self.timeline = Timeline(self)
        self._moved = MovedComments(
            lambda name: self.shared.document.marked(name, True),
            lambda name: name.removeprefix(ATTR_COMMENT) in self.talk.comments,
        )
        revisions = Revisions(self, self._stage, coauthor, self._suggestions, self.talk.chat)
        self._after: list[Frame] = []
        self._digested = -1
        self._digest_at = self._heartbeat_at = float("-inf")
        self._empty_since = clock.monotonic()
        self._told: AntiphonError | None = None
        self._closed = False
        self._opening = self._open(stored, coauthor, revisions)
        if at_once:
            for _ in self._opening:
                pass

    def _open(self, stored: StoredRoom, coauthor: Coauthor, revisions: Revisions) -> Iterator[None]:
        """Bring the room to what the store has, with a stop after each entry."""
        services, limits = self._services, self._services.limits
        yield from self._log.replayed(stored, services.suspects, services.beacon)
        self.shared.trace.keep_runs({run.info.id for run in self.runs if not run.info.undone})
        self.undo.load()
        self._bandstand = Bandstand(self, self._stage, limits.jam, stored, services.sound)
        self._requests = Requests(
            self,
            self._edits,
            self._stage,
            coauthor,
            self._painter,
            self._suggestions,
            self.talk,
            revisions,
            Corrections(self, self._stage, services.proofreader),
            self._reception,
            self._bandstand,
        )
        self.talk.load()
        self.commit(self.shared.document.draw(Canvas.modernise, SERVER_ORIGIN), SERVER)
        self._bandstand.revive(_alive_ms(stored), limits.empty_timeout)

    async def opened(self) -> Room:
        """Bring the room to what the store has, in slices."""
        pace = Pace()
        for _ in self._opening:
            await pace.rest()
        return self

    # What can be seen --------------------------------------------------------------------------------

    @property
    def offset(self) -> int:
        """Of the last update that was sent."""
        return self._delivery.offset

    @property
    def seq(self) -> int:
        """Of the last entry of the history."""
        return self._log.seq

    @property
    def aside(self) -> Sequence[Quarantined]:
        """What of its history could not be applied, and is kept aside."""
        return self._log.aside

    @property
    def identity(self) -> RoomRecord:
        """What is kept of the room itself."""
        return self._record

    @property
    def limits(self) -> RoomLimits:
        return self._services.limits

    def use_model(self, modality: Modality, name: str) -> None:
        """Raises Denied, NotFound, EngineUnavailable."""
        if self._services.use_model is None:
            raise Denied("which model serves is not chosen here")
        self._services.use_model(modality, name)

    def models(self) -> tuple[ModelInfo, ...]:
        return self._services.models()

    def monotonic(self) -> float:
        return self._services.clock.monotonic()

    def unix_ms(self) -> int:
        return self._services.clock.unix_ms()

    def server_ms(self) -> float:
        return self._services.clock.server_ms()

    def online(self) -> int:
        """Connections now seated."""
        return self.members.online

    def link_ids(self) -> dict[Role, str]:
        """Role -> id of the invite link that stands for it."""
        return cast(dict[Role, str], dict(self._record.links))

    def links(self) -> Links:
        """The standing invite links, one for each role."""
        mint = self._services.mint
        return Links({role: mint(Grant(self.id, role, link)) for role, link in self.link_ids().items()})

    def pass_for(self, member: Member) -> Pass:
        """A token of the member's own. It ends when the link that they came by ends or would have."""
        record = member.record
        ends = None if record.expires_ms is None else record.expires_ms / 1000
        path = self._services.mint(Grant(self.id, member.role, record.link, member.id, ends))
        return Pass(path.partition("#")[2])

    def participants(self) -> tuple[Participant, ...]:
        """Who is here, and who wrote something that stands in the text."""
        return self._reception.participants()

    def run_infos(self) -> tuple[RunInfo, ...]:
        """The runs that everybody may see."""
        return self.runs.visible_to("")

    def text(self) -> str:
        return self.shared.document.text()

    def copy(self) -> Copy:
        """The story, to be read by a helper process."""
        return Copy(self.shared.document.state(), self.shared.authorship.serialise())

    def paused(self) -> AbstractContextManager[None]:
        """While this is entered the story stays as it is: what comes for the room waits, and runs do."""
        return self.pause.entered()

    def swept(self, member: Member) -> bool:
        """Whether a member gets the document without what was deleted: they have no right to the history."""
        return not may(member.role, Right.HISTORY, self.limits.viewer_rights)

    def state_for(self, member: Member, vector: bytes | None = None) -> bytes:
        """The document, or what a copy of state vector `vector` lacks of it, as a member may see it. Raises
        InvalidUpdate."""
        document = self.shared.document
        if self.swept(member):
            return document.swept_since(vector)
        return document.state() if vector is None else document.since(vector)

    def shares(self) -> Shares:
        """Who wrote how many characters."""
        return Shares(self.offset, *shares(self.shared))

    def authorship(self) -> Iterator[Span]:
        """Who wrote the text, from its beginning; lengths are UTF-8 bytes."""
        return self.shared.authorship.spans()

    # Coming and going ----------------------------------------------------------------------------------

    def join(self, outlet: Outlet, request: JoinRequest) -> Seat:
        """Take a place: sends `welcome` and what the client lacks. Raises ProtocolViolation with the close code
        (REVOKED, ROOM_FULL, UNAUTHORIZED, DRAINING); then nothing was sent."""
        if self._closed:
            raise ProtocolViolation("the room is closing", CloseCode.DRAINING)
        known = self.members.knows(request)
        member, session = self.members.admit(request, self.moderation.link(request.grant))
        if not known:
            self.moderation.came(member)
        self.flush()  # what the newcomer is told is the state at one offset
        return self._reception.seat(member, session, outlet, request)

    def leave(self, seat: Seat) -> None:
        """The connection is gone. Idempotent; a replaced seat's late leave harms nobody."""
        if seat.gone:
            return
        member = self._member(seat)
        self.vacate(member)
        self.send_all(Frame.of(Left(member.id)))
        if not self.online():
            self._empty_since = self.monotonic()

    def vacate(self, member: Member) -> None:
        """The member's seat is void from now on."""
        if member.seat is None:
            return
        seat = member.seat
        self.members.place(member, None)
        seat.gone = True
        self._bandstand.left(member.id)
        self.ids.vacate(seat)
        if (frame := self.presence.drop(seat.client_id, member.id)) is not None:
            self.send_all(frame)

    # What arrives ---------------------------------------------------------------------------------------

    def receive(self, seat: Seat, message: ClientMessage) -> None:
        """Handle one message (`hello`, `ping` and `fragment` are the connection's). Never raises for a peer's fault."""
        finished(self.receiving(seat, message))

    def receiving(self, seat: Seat, message: ClientMessage) -> Iterator[None]:
        """The same, with a stop after each part of what takes long (`long_work`)."""
        update = message.update if isinstance(message, Edit) else None
        return self._served(seat, type(message).__name__, update, partial(self._receive, seat, message))

    def receive_yjs(self, seat: Seat, message: YMessage) -> None:
        """The same for a plain y-websocket client."""
        finished(self.receiving_yjs(seat, message))

    def receiving_yjs(self, seat: Seat, message: YMessage) -> Iterator[None]:
        """The same, with a stop after each part of what takes long."""
        update = message.update if isinstance(message, SyncStep2 | SyncUpdate) else None
        return self._served(seat, type(message).__name__, update, partial(self._receive_yjs, seat, message))

    def _served(
        self, seat: Seat, name: str, update: bytes | None, begin: Callable[[], Iterator[None]]
    ) -> Iterator[None]:
        if seat.gone:
            return
        work = begin()
        while True:
            with self._services.beacon.serving(self.id, name, update):
                try:
                    next(work)
                except StopIteration:
                    return
            yield

    def _receive(self, seat: Seat, message: ClientMessage) -> Iterator[None]:
        member = self._member(seat)
        try:
            yield from self._requests.handle(member, seat, message)
        except ProtocolViolation as error:
            seat.outlet.close(error.close_code, error.message)
        except AntiphonError as error:
            tag, ref = reference(message)
            seat.outlet.send(Frame.of(Error(error.code, error.message[:2000], tag, ref)))
            if not isinstance(error, PeerError):
                log.warning("room %s: %s failed: %s", self.id, tag, error)

    def _receive_yjs(self, seat: Seat, message: YMessage) -> Iterator[None]:
        member = self._member(seat)
        try:
            match message:
                case SyncStep1(state_vector):
                    self.flush()
                    self._reception.sync(member, seat, state_vector)
                case SyncStep2(update) | SyncUpdate(update):
                    yield from self._edits.plain(member, seat, update, live=isinstance(message, SyncUpdate))
                case Awareness(states):
                    for state in states:
                        self._reception.plain_presence(member, seat, state)
                case QueryAwareness():
                    self._reception.send_presences(seat)
        except ProtocolViolation as error:
            seat.outlet.close(error.close_code, error.message)
        except PeerError as error:
            seat.outlet.close(CloseCode.MALFORMED, error.message)

    def put_record(self, record: RoomRecord) -> None:
        """Keep what is known of the room itself."""
        self._record = record
        self._journal.add(record)

    # What changes ---------------------------------------------------------------------------------------

    def commit(
        self,
        change: Change | None,
        owner: Owner,
        sender: Seat | None = None,
        credits: Credits | None = None,
        hand: Hand | None = None,
    ) -> None:
        """Account for a change of the document; it goes to the store and, with the next tick, to everybody. `hand` is
        whose action it belongs to, where it is not a run's own."""
        if change is None:
            return
        hand = hand or self.undo.hand_of(owner)
        mark = self.undo.mark(change, hand)
        by = sender.participant if sender else None
        inherited = self.shared.take(change, owner, self._delivery.next_offset, by, credits, mark)
        self.undo.note(change, hand)
        self._log.enter(change.update, owner, credits)
        self._delivery.add(change.update, sender)
        if inherited:
            # A person typed inside a run's text: their words are not the run's.
            plain = self.shared.document.format(inherited, dict.fromkeys(OURS), SERVER_ORIGIN)
            self.commit(plain, SERVER)
        if sender is not None and change.splices:
            for attribute, place in self._moved.follow(owner.author, change.splices):
                marked = self.shared.document.format([place], {attribute: True}, SERVER_ORIGIN)
                self.commit(marked, SERVER)
        if (change.objects or change.jam) and owner != SERVER:
            self._mend(change, owner, sender)
        if change.roots and sender is not None:
            self.talk.mend(change.roots, sender.participant)
        if change.jam:
            self._bandstand.edited(change.jam, owner)
        self.wake()

    def _mend(self, change: Change, owner: Owner, sender: Seat | None) -> None:
        """What may not stand on the canvas or in the jam is put right before anybody sees it; its sender is told."""
        limits, shared = self.limits, self.shared
        mended: list[Mended] = []
        if change.objects:
            mending, mended = shared.document.mend(
                change.objects, limits.max_objects, limits.max_points, SERVER_ORIGIN
            )
            self.commit(mending, SERVER)
        if change.jam:
            mending, more = shared.document.mend_jam(change.jam, owner.author, shared.maker, SERVER_ORIGIN)
            self.commit(mending, SERVER)
            mended += more
        for one in mended[:_MENDED_TOLD]:
            if sender is not None:
                key = one.id[:64]
                error = Error(ErrorCode.INVALID, f"object {key}: {one.what}", "edit", key)
                self.tell(sender.participant, error)

    def stop_run(self, member: Member, run: str) -> None:
        """Raises NotFound, Denied, or Conflict when it is over."""
        self._stage.stop(member, Stop(run))

    def _hand(self, member: str, change: Change | None, step: StepKind) -> Hand | None:
        return self.undo.edit(member, change, step)

    def record(self, change: JamEntry | JamTrim) -> None:
        self._journal.add(change)

    def settle_jam(self) -> None:
        """Hand over what was played until now."""
        self._bandstand.close()
        self._journal.flush()

    def greet(self, seat: Seat) -> None:
        """A newcomer has the document: what streams now follows."""
        self._bandstand.welcome(seat)
        self.undo.welcome(seat.participant)

    def writable(self) -> bool:
        return self._journal.available

    def require_writable(self) -> None:
        """Raises StorageUnavailable."""
        if not self.writable():
            raise self._journal.problem or StorageUnavailable("too much waits for the disk")

    def wake(self) -> None:
        self._wake(self)

    # What is sent ---------------------------------------------------------------------------------------

    def tick(self) -> bool:
        """Send what has gathered: one merged update, acks, run states, presence. Called by the hub, or a test.

        Returns whether something is left for the next tick (presence that may not be sent yet).
        """
        with self._services.beacon.serving(self.id, "tick"):
            return self._tick()

    def _tick(self) -> bool:
        # Before their first words: of a run that nobody knows they would go nowhere.
        self._announce(self.runs.begun())
        if not self.pause.held:
            self._painter.tick()
            self._stage.tick()
        self._bandstand.tick()
        self.long_work.tick()
        self.flush()
        after, self._after = self._after, []
        for frame in after:
            self.send_all(frame)
        self._announce(self.runs.changed())
        now = self.monotonic()
        for participant, frame in self.presence.due(now, self.online()):
            self.send_all(frame, but=participant)
        self._digest(now)
        self.moderation.settle()
        for record in self.members.changed():
            self._journal.add(record)
        self._journal.flush()
        self._tell_of_store()
        for member_id, counts in self.undo.untold():
            self.tell(member_id, Steps(counts))
        return self.presence.pending or self._bandstand.pending or self.pause.held

    def sweep(self) -> None:
        """What is done once a second: heartbeats, runs of a room that everybody left, retries, snapshots, the
        pace of previews."""
        now = self.monotonic()
        self.moderation.expire()
        if now - self._heartbeat_at >= _HEARTBEAT:
            self._heartbeat_at = now
            plain = [seat for _, seat in self.members.seated() if seat.dialect == "yjs"]
            if plain and (frame := self.presence.heartbeat()) is not None:
                for seat in plain:
                    seat.outlet.send(frame)
        self._edits.of_plain.sweep([seat for _, seat in self.members.seated() if seat.dialect == "yjs"])
        if self.idle_for() >= self.limits.empty_timeout:
            self._stage.halt_all()
            self._bandstand.halt()
        self._painter.sweep()
        self._bandstand.sweep()
        if self._log.long and not self.pause.held:
            self.snapshot()
        self.shared.document.forget_state()
        self._reception.sweep()
        self.tick()

    def snapshot(self) -> None:
        """Write the document as it is, so that the room loads fast."""
        self._log.snapshot(self.runs)

    @property
    def closed(self) -> bool:
        """It was let go: nothing may be done in it any more."""
        return self._closed

    def idle_for(self) -> float:
        """Seconds since the last one left; 0 while somebody is here."""
        return 0.0 if self.online() else self.monotonic() - self._empty_since

    @property
    def settled(self) -> bool:
        """Nothing is under way and everything is on disk: the room may leave the memory."""
        return self._journal.settled and not self.runs.live() and not self.pause.held

    def send_all(self, frame: Frame, but: str = "") -> None:
        for member, seat in self.members.seated():
            if member.id != but:
                seat.outlet.send(frame)

    def tell(self, participant: str, message: Message) -> None:
        member = self.members.get(participant)
        if member is not None and member.seat is not None:
            member.seat.outlet.send(Frame.of(message))

    def tell_all(self, message: Message) -> None:
        """Token details wait for the tick's update: they follow the text that they are about."""
        if isinstance(message, Tokens):
            self._after.append(Frame.of(message))
        elif isinstance(message, Preview):
            self.send_all(Frame.of(message, slot=message.run))
        else:
            self.send_all(Frame.of(message))

    def viewers(self) -> list[Seat]:
        """The connections that previews go to."""
        return [seat for _, seat in self.members.seated() if seat.dialect == "native"]

    def forget_previews(self, run: str) -> None:
        """A preview of this run that still waits for a slow client is not sent any more."""
        for _, seat in self.members.seated():
            seat.outlet.forget(Lane.PREVIEW, run)

    def go_away(self, reason: str, retry_ms: int) -> None:
        """Tell everybody, before a drain."""
        self.tell_all(GoAway(reason, retry_ms))

    def announce_models(self, models: tuple[ModelInfo, ...]) -> None:
        """The engines changed state."""
        self.tell_all(Models(models))
        self._stage.models_changed()

    async def close(self, code: CloseCode, reason: str = "") -> None:
        """Stop the runs, take no more edits, flush (`durable` is still told), and put everybody out with `code`.

        Raises StorageUnavailable when not everything could be saved; everybody is out all the same."""
        self._closed = True
        self.long_work.finish()
        self._stage.halt_all()
        self._bandstand.close()
        self.snapshot()
        self.tick()
        self._journal.stop()
        try:
            await self._services.store.flush()
        finally:
            for member, seat in self.members.seated():
                seat.outlet.close(code, reason)
                self.vacate(member)

    def flush(self) -> None:
        """Send the changes that have gathered, now, under the next offset."""
        self._delivery.flush([seat for _, seat in self.members.seated()])

    def _announce(self, runs: Iterable[RunEntry]) -> None:
        for run in runs:
            self._journal.add(run.record)
            first = 0 if run.announced else run.ask
            run.announced = True
            own = Run(self.offset, run.info, first)
            self.tell(run.info.participant, own)
            if not run.private:
                self.send_all(Frame.of(Run(self.offset, run.info)), but=run.info.participant)

    def _digest(self, now: float) -> None:
        if self._digested != self.offset and now - self._digest_at >= self.limits.digest_interval:
            self._digest_at = now
            self._digested = self.offset
            self.tell_all(Digest(self.offset, self.shared.document.digest()))
            self.tell_all(self.shares())

    def _tell_of_store(self) -> None:
        """People see when nothing can be saved, once per failure."""
        problem = self._journal.problem
        if problem is not None and self._told is None:
            self.tell_all(Error(problem.code, f"edits cannot be saved now: {problem}"[:2000], "edit"))
        self._told = problem

    # Small parts ----------------------------------------------------------------------------------------

    def _taken(self, client: int) -> bool:
        """Whether a Yjs client id stands in the document, or is the server's own or one of its hands'."""
        document = self.shared.document
        return client in document.clocks or client == document.client_id or self.presence.knows(client)

    def _forget_member(self, member: Member) -> None:
        self.undo.forget(member.id)
        self.ids.forget(member)

    def _forget_run(self, run: str) -> None:
        """The room does not keep this run any more, nor what it could be taken back by."""
        self.undo.forget_run(run)
        self.tokens.forget(run)
        self._places.forget(run)

    def _traces(self) -> set[str]:
        """Who made something that the room still holds: they stay known."""
        shared = self.shared
        asked = {run.info.participant for run in self.runs}
        return asked | set(shared.authorship.shares()) | shared.people() | shared.past() | self.talk.authors()

    def _member(self, seat: Seat) -> Member:
        member = self.members.get(seat.participant)
        assert member is not None
        return member

    def model(self, modality: str) -> ModelInfo | None:
        """The model that would answer."""
        return next((model for model in self.models() if model.modality == modality), None)


def _alive_ms(stored: StoredRoom) -> float:
    """When the room was last known to be in use, by what it wrote."""
    written = [entry.at_ms for entry in stored.entries[-1:]]
    return max(
        [stored.record.created_ms, stored.jam_ms, *written, stored.snapshot.at_ms if stored.snapshot else 0]
    )
