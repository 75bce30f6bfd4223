"""The whole embedded engine, as a worker builds it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from antiphon_engines.api import EngineUnavailable, TextRequest
from antiphon_engines.config import DEFAULT_TEXT_MODEL
from antiphon_engines.text import embedded, spec
from antiphon_engines.text.engine import TextEngine
from antiphon_proto.params import TextParams, TextSteer
from support.drive import Result, run, run_to_end, step

STORY = (
    "The harbour had been quiet since the war. In the mornings the fishermen mended their nets on the quay, and in "
    "the evenings they sat in the tavern and told each other the same stories. Anna, who kept the lighthouse, came "
    "down to the village only on Sundays."
)


@pytest.fixture(scope="module")
def engine(cache_dir: Path, embedded_text_model: Path) -> Iterator[TextEngine]:
    built = embedded.build(cache_dir, threads=2, context=512, max_jobs=8, chunk=32)
    yield built
    built.close()


def ask(before: str = STORY, *, max_tokens: int = 12, seed: int = 5, **params: object) -> TextRequest:
    return TextRequest("continue", before, params=TextParams(max_tokens=max_tokens, seed=seed, **params))


def test_it_serves_under_the_name_by_which_it_is_chosen(engine: TextEngine) -> None:
    assert engine.info.name == spec.describe(DEFAULT_TEXT_MODEL).name


def test_what_the_cache_holds_does_not_show_in_the_text(
    engine: TextEngine, cache_dir: Path, embedded_text_model: Path
) -> None:
    grown = STORY + " One morning she did not come, and"
    [first] = run(engine, ask(max_tokens=16))
    [reused] = run(engine, ask(grown, seed=9))
    [onwards] = run(engine, ask(STORY + first.text, seed=2))
    fresh = embedded.build(cache_dir, threads=2, context=512, max_jobs=1, chunk=16)
    try:
        assert run(fresh, ask(grown, seed=9))[0].tokens == reused.tokens
        assert run(fresh, ask("Something else entirely."))[0].tokens
        assert run(fresh, ask(STORY + first.text, seed=2))[0].tokens == onwards.tokens
    finally:
        fresh.close()


def test_eight_writers_get_what_each_would_get_alone(engine: TextEngine) -> None:
    requests = [ask(STORY[: 60 + 20 * n], seed=n, max_tokens=6 + n) for n in range(8)]
    together = run(engine, *requests)
    for request, result in zip(requests, together, strict=True):
        assert run(engine, request)[0].tokens == result.tokens


def test_a_long_prompt_stalls_nobody(engine: TextEngine) -> None:
    writer = Result(engine.admit(ask(max_tokens=40)))
    while not writer.tokens:
        step(engine, [writer])
    reader = Result(engine.admit(ask("word " * 400, max_tokens=1)))
    steps = 0
    while not reader.tokens:
        before = len(writer.tokens)
        step(engine, [writer, reader])
        assert len(writer.tokens) > before or writer.end is not None
        steps += 1
    assert steps >= 400 // 32
    engine.release(writer.job)


def test_any_script_comes_in_whole_characters(engine: TextEngine) -> None:
    for before in ("В лесу стоял туман, и ёжик", "昔々あるところに", "🦔🦔🦔"):
        [result] = run(engine, ask(before, max_tokens=24, temperature=1.2))
        assert "\ufffd" not in result.text
        assert result.text.encode().decode() == result.text != ""


def test_an_instruction_writes_on_in_the_story_and_can_be_steered(engine: TextEngine) -> None:
    request = TextRequest(
        "instruct", STORY, instruction="It snows.", params=TextParams(max_tokens=20, seed=1)
    )
    result = Result(engine.admit(request))
    while len(result.tokens) < 6:
        step(engine, [result])
    written = result.text
    engine.steer(result.job, TextSteer(instruction="A stranger arrives.", temperature=0.0))
    run_to_end(engine, [result])
    assert result.text.startswith(written)
    assert len(result.tokens) > 6


def test_it_is_not_there_before_it_is_prepared(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="antiphon models prepare"):
        embedded.build(tmp_path, threads=1)
