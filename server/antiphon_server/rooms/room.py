"""A room: builds the shared context and the parts, connects them, and drives them.

Synchronous and free of sockets and tasks: connections bring messages, `tick` sends the gathered changes. Everything
that changes the document passes `RoomContext.commit`; every client gets it, merged and encoded once, with the next tick
and its offset. The hub ticks the room some milliseconds after `wake`; a test does it by hand.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, suppress
from functools import partial

from antiphon_proto.errors import CloseCode, ProtocolViolation
from antiphon_proto.messages import (
    ClientMessage,
    GoAway,
    ModelInfo,
    Models,
    Resync,
    RunInfo,
    Steps,
    Stop,
)
from antiphon_proto.sync import SyncStep1, SyncStep2, SyncUpdate, YMessage
from antiphon_server.canvas.painter import Painter
from antiphon_server.core.context import RoomContext
from antiphon_server.core.long_work import LongWork, finished
from antiphon_server.core.members import Member
from antiphon_server.core.repairs import Repairs
from antiphon_server.core.seat import Grant, JoinRequest, Seat
from antiphon_server.document.canvas import Canvas
from antiphon_server.document.change import InvalidUpdate
from antiphon_server.document.document import index_of
from antiphon_server.document.state import SERVER, SERVER_ORIGIN
from antiphon_server.document.story_pieces import StoryPieces
from antiphon_server.document.updates.item_index import ItemIndex
from antiphon_server.film.voices.room_voices import FilmVoices
from antiphon_server.history.undo import UndoRedo
from antiphon_server.history.versions import Timeline
from antiphon_server.jam.session import JamSession
from antiphon_server.net.frames import Outlet
from antiphon_server.rooms.admission import Admission
from antiphon_server.rooms.conversation import Conversation
from antiphon_server.rooms.dispatch import Dispatcher
from antiphon_server.rooms.edits import Edits
from antiphon_server.rooms.folder import Folder
from antiphon_server.rooms.moderation import Moderation
from antiphon_server.rooms.pace import Pace
from antiphon_server.rooms.receiver import Receiver
from antiphon_server.rooms.reports import Reports
from antiphon_server.rooms.services import Services
from antiphon_server.runs.supervisor import RunSupervisor
from antiphon_server.store.api import Quarantined, StoredRoom
from antiphon_server.story.coauthor import Coauthor
from antiphon_server.story.codex import RoomCodex
from antiphon_server.story.corrections import Corrections
from antiphon_server.story.proposals import Proposals
from antiphon_server.story.revisions import Revisions
from antiphon_server.story.suggestions import Suggestions
from antiphon_server.trust.ledger import Ledger
from antiphon_server.work.jobs import Copy


class Room:
    """`index` and `pieces` (of the story) are of the stored snapshot, where it was read already. `wake` is called when
    a tick has something to do. With `at_once` false `opened` must be awaited before anything else. Both raise
    StorageUnavailable or DocumentBroken when `stored` cannot be read."""

    def __init__(
        self,
        stored: StoredRoom,
        services: Services,
        wake: Callable[[Room], None],
        index: ItemIndex | None = None,
        *,
        pieces: StoryPieces | None = None,
        at_once: bool = True,
    ) -> None:
        self._services = services
        self.context = context = RoomContext(
            stored,
            store=services.store,
            limits=services.limits,
            clock=services.clock,
            mint=services.mint,
            models=services.models,
            recounts=services.recounts,
            wake=partial(wake, self),
            index=index,
            pieces=pieces,
        )
        self.id, self.pause = context.id, context.pause
        self.shared, self.runs, self.members = context.shared, context.runs, context.members
        self.long_work = LongWork(context.pause)
        self.ledger = Ledger(context, stored.ledger, services.signer)
        self._reports = Reports(context, self.ledger)
        self._closed = False
        self._opening = self._open(stored)
        if at_once:
            for _ in self._opening:
                pass

    def _open(self, stored: StoredRoom) -> Iterator[None]:
        """Bring the room to the state in the store, with a stop after each entry."""
        services, context = self._services, self.context
        yield from context.log.replayed(stored, services.suspects, services.beacon)
        self.shared.trace.keep_runs({run.info.id for run in self.runs if not run.info.undone})
        yield from context.actions.load()
        self._build(stored)
        self._listen()
        self.conversation.load()
        yield from self.shared.document.canvas.survey()
        context.commit(self.shared.document.draw(Canvas.modernise, SERVER_ORIGIN), SERVER)
        self.jam_session.revive(stored.alive_ms, context.limits.empty_timeout)

    def _build(self, stored: StoredRoom) -> None:
        """Make the parts; the context holds the whole document."""
        services, context = self._services, self.context
        suspect = partial(services.suspects.refuses, self.id)
        self._admission = Admission(context)
        self._folder = Folder(context, services.documents, self._admission.remember)
        self._edits = Edits(context, self._admission.show, suspect)
        self._supervisor = supervisor = RunSupervisor(context, services.engine)
        self.moderation = Moderation(context, supervisor)
        self._painter = Painter(context, supervisor, services.assets)
        self._codex = RoomCodex(context, services.codex)
        coauthor = Coauthor(context, supervisor, self._codex)
        self.conversation = Conversation(context, supervisor, coauthor, services.style)
        self.timeline = Timeline(context, self.conversation.comments.ids)
        self._voices = FilmVoices(context, supervisor, services.assets, services.lines)
        self.jam_session = JamSession(context, supervisor, stored, services.sound)
        undo = UndoRedo(
            context, lambda member, run: supervisor.stop(member, Stop(run)), self.jam_session.reconduct
        )
        suggestions = Suggestions(context, supervisor, undo)
        dispatcher = Dispatcher(
            context,
            self._edits,
            supervisor,
            coauthor,
            self._painter,
            suggestions,
            self.conversation,
            Revisions(
                context,
                supervisor,
                coauthor,
                suggestions,
                self.conversation.chat,
                self.conversation.performers.undo,
                self.conversation.performers.again,
            ),
            Corrections(context, supervisor, services.proofreader),
            Proposals(context),
            self._admission,
            self.jam_session,
            undo,
            self.moderation,
            services.use_model,
        )
        self._receiver = Receiver(
            context, services.beacon, self.ledger, dispatcher, self._edits, self._admission
        )
        self._repairs = Repairs(context)

    def _listen(self) -> None:
        """Connect the parts. Commented words are marked first; repairs come before the parts that read the canvas and
        the jam."""
        listeners, conversation, jam = self.context.listeners, self.conversation, self.jam_session
        listeners.committed += [
            conversation.on_moved,
            self._repairs.on_commit,
            conversation.on_commit,
            jam.on_commit,
            conversation.performers.news.on_commit,
            self._codex.on_commit,
            self._voices.on_commit,
        ]
        listeners.left.append(jam.on_left)
        listeners.welcomed += [jam.on_welcome, conversation.performers.on_welcome, self._codex.on_welcome]
        listeners.performers.append(conversation.performers.roster.participants)
        listeners.authors.append(conversation.authors)

    async def opened(self) -> Room:
        """Bring the room to the state in the store, in slices."""
        pace = Pace()
        for _ in self._opening:
            await pace.rest()
        return self

    # Reading ---------------------------------------------------------------------------------------------

    @property
    def aside(self) -> Sequence[Quarantined]:
        """Pieces of its history that could not be applied, and are kept aside."""
        return self.context.log.aside

    def online(self) -> int:
        """Connections now seated."""
        return self.members.online

    def run_infos(self) -> tuple[RunInfo, ...]:
        """The runs that everybody may see."""
        return self.runs.visible_to("")

    def text(self) -> str:
        return self.shared.document.text()

    def copy(self) -> Copy:
        """The story, to be read by a helper process."""
        return Copy(self.shared.document.updates(), self.shared.authorship.serialise())

    def paused(self) -> AbstractContextManager[None]:
        """While this is entered the story stays as it is: messages to the room wait, and runs do."""
        return self.pause.entered()

    # Coming and going ----------------------------------------------------------------------------------

    def join(self, outlet: Outlet, request: JoinRequest) -> Seat:
        """Take a place: sends `welcome` and the missing state. Raises ProtocolViolation with the close code
        (REVOKED, ROOM_FULL, UNAUTHORIZED, DRAINING); then nothing was sent."""
        if self._closed:
            raise ProtocolViolation("the room is closing", CloseCode.DRAINING)
        known = self.members.knows(request)
        member, session = self.members.admit(request, self.moderation.link(request.grant))
        if not known:
            self.moderation.came(member)
        self.context.flush()  # the newcomer gets the state at one offset
        return self._admission.seat(member, session, outlet, request)

    async def ready_for(self, request: JoinRequest) -> None:
        """Return when a newcomer can be told the whole of a long document without delay to others. Join it at once."""
        if request.dialect != "native" or self._closed or not self._folder.due:
            return  # a plain client asks for what it lacks (`ready_to_tell`)
        if request.resume is None:
            if not self._admission.awaits:
                await self._folder.fold()
        elif not self._admission.covers(request.resume):
            await self._stand_still()

    async def ready_to_tell(self, seat: Seat, message: ClientMessage | YMessage) -> None:
        """The same, before a message is handled that may ask for the whole."""
        if seat.gone or not self._folder.due or not seat.rebuilds.ready:
            return
        if isinstance(message, Resync):
            await self._stand_still()
        elif isinstance(message, SyncStep1 | SyncStep2 | SyncUpdate) and not self._admission.remembers:
            with suppress(InvalidUpdate):  # it is answered for where it is handled
                if self._admission.asks_for_all(seat, message):
                    await self._folder.fold()

    async def _stand_still(self) -> None:
        """Have the state exactly as it is: who has a copy already must not be told an older one."""
        with self.paused():
            await self._folder.fold_exactly()

    def enrol(self, grant: Grant, name: str) -> Member:
        """A plain Yjs client that is to have a pass of its own becomes a member. Raises ProtocolViolation as `join`."""
        if self._closed:
            raise ProtocolViolation("the room is closing", CloseCode.DRAINING)
        request = JoinRequest(grant, name, 0, dialect="yjs")
        member = self.members.enrol(request, self.moderation.link(grant))
        self.moderation.came(member)
        self.context.wake()
        return member

    def leave(self, seat: Seat) -> None:
        """The connection is gone. Idempotent; a replaced seat's late leave harms nobody."""
        self.context.leave(seat)

    # Arrivals ------------------------------------------------------------------------------------------

    def receive(self, seat: Seat, message: ClientMessage) -> None:
        """Handle one message (`hello`, `ping` and `fragment` are the connection's). Never raises for a peer's fault."""
        finished(self._receiver.native(seat, message))

    def receiving(self, seat: Seat, message: ClientMessage) -> Iterator[None]:
        """The same, with a stop after each part of long work (`core.long_work`)."""
        return self._receiver.native(seat, message)

    def receive_yjs(self, seat: Seat, message: YMessage) -> None:
        """The same for a plain y-websocket client."""
        finished(self._receiver.yjs(seat, message))

    def receiving_yjs(self, seat: Seat, message: YMessage) -> Iterator[None]:
        """The same, with a stop after each part of long work."""
        return self._receiver.yjs(seat, message)

    def settle_jam(self) -> None:
        """Write the recording until now to the store."""
        self.jam_session.close()
        self.tick()

    # Time ------------------------------------------------------------------------------------------------

    def tick(self) -> bool:
        """Send the gathered changes: one merged update, acks, run states, presence. Called by the hub, or a test.

        Returns whether something is left for the next tick (presence that may not be sent yet).
        """
        with self._services.beacon.serving(self.id, "tick"):
            return self._tick()

    def _tick(self) -> bool:
        context = self.context
        # Before their first words: a client ignores words of a run that it does not know.
        self._reports.runs(self.runs.begun())
        if not self.pause.held:
            self._painter.tick()
            self._supervisor.tick()
            self._voices.tick()
            context.actions.tidy()
        self.jam_session.tick()
        self.long_work.tick()
        context.flush()
        context.flush_details()
        self._reports.runs(self.runs.changed())
        now = context.monotonic()
        for participant, frame in context.presence.due(now, self.online()):
            context.send_all(frame, but=participant)
        self._reports.digest(now)
        self.moderation.settle()
        for record in self.members.changed():
            context.journal.add(record)
        context.journal.flush()
        self._reports.store()
        for member_id, counts in context.actions.untold():
            context.tell(member_id, Steps(counts))
        return context.presence.pending or self.jam_session.pending or self._voices.pending or self.pause.held

    def sweep(self) -> None:
        """Periodic work, once a second: heartbeats, runs of a room that everybody left, retries, snapshots, the pace of
        previews."""
        now = self.context.monotonic()
        self.moderation.expire()
        plain = [seat for _, seat in self.members.seated() if seat.dialect == "yjs"]
        self._reports.heartbeat(now, plain)
        self._edits.of_plain.sweep(plain)
        if self.idle_for() >= self.context.limits.empty_timeout:
            self._supervisor.halt_all()
            self.jam_session.halt()
        self._painter.sweep()
        if not self.pause.held:
            self.conversation.performers.sweep()
            self._codex.sweep()
            self._voices.sweep()
        self.jam_session.sweep()
        if self.context.log.long and not self.pause.held and not self._folder.due:
            self.snapshot()
        self.shared.document.forget_state()
        self._admission.sweep()
        self.ledger.sweep()
        self.tick()

    async def tidy(self) -> None:
        """Once a second: long work of a large room, done beside the event loop while the room is paused. Sends a
        digest, and drops records of removed items."""
        document = self.shared.document
        if self.context.log.long and not self.pause.held:
            await self._snapshot_beside()
        if self._reports.digest_due and not self.pause.held:
            await self._reports.digest_in_thread()
        if document.crowded and not self.pause.held:
            with self.paused():
                await self._folder.fold_exactly()
                document.renew(await asyncio.to_thread(index_of, document.state()))

    async def _snapshot_beside(self) -> None:
        updates = self.shared.document.updates()
        if (draft := self.context.log.draft(self.runs)) is None:
            return
        state = await self._folder.made(updates)
        if self._closed:
            return  # it was written at the close
        if state is None:
            self.snapshot()
        else:
            self.context.log.write(draft, state)

    async def compact(self) -> None:
        """Before an idle room is written for the last time: have its state at hand."""
        await self._folder.fold_exactly()

    async def seal(self) -> None:
        """Put everything on disk, and a checkpoint of the ledger. Raises StorageUnavailable."""
        self.ledger.seal()
        self.tick()
        await self._services.store.flush()
        if not self.context.journal.settled:  # the checkpoint, signed when its leaves were on disk
            self.tick()
            await self._services.store.flush()

    def snapshot(self) -> None:
        """Write the document as it is, so that the room loads fast."""
        self.context.log.snapshot(self.runs)

    @property
    def closed(self) -> bool:
        """The room was unloaded and must not be used."""
        return self._closed

    def idle_for(self) -> float:
        """Seconds since the last member left; 0 while a member is connected."""
        return self.context.idle_for()

    @property
    def settled(self) -> bool:
        """Nothing is under way and everything is on disk: the room may leave the memory."""
        return self.context.journal.settled and not self.runs.live() and not self.pause.held

    def go_away(self, reason: str, retry_ms: int) -> None:
        """Tell everybody, before a drain."""
        self.context.tell_all(GoAway(reason, retry_ms))

    def announce_models(self, models: tuple[ModelInfo, ...]) -> None:
        """The engines changed state."""
        self.context.tell_all(Models(models))
        self._supervisor.models_changed()

    async def close(self, code: CloseCode, reason: str = "") -> None:
        """Stop the runs, take no more edits, flush (`durable` is still told), and put everybody out with `code`.

        Raises StorageUnavailable when not everything could be saved; everybody is out all the same."""
        self._closed = True
        self.long_work.finish()
        self._supervisor.halt_all()
        self.jam_session.close()
        self.snapshot()
        self.tick()
        self.context.journal.stop()
        try:
            await self.seal()
        finally:
            for member, seat in self.members.seated():
                seat.outlet.close(code, reason)
                self.context.vacate(member)
