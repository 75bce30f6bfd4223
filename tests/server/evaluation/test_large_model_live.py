"""The large text model takes over from the small one, and leaves, in a real worker while runs are under way.
`make test-models` fetches it; without it these tests are skipped, and say why."""

from __future__ import annotations

from pathlib import Path

import pytest

from antiphon_engines.api import EngineUnavailable, TextRequest
from antiphon_engines.automatic import LADDER
from antiphon_engines.config import DEFAULT_TEXT_MODEL
from antiphon_engines.ipc.events import Done, Failed, Token
from antiphon_engines.text import spec
from antiphon_proto.params import TextParams
from support.engine_host import FACTORY, Recorder, Watched

pytestmark = [pytest.mark.large_model, pytest.mark.slow]
STORY = "The last ferry had already left when Marta reached the pier."
LARGE = LADDER[0]


@pytest.fixture(autouse=True)
def _prepared(cache_dir: Path, embedded_text_model: Path) -> None:
    try:
        spec.check(cache_dir, LARGE)
    except EngineUnavailable as error:
        pytest.skip(f"the large model is not here ({error.message}); make test-models fetches it")


def submit(watched: Watched, run: str, sink: Recorder, *, tokens: int, model: str = "") -> None:
    request = TextRequest(
        "continue", STORY, params=TextParams(max_tokens=tokens, alternatives=0), model=model
    )
    watched.host.submit(run, 0, share=run, request=request, sink=sink)


async def test_it_takes_over_while_the_small_one_writes_and_both_serve(cache_dir: Path) -> None:
    async with Watched(
        FACTORY, cache_dir, text_model=DEFAULT_TEXT_MODEL, text_beside=1, device="cpu", threads=1
    ) as watched:
        host, old, new, quick = watched.host, Recorder(), Recorder(), Recorder()
        await host.wait_ready()
        submit(watched, "old", old, tokens=400)
        await old.saw(Token)
        host.use("text", LARGE)
        state = await watched.becomes(lambda state: state.engines[0].name == LARGE)
        assert state.engines[0].beside == (DEFAULT_TEXT_MODEL,)
        submit(watched, "new", new, tokens=4)
        submit(watched, "quick", quick, tokens=4, model=DEFAULT_TEXT_MODEL)
        assert isinstance(await new.ended(), Done)
        assert isinstance(await quick.ended(), Done)
        assert old.end is None or isinstance(old.end, Done)


async def test_runs_that_wait_for_it_are_told_when_it_leaves(cache_dir: Path) -> None:
    async with Watched(
        FACTORY, cache_dir, text_model=LARGE, text_beside=0, max_jobs=1, device="cpu", threads=1
    ) as watched:
        host, writes, waits, after = watched.host, Recorder(), Recorder(), Recorder()
        await host.wait_ready()
        submit(watched, "writes", writes, tokens=48)
        await writes.saw(Token)
        submit(watched, "waits", waits, tokens=4, model=LARGE)
        host.use("text", DEFAULT_TEXT_MODEL)
        await watched.becomes(lambda state: state.engines[0].name == DEFAULT_TEXT_MODEL)
        assert isinstance(await writes.ended(), Done), "what is under way ends on its own model"
        end = await waits.ended()
        assert isinstance(end, Failed)
        assert LARGE in end.message
        submit(watched, "after", after, tokens=4)
        assert isinstance(await after.ended(), Done)
