"""A run as the one who asked sees it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from functools import partial
from typing import Protocol

from msgspec.structs import replace

from antiphon_client.address import Address
from antiphon_client.errors import ClientError, RequestRefused, RunFailed
from antiphon_client.session.exchanges import answered_within
from antiphon_proto.messages import Ask, Message, Preview, RunInfo, Steer, Steered, TokenInfo
from antiphon_proto.params import ImageSteer, TextSteer

ENDED = frozenset({"done", "stopped", "failed"})
MAX_BUFFERED = 4096
"""Tokens kept for a reader that is slow; older ones are dropped (the text itself is in the document)."""


class Pending(Protocol):
    """The requests of this client that wait for their run (`pending_runs.PendingRuns`)."""

    def next_number(self) -> int:
        """As in `PendingRuns`."""
        ...

    def expect(self, run: AnyRun, /) -> None:
        """As in `PendingRuns`."""
        ...

    def forget(self, run: AnyRun, /) -> None:
        """As in `PendingRuns`."""
        ...

    def early(self, run: str, /) -> Iterable[TokenInfo]:
        """As in `PendingRuns`."""
        ...


class RunSession(Protocol):
    """The part of `session.Session` that a run needs."""

    @property
    def runs(self) -> Mapping[str, RunInfo]:
        """Run id -> the run as the room knows it now."""
        ...

    @property
    def address(self) -> Address:
        """Where the room is."""
        ...

    @property
    def timeout(self) -> float:
        """Seconds that a call waits for an answer."""
        ...

    @property
    def pending(self) -> Pending:
        """The runs that wait for an answer."""
        ...

    def request(self, message: Message, /) -> None:
        """As in `Session`."""
        ...

    async def located(self, start: int | None, end: int | None, /) -> tuple[int, int, int]:
        """As in `Session`."""
        ...

    async def submit(self, run: AnyRun, request: Message, /) -> None:
        """As in `Session`."""
        ...

    async def steer(self, steer: Steer, /) -> Steered:
        """As in `Session`."""
        ...

    async def stop(self, run: str, /) -> RunInfo:
        """As in `Session`."""
        ...


class AnyRun(ABC):
    """The common part of all runs. `number` is the request's own, echoed by the server.

    The request is sent when an iteration, or `finished()`, begins, or with `await start()`.
    """

    def __init__(self, session: RunSession, number: int) -> None:
        self._id = ""
        self.number = number
        self._session = session
        self._changed = asyncio.Event()
        self._refusal: ClientError | None = None
        self.notice: RequestRefused | None = None
        """The latest trouble of a run that goes on: a band that lost its engine and starts again (`worker_lost`)."""
        self._started = False
        self._steering = asyncio.Lock()

    @property
    def info(self) -> RunInfo | None:
        """The run as the room knows it now; None before the server has announced it."""
        return self._session.runs.get(self._id)

    @property
    def ended(self) -> bool:
        """Whether the run is done, stopped or failed."""
        return self.info is not None and self.info.state in ENDED

    async def start(self) -> RunInfo:
        """Send the request and return when the server has announced the run. Raises RequestRefused, NoAnswer."""
        async with answered_within(self._session.timeout):
            if not self._started:
                self._started = True
                await self._send()
            while self.info is None:
                await self._wait()
        return self.info

    async def finished(self) -> RunInfo:
        """Wait for the end of the run and return its state. Raises RequestRefused."""
        await self.start()
        while not self.ended:
            await self._wait()
        assert self.info is not None
        return self.info

    async def stop(self) -> RunInfo:
        """Stop it; its output stays. Returns when it has ended. Raises RequestRefused, NoAnswer."""
        return await self._session.stop((await self.start()).id)

    async def _steer(self, change: TextSteer | ImageSteer) -> Steered:
        async with self._steering:  # one after the other, so that each gets its own answer
            run = (await self.start()).id
            if isinstance(change, ImageSteer):
                return await self._session.steer(Steer(run, image=change))
            return await self._session.steer(Steer(run, change))

    @abstractmethod
    async def _send(self) -> None: ...

    def _raise_failure(self) -> None:
        if self.info is not None and self.info.state == "failed":
            raise RunFailed(self.info.error_code, self.info.error)

    async def _wait(self) -> None:
        await self._changed.wait()
        self._changed.clear()
        if self._refusal is not None:
            raise self._refusal

    # Called when the server says so -----------------------------------------------------------------------

    def on_info(self, info: RunInfo) -> None:
        """The run as it is now."""
        self._id = info.id
        self._changed.set()

    def on_tokens(self, tokens: Iterable[TokenInfo]) -> None:  # noqa: B027 (most runs ignore it)
        """They came; a run of a text keeps them for its reader."""

    def on_preview(self, preview: Preview) -> None:  # noqa: B027 (most runs ignore it)
        """It came; a run of a picture keeps it for its reader."""

    def on_notice(self, notice: RequestRefused) -> None:
        """The run is in trouble and goes on."""
        self.notice = notice
        self._changed.set()

    def on_refusal(self, error: ClientError) -> None:
        """The request was refused, or its answer was lost with the connection."""
        self._refusal = error
        self._changed.set()


class Run(AnyRun):
    """The result of `room.ask()`: iterate it for tokens, or await `finished()`."""

    def __init__(self, session: RunSession, number: int, send: Callable[[AnyRun], Awaitable[None]]) -> None:
        super().__init__(session, number)
        self._sending = send
        self._tokens: deque[TokenInfo] = deque(maxlen=MAX_BUFFERED)
        self._next = 0

    @classmethod
    def of(cls, session: RunSession, ask: Ask, start: int | None, end: int | None) -> Run:
        """That `ask` requests about the characters [start, end)."""
        return cls(session, ask.ask, partial(send_ask, session, ask, start, end))

    @classmethod
    def announced(cls, session: RunSession, info: RunInfo) -> Run:
        """Of a run that the server has announced already: a candidate."""

        async def nothing(_: AnyRun) -> None:
            return None

        run = cls(session, session.pending.next_number(), nothing)
        run._started = True
        run.on_info(info)
        run.on_tokens(session.pending.early(info.id))
        session.pending.expect(run)
        return run

    @property
    def id(self) -> str:
        """The run's id; empty before the server has announced it."""
        return self._id

    async def __aiter__(self) -> AsyncIterator[TokenInfo]:
        """Tokens as they come, until the run ends. Raises RequestRefused or RunFailed."""
        await self.start()
        while True:
            while self._tokens:
                yield self._tokens.popleft()
            if self.ended:
                self._raise_failure()
                return
            await self._wait()

    async def steer(self, change: TextSteer) -> Steered:
        """Change its instruction or sampling while it streams. Returns when the change is in force: `made` tokens were
        written before it. Raises RequestRefused."""
        return await self._steer(change)

    async def _send(self) -> None:
        await self._sending(self)

    def on_tokens(self, tokens: Iterable[TokenInfo]) -> None:
        """Buffer tokens for the reader; a token that came before is skipped."""
        for token in tokens:
            if token.index >= self._next:  # a recall tells them once more
                self._next = token.index + 1
                self._tokens.append(token)
        self._changed.set()


async def send_ask(session: RunSession, ask: Ask, start: int | None, end: int | None, run: AnyRun) -> None:
    """Send a request about the characters [start, end), or at `start` (default: the end), that `run` waits for."""
    offset, first, last = await session.located(start, start if end is None else end)
    session.pending.expect(run)
    session.request(replace(ask, offset=offset, start=first, end=last))
