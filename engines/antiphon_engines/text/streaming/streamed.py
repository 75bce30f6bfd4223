"""Engines whose tokens come from a server as a stream: the common part of llama.cpp and remote servers.

The worker's loop calls `step` from its thread; the requests run on a :class:`LoopThread`. A step returns the outputs
that have arrived, after a short wait when there are none, so that the worker's loop neither spins nor stalls."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections import deque
from collections.abc import AsyncGenerator, Sequence
from concurrent.futures import Future
from typing import ClassVar, Literal, Protocol, TypeAlias

from msgspec import UNSET, Struct
from msgspec.structs import replace

from antiphon_engines.api import (
    Done,
    EngineInfo,
    Failed,
    InvalidRequest,
    Job,
    Output,
    Piece,
    QueueFull,
    Request,
    Steer,
    TextRequest,
    Token,
    Window,
    written,
)
from antiphon_engines.text.stop_filter import StopFilter
from antiphon_engines.text.streaming.loop_thread import LoopThread
from antiphon_proto.errors import AntiphonError, ErrorCode
from antiphon_proto.messages import TokenInfo

logger = logging.getLogger(__name__)

INBOX = 64
"""Tokens of one request that may wait for a step; beyond it the request is not read (TCP pushes back)."""
PATIENCE = 0.02
"""Seconds that a step waits for a first token."""


class Call(Struct, frozen=True):
    """One request to the server. `written` is the text of the run so far, when a change restarted it;
    `request.params.max_tokens` is the number of tokens left."""

    request: TextRequest
    written: str = ""


class Finish(Struct, frozen=True):
    reason: Literal["end", "length"]


Arrival: TypeAlias = TokenInfo | Finish


class StreamFailed(AntiphonError):
    """The request cannot go on; `code` and the one-line message become the run's error."""

    code = ErrorCode.ENGINE_FAILED


class TokenSource(Protocol):
    """The server's side. Its methods run on the engine's loop thread."""

    def stream(self, call: Call) -> AsyncGenerator[Arrival, None]:
        """Tokens (of any index), then one Finish. Closing the generator ends the request at once. Raises
        StreamFailed."""
        ...

    async def aclose(self) -> None: ...


class _Attempt:
    """One request under way. A steered job drops its attempt, with the outputs not yet returned."""

    def __init__(
        self, thread: LoopThread, source: TokenSource, call: Call, limit: int, arrived: threading.Condition
    ) -> None:
        self.limit = limit
        """The run's token count at which the server will stop this request."""
        self._thread = thread
        self._arrived = arrived
        self._inbox: deque[Arrival | Failed] = deque()
        self._space = asyncio.Semaphore(INBOX)
        self._future: Future[None] = thread.submit(self._read(source, call))

    @property
    def ready(self) -> bool:
        return bool(self._inbox)

    def drain(self) -> list[Arrival | Failed]:
        with self._arrived:
            taken = list(self._inbox)
            self._inbox.clear()
        if taken:
            self._thread.call(self._free, len(taken))
        return taken

    def cancel(self) -> None:
        self._future.cancel()

    async def _read(self, source: TokenSource, call: Call) -> None:
        try:
            async with contextlib.aclosing(source.stream(call)) as stream:
                async for arrival in stream:
                    await self._space.acquire()
                    self._put(arrival)
        except StreamFailed as error:
            self._put(Failed(code=error.code, message=error.message))
        except Exception:
            logger.exception("a token stream broke")
            self._put(Failed(code=ErrorCode.INTERNAL, message="the engine's connection to its model broke"))

    def _put(self, arrival: Arrival | Failed) -> None:
        with self._arrived:
            self._inbox.append(arrival)
            self._arrived.notify_all()

    def _free(self, count: int) -> None:
        for _ in range(count):
            self._space.release()


class StreamJob:
    """A run served by a stream: the request as steered so far, and its text."""

    unit = "stream"
    window: Window | None = None
    piece: Piece | None = None

    def __init__(self, request: TextRequest) -> None:
        self.request = request
        self.written = ""
        self.count = 0
        self.ended = False
        self.attempt: _Attempt | None = None
        self.stop_filter = StopFilter(request.params.stop)

    @property
    def remaining(self) -> int:
        return self.request.params.max_tokens - self.count

    def drop_attempt(self) -> None:
        """End the request under way; outputs that it has not returned are dropped."""
        if self.attempt is not None:
            self.attempt.cancel()
            self.attempt = None
        self.stop_filter = StopFilter(self.request.params.stop)


class StreamedEngine:
    """The Engine over a :class:`TokenSource`; the batching is the server's."""

    kind: ClassVar[str] = "text"

    def __init__(self, info: EngineInfo, source: TokenSource, thread: LoopThread) -> None:
        self.info = info
        self._source = source
        self._thread = thread
        self._arrived = threading.Condition()
        self._jobs: set[StreamJob] = set()
        self._closed = False

    def admit(self, request: Request) -> StreamJob:
        if len(self._jobs) >= self.info.max_jobs:
            raise QueueFull(f"all {self.info.max_jobs} places of {self.info.name} are taken")
        request = written(request)
        if request.task == "instruct" and not request.instruction.strip():
            raise InvalidRequest("an instruction is needed")
        if request.task == "fill":
            raise InvalidRequest("a model on another server cannot fill in; choose one that runs here")
        job = StreamJob(request)
        self._jobs.add(job)
        return job

    def step(self, jobs: Sequence[Job]) -> list[list[Output]]:
        running = [self._mine(job) for job in jobs]
        for job in running:
            self._ensure_attempt(job)
        with self._arrived:
            self._arrived.wait_for(lambda: any(_has_news(job) for job in running), PATIENCE)
        return [self._collect(job) for job in running]

    def steer(self, job: Job, change: Steer) -> None:
        """Fewer or more tokens change the run as it is; anything else restarts the request, with the text so far as its
        context."""
        mine = self._mine(job)
        fields = {
            name: value for name in change.__struct_fields__ if (value := getattr(change, name)) is not UNSET
        }
        instruction = fields.pop("instruction", mine.request.instruction)
        if mine.request.task == "instruct" and not instruction.strip():
            raise InvalidRequest("an instruction is needed")
        restart = instruction != mine.request.instruction or bool(fields.keys() - {"max_tokens"})
        mine.request = replace(
            mine.request, instruction=instruction, params=replace(mine.request.params, **fields)
        )
        if restart:
            mine.drop_attempt()

    def release(self, job: Job) -> None:
        mine = self._mine(job)
        mine.drop_attempt()
        mine.ended = True
        self._jobs.discard(mine)

    def close(self) -> None:
        if self._closed:
            return
        self._closed = True
        for job in list(self._jobs):
            self.release(job)
        self._thread.run(self._source.aclose())
        self._thread.close()

    @staticmethod
    def _mine(job: Job) -> StreamJob:
        if not isinstance(job, StreamJob):
            raise TypeError(f"{type(job).__name__} is not a job of this engine")
        return job

    def _ensure_attempt(self, job: StreamJob) -> None:
        if job.attempt is None and not job.ended and job.remaining > 0:
            left = replace(job.request, params=replace(job.request.params, max_tokens=job.remaining))
            limit = job.request.params.max_tokens
            job.attempt = _Attempt(self._thread, self._source, Call(left, job.written), limit, self._arrived)

    def _collect(self, job: StreamJob) -> list[Output]:
        outputs: list[Output] = []
        if job.attempt is not None:
            for arrival in job.attempt.drain():
                self._receive(job, arrival, outputs)
                if job.ended or job.attempt is None:
                    break
        if job.remaining <= 0 and not job.ended:
            self._end(job, Done("length"), outputs)
        return outputs

    def _receive(self, job: StreamJob, arrival: Arrival | Failed, outputs: list[Output]) -> None:
        match arrival:
            case TokenInfo():
                tokens, stopped = job.stop_filter.push(arrival)
                self._emit(job, tokens, outputs)
                if stopped:
                    self._end(job, Done("stop_string"), outputs)
            case Finish(reason=reason):
                self._emit(job, job.stop_filter.flush(), outputs)
                self._finish(job, reason, outputs)
            case Failed():
                self._emit(job, job.stop_filter.flush(), outputs)
                self._end(job, arrival, outputs)

    def _finish(self, job: StreamJob, reason: Literal["end", "length"], outputs: list[Output]) -> None:
        """The request ended. One that ended at its own limit, raised meanwhile, goes on as a new request."""
        limit = job.attempt.limit if job.attempt is not None else 0
        if reason == "length" and limit <= job.count < job.request.params.max_tokens:
            job.drop_attempt()
        else:
            self._end(job, Done(reason), outputs)

    def _emit(self, job: StreamJob, tokens: Sequence[TokenInfo], outputs: list[Output]) -> None:
        for token in tokens[: max(job.remaining, 0)]:
            outputs.append(Token(replace(token, index=job.count)))
            job.written += token.text
            job.count += 1

    def _end(self, job: StreamJob, last: Done | Failed, outputs: list[Output]) -> None:
        outputs.append(last)
        job.drop_attempt()
        job.ended = True


def _has_news(job: StreamJob) -> bool:
    return job.ended or job.remaining <= 0 or (job.attempt is not None and job.attempt.ready)
