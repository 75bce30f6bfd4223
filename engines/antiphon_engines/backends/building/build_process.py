"""`python -m antiphon_engines.backends.building.build_process`: builds plans for the process that started it, and dies
with it.

Reads one JSON line, :class:`Task`, from standard input; then writes a JSON line, :class:`Said`, per piece of news. When
standard input ends, so does the process: no reader waits for the plans.
"""

from __future__ import annotations

import os
import sys
import threading
from pathlib import Path
from typing import Literal

import msgspec
from msgspec import Struct

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.plans.order import Order

_QUIET = {"TRANSFORMERS_VERBOSITY": "error", "DIFFUSERS_VERBOSITY": "error", "TQDM_DISABLE": "1"}
"""Progress is told in our own words; libraries would draw bars over them on the operator's terminal."""


class Task(Struct, frozen=True):
    folder: Path
    """Of the plans."""
    orders: tuple[Order, ...]
    threads: int = 1
    niceness: int = 0


class Said(Struct, frozen=True):
    """News of the order at `index`; `message` is a stage's name, or why it failed."""

    index: int
    event: Literal["progress", "done", "failed"]
    message: str = ""
    fraction: float = 0.0


def encode(task: Task) -> bytes:
    """As one line."""
    return msgspec.json.encode(task, enc_hook=str) + b"\n"


def decode(line: bytes) -> Task:
    return msgspec.json.decode(line, type=Task, dec_hook=lambda kind, value: kind(value))


def main() -> int:
    task = decode(sys.stdin.buffer.readline())
    threading.Thread(target=_die_with_parent, daemon=True).start()
    os.nice(task.niceness)
    news = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)  # libraries print; their words are not news
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)

    import torch

    from antiphon_engines.backends.building.build import build
    from antiphon_engines.backends.plans.plan_store import PlanStore

    torch.set_num_threads(task.threads)
    store = PlanStore(task.folder)

    def emit(said: Said) -> None:
        news.write(msgspec.json.encode(said) + b"\n")

    for index, order in enumerate(task.orders):

        def on_stage(stage: str, fraction: float, at: int = index) -> None:
            emit(Said(at, "progress", stage, fraction))

        try:
            build(store, order, on_stage)
        except EngineUnavailable as error:
            emit(Said(index, "failed", error.message))
        except Exception as error:
            emit(Said(index, "failed", f"{type(error).__name__}: {' '.join(str(error).split())[:300]}"))
        else:
            emit(Said(index, "done"))
    return 0


def _die_with_parent() -> None:
    # Not through sys.stdin: a thread that waits while it holds the lock is fatal to Python at its end.
    while os.read(0, 1024):
        pass
    os._exit(1)


if __name__ == "__main__":
    sys.exit(main())
