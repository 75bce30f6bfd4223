"""Rights: one table by role, one by message, and the rights that a server's settings add to a role."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum, auto
from typing import cast

from antiphon_proto.errors import Denied
from antiphon_proto.messages import (
    Accept,
    AddComment,
    AddReply,
    Ask,
    Choose,
    Conduct,
    DeleteComment,
    DropPerformer,
    Edit,
    LearnStyle,
    Message,
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
    RightName,
    Role,
    Say,
    SetPresence,
    Steer,
    Stop,
    Suggest,
    Undo,
    UseModel,
    Viewing,
)


class Right(Enum):
    """In the order in which a client is told of them."""

    SEE = auto()
    EDIT = auto()
    PROMPT = auto()
    CONDUCT = auto()
    CHAT = auto()
    COMMENT = auto()
    HISTORY = auto()
    RESTORE = auto()
    FORK = auto()
    MODERATE = auto()


RIGHTS: dict[Role, frozenset[Right]] = {
    "owner": frozenset(Right),
    "editor": frozenset(Right) - {Right.FORK, Right.MODERATE},
    "viewer": frozenset({Right.SEE}),
}

NEEDED: dict[type[Message], Right] = {
    Edit: Right.EDIT,
    SetPresence: Right.SEE,
    Viewing: Right.SEE,
    Ask: Right.PROMPT,
    Paint: Right.PROMPT,
    Play: Right.EDIT,
    Conduct: Right.CONDUCT,
    Perform: Right.CONDUCT,
    Stop: Right.PROMPT,  # one's own run; another's needs MODERATE
    Steer: Right.PROMPT,  # likewise
    Retry: Right.PROMPT,  # and EDIT, where it removes something
    Accept: Right.EDIT,
    Reject: Right.EDIT,
    Choose: Right.EDIT,
    ReplaceToken: Right.EDIT,
    Recall: Right.SEE,
    LearnStyle: Right.EDIT,
    Say: Right.CHAT,  # to the AI: and PROMPT
    Suggest: Right.EDIT,  # its words stand in the story, and are counted, before they are decided
    AddComment: Right.COMMENT,
    AddReply: Right.COMMENT,
    ResolveComment: Right.COMMENT,
    DeleteComment: Right.COMMENT,  # one's own; another's needs MODERATE
    Undo: Right.EDIT,
    Redo: Right.EDIT,
    Revoke: Right.MODERATE,
    PutPerformer: Right.EDIT,  # it may be given the right to edit
    DropPerformer: Right.EDIT,
    UseModel: Right.MODERATE,  # and the server's settings
    Resync: Right.SEE,
}


def may(role: Role, right: Right, viewers: Iterable[RightName] = ()) -> bool:
    """Whether `role` has the right; `viewers` names the rights that the settings give viewers."""
    return right in RIGHTS[role] or (role == "viewer" and _name(right) in viewers)


def require(role: Role, right: Right, viewers: Iterable[RightName] = ()) -> None:
    """Raises Denied."""
    if not may(role, right, viewers):
        raise Denied(f"a {role} does not have the right to {_WORDS[right]} in this room")


def names(role: Role, viewers: Iterable[RightName] = ()) -> tuple[RightName, ...]:
    """The rights of a role, as a client is told of them."""
    return tuple(_name(right) for right in Right if may(role, right, viewers))


def _name(right: Right) -> RightName:
    return cast(RightName, right.name.lower())


_WORDS = {right: right.name.lower() for right in Right} | {Right.HISTORY: "read the history"}
