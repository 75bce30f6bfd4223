from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncGenerator, Iterator

import pytest

from antiphon_engines.api import Done, EngineInfo, Failed, TextRequest
from antiphon_engines.text.streaming.loop_thread import LoopThread
from antiphon_engines.text.streaming.streamed import INBOX, Arrival, Call, Finish, StreamedEngine
from antiphon_proto.errors import ErrorCode
from antiphon_proto.messages import TokenInfo
from antiphon_proto.params import TextParams
from support.drive import Result, run, run_to_end

INFO = EngineInfo(modality="text", name="fake", device="cpu", backend="fake", max_jobs=2, max_batch=2)
REQUEST = TextRequest(task="continue", before="x", params=TextParams(max_tokens=4096))


class Source:
    """Writes `total` tokens as fast as they are taken."""

    def __init__(self, total: int, broken: bool = False) -> None:
        self.total = total
        self.broken = broken
        self.given = 0
        self.full = threading.Event()
        self.closed = threading.Event()

    async def stream(self, call: Call) -> AsyncGenerator[Arrival, None]:
        try:
            for _ in range(self.total):
                self.given += 1
                if self.given > INBOX:
                    self.full.set()
                yield TokenInfo(index=0, text="x", token_id=1, logprob=-1.0)
            if self.broken:
                raise ZeroDivisionError
            yield Finish("end")
        finally:
            self.closed.set()

    async def aclose(self) -> None:
        self.total = 0


@pytest.fixture
def thread() -> Iterator[LoopThread]:
    started = LoopThread("test")
    yield started
    started.close()


def test_a_job_that_is_not_stepped_costs_a_bounded_inbox(thread: LoopThread) -> None:
    source = Source(2000)
    engine = StreamedEngine(INFO, source, thread)
    job = engine.admit(REQUEST)
    tokens = list(engine.step([job])[0])
    source.full.wait()
    for _ in range(20):  # the loop turns, and nothing more is taken
        thread.run(asyncio.sleep(0))
    assert source.given - len(tokens) <= INBOX + 1
    rest = Result(job)
    run_to_end(engine, [rest])
    assert (len(tokens) + len(rest.tokens), rest.end) == (2000, Done("end"))
    engine.close()
    assert source.total == 0


def test_our_own_fault_fails_the_run_only(thread: LoopThread, caplog: pytest.LogCaptureFixture) -> None:
    source = Source(3, broken=True)
    engine = StreamedEngine(INFO, source, thread)
    [result] = run(engine, REQUEST)
    assert result.text == "xxx"
    assert isinstance(result.end, Failed)
    assert result.end.code == ErrorCode.INTERNAL
    assert "ZeroDivisionError" in caplog.text
    source.broken = False
    assert run(engine, REQUEST)[0].end == Done("end")
    engine.close()


def test_closing_ends_what_runs(thread: LoopThread) -> None:
    source = Source(10_000)
    engine = StreamedEngine(INFO, source, thread)
    engine.step([engine.admit(REQUEST)])
    source.full.wait()
    engine.close()
    assert source.closed.is_set()


def test_a_foreign_job_is_a_programming_error(thread: LoopThread) -> None:
    engine = StreamedEngine(INFO, Source(1), thread)
    with pytest.raises(TypeError, match="not a job of this engine"):
        engine.step([object()])  # type: ignore[list-item]
    engine.close()
