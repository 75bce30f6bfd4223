"""A live run whose text is not in the document: a private one, or a candidate of a brainstorm. Its tokens are sent to
the asker or to all; when it ends, `run.text` has the whole text, also for members who return later. Choosing it
(`Revisions.choose`) inserts it into the story.
"""

from __future__ import annotations

from antiphon_proto.messages import Tokens
from antiphon_server.core.context import RoomContext
from antiphon_server.core.run_registry import RunEntry
from antiphon_server.core.token_log import TokenLog
from antiphon_server.runs.engine import Engine
from antiphon_server.runs.sentences import Sentences
from antiphon_server.runs.text_run import TextRun

_MAX_TEXT = 16_384
"""Characters that `run.text` takes."""


class DraftRun(TextRun):
    def __init__(
        self,
        run: RunEntry,
        room: RoomContext,
        engine: Engine,
        log: TokenLog,
        sentences: Sentences | None = None,
    ) -> None:
        super().__init__(run, room, engine, sentences)
        self._log = log
        self._text = ""

    def write(self, text: str, details: Tokens) -> None:
        self._text = (self._text + text)[:_MAX_TEXT]
        self._log.add(self.run.info.id, details.tokens)
        if self.run.private:
            self._room.tell(self.run.info.participant, details)
        else:
            self._room.tell_all(details)

    def on_closed(self) -> None:
        self._log.close(self.run.info.id)
        if self.run.draft and not self.run.info.undone:
            self.run.update(text=self._text)
