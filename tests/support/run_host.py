"""An engine host that answers as a test tells it, at once and on the same thread."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from antiphon_engines.api import PlayedNote, Request, Steer
from antiphon_engines.ipc.events import Done, Failed, RunEvent, Started, Steered, SteerRejected, Token
from antiphon_proto.errors import AntiphonError, ErrorCode
from antiphon_proto.messages import Alternative, TokenInfo


class ScriptedHost:
    """Implements `antiphon_server.runs.engine.Engine`. Runs are named in the order of their submission."""

    def __init__(self) -> None:
        self.requests: dict[str, Any] = {}
        self.steered: list[tuple[str, Steer]] = []
        self.pushed: list[tuple[str, tuple[PlayedNote, ...]]] = []
        self.cancelled: list[str] = []
        self.refusal: AntiphonError | None = None
        self._sinks: dict[str, Callable[[RunEvent], None]] = {}
        self._indices: dict[str, int] = {}
        self._epochs: dict[str, int] = {}

    def submit(
        self,
        run: str,
        epoch: int,
        *,
        share: str,
        request: Request,
        sink: Callable[[RunEvent], None],
        weight: float = 1.0,
    ) -> None:
        if self.refusal is not None:
            raise self.refusal
        self.requests[run] = request
        self._sinks[run] = sink
        self._indices[run] = 0

    def steer(self, run: str, change: Steer, epoch: int = 0) -> None:
        self.steered.append((run, change))
        self._epochs[run] = epoch

    def obey(self, run: str) -> None:
        """The run has taken its last steer."""
        self.tell(run, Steered(self._epochs[run]))

    def refuse(self, run: str, message: str) -> None:
        """The run will not take its last steer."""
        self.tell(run, SteerRejected(message, self._epochs[run]))

    def push(self, run: str, notes: Sequence[PlayedNote]) -> None:
        self.pushed.append((run, tuple(notes)))

    def cancel(self, run: str) -> None:
        self.cancelled.append(run)

    @property
    def last(self) -> str:
        return list(self.requests)[-1]

    def tell(self, run: str, event: RunEvent) -> None:
        self._sinks[run](event)

    def start(self, run: str) -> None:
        self.tell(run, Started())

    def say(self, run: str, *texts: str) -> None:
        for text in texts:
            index = self._indices[run]
            self._indices[run] = index + 1
            self.tell(run, Token(TokenInfo(index, text, index, -0.5, (Alternative("x", -1.5),))))

    def finish(self, run: str) -> None:
        self.tell(run, Done("end"))

    def fail(self, run: str, message: str = "broken") -> None:
        self.tell(run, Failed(ErrorCode.ENGINE_FAILED, message))
