"""A run as the one who asked sees it."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING

from msgspec.structs import replace

from antiphon_client.errors import ClientError, RunFailed
from antiphon_proto.messages import Ask, Preview, RunInfo, Steer, Steered, Stop, TokenInfo
from antiphon_proto.params import ImageSteer, TextSteer

if TYPE_CHECKING:
    from antiphon_client.session.session import Membership

ENDED = frozenset({"done", "stopped", "failed"})
MAX_BUFFERED = 4096
"""Tokens kept for a reader that is slow; older ones are dropped (the text itself is in the document)."""


class AnyRun(ABC):
    """What every run has, of a text or of a picture. `number` is the request's own, echoed by the server.

    The request is sent when an iteration, or `finished()`, begins, or with `await start()`.
    """

    def __init__(self, member: Membership, number: int) -> None:
        self._id = ""
        self.number = number
        self._member = member
        self._changed = asyncio.Event()
        self._refusal: ClientError | None = None
        self._started = False
        self._steering = asyncio.Lock()

    @property
    def info(self) -> RunInfo | None:
        """The run as the room knows it now; None before the server has announced it."""
        return self._member.runs.get(self._id)

    @property
    def ended(self) -> bool:
        return self.info is not None and self.info.state in ENDED

    async def start(self) -> RunInfo:
        """Send the request and return when the server has announced the run. Raises RequestRefused."""
        if not self._started:
            self._started = True
            await self._send()
        while self.info is None:
            await self._wait()
        return self.info

    async def finished(self) -> RunInfo:
        """Wait for the end, whatever it is, and return it. Raises RequestRefused."""
        await self.start()
        while not self.ended:
            await self._wait()
        assert self.info is not None
        return self.info

    async def stop(self) -> None:
        """Stop it at the next step; what was made stays."""
        info = await self.start()
        self._member.request(Stop(info.id))

    async def _steer(self, change: TextSteer | ImageSteer) -> Steered:
        async with self._steering:  # one after the other, so that each gets its own answer
            run = (await self.start()).id
            if isinstance(change, ImageSteer):
                return await self._member.steer(Steer(run, image=change))
            return await self._member.steer(Steer(run, change))

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

    def told(self, info: RunInfo) -> None:
        """The run as it is now."""
        self._id = info.id
        self._changed.set()

    def take_tokens(self, tokens: Iterable[TokenInfo]) -> None:  # noqa: B027 (most runs ignore it)
        """They came; a run of a text keeps them for its reader."""

    def take_preview(self, preview: Preview) -> None:  # noqa: B027 (most runs ignore it)
        """It came; a run of a picture keeps it for its reader."""

    def refuse(self, error: ClientError) -> None:
        """The request was refused, or cannot be answered any more."""
        self._refusal = error
        self._changed.set()


class Run(AnyRun):
    """What `room.ask()` returns: iterate it for tokens, or await `finished()`."""

    def __init__(self, member: Membership, number: int, send: Callable[[AnyRun], Awaitable[None]]) -> None:
        super().__init__(member, number)
        self._sending = send
        self._tokens: deque[TokenInfo] = deque(maxlen=MAX_BUFFERED)
        self._next = 0

    @classmethod
    def of(cls, member: Membership, ask: Ask, start: int | None, end: int | None) -> Run:
        """That `ask` requests about the characters [start, end)."""
        return cls(member, ask.ask, partial(send_ask, member, ask, start, end))

    @classmethod
    def announced(cls, member: Membership, info: RunInfo) -> Run:
        """Of a run that the server has announced already: a candidate."""

        async def nothing(_: AnyRun) -> None:
            return None

        run = cls(member, member.asked.next_number(), nothing)
        run._started = True
        run.told(info)
        run.take_tokens(member.asked.early(info.id))
        member.asked.expect(run)
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

    def take_tokens(self, tokens: Iterable[TokenInfo]) -> None:
        for token in tokens:
            if token.index >= self._next:  # a recall tells them once more
                self._next = token.index + 1
                self._tokens.append(token)
        self._changed.set()


async def send_ask(member: Membership, ask: Ask, start: int | None, end: int | None, run: AnyRun) -> None:
    """Send a request about the characters [start, end), or at `start` (default: the end), that `run` waits for."""
    offset, first, last = await member.located(start, start if end is None else end)
    member.asked.expect(run)
    member.request(replace(ask, offset=offset, start=first, end=last))
