"""A whole text engine in one file, and a server that serves it.

    PYTHONPATH=docs/examples python docs/examples/story_engine.py

The engine continues a story with the story's own words: after each pair of words it draws one of those that followed
that pair before (a Markov chain). It learns at admission, from nothing but the text that it is given.
"""

from __future__ import annotations

import asyncio
import math
import random
import re
import signal
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import ClassVar

from antiphon_engines.api import (
    Done,
    EngineInfo,
    Engines,
    InvalidRequest,
    Job,
    Made,
    Piece,
    Request,
    Steer,
    Token,
    Window,
    written,
)
from antiphon_engines.config import WorkerConfig
from antiphon_engines.host.host import EngineHost, HostState
from antiphon_proto.messages import TokenInfo
from antiphon_proto.params import TextParams
from antiphon_server.app import Serving, serve
from antiphon_server.config import Settings

Pair = tuple[str, str]


class StoryJob:
    """One request: its statistics, its position, and the number of words left."""

    unit = "decode"
    window: Window | None = None  # no deadline: whenever it is its turn
    piece: Piece | None = None  # one word cannot be made smaller

    def __init__(self, text: str, params: TextParams) -> None:
        words = re.findall(r"\S+", text)
        if len(words) < 2:
            raise InvalidRequest("this engine needs at least two words to go on from")
        self.follow: dict[Pair, Counter[str]] = defaultdict(Counter)
        for one, two, three in zip(words, words[1:], words[2:], strict=False):
            self.follow[one, two][three] += 1
        self.all = Counter(words)
        self.at: Pair = (words[-2], words[-1])
        self.space = "" if text[-1:].isspace() else " "
        self.made, self.most = 0, params.max_tokens
        self.random = random.Random(params.seed)


class StoryEngine:
    """Every method is called from one thread, the worker's loop."""

    kind: ClassVar[str] = "text"

    def __init__(self, max_jobs: int, max_batch: int) -> None:
        self.info = EngineInfo("text", "the story's own words", "cpu", "python", max_jobs, max_batch)

    def admit(self, request: Request) -> StoryJob:
        """Check the request and make its state. The message of an InvalidRequest is sent to the asker."""
        request = written(request)
        if request.task != "continue":
            raise InvalidRequest("this engine continues a text and does nothing else")
        return StoryJob(request.before, request.params)

    def step(self, jobs: Sequence[Job]) -> Sequence[Sequence[Made]]:
        """One word for each job of the batch."""
        return [self._word(job) for job in jobs if isinstance(job, StoryJob)]

    def steer(self, job: Job, change: Steer) -> None:
        """A run of this engine cannot be changed while it writes."""
        raise InvalidRequest("this engine takes no directions")

    def release(self, job: Job) -> None:
        """Nothing is kept outside the job."""

    def close(self) -> None:
        """Nothing is held."""

    def _word(self, job: StoryJob) -> list[Made]:
        words = job.follow.get(job.at) or job.all
        [word] = job.random.choices(list(words), list(words.values()))
        info = TokenInfo(job.made, job.space + word, -1, math.log(words[word] / words.total()))
        job.at, job.space, job.made = (job.at[1], word), " ", job.made + 1
        return [Token(info)] if job.made < job.most else [Token(info), Done("length")]


def engines(config: WorkerConfig) -> Engines:
    """The engines to serve; called in the worker process."""
    return Engines((StoryEngine(config.max_jobs, config.max_batch),))


async def main() -> None:
    def host(config: WorkerConfig, on_state: Callable[[HostState], None]) -> EngineHost:
        # The worker imports this module by its name and calls `engines`.
        return EngineHost(config, on_state=on_state, factory="story_engine:engines")

    def ready(serving: Serving) -> None:
        print(serving.link, flush=True)

    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    settings = Settings(port=0, data_dir=Path("story-rooms"), image_model="none", music_model="none")
    await serve(settings, stop, ready, make_engine=host, open_room=True)


if __name__ == "__main__":
    asyncio.run(main())
