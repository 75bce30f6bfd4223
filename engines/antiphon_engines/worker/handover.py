"""The engines that serve one kind of run: the latest takes new runs, unless a run names another that has stayed beside
it; engines that were replaced finish their runs. To the scheduler they are one engine."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from msgspec.structs import replace

from antiphon_engines.api import (
    Divisible,
    Engine,
    EngineInfo,
    EngineUnavailable,
    Job,
    Listening,
    Made,
    PlayedNote,
    Request,
    Steer,
    TextRequest,
)


class Handover:
    """Implements `Engine`, `Divisible` and `Listening` by delegation. `info` is the latest engine's, with the names of
    those that have stayed beside it.

    An engine that has left is closed when its last job is released.
    """

    def __init__(self, engine: Engine) -> None:
        self._latest = engine
        self._beside: dict[str, Engine] = {}
        """By name, the latest of them last."""
        self._owners: dict[int, tuple[Job, Engine]] = {}

    @property
    def kind(self) -> str:
        return self._latest.kind

    @property
    def info(self) -> EngineInfo:
        info = self._latest.info
        return replace(info, beside=tuple(self._beside)) if self._beside else info

    def take_over(self, engine: Engine, *, beside: int = 0) -> None:
        """From now on `engine` admits. At most `beside` of the earlier ones stay for runs that name them, the latest
        first; of two of one name the new one."""
        before, self._latest = self._latest, engine
        self._beside[before.info.name] = before
        leaving = [self._beside.pop(engine.info.name, None)]
        while len(self._beside) > beside:
            leaving.append(self._beside.pop(next(iter(self._beside))))
        for each in leaving:
            if each is not None:
                self._close_idle(each)

    def admit(self, request: Request) -> Job:
        engine = self.admits(request)
        job = engine.admit(request)
        self._owners[id(job)] = (job, engine)
        return job

    def admits(self, request: Request) -> Engine:
        """The engine that a request is for. Raises EngineUnavailable where it names one that serves no more."""
        name = request.model if isinstance(request, TextRequest) else ""
        if name in ("", self._latest.info.name):
            return self._latest
        if (found := self._beside.get(name)) is None:
            raise EngineUnavailable(f"{name} no longer serves here")
        return found

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
        for engine in self._engines():
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
        engines = self._engines()
        self._owners.clear()
        for engine in engines:
            engine.close()

    def _owner(self, job: Job) -> Engine:
        return self._owners[id(job)][1]

    def _engines(self) -> list[Engine]:
        owners = (engine for _, engine in self._owners.values())
        return list(dict.fromkeys([self._latest, *self._beside.values(), *owners]))

    def _close_idle(self, engine: Engine) -> None:
        if all(engine is not each for each in self._engines()):
            engine.close()
