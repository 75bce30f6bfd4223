"""Drives an engine without a scheduler."""

from __future__ import annotations

from collections.abc import Sequence

from antiphon_engines.api import Done, Engine, Failed, Job, Output, Request, Token
from antiphon_proto.messages import TokenInfo

MAX_STEPS = 100_000


def run_all(engine: Engine, requests: Sequence[Request]) -> list[tuple[list[TokenInfo], Done | Failed]]:
    """Admit all, step them together unit by unit until each has ended, release them."""
    jobs = [engine.admit(request) for request in requests]
    return collect(engine, jobs)


def collect(engine: Engine, jobs: Sequence[Job]) -> list[tuple[list[TokenInfo], Done | Failed]]:
    """Step admitted jobs to their ends; releases each at its end."""
    tokens: list[list[TokenInfo]] = [[] for _ in jobs]
    ends: list[Done | Failed | None] = [None for _ in jobs]
    for _ in range(MAX_STEPS):
        running = [at for at, end in enumerate(ends) if end is None]
        if not running:
            return [(mine, end) for mine, end in zip(tokens, ends, strict=True) if end is not None]
        unit = jobs[running[0]].unit
        group = [at for at in running if jobs[at].unit == unit][: engine.info.max_batch]
        for at, outputs in zip(group, engine.step([jobs[at] for at in group]), strict=True):
            for output in outputs:
                ends[at] = _take(output, tokens[at])
            if ends[at] is not None:
                engine.release(jobs[at])
    raise AssertionError("the engine does not end")


def _take(output: Output, tokens: list[TokenInfo]) -> Done | Failed | None:
    if isinstance(output, Token):
        tokens.append(output.info)
        return None
    return output


def text_of(tokens: Sequence[TokenInfo]) -> str:
    return "".join(token.text for token in tokens)
