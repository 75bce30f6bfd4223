"""Which messages are acts of the ledger, and their leaves. Runs have leaves of their own (`note_run`)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Final

from antiphon_proto.messages import (
    Accept,
    Choose,
    ClientMessage,
    Redo,
    Reject,
    ReplaceToken,
    Retry,
    Steer,
    Stop,
    Undo,
)
from antiphon_server.core.context import RoomContext
from antiphon_server.core.run_registry import RunEntry
from antiphon_server.trust.leaf import Kind
from antiphon_server.trust.ledger import Ledger

_KINDS: Final[Mapping[type, Kind]] = {
    Steer: "steer",
    Stop: "stop",
    Accept: "accept",
    Reject: "reject",
    Choose: "choose",
    Retry: "retry",
    ReplaceToken: "replace",
    Undo: "undo",
    Redo: "redo",
}


def recorded(
    ledger: Ledger, room: RoomContext, person: str, message: ClientMessage, steps: Iterator[None]
) -> Iterator[None]:
    """The steps of a message, with its leaf if it is an act."""
    kind = _KINDS.get(type(message))
    if kind is None:
        return steps
    run: str = getattr(message, "run", None) or ""
    return with_leaf(steps, room, lambda: ledger.enter(kind, person, run, message))


def with_leaf(steps: Iterator[None], room: RoomContext, enter: Callable[[], object]) -> Iterator[None]:
    """Take the steps of an act, and enter its leaf with the first of them, into the same journal group. An act that is
    refused has none, unless it has changed the document before."""
    before, entered, done = room.seq, False, False
    try:
        for _ in steps:
            if not entered:
                entered = True
                enter()
            yield
        done = True
    finally:
        if not entered and (done or room.seq != before):
            enter()


def note_run(ledger: Ledger, run: RunEntry) -> None:
    """Enter the request of a run when it is stored first, and its outcome when it is over."""
    record, info = run.record, run.info
    if not run.announced:
        ledger.enter("run", info.participant, info.id, record)
    if not run.live and not run.closed:
        run.closed = True
        ledger.enter("end", info.participant, info.id, record)
