"""The engines that serve one kind of run, one after another: the latest takes what is new, earlier ones end what they
began. To the scheduler they are one engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from antiphon_engines.api import (
    Divisible,
    Engine,
    EngineInfo,
    Job,
    Listening,
    Made,
    PlayedNote,
    Request,
    Steer,
)


class Handover:
    """Implements `Engine`, `Divisible` and `Listening` for whatever stands in it. `info` is the latest engine's.

    An earlier engine is closed when its last job is released.
    """

    def __init__(self, engine: Engine) -> None:
        self._latest = engine
        self._owners: dict[int, tuple[Job, Engine]] = {}

    @property
    def kind(self) -> str:
        return self._latest.kind

    @property
    def info(self) -> EngineInfo:
        return self._latest.info

    def take_over(self, engine: Engine) -> None:
        """From now on `engine` admits."""
        before, self._latest = self._latest, engine
        self._close_idle(before)

    def admit(self, request: Request) -> Job:
        job = self._latest.admit(request)
        self._owners[id(job)] = (job, self._latest)
        return job

    def step(self, jobs: Sequence[Job]) -> Sequence[Sequence[Made]]:
        """Jobs of several engines may share a batch: each engine steps its own."""
        engines = list(dict.fromkeys(self._owner(job) for job in jobs))
        if len(engines) == 1:
            return engines[0].step(jobs)
        found: dict[int, Sequence[Made]] = {}
        for engine in engines:
            mine = [job for job in jobs if self._owner(job) is engine]
            for at in range(0, len(mine), engine.info.max_batch):
                part = mine[at : at + engine.info.max_batch]
                found |= dict(zip(map(id, part), engine.step(part), strict=True))
        return [found[id(job)] for job in jobs]

    def budget(self, seconds: float) -> None:
        for engine in dict.fromkeys([self._latest, *(engine for _, engine in self._owners.values())]):
            if hasattr(engine, "budget"):
                cast(Divisible, engine).budget(seconds)

    def push(self, job: Job, notes: Sequence[PlayedNote]) -> None:
        cast(Listening, self._owner(job)).push(job, notes)

    def steer(self, job: Job, change: Steer) -> None:
        self._owner(job).steer(job, change)

    def release(self, job: Job) -> None:
        known = self._owners.pop(id(job), None)
        if known is not None:
            try:
                known[1].release(job)
            finally:
                self._close_idle(known[1])

    def close(self) -> None:
        engines = dict.fromkeys([self._latest, *(engine for _, engine in self._owners.values())])
        self._owners.clear()
        for engine in engines:
            engine.close()

    def _owner(self, job: Job) -> Engine:
        return self._owners[id(job)][1]

    def _close_idle(self, engine: Engine) -> None:
        if engine is not self._latest and all(engine is not owner for _, owner in self._owners.values()):
            engine.close()
