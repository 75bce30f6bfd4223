"""Drives an engine the way a scheduler does, without one."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field

from antiphon_engines.api import (
    Audio,
    Deferred,
    Done,
    Engine,
    Failed,
    Image,
    Job,
    Made,
    Output,
    Performed,
    Preview,
    Request,
    Spoken,
    Step,
    Token,
)
from antiphon_proto.messages import TokenInfo

STEPS = 20_000
"""More than any test needs; an engine that never ends fails instead of hanging."""


@dataclass
class Result:
    job: Job
    tokens: list[TokenInfo] = field(default_factory=list)
    steps: list[int] = field(default_factory=list)
    previews: list[Preview] = field(default_factory=list)
    image: Image | None = None
    frames: list[Audio] = field(default_factory=list)
    performed: list[Performed] = field(default_factory=list)
    spoken: list[Spoken] = field(default_factory=list)
    end: Done | Failed | None = None

    @property
    def text(self) -> str:
        return "".join(token.text for token in self.tokens)

    @property
    def done(self) -> Done:
        assert isinstance(self.end, Done), self.end
        return self.end


def step(engine: Engine, results: Sequence[Result]) -> None:
    """One step for each unit that the unfinished jobs are in; ended jobs are released."""
    running = [result for result in results if result.end is None]
    for unit in sorted({result.job.unit for result in running}):
        group = [result for result in running if result.job.unit == unit and result.end is None]
        group = group[: engine.info.max_batch]
        outputs = engine.step([result.job for result in group])
        assert len(outputs) == len(group)
        for result, produced in zip(group, outputs, strict=True):
            for output in written(produced):
                assert result.end is None, "output after the last one"
                match output:
                    case Token(info):
                        result.tokens.append(info)
                    case Step(at, _):
                        result.steps.append(at)
                    case Preview():
                        result.previews.append(output)
                    case Image():
                        assert result.image is None, "two pictures of one run"
                        result.image = output
                    case Audio():
                        result.frames.append(output)
                    case Performed():
                        result.performed.append(output)
                    case Spoken():
                        result.spoken.append(output)
                    case Done() | Failed():
                        result.end = output
            window = result.job.window
            if result.end is None and window is not None and window.opens == math.inf:
                result.end = Done(
                    "end"
                )  # a band never ends by itself: its room stops it when it has no more to play
            if result.end is not None:
                engine.release(result.job)


def written(outputs: Sequence[Made]) -> list[Output]:
    """With the files that are still to be written."""
    return [output.write() if isinstance(output, Deferred) else output for output in outputs]


def run_to_end(engine: Engine, results: Sequence[Result]) -> None:
    for _ in range(STEPS):
        if all(result.end is not None for result in results):
            return
        step(engine, results)
    raise AssertionError("the engine did not end its jobs")


def run(engine: Engine, *requests: Request) -> list[Result]:
    """All requests at once, from admission to release."""
    results = [Result(engine.admit(request)) for request in requests]
    run_to_end(engine, results)
    return results
