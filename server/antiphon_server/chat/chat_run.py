"""A live run that answers in the chat: its entry grows while it streams."""

from __future__ import annotations

from antiphon_engines.ipc.events import Failed
from antiphon_proto.errors import ErrorCode
from antiphon_proto.messages import Tokens
from antiphon_server.chat.chat import Chat
from antiphon_server.core.context import RoomContext
from antiphon_server.core.run_registry import RunEntry
from antiphon_server.runs.engine import Engine
from antiphon_server.runs.text_run import TextRun

_INTERVAL = 0.15
"""Seconds between two states of an entry: each is written whole, and everybody has the tokens meanwhile."""


class ChatRun(TextRun):
    def __init__(self, run: RunEntry, room: RoomContext, engine: Engine, chat: Chat) -> None:
        super().__init__(run, room, engine)
        self._chat = chat
        self._text = ""
        self._shown = ""
        self._shown_at = float("-inf")

    def write(self, text: str, details: Tokens) -> None:
        self._text += text
        self._room.tell_all(details)

    def settle(self) -> bool:
        settled = super().settle()
        if self._room.monotonic() - self._shown_at >= _INTERVAL and not self._show():
            self.ended = Failed(ErrorCode.CONFLICT, "the chat has no room for this answer any more")
            self._engine.cancel(self.run.info.id)
        return settled

    def on_closed(self) -> None:
        self._show()

    def _show(self) -> bool:
        text = self._text.strip()
        if text == self._shown:
            return True
        self._shown, self._shown_at = text, self._room.monotonic()
        return self._chat.write(self.run.info.target, text, self.owner)
