"""Chat, comments and style card of a room."""

from __future__ import annotations

from functools import partial

from antiphon_engines.api import EngineUnavailable
from antiphon_proto.document.comments import ATTR_COMMENT
from antiphon_proto.document.style import StyleCard, StyleMeasures
from antiphon_proto.errors import AntiphonError, ErrorCode, RateLimited, TooLarge
from antiphon_proto.messages import AddComment, AddReply, Error, Learned, LearnStyle, Say
from antiphon_server.chat.chat import Chat, calls_ai
from antiphon_server.chat.comments import Comments
from antiphon_server.chat.comments import Request as CommentRequest
from antiphon_server.chat.moved_comments import MovedComments
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import Member
from antiphon_server.core.ranges import located
from antiphon_server.core.rights import Right, require
from antiphon_server.core.seat import Seat
from antiphon_server.document.authorship import Owner
from antiphon_server.document.change import Change
from antiphon_server.document.side_roots import FITS, Fields, SideRoots
from antiphon_server.document.state import SERVER, SERVER_ORIGIN
from antiphon_server.performers.stage import Performers
from antiphon_server.runs.supervisor import RunSupervisor
from antiphon_server.story.coauthor import Coauthor
from antiphon_server.token_bucket import Buckets
from antiphon_server.work.style_reading import StyleReader

_LONGEST = 256 * 1024
"""Bytes of a passage that a style is learned from."""


class Conversation:
    def __init__(
        self, room: RoomContext, supervisor: RunSupervisor, coauthor: Coauthor, style: StyleReader | None
    ) -> None:
        limits = room.limits
        self._room = room
        self._style = style
        self._lessons = Buckets(limits.lessons_per_minute / 60, limits.lesson_burst, room.monotonic, 1000)
        self._coauthor = coauthor
        self.chat = Chat(room, limits.max_chat)
        self.comments = Comments(room, limits.max_comments)
        self.performers = Performers(room, supervisor, coauthor, self.chat, self.comments)
        self._moved = MovedComments(
            lambda name: room.shared.document.marked(name, True),
            lambda name: name.removeprefix(ATTR_COMMENT) in self.comments,
        )

    def load(self) -> None:
        """Read the entries of the document, once it is loaded."""
        self.chat.load()
        self.comments.load()

    def say(self, member: Member, message: Say) -> None:
        """Raises PeerError, Denied or TooLarge. When the AI cannot answer, the message stands, and this raises
        the reason."""
        model = self._room.model("text")
        called = self.performers.roster.called(message.text)
        to_ai = message.to_ai or calls_ai(message.text, "" if model is None else model.name)
        if to_ai or called:
            require(member.role, Right.PROMPT)
        self.chat.say(member.id, message.text)
        if to_ai or called:
            try:
                if called:
                    self.performers.answer_chat(member, message, called)
                else:
                    self._coauthor.answer(member, message, self.chat)
            except AntiphonError:
                self._room.flush()  # its sender sees the message before the reason why nobody answers
                raise

    def remark(self, member: Member, message: CommentRequest) -> None:
        """A comment, or an action on one. Raises as `Comments.handle`; where performers that it calls cannot
        answer, it stands, and this raises the reason."""
        self.comments.handle(member, message)
        if isinstance(message, AddComment | AddReply):
            try:
                self.performers.answer_comment(member, message)
            except AntiphonError:
                self._room.flush()
                raise

    def learn(self, member: Member, message: LearnStyle) -> None:
        """Have a passage measured and tell who asked. Raises PeerError, Conflict, TooLarge, RateLimited or
        EngineUnavailable."""
        room = self._room
        if self._style is None:
            raise EngineUnavailable("this server measures no style")
        if not self._lessons.allow(member.id):
            raise RateLimited("too many passages to learn from; wait a little")
        start, end = located(room, member.id, message.offset, message.start, message.end)
        if end - start > _LONGEST:
            raise TooLarge(f"at most {_LONGEST} bytes are measured at once")
        text = room.shared.document.data()[start:end].decode()

        def done(found: tuple[StyleCard, StyleMeasures] | AntiphonError) -> None:
            if isinstance(found, AntiphonError):
                ref = str(message.learn)
                room.tell(member.id, Error(found.code, found.message[:2000], "learn_style", ref))
            else:
                room.tell(member.id, Learned(message.learn, *found))

        self._style.learn(text, f"{room.id} {member.id}", done)

    def on_moved(self, change: Change, owner: Owner, sender: Seat | None) -> None:
        """Mark commented words again that a person cut and inserts elsewhere."""
        if sender is None or not change.splices:
            return
        for attribute, place in self._moved.follow(owner.author, change.splices):
            marked = self._room.shared.document.format([place], {attribute: True}, SERVER_ORIGIN)
            self._room.commit(marked, SERVER)

    def on_commit(self, change: Change, owner: Owner, sender: Seat | None) -> None:
        """Repair invalid fields of style card and codex that a client wrote, and tell the sender."""
        for root in FITS if sender is not None else ():
            if root not in change.roots:
                continue
            wrong, former = list[str](), change.roots[root]
            document = self._room.shared.document
            repair = document.note(partial(_mend, root, former, wrong), SERVER_ORIGIN)
            self._room.commit(repair, SERVER)
            if wrong and sender is not None:
                self._tell(sender.participant, root, f"{', '.join(wrong)[:500]} is invalid")

    def authors(self) -> set[str]:
        """Who said something that the room still holds."""
        return self.chat.authors() | self.comments.authors()

    def _tell(self, participant: str, root: str, what: str) -> None:
        self._room.tell(participant, Error(ErrorCode.INVALID, f"{root}: {what}", "edit", root))


def _mend(root: str, former: Fields, wrong: list[str], side: SideRoots) -> None:
    wrong += side.mend(root, former)
