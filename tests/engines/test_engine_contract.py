"""The contract of every engine (`antiphon_engines.api`): first those of any modality, then those that write."""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator

import pytest

from antiphon_engines.api import (
    AudioRequest,
    Done,
    Engine,
    ImageRequest,
    InvalidRequest,
    QueueFull,
    Request,
    Segment,
    SpeechRequest,
    TextRequest,
)
from antiphon_proto.document.jam import BandControls, Transport
from antiphon_proto.params import ImageParams, TextParams, TextSteer
from support.drive import Result, run, run_to_end, step
from support.engines import BANDS, ENGINES, PAINTERS, SPEAKERS, EngineCase

STORY = "The fog lay low over the river when Mira opened the door of the old mill."


def ask(text: str = STORY, *, max_tokens: int = 8, seed: int = 11, **params: object) -> TextRequest:
    return TextRequest("continue", text, params=TextParams(max_tokens=max_tokens, seed=seed, **params))


@pytest.fixture(params=ENGINES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> EngineCase:
    return request.param


@pytest.fixture
def engine(case: EngineCase, request: pytest.FixtureRequest) -> Iterator[Engine]:
    engine = case.make(request)
    yield engine
    engine.close()


@pytest.fixture(params=[*ENGINES, *PAINTERS, *BANDS, *SPEAKERS], ids=lambda case: case.name)
def any_case(request: pytest.FixtureRequest) -> EngineCase:
    return request.param


@pytest.fixture
def any_engine(any_case: EngineCase, request: pytest.FixtureRequest) -> Iterator[Engine]:
    # Diffusers and transformers warn about optional packages that nothing here uses.
    with warnings.catch_warnings():
        if any_case.modality == "image":
            warnings.simplefilter("ignore")
        engine = any_case.make(request)
        yield engine
        engine.close()


def order(case: EngineCase, *, seed: int = 11, length: int = 8) -> Request:
    """Something for this engine to do, of about so many steps; some seeds bring another text."""
    if case.modality == "text":
        temperature = 0.0 if seed == 5 else 0.8
        text = {3: STORY[:20], 5: "Once"}.get(seed, STORY)
        return ask(text, seed=seed, max_tokens=length, temperature=temperature)
    if case.modality == "audio":
        # It plays so many frames and stops; an hour ahead nothing is late.
        stop = Segment(length * 1920, Transport())
        segments = (Segment(0, Transport(playing=True)), stop)
        return AudioRequest(BandControls(), segments, seed, time.monotonic() + 3600)
    if case.modality == "speech":
        return SpeechRequest(
            " ".join(f"Line {seed} of {part}." for part in range(min(length, 100))), "fake_anna"
        )
    params = ImageParams(steps=min(length, 100), seed=seed, width=32, height=32, guidance=2.0)
    return ImageRequest("text_to_image", ("a red house", "the sea", "a cat")[seed % 3], params)


def alike(one: Result, other: Result) -> bool:
    """The same work: the very tokens, the very sound, the very words, or pixels that differ by at most 2 of 255."""
    if one.frames or other.frames:
        return [(each.pts, each.opus) for each in one.frames] == [
            (each.pts, each.opus) for each in other.frames
        ]
    if one.spoken or other.spoken:
        return one.spoken == other.spoken
    if one.image is None or other.image is None:
        return one.tokens == other.tokens and one.image is other.image
    from support.easel import distance, pixels

    return distance(pixels(one), pixels(other)) <= 2


# Of any modality ----------------------------------------------------------------------------------------


def test_says_what_it_is(any_engine: Engine, any_case: EngineCase) -> None:
    engine = any_engine
    assert engine.info.modality == engine.kind == any_case.modality
    assert engine.info.name
    assert engine.info.backend
    assert engine.info.max_batch >= 1
    assert engine.info.max_jobs >= 3


def test_the_same_seed_gives_the_same_work(any_engine: Engine, any_case: EngineCase) -> None:
    if not any_case.exact:
        pytest.skip("this engine does not promise it")
    [first], [again] = run(any_engine, order(any_case)), run(any_engine, order(any_case))
    assert alike(first, again)


def test_batched_equals_alone(any_engine: Engine, any_case: EngineCase) -> None:
    if not any_case.exact:
        pytest.skip("this engine does not promise it")
    requests = [order(any_case, seed=seed, length=length) for seed, length in ((11, 8), (3, 4), (5, 6))]
    for request, result in zip(requests, run(any_engine, *requests), strict=True):
        [alone] = run(any_engine, request)
        assert alike(alone, result)


def test_more_jobs_than_places_are_refused(any_engine: Engine, any_case: EngineCase) -> None:
    engine = any_engine
    jobs = [engine.admit(order(any_case, seed=n)) for n in range(engine.info.max_jobs)]
    with pytest.raises(QueueFull):
        engine.admit(order(any_case))
    engine.release(jobs[0])
    engine.admit(order(any_case))


def test_release_is_idempotent_and_frees_the_place_mid_run(any_engine: Engine, any_case: EngineCase) -> None:
    engine = any_engine
    results = [Result(engine.admit(order(any_case, seed=n, length=4000))) for n in range(3)]
    for _ in range(4):
        step(engine, results)
    engine.release(results[0].job)
    engine.release(results[0].job)
    taken = [engine.admit(order(any_case, seed=n)) for n in range(engine.info.max_jobs - 2)]
    assert len(taken) == engine.info.max_jobs - 2
    with pytest.raises(QueueFull):
        engine.admit(order(any_case))


def test_a_cancelled_run_changes_nothing_for_the_others(any_engine: Engine, any_case: EngineCase) -> None:
    if not any_case.exact:
        pytest.skip("this engine does not promise repeatable work")
    [alone] = run(any_engine, order(any_case, length=10))
    requests = (order(any_case, length=10), order(any_case, seed=2, length=50))
    results = [Result(any_engine.admit(request)) for request in requests]
    for _ in range(3):
        step(any_engine, results)
    any_engine.release(results[1].job)
    run_to_end(any_engine, results[:1])
    assert alike(results[0], alone)


def test_what_is_for_another_modality_is_refused(any_engine: Engine, any_case: EngineCase) -> None:
    other = next(case for case in (*ENGINES, *PAINTERS) if case.modality != any_case.modality)
    for _ in range(any_engine.info.max_jobs + 1):
        with pytest.raises(InvalidRequest):
            any_engine.admit(order(other))


# Of those that write ------------------------------------------------------------------------------------


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


def test_stop_strings_end_a_run_and_are_not_written(engine: Engine, case: EngineCase) -> None:
    if not case.exact:
        pytest.skip("this engine does not promise a repeatable text")
    [plain] = run(engine, ask(max_tokens=12))
    stop = plain.text[4:7]
    [stopped] = run(engine, ask(max_tokens=12, stop=(stop,)))
    assert stopped.done.reason == "stop_string"
    assert stopped.text == plain.text[: plain.text.index(stop)]


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
