"""The base of live runs that write text: into the story, into the chat, or as a draft."""

from __future__ import annotations

from abc import abstractmethod

from antiphon_engines.api import Output
from antiphon_engines.ipc.events import Done, RunEvent, Token
from antiphon_proto.errors import PeerError
from antiphon_proto.messages import Steer, TokenInfo, Tokens
from antiphon_server.core.context import RoomContext
from antiphon_server.core.run_registry import RunEntry
from antiphon_server.document.authorship import Owner
from antiphon_server.runs.engine import Engine
from antiphon_server.runs.live_run import LiveRun
from antiphon_server.runs.sentences import Sentences


class TextRun(LiveRun):
    def __init__(
        self, run: RunEntry, room: RoomContext, engine: Engine, sentences: Sentences | None = None
    ) -> None:
        super().__init__(run)
        self._sentences = sentences
        self._room = room
        self._engine = engine
        self._tokens: list[TokenInfo] = []
        """Bounded by the run's `max_tokens`, also while the store refuses."""

    def on_started(self) -> None:
        """Nothing to show yet."""

    def on_output(self, output: Output | RunEvent) -> None:
        if not isinstance(output, Token):
            return
        if self._sentences is None:
            self._tokens.append(output.info)
            return
        self._tokens += self._sentences.push(output.info)
        if self._sentences.complete and self.ended is None:
            self._engine.cancel(self.run.info.id)
            self.ended = Done("end")

    @property
    def made(self) -> int:
        return self.run.info.progress + len(self._tokens)

    def steer(self, steer: Steer, epoch: int) -> bool:
        if steer.image is not None:
            raise PeerError("this run writes a text; it is steered by `change`")
        self._engine.steer(self.run.info.id, steer.change, epoch)
        if self._sentences is not None and isinstance(steer.change.max_tokens, int):
            self._sentences.resize(steer.change.max_tokens)
        return True

    def on_steered(self, steer: Steer) -> dict[str, object]:
        changes: dict[str, object] = {}
        if isinstance(steer.change.instruction, str):
            changes["instruction"] = steer.change.instruction
        if isinstance(steer.change.max_tokens, int):
            changes["length"] = steer.change.max_tokens
        return changes

    def settle(self) -> bool:
        """Tokens wait here while the store refuses changes."""
        if self._sentences is not None and self.ended is not None:
            by_itself = isinstance(self.ended, Done) and self.ended.reason != "length"
            self._tokens += self._sentences.flush(by_itself)
        if self._tokens and (self.run.draft or self._room.writable()):
            tokens, self._tokens = self._tokens, []
            self.run.count(len(tokens))
            details = Tokens(self.run.info.id, self.run.info.epoch, tuple(tokens))
            self.write("".join(token.text for token in tokens), details)
        return not self._tokens

    @abstractmethod
    def write(self, text: str, details: Tokens) -> None:
        """Write the text that came since the last tick, and send its details."""

    def on_closed(self) -> None:
        """Nothing to take back."""

    @property
    def owner(self) -> Owner:
        return Owner(self.run.info.author, self.run.info.id)
