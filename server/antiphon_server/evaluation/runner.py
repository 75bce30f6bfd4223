"""Runs tasks on an engine, several at a time, and counts passes.

The answers are those that people would get: continuations end with a sentence, as on the server.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Sequence

from msgspec import Struct
from msgspec.structs import replace

from antiphon_engines.api import Done, Engine, Failed, Job, Token
from antiphon_server.evaluation.tasks import Task
from antiphon_server.runs.sentences import Sentences, longer


class Outcome(Struct, frozen=True):
    """`fails` is empty where the task is passed. `seconds` is the wall clock's, beside others in the batch."""

    task: str
    kind: str
    split: str
    seed: int
    answer: str
    fails: tuple[str, ...]
    tokens: int
    seconds: float


class Summary(Struct, frozen=True):
    """Shares of tasks passed, over all seeds. `load` is the machine's, per core, at the beginning and the end."""

    model: str
    split: str
    tasks: int
    seeds: int
    share: float
    kinds: dict[str, float]
    per_seed: tuple[float, ...]
    tokens: int
    seconds: float
    load: tuple[float, float]
    outcomes: tuple[Outcome, ...]


class _Running:
    def __init__(self, engine: Engine, task: Task, seed: int) -> None:
        self.task = task
        self.seed = seed
        params = replace(task.request.params, seed=seed)
        self._sentences = Sentences(params, task.request.before) if params.whole_sentences else None
        self.job: Job = engine.admit(replace(task.request, params=longer(params)))
        self._text: list[str] = []
        self._tokens = 0
        self._began = time.perf_counter()

    def on_outputs(self, outputs: Sequence[object]) -> Outcome | None:
        """Take the outputs of a step; returns the outcome at the end."""
        for output in outputs:
            match output:
                case Token(info):
                    self._tokens += 1
                    kept = [info] if self._sentences is None else self._sentences.push(info)
                    self._text += [token.text for token in kept]
                    if self._sentences is not None and self._sentences.complete:
                        return self._outcome()
                case Done(reason):
                    if self._sentences is not None:
                        kept = self._sentences.flush(reason != "length")
                        self._text += [token.text for token in kept]
                    return self._outcome()
                case Failed(message=message):
                    return self._outcome(f"the model failed: {message}")
        return None

    def _outcome(self, problem: str = "") -> Outcome:
        answer = "".join(self._text)
        fails = (problem,) if problem else tuple(self.task.fails(answer))
        seconds = time.perf_counter() - self._began
        task = self.task
        return Outcome(task.name, task.kind, task.split, self.seed, answer, fails, self._tokens, seconds)


def evaluate(
    engine: Engine,
    tasks: Sequence[Task],
    seeds: Sequence[int],
    *,
    split: str,
    on_outcome: Callable[[Outcome], None] = lambda outcome: None,
) -> Summary:
    """Every task under every seed, as many at a time as the engine admits."""
    waiting = [(task, seed) for seed in seeds for task in tasks]
    waiting.reverse()
    running: list[_Running] = []
    outcomes: list[Outcome] = []
    began, load = time.perf_counter(), _load()
    while waiting or running:
        while waiting and len(running) < engine.info.max_jobs:
            running.append(_Running(engine, *waiting.pop()))
        unit = running[0].job.unit
        batch = [each for each in running if each.job.unit == unit][: engine.info.max_batch]
        for each, outputs in zip(batch, engine.step([one.job for one in batch]), strict=True):
            if (outcome := each.on_outputs(outputs)) is not None:
                engine.release(each.job)
                running.remove(each)
                outcomes.append(outcome)
                on_outcome(outcome)
    return summary(engine.info.name, split, outcomes, len(tasks), seeds, time.perf_counter() - began, load)


def summary(
    model: str,
    split: str,
    outcomes: Sequence[Outcome],
    tasks: int,
    seeds: Sequence[int],
    seconds: float,
    load: float,
) -> Summary:
    kinds = dict.fromkeys(outcome.kind for outcome in outcomes)
    return Summary(
        model=model,
        split=split,
        tasks=tasks,
        seeds=len(seeds),
        share=_share(outcomes),
        kinds={kind: _share([each for each in outcomes if each.kind == kind]) for kind in kinds},
        per_seed=tuple(_share([each for each in outcomes if each.seed == seed]) for seed in seeds),
        tokens=sum(outcome.tokens for outcome in outcomes),
        seconds=round(seconds, 1),
        load=(load, _load()),
        outcomes=tuple(sorted(outcomes, key=lambda each: (each.seed, each.task))),
    )


def _share(outcomes: Sequence[Outcome]) -> float:
    return round(sum(not each.fails for each in outcomes) / len(outcomes), 3) if outcomes else 0.0


def _load() -> float:
    return round(os.getloadavg()[0] / (os.cpu_count() or 1), 2) if hasattr(os, "getloadavg") else 0.0
