"""The runs that were asked for here, until they end: each message of the server about one finds its way to it."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager

from antiphon_client.errors import ClientError, RequestRefused
from antiphon_client.session.run import MAX_BUFFERED, AnyRun
from antiphon_proto.messages import Preview, RunInfo, TokenInfo, Tokens


class PendingRuns:
    """`known`: all runs of the room, by id."""

    def __init__(self, known: Mapping[str, RunInfo]) -> None:
        self._known = known
        self._number = 0
        self._runs: dict[int, AnyRun] = {}
        self._early: dict[str, deque[TokenInfo]] = {}
        self._recalled: dict[str, dict[int, TokenInfo]] = {}
        """Tokens of runs that were requested again, by index."""

    def next_number(self) -> int:
        """The number of a new request, which the server echoes."""
        self._number += 1
        return self._number

    def expect(self, run: AnyRun) -> None:
        """Its request is about to be sent."""
        self._runs[run.number] = run

    def forget(self, run: AnyRun) -> None:
        """Stop passing messages on to `run`."""
        self._runs.pop(run.number, None)

    def early(self, run: str) -> Iterable[TokenInfo]:
        """Tokens that came before the message that says which request their run answers."""
        return self._early.get(run, ())

    @contextmanager
    def recalling(self, run: str) -> Iterator[dict[int, TokenInfo]]:
        """Index -> token of a run whose tokens are told once more, as they come."""
        try:
            yield self._recalled.setdefault(run, {})
        finally:
            self._recalled.pop(run, None)

    # Server's messages ------------------------------------------------------------------------------------

    def on_answer(self, number: int, info: RunInfo) -> None:
        """The server announced the run of request `number`."""
        run = self._runs.get(number)
        if run is not None:
            run.on_tokens(self.early(info.id))
            run.on_info(info)

    def on_info(self, info: RunInfo) -> None:
        """A run changed."""
        self._early.pop(info.id, None)
        for run in self._of(info.id):
            run.on_info(info)
            if run.ended:
                self.forget(run)

    def on_tokens(self, message: Tokens) -> None:
        """Tokens of a run came."""
        if (recalled := self._recalled.get(message.run)) is not None:
            recalled.update((token.index, token) for token in message.tokens)
        runs = self._of(message.run)
        for run in runs:
            run.on_tokens(message.tokens)
        if not runs and message.run not in self._known and self._unanswered():
            # A quick run's first tokens may come before the message that says which request it answers.
            early = self._early.setdefault(message.run, deque(maxlen=MAX_BUFFERED))
            early.extend(message.tokens)

    def on_preview(self, preview: Preview) -> None:
        """A preview of a picture came."""
        for run in self._of(preview.run):
            run.on_preview(preview)

    def on_refusal(self, number: int, error: ClientError) -> bool:
        """Returns whether there was such a request."""
        run = self._runs.pop(number, None)
        if run is not None:
            run.on_refusal(error)
        return run is not None

    def on_notice(self, run: str, notice: RequestRefused) -> bool:
        """Returns whether a run of that id was asked for here."""
        for one in self._of(run):
            one.on_notice(notice)
        return bool(self._of(run))

    def on_reconnect(self) -> None:
        """Fail the requests without an answer."""
        for run in self._unanswered():
            self.forget(run)
            run.on_refusal(
                RequestRefused("unavailable", "the connection was lost before the server answered")
            )

    def on_failure(self, failure: ClientError) -> None:
        """The connection to the room has ended for good."""
        for run in self._runs.values():
            run.on_refusal(failure)

    def _of(self, run: str) -> list[AnyRun]:
        return [one for one in self._runs.values() if one.info is not None and one.info.id == run]

    def _unanswered(self) -> list[AnyRun]:
        return [run for run in self._runs.values() if run.info is None]
