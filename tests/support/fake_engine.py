"""An engine without a model, for tests of the code around engines.

A job writes "w0 ", "w1 " ... up to `params.max_tokens`, after `len(before) // 100` prefill steps. Its behaviour
besides is said by the request's `instruction`:

    ""            nothing
    "wait"        after the first token it writes no more until it is steered with any new instruction
    "invalid"     admit raises InvalidRequest
    "fail"        the third token is a Failed
    "raise"       the third token is an exception: a broken engine
    "kill"        the third token is a SIGKILL of the process
    "abort"       the third token is an abort() of the C library
    "kill early"  admit kills the process
    "hang"        the third token never comes back from `step`
    "print"       prints the bytes of a frame to standard output

The `build...` functions are for a worker process (`factory="support.fake_engine:build"`).
"""

from __future__ import annotations

import math
import os
import signal
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from msgspec import UNSET
from msgspec.structs import replace

from antiphon_engines.api import (
    Absent,
    Done,
    EngineInfo,
    Engines,
    EngineUnavailable,
    Failed,
    InvalidRequest,
    Job,
    Later,
    Modality,
    Output,
    Piece,
    Request,
    Steer,
    TextRequest,
    Token,
    Window,
)
from antiphon_engines.config import WorkerConfig
from antiphon_proto.messages import TokenInfo
from antiphon_proto.params import TextParams, TextSteer

NEVER = Window(math.inf, math.inf)
"""Of a job that has nothing to do until somebody says something."""
PREFILL = 100
"""Characters of `before` that one prefill step takes."""


def request(
    instruction: str = "", *, tokens: int = 8, before: str = "", params: TextParams | None = None
) -> TextRequest:
    """A request for the fake engine."""
    return TextRequest(
        "continue", before, instruction=instruction, params=params or TextParams(max_tokens=tokens)
    )


def fake_info(max_jobs: int = 8, max_batch: int = 8) -> EngineInfo:
    return EngineInfo("text", "fake", "cpu", "fake", max_jobs, max_batch)


@dataclass(eq=False)
class FakeJob:
    request: TextRequest
    instruction: str
    prefill: int
    unit: str = "decode"
    window: Window | None = None
    piece: Piece | None = None
    written: int = 0


class FakeEngine:
    """`steps` records the batches: (unit, ids of jobs in the order of admission)."""

    kind: ClassVar[str] = "text"

    def __init__(
        self,
        info: EngineInfo | None = None,
        *,
        on_step: Callable[[str, int], None] | None = None,
    ) -> None:
        self.info = info or fake_info()
        self.jobs: list[FakeJob] = []
        self.steps: list[tuple[str, tuple[int, ...]]] = []
        self.closed = False
        self._on_step = on_step
        self._admitted = 0
        self._ids: dict[int, int] = {}

    def admit(self, request: Request) -> Job:
        assert len(self.jobs) < self.info.max_jobs, "more jobs than places"
        assert isinstance(request, TextRequest)
        match request.instruction:
            case "invalid":
                raise InvalidRequest("the fake engine was asked to refuse")
            case "kill early":
                os.kill(os.getpid(), signal.SIGKILL)
            case "print":
                sys.stdout.write("\x00\x00\x00\x01\xc1 no frame\n")
                sys.stdout.flush()
        prefill = len(request.before) // PREFILL
        job = FakeJob(request, request.instruction, prefill, "prefill" if prefill else "decode")
        self.jobs.append(job)
        self._ids[id(job)] = self._admitted
        self._admitted += 1
        return job

    def step(self, jobs: Sequence[Job]) -> Sequence[Sequence[Output]]:
        assert 0 < len(jobs) <= self.info.max_batch, "a batch over the bound"
        assert len({job.unit for job in jobs}) == 1, "units are mixed"
        unit = jobs[0].unit
        self.steps.append((unit, tuple(self._ids[id(job)] for job in jobs)))
        if self._on_step is not None:
            self._on_step(unit, len(jobs))
        return [self._advance(job) for job in jobs if isinstance(job, FakeJob)]

    def steer(self, job: Job, change: Steer) -> None:
        assert isinstance(job, FakeJob)
        assert isinstance(change, TextSteer)
        if change.instruction == "invalid":
            raise InvalidRequest("the fake engine was asked to refuse the steer")
        if change.instruction is not UNSET:
            job.instruction = change.instruction
            job.window = None

    def release(self, job: Job) -> None:
        if job in self.jobs:
            self.jobs.remove(job)

    def close(self) -> None:
        self.closed = True

    def _advance(self, job: FakeJob) -> list[Output]:
        assert job in self.jobs, "a released job was stepped"
        if job.prefill:
            job.prefill -= 1
            job.unit = "prefill" if job.prefill else "decode"
            return []
        if job.written == 2:
            match job.instruction:
                case "fail":
                    return [Failed("engine_failed", "the fake engine was asked to fail")]
                case "raise":
                    raise RuntimeError("the fake engine broke")
                case "kill":
                    os.kill(os.getpid(), signal.SIGKILL)
                case "abort":
                    os.abort()
                case "hang":
                    threading.Event().wait()
        index = job.written
        job.written += 1
        if job.instruction == "wait":
            job.window = NEVER
        outputs: list[Output] = [Token(TokenInfo(index, f"w{index} ", index, -0.5))]
        if job.written == job.request.params.max_tokens:
            outputs.append(Done("length"))
        return outputs


def build(config: WorkerConfig) -> Engines:
    return Engines((FakeEngine(fake_info(config.max_jobs, config.max_batch)),))


def build_several(config: WorkerConfig) -> Engines:
    """Any model but `broken`, which cannot be loaded, and `nowhere`, which is none; named by its spec."""

    def make(modality: Modality, spec: str) -> Later | Absent:
        if modality != "text" or spec == "nowhere":
            raise EngineUnavailable(f"there is no {modality} model {spec!r}")
        return Later("text", spec, lambda: named(spec))

    def named(spec: str) -> FakeEngine:
        if spec == "broken":
            raise EngineUnavailable("its file is damaged")
        info = replace(fake_info(config.max_jobs, config.max_batch), name=spec)
        return FakeEngine(info)

    return Engines((named(config.text_model),), other=make)


def build_unavailable(config: WorkerConfig) -> Engines:
    raise EngineUnavailable(f"there is no model {config.text_model!r}")


def build_broken(config: WorkerConfig) -> Engines:
    """Fails as a bug would; every attempt leaves a byte in `cache_dir`/attempts."""
    with (Path(config.cache_dir) / "attempts").open("ab") as file:
        file.write(b".")
    raise RuntimeError("the loader has a bug")


def build_second_time(config: WorkerConfig) -> Engines:
    """Crashes while loading, the first time only."""
    marker = Path(config.cache_dir) / "tried"
    if not marker.exists():
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
    return build(config)


def build_never(config: WorkerConfig) -> Engines:
    """Hangs while loading."""
    threading.Event().wait()
    return build(config)


def build_garbage(config: WorkerConfig) -> Engines:
    """Writes bytes that are no frame on every inherited socket."""
    for number in range(3, 64):
        try:
            os.write(number, b"\xff" * 64)
        except OSError:
            continue
    return build(config)
