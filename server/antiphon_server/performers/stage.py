"""The performers at work: called in the chat or in a comment, or by a pause, each takes its turn as a run."""

from __future__ import annotations

import logging
import secrets
from collections.abc import Sequence
from typing import Final, Literal

import msgspec
from msgspec import to_builtins
from msgspec.structs import replace

from antiphon_engines.api import ChatLine, Persona, QueueFull, TextRequest
from antiphon_proto.document.comments import AddComment, AddReply
from antiphon_proto.document.performers import PerformerRight, participant_id
from antiphon_proto.errors import AntiphonError
from antiphon_proto.messages import DropPerformer, Joined, Performer, PutPerformer, Say
from antiphon_proto.params import TextParams
from antiphon_server.chat.chat import Chat
from antiphon_server.chat.comments import Comments
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import Member
from antiphon_server.core.ranges import located
from antiphon_server.core.rights import Right, may, require
from antiphon_server.core.run_registry import SEED_BITS, Order, RunEntry
from antiphon_server.core.seat import Seat
from antiphon_server.document.authorship import Owner
from antiphon_server.net.frames import Frame
from antiphon_server.performers.news import News
from antiphon_server.performers.performer_run import PerformerRun, Scene
from antiphon_server.performers.roster import Roster
from antiphon_server.performers.wording import look_at, remarked_on
from antiphon_server.runs.supervisor import RunSupervisor
from antiphon_server.story.coauthor import Coauthor
from antiphon_server.story.prompt_window import window
from antiphon_server.story.recall import consulted

log = logging.getLogger(__name__)
_ANSWER: Final = TextParams(max_tokens=240, temperature=0.5, alternatives=0)


class Performers:
    """Only people, and agents, can call a performer: words of performers are never read for calls. So none answers
    itself or another one."""

    def __init__(
        self,
        room: RoomContext,
        supervisor: RunSupervisor,
        coauthor: Coauthor,
        chat: Chat,
        comments: Comments,
    ) -> None:
        self._room = room
        self._supervisor = supervisor
        self._coauthor = coauthor
        self._chat = chat
        self._comments = comments
        self.roster = Roster(room)
        self.news = News(room)

    # The roster --------------------------------------------------------------------------------------------

    def put(self, wish: PutPerformer) -> None:
        """Add or change a performer. Raises PeerError, Conflict, NotFound (of a model) or TooLarge."""
        if wish.model:
            self._coauthor.chosen(wish.model)
        record = self.roster.put(wish)
        self._room.tell_all(Joined(self.roster.participant(record)))
        self._room.tell_all(self.roster.message())

    def drop(self, message: DropPerformer) -> None:
        """Remove a performer; its runs stop. Raises NotFound."""
        record = self.roster.drop(message.id)
        author = participant_id(message.id)
        for run in self._room.runs.live():
            if run.info.author == author:
                self._supervisor.halt(run)
        self._room.tell_all(Joined(self.roster.participant(record)))
        self._room.tell_all(self.roster.message())

    def on_welcome(self, seat: Seat) -> None:
        """Tell a newcomer who plays here."""
        if self.roster.here():
            seat.outlet.send(Frame.of(self.roster.message()))

    # Calls -------------------------------------------------------------------------------------------------

    def answer_chat(self, member: Member, say: Say, called: Sequence[Performer]) -> None:
        """Start the answers of those that a message, which stands in the chat, called. Raises AntiphonError."""
        document = self._room.shared.document
        at = (
            document.length
            if say.at is None
            else located(self._room, member.id, say.offset, say.at, say.at)[0]
        )
        lines = self._coauthor.talk(member, self._chat)
        for performer in called:
            asked = self.roster.without_calls(say.text) or say.text
            view, recalled = consulted(document.data(), at, asked)
            request = TextRequest(
                task="chat",
                before=view.before,
                after=view.after,
                instruction=asked,
                chat=(*lines[:-1], ChatLine(member.participant.name, asked)),
                recalled=recalled,
            )
            scene = Scene(self._room.shared.anchors.passage(at, at), at, entry=self._chat.new_id())
            run = self._begin(performer, member, request, scene)
            self._chat.say(participant_id(performer.id), "", run=run.info.id, entry=scene.entry)

    def answer_comment(self, member: Member, message: AddComment | AddReply) -> None:
        """Start the answers of those that a comment, or a reply to it, called. Raises Denied, or as `answer_chat`."""
        called = self.roster.called(message.text)
        if not called:
            return
        require(member.role, Right.PROMPT)
        key = message.id if isinstance(message, AddComment) else message.comment
        comment = self._comments.get(key)
        ranges = self._comments.passage(key)
        document = self._room.shared.document
        start, end = ranges[0] if ranges else (document.length, document.length)
        names = {one.id: one.name for one in (*self._room.participants(), member.participant)}
        thread = [
            (comment["author"], comment["text"]),
            *((one["author"], one["text"]) for one in comment["replies"]),
        ]
        *earlier, _ = [ChatLine(names.get(author, "Guest"), text) for author, text in thread]
        for performer in called:
            view = window(document.data(), end, end)
            asked = self.roster.without_calls(message.text) or message.text
            order = remarked_on(comment["quote"], asked)
            request = TextRequest(
                task="chat",
                before=view.before,
                after=view.after,
                instruction=order,
                chat=(*earlier[-7:], ChatLine(member.participant.name, order)),
            )
            about = self._room.shared.anchors.passage(start, end)
            self._begin(performer, member, request, Scene(about, start, comment=key))

    # By themselves -----------------------------------------------------------------------------------------

    def sweep(self) -> None:
        """Once a second: where people pause, those that may look at new text do."""
        if not self.news.due():
            return
        watching = [one for one in self.roster.here() if one.unasked]
        start, end = self.news.take()
        document = self._room.shared.document
        if not watching or start == end or not self._room.members.online or not self._room.writable():
            return
        passage = document.data()[start:end].decode(errors="replace")
        for performer in watching:
            view = window(document.data(), end, end)
            order = look_at(passage)
            request = TextRequest(
                task="chat",
                before=view.before,
                after=view.after,
                instruction=order,
                chat=(ChatLine("", order),),
            )
            about = self._room.shared.anchors.passage(start, end)
            try:
                self._begin(performer, None, request, Scene(about, start))
            except AntiphonError as error:
                log.debug("room %s: %s says nothing: %s", self._room.id, performer.name, error)

    # Runs --------------------------------------------------------------------------------------------------

    def undo(self, member: Member, run: RunEntry) -> None:
        """Take away a run's notes beside the story."""
        owner = Owner(member.id, run.info.id)
        if run.info.target:
            self._chat.remove(run.info.target, owner)
        self._comments.take_back(run.info.id, owner)

    def again(self, member: Member, run: RunEntry, ask: int) -> None:
        """Ask for the same again, where it was asked for, once the run's work is gone. Raises NotFound where the
        performer is gone, and as `answer_chat`."""
        info = run.info
        performer = self.roster.get(info.author.removeprefix(participant_id("")))
        shown = msgspec.json.decode(run.record.prompt)
        request = TextRequest(
            task="chat",
            before=shown["before"],
            after=shown["after"],
            instruction=info.instruction,
            chat=tuple(msgspec.convert(shown["chat"], list[ChatLine])),
        )
        anchors, length = self._room.shared.anchors, self._room.shared.document.length
        if info.target in self._comments:
            ranges = self._comments.passage(info.target)
            start, end = ranges[0] if ranges else (length, length)
            scene = Scene(anchors.passage(start, end), start, comment=info.target)
        else:
            scene = Scene(anchors.passage(length, length), length, entry=self._chat.new_id())
        begun = self._begin(performer, member, request, scene, ask=ask, origin=info.id)
        if scene.entry:
            self._chat.say(info.author, "", run=begun.info.id, entry=scene.entry)

    def _begin(
        self,
        performer: Performer,
        member: Member | None,
        request: TextRequest,
        scene: Scene,
        *,
        ask: int = 0,
        origin: str = "",
    ) -> RunEntry:
        """Raises AntiphonError; then there is no run, and nothing is spent."""
        room, own = self._room, participant_id(performer.id)
        self.roster.check(performer.id, asked=member is not None)
        asker = own if member is None else member.id
        room.runs.check_room_for(asker)
        if member is None and any(run.info.author == own for run in room.runs.live()):
            raise QueueFull("it is still at work")
        rights = _rights(performer, member)
        params = replace(_ANSWER, seed=secrets.randbits(SEED_BITS))
        request = replace(
            request,
            params=params,
            style=self._coauthor.style(),
            persona=Persona(performer.name, performer.brief, _notes(rights)),
            model=self._coauthor.chosen(performer.model),
        )
        order = replace(self._order(asker, own, rights, request, scene), ask=ask, origin=origin)
        run = room.runs.start(order, room.unix_ms())
        engine = self._supervisor.engine
        work = PerformerRun(run, room, engine, self._chat, self._comments, rights, scene)
        self._supervisor.hold(work)
        try:
            self._supervisor.submit(work, request)
        except AntiphonError:
            self._supervisor.refuse(work)
            raise
        self.roster.spend(performer.id, asked=member is not None)
        room.tell_all(self.roster.message())
        return run

    def _order(
        self, asker: str, own: str, rights: Sequence[PerformerRight], request: TextRequest, scene: Scene
    ) -> Order:
        shown = {
            "before": request.before,
            "after": request.after,
            "chat": to_builtins(request.chat),
            "persona": to_builtins(request.persona),
        }
        if request.style:
            shown["style"] = to_builtins(request.style)
        if request.recalled:
            shown["recalled"] = request.recalled
        return Order(
            ask=0,
            participant=asker,
            author=own,
            task="performer",
            mode="suggest" if "suggest" in rights and "edit" not in rights else "write",
            instruction=request.instruction[:4000],
            length=request.params.max_tokens,
            seed=request.params.seed or 0,
            model=request.model or self._coauthor.model_name(),
            params=msgspec.json.encode(request.params).decode(),
            prompt=msgspec.json.encode(shown).decode(),
            target=scene.entry or scene.comment,
        )


def _notes(rights: Sequence[PerformerRight]) -> Literal["", "remarks", "words"]:
    if "suggest" in rights or "edit" in rights:
        return "words"
    return "remarks" if rights else ""


def _rights(performer: Performer, member: Member | None) -> tuple[PerformerRight, ...]:
    """The rights of its run: no more than the asker's. One that nobody asked changes no text by itself."""
    if member is None:
        return tuple(right for right in performer.rights if right != "edit")
    edits = may(member.role, Right.EDIT)
    return tuple(right for right in performer.rights if edits or right == "comment")
