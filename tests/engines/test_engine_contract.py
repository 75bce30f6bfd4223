"""What every engine promises (`antiphon_engines.api`), for each of `support.engines.ENGINES`."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from antiphon_engines.api import Done, Engine, InvalidRequest, QueueFull, TextRequest
from antiphon_proto.params import TextParams, TextSteer
from support.drive import Result, run, run_to_end, step
from support.engines import ENGINES, EngineCase

STORY = "The fog lay low over the river when Mira opened the door of the old mill."


def ask(text: str = STORY, *, max_tokens: int = 8, seed: int = 11, **params: object) -> TextRequest:
    return TextRequest("continue", text, params=TextParams(max_tokens=max_tokens, seed=seed, **params))  # type: ignore[arg-type]


@pytest.fixture(params=ENGINES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> EngineCase:
    return request.param  # type: ignore[no-any-return]


@pytest.fixture
def engine(case: EngineCase, request: pytest.FixtureRequest) -> Iterator[Engine]:
    engine = case.make(request)
    yield engine
    engine.close()


def test_says_what_it_is(engine: Engine) -> None:
    assert engine.info.modality == engine.kind == "text"
    assert engine.info.name
    assert engine.info.backend
    assert engine.info.max_batch >= 1
    assert engine.info.max_jobs >= 3


def test_a_run_ends_at_its_length(engine: Engine) -> None:
    [result] = run(engine, ask(max_tokens=6))
    if result.done.reason == "length":
        assert len(result.tokens) == 6
    assert 1 <= len(result.tokens) <= 6
    assert [token.index for token in result.tokens] == list(range(len(result.tokens)))


def test_tokens_carry_probabilities_and_rivals(engine: Engine) -> None:
    [result] = run(engine, ask(max_tokens=4, alternatives=3))
    for token in result.tokens:
        assert token.logprob <= 1e-6
        assert len(token.alternatives) <= 3
        logprobs = [rival.logprob for rival in token.alternatives]
        assert logprobs == sorted(logprobs, reverse=True)


def test_no_rivals_when_none_are_asked_for(engine: Engine) -> None:
    [result] = run(engine, ask(max_tokens=3, alternatives=0))
    assert all(token.alternatives == () for token in result.tokens)


def test_the_same_seed_gives_the_same_text(engine: Engine, case: EngineCase) -> None:
    if not case.exact:
        pytest.skip("this engine does not promise it")
    first, again = run(engine, ask()), run(engine, ask())
    assert first[0].tokens == again[0].tokens


def test_batched_equals_alone(engine: Engine, case: EngineCase) -> None:
    if not case.exact:
        pytest.skip("this engine does not promise it")
    requests = [ask(), ask(STORY[:20], seed=3), ask("Once", seed=5, temperature=0.0)]
    together = run(engine, *requests)
    for request, result in zip(requests, together, strict=True):
        [alone] = run(engine, request)
        assert alone.tokens == result.tokens


def test_stop_strings_end_a_run_and_are_not_written(engine: Engine, case: EngineCase) -> None:
    if not case.exact:
        pytest.skip("this engine does not promise a repeatable text")
    [plain] = run(engine, ask(max_tokens=12))
    stop = plain.text[4:7]
    [stopped] = run(engine, ask(max_tokens=12, stop=(stop,)))
    assert stopped.done.reason == "stop_string"
    assert stopped.text == plain.text[: plain.text.index(stop)]


def test_more_jobs_than_places_are_refused(engine: Engine) -> None:
    jobs = [engine.admit(ask(seed=n)) for n in range(engine.info.max_jobs)]
    with pytest.raises(QueueFull):
        engine.admit(ask())
    engine.release(jobs[0])
    engine.admit(ask())


def test_release_is_idempotent_and_frees_the_place_mid_run(engine: Engine) -> None:
    results = [Result(engine.admit(ask(seed=n, max_tokens=4000))) for n in range(3)]
    for _ in range(4):
        step(engine, results)
    engine.release(results[0].job)
    engine.release(results[0].job)
    taken = [engine.admit(ask(seed=n)) for n in range(engine.info.max_jobs - 2)]
    assert len(taken) == engine.info.max_jobs - 2
    with pytest.raises(QueueFull):
        engine.admit(ask())


def test_a_cancelled_run_changes_nothing_for_the_others(engine: Engine, case: EngineCase) -> None:
    if not case.exact:
        pytest.skip("this engine does not promise a repeatable text")
    [alone] = run(engine, ask(max_tokens=10))
    results = [Result(engine.admit(ask(max_tokens=10))), Result(engine.admit(ask(seed=2, max_tokens=50)))]
    for _ in range(3):
        step(engine, results)
    engine.release(results[1].job)
    run_to_end(engine, results[:1])
    assert results[0].tokens == alone.tokens


def test_invalid_requests_are_refused_and_take_no_place(engine: Engine) -> None:
    bad = TextRequest("instruct", STORY, instruction="   ", params=TextParams(max_tokens=4))
    for _ in range(engine.info.max_jobs + 1):
        with pytest.raises(InvalidRequest):
            engine.admit(bad)
    [result] = run(engine, ask(max_tokens=2))
    assert isinstance(result.end, Done)


def test_an_instruction_is_followed_to_an_end(engine: Engine) -> None:
    request = TextRequest(
        "instruct", STORY, instruction="Describe the mill.", params=TextParams(max_tokens=6, seed=1)
    )
    [result] = run(engine, request)
    assert isinstance(result.end, Done)
    assert len(result.tokens) <= 6


def test_steering_shortens_a_run(engine: Engine) -> None:
    result = Result(engine.admit(ask(max_tokens=200)))
    while not result.tokens and result.end is None:
        step(engine, [result])
    engine.steer(result.job, TextSteer(max_tokens=len(result.tokens) + 3))
    run_to_end(engine, [result])
    assert result.done.reason in ("length", "end")
    assert len(result.tokens) <= 200


def test_steering_the_instruction_goes_on_from_what_was_written(engine: Engine) -> None:
    request = TextRequest("instruct", STORY, instruction="Go on.", params=TextParams(max_tokens=12, seed=4))
    result = Result(engine.admit(request))
    while len(result.tokens) < 2 and result.end is None:
        step(engine, [result])
    written = list(result.tokens)
    engine.steer(result.job, TextSteer(instruction="Go on, but in the rain."))
    run_to_end(engine, [result])
    assert result.tokens[: len(written)] == written
    assert [token.index for token in result.tokens] == list(range(len(result.tokens)))
    assert len(result.tokens) <= 12


def test_an_invalid_steer_changes_nothing(engine: Engine, case: EngineCase) -> None:
    request = TextRequest("instruct", STORY, instruction="Go on.", params=TextParams(max_tokens=5, seed=4))
    [plain] = run(engine, request)
    result = Result(engine.admit(request))
    with pytest.raises(InvalidRequest):
        engine.steer(result.job, TextSteer(instruction=" "))
    run_to_end(engine, [result])
    assert len(result.tokens) <= 5
    if case.exact:
        assert result.tokens == plain.tokens


def test_characters_come_whole(engine: Engine) -> None:
    [result] = run(engine, ask("В тумане жил ёжик 🦔, и он", max_tokens=16, temperature=1.5))
    for token in result.tokens:
        token.text.encode()
    assert isinstance(result.end, Done)
