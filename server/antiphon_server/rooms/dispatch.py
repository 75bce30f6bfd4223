"""Dispatches client messages to the parts of a room, after it checked the sender's right."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

from antiphon_engines.api import Modality
from antiphon_proto.errors import Denied, PeerError
from antiphon_proto.messages import (
    Accept,
    AddComment,
    AddReply,
    Ask,
    Choose,
    ClientMessage,
    Conduct,
    DeleteComment,
    DropPerformer,
    Edit,
    LearnStyle,
    Paint,
    Perform,
    Play,
    PutPerformer,
    Recall,
    Redo,
    Reject,
    ReplaceToken,
    ResolveComment,
    Resync,
    Retry,
    Revoke,
    Say,
    SetPresence,
    Steer,
    Stop,
    Suggest,
    Undo,
    UseModel,
    Viewing,
)
from antiphon_server.canvas.painter import Painter
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import Member
from antiphon_server.core.rights import NEEDED, require
from antiphon_server.core.seat import Seat
from antiphon_server.history.undo import UndoRedo
from antiphon_server.jam.session import JamSession
from antiphon_server.rooms.admission import Admission
from antiphon_server.rooms.conversation import Conversation
from antiphon_server.rooms.edits import Edits
from antiphon_server.rooms.moderation import Moderation
from antiphon_server.runs.supervisor import RunSupervisor
from antiphon_server.story.coauthor import Coauthor
from antiphon_server.story.corrections import Corrections
from antiphon_server.story.proposals import Proposals
from antiphon_server.story.revisions import Revisions
from antiphon_server.story.suggestions import Suggestions

log = logging.getLogger(__name__)


_WRITING = (
    Accept
    | AddComment
    | AddReply
    | Choose
    | Conduct
    | DeleteComment
    | DropPerformer
    | PutPerformer
    | Redo
    | Reject
    | ReplaceToken
    | ResolveComment
    | Retry
    | Say
    | Suggest
    | Undo
)
"""Messages that change the document at once, and so need a store that accepts changes."""


class Dispatcher:
    """`use_model` handles an owner's wish for another model; raises PeerError. None: nobody in a room may choose."""

    def __init__(
        self,
        room: RoomContext,
        edits: Edits,
        supervisor: RunSupervisor,
        coauthor: Coauthor,
        painter: Painter,
        suggestions: Suggestions,
        conversation: Conversation,
        revisions: Revisions,
        corrections: Corrections,
        proposals: Proposals,
        admission: Admission,
        jam: JamSession,
        undo: UndoRedo,
        moderation: Moderation,
        use_model: Callable[[Modality, str], None] | None,
    ) -> None:
        self._room = room
        self._edits = edits
        self._supervisor = supervisor
        self._coauthor = coauthor
        self._painter = painter
        self._suggestions = suggestions
        self._conversation = conversation
        self._revisions = revisions
        self._corrections = corrections
        self._proposals = proposals
        self._admission = admission
        self._jam = jam
        self._undo = undo
        self._moderation = moderation
        self._use_model = use_model

    def dispatch(self, member: Member, seat: Seat, message: ClientMessage) -> Iterator[None]:
        """Stops after each part of long work. Raises AntiphonError."""
        if isinstance(message, Edit):
            yield from self._edits.native(member, seat, message)
            return
        right = NEEDED.get(type(message))
        if right is None:
            raise PeerError("this message is not allowed here")
        room = self._room
        require(member.role, right, room.limits.viewer_rights)
        if isinstance(message, _WRITING):
            room.require_writable()
        match message:
            case SetPresence(state):
                room.presence.set(member.participant, seat.client_id or 0, state)
                room.wake()
            case Viewing(side):
                seat.shows = side
            case Ask(task="fix"):
                self._corrections.ask(member, message)
            case Ask():
                self._coauthor.ask(member, message)
            case Paint():
                self._painter.paint(member, message)
            case Play():
                self._jam.play(member, message)
            case Conduct():
                self._jam.conduct(member, message)
            case Perform():
                self._jam.perform(member, message)
            case Stop():
                self._supervisor.stop(member, message)
            case Steer():
                self._supervisor.steer(member, message)
            case Accept():
                yield from self._suggestions.accept(member, message)
            case Reject():
                yield from self._suggestions.reject(member, message)
            case Say():
                self._conversation.say(member, message)
            case LearnStyle():
                self._conversation.learn(member, message)
            case Suggest():
                self._proposals.suggest(member, message)
            case AddComment() | AddReply() | ResolveComment() | DeleteComment():
                self._conversation.remark(member, message)
            case PutPerformer():
                self._conversation.performers.put(message)
            case DropPerformer():
                self._conversation.performers.drop(message)
            case Undo(run) if run is not None:
                yield from self._revisions.undo(member, run)
            case Choose():
                self._revisions.choose(member, message)
            case Retry():
                yield from self._revisions.retry(member, message)
            case Recall():
                self._revisions.recall(member, message)
            case ReplaceToken():
                self._revisions.replace(member, message)
            case Undo(_, surface, step):
                yield from self._undo.back(member, surface, step)
            case Redo(surface, step):
                yield from self._undo.again(member, surface, step)
            case Revoke(participant, everywhere):
                self._moderation.remove(member, participant, everywhere)
            case UseModel(modality, model):
                if self._use_model is None:
                    raise Denied("which model serves is not chosen here")
                self._use_model(modality, model)
            case Resync(reason):
                log.debug("room %s: %s asks for a rebuild: %r", room.id, member.id, reason)
                room.flush()
                self._admission.rebuild(seat, "resync")


def reference(message: ClientMessage) -> tuple[str, str]:
    """The tag of a request, and its number or run."""
    tag = str(message.__struct_config__.tag)
    match message:
        case Ask(ask=number) | Conduct(conduct=number) | Retry(ask=number) | ReplaceToken(ask=number):
            return tag, str(number)
        case Paint(paint=number) | Say(say=number) | Perform(perform=number):
            return tag, str(number)
        case Undo(run=None, step=number) | Redo(step=number):
            return tag, str(number) if number else ""
        case Suggest(suggest=number):
            return tag, str(number)
        case AddComment(id=key) | AddReply(comment=key) | ResolveComment(comment=key):
            return tag, key
        case DeleteComment(comment=key) | PutPerformer(id=key) | DropPerformer(id=key):
            return tag, key
        case Stop(run) | Steer(run) | Accept(run) | Reject(run) | Choose(run) | Recall(run) | Undo(run):
            return tag, run or ""
        case Revoke(participant):
            return tag, participant
        case UseModel(modality):
            return tag, modality
        case LearnStyle(learn=number):
            return tag, str(number)
    return tag, ""
