"""A live run that writes: what came of it and was not written yet, and where it goes.

Tokens enter the document by the same path as a keystroke, one transaction per tick and run. The place follows
everybody's edits; an insertion of somebody else's exactly there goes after it, so that a run's text stays in one piece
unless a person types inside it.
"""

from __future__ import annotations

import json
import secrets

from antiphon_engines.api import Output
from antiphon_engines.events import Failed, RunEvent, Token
from antiphon_proto import schema
from antiphon_proto.errors import ErrorCode, PeerError
from antiphon_proto.messages import Steer, TokenInfo, Tokens
from antiphon_server.anchor import Anchor, Passage
from antiphon_server.members import AI
from antiphon_server.runs import RunEntry
from antiphon_server.shared import AI_ORIGIN
from antiphon_server.stage import Desk, Engine, Work
from antiphon_server.text_index import size
from antiphon_server.yupdate import inspect


class Writing(Work):
    def __init__(self, run: RunEntry, desk: Desk, engine: Engine, anchor: Anchor, selection: Passage) -> None:
        super().__init__(run)
        self._desk = desk
        self._engine = engine
        self._anchor = anchor
        self._selection = selection
        """What an instruction is about; replaced, or marked for removal, with the first token."""
        self._client_id = secrets.randbits(31)
        """Of the run's cursor in everybody's awareness."""
        self._tokens: list[TokenInfo] = []
        """Bounded by the run's `max_tokens`, also while the store refuses."""
        self._begun = False

    def started(self) -> None:
        self._show("thinking")

    def take(self, output: Output | RunEvent) -> None:
        if isinstance(output, Token):
            self._tokens.append(output.info)

    @property
    def made(self) -> int:
        return self.run.info.progress + len(self._tokens)

    def steer(self, steer: Steer, epoch: int) -> bool:
        if steer.image is not None:
            raise PeerError("this run writes a text; it is steered by `change`")
        self._engine.steer(self.run.info.id, steer.change, epoch)
        return True

    def steered(self, steer: Steer) -> dict[str, object]:
        changes: dict[str, object] = {}
        if isinstance(steer.change.instruction, str):
            changes["instruction"] = steer.change.instruction
        if isinstance(steer.change.max_tokens, int):
            changes["length"] = steer.change.max_tokens
        return changes

    def settle(self) -> bool:
        """What a store that refuses does not take now waits here."""
        if self._tokens and (self.run.private or self._desk.writable()):
            self._write()
        return not self._tokens

    def closed(self) -> None:
        if self.run.info.suggestion == "open" and not self._begun:
            self.run.update(suggestion="none")
        self._desk.presence.set(AI, self._client_id, "null")

    def _write(self) -> None:
        tokens, self._tokens = self._tokens, []
        run = self.run
        text = "".join(token.text for token in tokens)
        details = Tokens(run.info.id, run.info.epoch, tuple(tokens))
        run.count(len(tokens))
        if run.private:
            self._desk.tell(run.info.participant, details)
            return
        document = self._desk.shared.document
        if not document.fits(2 * size(text)):
            self.ended = Failed(ErrorCode.TOO_LARGE, "the document is at its bound")
            self._engine.cancel(run.info.id)
            return
        if text and not self._begun:
            self._begin()
        change = document.insert(self._anchor.at, text, self._attributes, AI_ORIGIN)
        if change is not None:
            self._desk.commit(change, self.owner)
            last = change.splices[-1]
            self._anchor.at = last.at + last.inserted
            self._show("writing", inspect(change.update).last_text)
        self._desk.tell_all(details)

    def _begin(self) -> None:
        """The first token: what it replaces goes, or is marked."""
        self._begun = True
        ranges = self._selection.ranges
        document = self._desk.shared.document
        run = self.run.info
        if run.task != "instruct" or not ranges:
            return
        if run.mode == "write":
            self._desk.commit(document.delete(ranges, AI_ORIGIN), self.owner)
        else:
            mark = {schema.ATTR_SUGGEST_DELETE: run.id}
            self._desk.commit(document.format(ranges, mark, AI_ORIGIN), self.owner)

    @property
    def _attributes(self) -> dict[str, str]:
        run = self.run.info
        marks = {schema.ATTR_AI: run.id}
        return marks | {schema.ATTR_SUGGEST: run.id} if run.mode == "suggest" else marks

    def _show(self, status: str, last: tuple[int, int] | None = None) -> None:
        """The run's cursor, as Yjs relative positions: right after the last character that it wrote."""
        if self.run.private:
            return
        state: dict[str, object] = {"run": self.run.info.id, "status": status}
        if last is not None:
            place = {"type": None, "tname": None, "item": {"client": last[0], "clock": last[1]}, "assoc": -1}
            state["cursor"] = {"anchor": place, "head": place}
        self._desk.presence.set(AI, self._client_id, json.dumps(state))
