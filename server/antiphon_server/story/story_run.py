"""A live run that writes into the story.

Tokens enter the document by the same path as a keystroke, one transaction per tick and run. The place follows all
edits; an insertion of another author at the place goes after it, so that a run's text stays in one piece unless a
person types inside it.
"""

from __future__ import annotations

import json
import secrets

from antiphon_engines.ipc.events import Failed
from antiphon_proto.errors import ErrorCode
from antiphon_proto.messages import Tokens
from antiphon_server.core.context import RoomContext
from antiphon_server.core.members import AI
from antiphon_server.core.run_registry import RunEntry
from antiphon_server.core.token_log import TokenLog
from antiphon_server.document.anchors import Place
from antiphon_server.document.text_index import size
from antiphon_server.document.updates.parser import inspect
from antiphon_server.runs.engine import Engine
from antiphon_server.runs.sentences import Sentences
from antiphon_server.runs.text_run import TextRun
from antiphon_server.story.insertion import begin, insert


class StoryRun(TextRun):
    def __init__(
        self,
        run: RunEntry,
        room: RoomContext,
        engine: Engine,
        place: Place,
        log: TokenLog,
        sentences: Sentences | None = None,
    ) -> None:
        super().__init__(run, room, engine, sentences)
        self._place = place
        self._log = log
        self._client_id = secrets.randbits(31)
        """Of the run's cursor in everybody's awareness."""
        self._begun = False

    def on_started(self) -> None:
        self._show("thinking")

    def write(self, text: str, details: Tokens) -> None:
        self._log.add(self.run.info.id, details.tokens)
        document = self._room.shared.document
        if not document.fits(2 * size(text)):
            self.ended = Failed(ErrorCode.TOO_LARGE, "the document is at its bound")
            self._engine.cancel(self.run.info.id)
            return
        if text and not self._begun:
            self._begun = True
            begin(self._room, self.run, self._place)
        change = insert(self._room, self.run, self._place, text)
        if change is not None:
            self._show("writing", inspect(change.update).last_text)
        self._room.tell_all(details)

    def on_closed(self) -> None:
        self._log.close(self.run.info.id)
        if self.run.info.suggestion == "open" and not self._begun:
            self.run.update(suggestion="none")
        self._room.presence.set(AI, self._client_id, "null")

    def _show(self, status: str, last: tuple[int, int] | None = None) -> None:
        """The run's cursor, as Yjs relative positions: right after the last character that it wrote."""
        state: dict[str, object] = {"run": self.run.info.id, "status": status}
        if last is not None:
            place = {"type": None, "tname": None, "item": {"client": last[0], "clock": last[1]}, "assoc": -1}
            state["cursor"] = {"anchor": place, "head": place}
        self._room.presence.set(AI, self._client_id, json.dumps(state))
