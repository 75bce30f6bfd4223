"""The AI as co-author: takes requests, and writes what the engine streams at each run's own place.

Tokens enter the document by the same path as a keystroke, one transaction per tick and run. The place follows
everybody's edits; an insertion of somebody else's exactly there goes after it, so that a run's text stays in one piece
unless a person types inside it.
"""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable
from functools import partial
from typing import Protocol

import msgspec
from msgspec.structs import replace

from antiphon_engines.api import EngineUnavailable, TextRequest
from antiphon_engines.events import Done, Failed, Queued, RunEvent, Started, SteerRejected, Token
from antiphon_proto import schema
from antiphon_proto.errors import AntiphonError, Conflict, Denied, ErrorCode, PeerError
from antiphon_proto.messages import Ask, Error, Message, Steer, Stop, TokenInfo, Tokens
from antiphon_proto.params import TextSteer
from antiphon_server.anchor import Anchor, Passage
from antiphon_server.authorship import Owner
from antiphon_server.context import window
from antiphon_server.document import Change, DocumentBroken
from antiphon_server.members import AI, Member
from antiphon_server.presence import PresenceBoard
from antiphon_server.rights import Right, may
from antiphon_server.runs import RunEntry, RunRegistry
from antiphon_server.shared import AI_ORIGIN, SharedState
from antiphon_server.text_index import size
from antiphon_server.yupdate import inspect

_SEED_BITS = 53


class Engine(Protocol):
    """The part of `EngineHost` that a co-author needs."""

    def submit(
        self,
        run: str,
        epoch: int,
        *,
        share: str,
        request: TextRequest,
        sink: Callable[[RunEvent], None],
        weight: float = 1.0,
    ) -> None: ...

    def steer(self, run: str, change: TextSteer) -> None: ...

    def cancel(self, run: str) -> None: ...


class Desk(Protocol):
    """What a room lends to its co-author."""

    shared: SharedState
    runs: RunRegistry
    presence: PresenceBoard

    @property
    def offset(self) -> int: ...

    def commit(self, change: Change | None, owner: Owner) -> None:
        """Account for a change and send it with the next tick."""
        ...

    def tell(self, participant: str, message: Message) -> None: ...

    def tell_all(self, message: Message) -> None: ...

    def wake(self) -> None:
        """Something waits for the next tick."""
        ...

    def writable(self) -> bool:
        """Whether the store takes what is written now."""
        ...


class _Writing:
    """A live run: where it writes, and what came and was not written yet."""

    __slots__ = ("anchor", "begun", "client_id", "ended", "run", "selection", "tokens")

    def __init__(self, run: RunEntry, anchor: Anchor, selection: Passage) -> None:
        self.run = run
        self.anchor = anchor
        self.selection = selection
        """What an instruction is about; replaced, or marked for removal, with the first token."""
        self.client_id = secrets.randbits(31)
        """Of the run's cursor in everybody's awareness."""
        self.tokens: list[TokenInfo] = []
        """Bounded by the run's `max_tokens`, also while the store refuses."""
        self.begun = False
        self.ended: Done | Failed | None = None

    @property
    def owner(self) -> Owner:
        return Owner(AI.id, self.run.info.id)

    @property
    def attributes(self) -> dict[str, str]:
        run = self.run.info
        marks = {schema.ATTR_AI: run.id}
        return marks | {schema.ATTR_SUGGEST: run.id} if run.mode == "suggest" else marks


class Coauthor:
    """`engine` None: there is none, and every request is answered so. `model` names the model that would answer."""

    def __init__(
        self, desk: Desk, engine: Engine | None, model: Callable[[], str], unix_ms: Callable[[], int]
    ) -> None:
        self._desk = desk
        self._engine = engine
        self._model = model
        self._unix_ms = unix_ms
        self._writing: dict[str, _Writing] = {}

    # Requests -----------------------------------------------------------------------------------------

    def ask(self, member: Member, ask: Ask) -> None:
        """Start a run. Raises PeerError or EngineUnavailable; then there is no run."""
        if self._engine is None:
            raise EngineUnavailable("this server has no text engine")
        if ask.mode != "private" and not may(member.role, Right.EDIT):
            raise Denied("writing into the text needs the right to edit it")
        desk = self._desk
        desk.runs.check_room_for(member.id)
        start, end = self._place(member, ask)
        data = desk.shared.document.data()
        view = window(data, start, end)
        params = ask.params
        if params.seed is None:
            params = replace(params, seed=secrets.randbits(_SEED_BITS))
        request = TextRequest(ask.task, view.before, view.after, view.selection, ask.instruction, params)
        prompt = msgspec.json.encode(
            {"before": view.before, "selection": view.selection, "after": view.after}
        )
        run = desk.runs.start(ask, member.id, params, prompt, self._model(), self._unix_ms())
        place = end if ask.mode == "suggest" or not view.selection else start
        writing = _Writing(run, desk.shared.anchors.put(place), desk.shared.anchors.passage(start, end))
        self._writing[run.info.id] = writing
        try:
            self._engine.submit(
                run.info.id,
                run.info.epoch,
                share=member.id,
                request=request,
                sink=partial(self._heard, writing),
            )
        except AntiphonError:
            del self._writing[run.info.id]
            desk.runs.discard(run.info.id)
            raise
        desk.wake()

    def stop(self, member: Member, stop: Stop) -> None:
        """Stop a run; what it has written stays. Raises NotFound, Denied, or Conflict when it is over."""
        self.halt(self._own_live(member, stop.run))

    def steer(self, member: Member, steer: Steer) -> None:
        """Change a run while it streams. What it sampled before stays; the engine goes on from there."""
        run = self._own_live(member, steer.run)
        assert self._engine is not None
        self._engine.steer(run.info.id, steer.change)
        changes: dict[str, object] = {"epoch": run.info.epoch + 1}
        if isinstance(steer.change.instruction, str):
            changes["instruction"] = steer.change.instruction
        if isinstance(steer.change.max_tokens, int):
            changes["length"] = steer.change.max_tokens
        run.update(**changes)
        self._desk.wake()

    def halt(self, run: RunEntry) -> None:
        """Stop a live run at once: its epoch rises, and nothing that still comes of it counts."""
        writing = self._writing.pop(run.info.id, None)
        if self._engine is not None:
            self._engine.cancel(run.info.id)
        self._close(run, writing, state="stopped")

    def halt_all(self, participant: str | None = None) -> None:
        """Stop every live run, or those of one participant."""
        for run in self._desk.runs.live():
            if participant in (None, run.info.participant):
                self.halt(run)

    # The stream ---------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Write what came since the last tick. What a store that refuses does not take now waits here."""
        for writing in list(self._writing.values()):
            if writing.tokens and (writing.run.private or self._desk.writable()):
                try:
                    self._write(writing)
                except DocumentBroken as error:
                    writing.ended = Failed(ErrorCode.INTERNAL, error.message)
            if writing.ended is not None and not writing.tokens:
                self._finish(writing, writing.ended)

    def _heard(self, writing: _Writing, event: RunEvent) -> None:
        run = writing.run
        if self._writing.get(run.info.id) is not writing:
            return
        match event:
            case Queued(position, expected_start_ms):
                run.update(position=position, expected_start_ms=expected_start_ms)
            case Started():
                run.update(state="running", position=0, expected_start_ms=0)
                self._show(writing, "thinking")
            case Token(info):
                writing.tokens.append(info)
            case Done() | Failed():
                writing.ended = event
            case SteerRejected(message):
                error = Error(ErrorCode.INVALID, message, re="steer", ref=run.info.id)
                self._desk.tell(run.info.participant, error)
        self._desk.wake()

    def _write(self, writing: _Writing) -> None:
        tokens, writing.tokens = writing.tokens, []
        run = writing.run
        text = "".join(token.text for token in tokens)
        details = Tokens(run.info.id, run.info.epoch, tuple(tokens))
        run.count(len(tokens))
        if run.private:
            self._desk.tell(run.info.participant, details)
            return
        document = self._desk.shared.document
        if not document.fits(2 * size(text)):
            writing.ended = Failed(ErrorCode.TOO_LARGE, "the document is at its bound")
            if self._engine is not None:
                self._engine.cancel(run.info.id)
            return
        if text and not writing.begun:
            self._begin(writing)
        change = document.insert(writing.anchor.at, text, writing.attributes, AI_ORIGIN)
        if change is not None:
            self._desk.commit(change, writing.owner)
            last = change.splices[-1]
            writing.anchor.at = last.at + last.inserted
            self._show(writing, "writing", inspect(change.update).last_text)
        self._desk.tell_all(details)

    def _begin(self, writing: _Writing) -> None:
        """The first token: what it replaces goes, or is marked."""
        writing.begun = True
        ranges = writing.selection.ranges
        document = self._desk.shared.document
        run = writing.run.info
        if run.task != "instruct" or not ranges:
            return
        if run.mode == "write":
            self._desk.commit(document.delete(ranges, AI_ORIGIN), writing.owner)
        else:
            mark = {schema.ATTR_SUGGEST_DELETE: run.id}
            self._desk.commit(document.format(ranges, mark, AI_ORIGIN), writing.owner)

    def _finish(self, writing: _Writing, end: Done | Failed) -> None:
        del self._writing[writing.run.info.id]
        if isinstance(end, Failed):
            self._close(
                writing.run, writing, state="failed", error_code=str(end.code), error=end.message[:2000]
            )
        else:
            self._close(writing.run, writing, state="done")

    def _close(self, run: RunEntry, writing: _Writing | None, **changes: object) -> None:
        run.update(epoch=run.info.epoch + 1, position=0, expected_start_ms=0, **changes)
        if run.info.suggestion == "open" and (writing is None or not writing.begun):
            run.update(suggestion="none")
        if writing is not None:
            self._desk.presence.set(AI, writing.client_id, "null")
        self._desk.wake()

    # Small parts --------------------------------------------------------------------------------------

    def _place(self, member: Member, ask: Ask) -> tuple[int, int]:
        """The range that was asked about, now. Raises PeerError."""
        if ask.start > ask.end:
            raise PeerError("a range starts before it ends")
        desk = self._desk
        document = desk.shared.document
        carry = partial(desk.shared.history.carry, offset=ask.offset, now=desk.offset, sender=member.id)
        start = carry(ask.start, "left" if ask.start == ask.end else "right")
        end = carry(ask.end, "left")
        if max(start, end) > document.length:
            raise PeerError("the place is beyond the end of the text")
        if ask.task == "continue":
            start = end
        start, end = document.snap(start), document.snap(end)
        return min(start, end), end

    def _own_live(self, member: Member, run_id: str) -> RunEntry:
        run = self._desk.runs.get(run_id)
        if run.info.participant != member.id and not may(member.role, Right.MODERATE):
            raise Denied("this run is somebody else's")
        if not run.live:
            raise Conflict(f"this run is over ({run.info.state})")
        return run

    def _show(self, writing: _Writing, status: str, last: tuple[int, int] | None = None) -> None:
        """The run's cursor, as Yjs relative positions: right after the last character that it wrote."""
        if writing.run.private:
            return
        state: dict[str, object] = {"run": writing.run.info.id, "status": status}
        if last is not None:
            place = {"type": None, "tname": None, "item": {"client": last[0], "clock": last[1]}, "assoc": -1}
            state["cursor"] = {"anchor": place, "head": place}
        self._desk.presence.set(AI, writing.client_id, json.dumps(state))
