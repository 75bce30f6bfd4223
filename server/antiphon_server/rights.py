"""Who may do what: one table for roles, one for messages."""

from __future__ import annotations

from enum import Enum, auto

from antiphon_proto.errors import Denied
from antiphon_proto.messages import (
    Accept,
    Ask,
    Conduct,
    Edit,
    Message,
    Paint,
    Perform,
    Play,
    Redo,
    Reject,
    Resync,
    Revoke,
    Role,
    SetPresence,
    Steer,
    Stop,
    Undo,
    Viewing,
)


class Right(Enum):
    SEE = auto()
    EDIT = auto()
    PROMPT = auto()
    CONDUCT = auto()
    MODERATE = auto()


RIGHTS: dict[Role, frozenset[Right]] = {
    "owner": frozenset(Right),
    "editor": frozenset({Right.SEE, Right.EDIT, Right.PROMPT, Right.CONDUCT}),
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
    Accept: Right.EDIT,
    Reject: Right.EDIT,
    Undo: Right.EDIT,
    Redo: Right.EDIT,
    Revoke: Right.MODERATE,
    Resync: Right.SEE,
}


def may(role: Role, right: Right) -> bool:
    return right in RIGHTS[role]


def require(role: Role, right: Right) -> None:
    """Raises Denied."""
    if not may(role, right):
        raise Denied(f"a {role} does not have the right to {right.name.lower()} in this room")
