from __future__ import annotations

import logging
import math
import re
import socket
import threading
from collections.abc import Callable, Iterator

import pytest

from antiphon_engines.api import Done, Failed, InvalidRequest, QueueFull, TextRequest, Token
from antiphon_engines.config import WorkerConfig
from antiphon_engines.text.streaming import remote
from antiphon_engines.text.streaming.sse import MAX_EVENT
from antiphon_engines.text.streaming.streamed import StreamedEngine
from antiphon_proto.errors import ErrorCode
from antiphon_proto.params import TextParams, TextSteer
from support.drive import Result, run, run_to_end
from support.openai_server import (
    OpenAIServer,
    Reply,
    answer,
    completion_event,
    cut_off,
    dropped,
    end_event,
    event,
    gated,
    paths,
    raw,
    serving,
    silent,
    status,
)

KEY = "sk-very-secret"
CONTINUE = TextRequest(task="continue", before="Once upon a time", params=TextParams(seed=7, alternatives=2))
INSTRUCT = TextRequest(
    task="instruct", before="The cat sat.", after="The end.", selection="cat", instruction="Make it a dog."
)
Build = Callable[..., StreamedEngine]


@pytest.fixture
def server() -> Iterator[OpenAIServer]:
    with serving() as started:
        yield started


@pytest.fixture
def build(server: OpenAIServer) -> Iterator[Build]:
    built: list[StreamedEngine] = []

    def make(**settings: object) -> StreamedEngine:
        config = WorkerConfig(cache_dir="unused", api_key=KEY, max_jobs=4, **settings)
        built.append(remote.build(server.url, "some-model", config))
        return built[-1]

    yield make
    for engine in built:
        engine.close()


def failure(engine: StreamedEngine, request: TextRequest = CONTINUE) -> Failed:
    [result] = run(engine, request)
    assert isinstance(result.end, Failed)
    assert "\n" not in result.end.message
    assert KEY not in result.end.message
    return result.end


# Requests --------------------------------------------------------------------------------------------


def test_a_continuation_is_a_completion_of_the_text(server: OpenAIServer, build: Build) -> None:
    server.reply(answer(" there", " was", " a кот 🐈"))
    [result] = run(build(), CONTINUE)
    assert result.text == " there was a кот 🐈"
    assert result.end == Done("end")
    assert [token.index for token in result.tokens] == [0, 1, 2]
    assert result.tokens[0].logprob == -0.5
    assert [(rival.text, rival.logprob) for rival in result.tokens[0].alternatives] == [
        (" and", -1.0),
        (" or", -1.5),
    ]
    [request] = server.received
    assert request.path == "/v1/completions"
    assert request.headers["Authorization"] == f"Bearer {KEY}"
    assert request.body["prompt"] == "Once upon a time"
    assert request.body["model"] == "some-model"
    assert (request.body["seed"], request.body["max_tokens"], request.body["stream"]) == (7, 120, True)
    assert (request.body["top_k"], request.body["min_p"]) == (50, 0.02)


def test_an_instruction_is_a_conversation(server: OpenAIServer, build: Build) -> None:
    server.reply(answer("The", " dog"))
    [result] = run(build(), INSTRUCT)
    assert result.text == "The dog"
    assert result.tokens[0].logprob == -0.25
    assert [rival.text for rival in result.tokens[0].alternatives] == [" other"]
    [request] = server.received
    assert request.path == "/v1/chat/completions"
    asked = request.body["messages"][-1]["content"]
    assert all(part in asked for part in ("The cat sat.", "The end.", "cat", "Make it a dog."))


def test_a_space_before_the_place_is_not_written_twice(server: OpenAIServer, build: Build) -> None:
    server.reply(answer("", " there", " was"))
    [result] = run(build(), TextRequest(task="continue", before="Once upon a time "))
    assert result.text == "there was"
    assert server.received[0].body["prompt"] == "Once upon a time"


def test_an_empty_text_is_begun_by_conversation(server: OpenAIServer, build: Build) -> None:
    server.reply(answer("It"))
    run(build(), TextRequest(task="continue", before=" "))
    assert paths(server) == ["/chat/completions"]


def test_a_server_without_completions_is_asked_in_conversation_from_then_on(
    server: OpenAIServer, build: Build
) -> None:
    server.reply(status(404), answer("so"))
    engine = build()
    for _ in range(2):
        [result] = run(engine, CONTINUE)
        assert (result.text, result.end) == ("so", Done("end"))
    assert paths(server) == ["/completions", "/chat/completions", "/chat/completions"]


def test_a_strict_server_is_asked_plainly_from_then_on(server: OpenAIServer, build: Build) -> None:
    server.reply(status(400, {"error": {"message": "unknown field top_k"}}), answer("so"))
    engine = build()
    for _ in range(2):
        [result] = run(engine, CONTINUE)
        assert result.text == "so"
    first, second, third = (request.body for request in server.received)
    assert "top_k" in first
    assert second.keys() == third.keys() == {
        "model", "stream", "max_tokens", "temperature", "top_p", "seed", "prompt",
    }  # fmt: skip
    assert math.isnan(result.tokens[0].logprob)
    assert result.tokens[0].token_id == -1


@pytest.mark.parametrize(
    ("body", "kept"),
    [
        ({"error": {"message": "too long", "n_prompt_tokens": 4000, "n_ctx": 1000}}, range(500, 1300)),
        ({"error": {"message": "This model's maximum context length is 1000 tokens."}}, range(1900, 2600)),
    ],
)
def test_a_text_that_does_not_fit_loses_its_beginning(
    server: OpenAIServer, build: Build, body: object, kept: range
) -> None:
    server.reply(status(400, body), answer("so"))
    before = "".join(chr(0x430 + n % 32) for n in range(5000))
    [result] = run(build(), TextRequest(task="continue", before=before))
    assert result.text == "so"
    prompt = server.received[1].body["prompt"]
    assert before.endswith(prompt)
    assert len(prompt) in kept
    assert (len(before) - len(prompt)) % 512 == 0
    assert "top_k" in server.received[1].body


# Failures --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("replies", "code", "says"),
    [
        ([status(401, {"error": {"message": f"bad key {KEY}"}})], ErrorCode.UNAVAILABLE, "refuses the API key"),
        ([status(403)], ErrorCode.UNAVAILABLE, "refuses the API key"),
        ([status(404, {"error": "no such model"})], ErrorCode.UNAVAILABLE, "does not serve some-model"),
        ([status(429, headers={"Retry-After": "17"})], ErrorCode.RATE_LIMITED, "wait for 17 s"),
        ([status(429, headers={"Retry-After": "x\ty"})], ErrorCode.RATE_LIMITED, "asks us to wait"),
        ([status(400, {"error": {"message": f"no {KEY}\nat all"}})], ErrorCode.INVALID, r"no \*\*\* at all"),
        ([status(500, "<html>oops</html>")], ErrorCode.UNAVAILABLE, r"failed \(500\)"),
        ([status(503, {"detail": "loading"})], ErrorCode.UNAVAILABLE, r"failed \(503\): loading"),
        ([status(302, headers={"Location": "http://elsewhere/"})], ErrorCode.ENGINE_FAILED, "answers 302"),
        ([raw(b"{}", content_type="application/json")], ErrorCode.ENGINE_FAILED, "invalid answer"),
        ([raw(b"data: {not json\n\n")], ErrorCode.ENGINE_FAILED, "invalid answer"),
        ([raw(b'data: {"choices": 5}\n\n')], ErrorCode.ENGINE_FAILED, "invalid answer"),
        ([raw(b'data: {"choices": [{"text": "\\ud83d"}]}\n\n')], ErrorCode.ENGINE_FAILED, "invalid answer"),
        ([raw(b"data: \xff\xfe\n\n")], ErrorCode.ENGINE_FAILED, "invalid answer"),
        ([raw(b"data: " + b"x" * (MAX_EVENT + 10))], ErrorCode.ENGINE_FAILED, "invalid answer"),
        ([raw(event({"error": {"message": f"CUDA died {KEY}"}}))], ErrorCode.ENGINE_FAILED, "CUDA died"),
        ([raw(b"data: [DONE]\n\n")], ErrorCode.UNAVAILABLE, "early"),
        ([raw(b"")], ErrorCode.UNAVAILABLE, "early"),
        ([cut_off()], ErrorCode.UNAVAILABLE, "lost"),
        ([dropped()], ErrorCode.UNAVAILABLE, "lost"),
    ],
)  # fmt: skip
def test_errors_become_one_clear_line(
    server: OpenAIServer, build: Build, replies: list[Reply], code: ErrorCode, says: str
) -> None:
    server.reply(*replies)
    end = failure(build())
    assert end.code == code
    assert re.search(says, end.message), end.message


def test_a_connection_that_was_kept_too_long_costs_no_run(server: OpenAIServer, build: Build) -> None:
    engine = build()
    server.reply(answer(" one"), dropped(), answer(" two"))
    assert [run(engine, CONTINUE)[0].text for _ in range(2)] == [" one", " two"]
    assert len(server.received) == 3


def test_what_came_before_a_break_is_kept(server: OpenAIServer, build: Build) -> None:
    server.reply(cut_off(completion_event(" one", 1), completion_event(" two", 1)))
    [result] = run(build(), CONTINUE)
    assert result.text == " one two"
    assert isinstance(result.end, Failed)
    assert result.end.code == ErrorCode.UNAVAILABLE


@pytest.mark.parametrize("first", [(), (completion_event(" one", 1),)])
def test_a_silent_server_is_given_up(server: OpenAIServer, build: Build, first: tuple[bytes, ...]) -> None:
    server.reply(silent(*first))
    end = failure(build(idle_timeout=0.05))
    assert (end.code, end.message) == (ErrorCode.UNAVAILABLE, "the model's server does not answer in time")
    server.abandoned.acquire()


def test_no_server_at_all() -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]
        engine = remote.build(f"http://127.0.0.1:{port}/v1", "some-model", WorkerConfig(cache_dir="unused"))
        end = failure(engine)
        engine.close()
    assert end.code == ErrorCode.UNAVAILABLE
    assert "cannot reach" in end.message


def test_the_key_is_never_logged(
    server: OpenAIServer, build: Build, caplog: pytest.LogCaptureFixture
) -> None:
    server.reply(status(500, {"error": KEY}), raw(event({"error": KEY})), answer("fine"))
    with caplog.at_level(logging.DEBUG):
        engine = build()
        assert failure(engine)
        assert failure(engine)
        run(engine, CONTINUE)
    assert KEY not in caplog.text
    assert KEY not in repr(engine.info)


def test_one_request_fails_and_the_others_go_on(server: OpenAIServer, build: Build) -> None:
    server.reply(status(500), answer("a", "b", "c"))
    results = run(build(), *[CONTINUE] * 4)
    assert sum(isinstance(result.end, Failed) for result in results) == 1
    assert [result.text for result in results if result.end == Done("end")] == ["abc"] * 3


# While it streams -------------------------------------------------------------------------------------


def first_token(engine: StreamedEngine, job: object) -> Token:
    while True:
        [outputs] = engine.step([job])  # type: ignore[list-item]
        if outputs:
            assert isinstance(outputs[0], Token)
            return outputs[0]


def test_releasing_a_job_closes_its_request_at_once(server: OpenAIServer, build: Build) -> None:
    server.reply(silent(completion_event(" one", 1)), answer(" other"))
    engine = build()
    job = engine.admit(CONTINUE)
    assert first_token(engine, job).info.text == " one"
    engine.release(job)
    engine.release(job)
    server.abandoned.acquire()
    assert engine.step([job]) == [[]]
    [result] = run(engine, CONTINUE)
    assert result.text == " other"


def test_closing_the_engine_closes_its_requests(server: OpenAIServer, build: Build) -> None:
    server.reply(silent(completion_event(" one", 1)))
    engine = build()
    first_token(engine, engine.admit(CONTINUE))
    engine.close()
    engine.close()
    server.abandoned.acquire()


def test_a_stop_string_ends_the_request(server: OpenAIServer, build: Build) -> None:
    events = [completion_event(token, 1) for token in (" a", " b", "\n", "\nc", " d")]
    server.reply(silent(*events))
    stopping = TextRequest(task="continue", before="x", params=TextParams(stop=("\n\n", "zzz")))
    [result] = run(build(), stopping)
    assert result.text == " a b"
    assert result.end == Done("stop_string")
    server.abandoned.acquire()


def test_the_server_that_writes_too_much_is_cut(server: OpenAIServer, build: Build) -> None:
    server.reply(silent(*[completion_event("x", 1)] * 9))
    [result] = run(build(), TextRequest(task="continue", before="x", params=TextParams(max_tokens=4)))
    assert (result.text, result.end) == ("xxxx", Done("length"))
    server.abandoned.acquire()


def test_a_new_instruction_restarts_with_what_was_written(server: OpenAIServer, build: Build) -> None:
    server.reply(silent(completion_event(" one", 1)), answer(" two", " three"))
    engine = build()
    job = engine.admit(CONTINUE)
    first_token(engine, job)
    engine.steer(job, TextSteer(instruction="Be brief.", temperature=0.1))
    server.abandoned.acquire()
    result = Result(job)
    run_to_end(engine, [result])
    assert (result.text, [token.index for token in result.tokens], result.end) == (
        " two three",
        [1, 2],
        Done("end"),
    )
    again = server.received[1].body
    assert "Be brief." in again["messages"][-1]["content"]
    assert again["messages"][-1]["content"].endswith(" one")
    assert (again["temperature"], again["max_tokens"]) == (0.1, 119)


def test_a_raised_limit_goes_on_where_the_request_ended(server: OpenAIServer, build: Build) -> None:
    gate = threading.Event()
    ending = [completion_event(" b", 1), end_event("length")]
    server.reply(gated(gate, [completion_event(" a", 1)], ending), answer(" c", finish="length"))
    engine = build()
    job = engine.admit(TextRequest(task="continue", before="x", params=TextParams(max_tokens=2)))
    assert first_token(engine, job).info.text == " a"
    engine.steer(job, TextSteer(max_tokens=3))
    gate.set()
    result = Result(job)
    run_to_end(engine, [result])
    assert (result.text, result.end) == (" b c", Done("length"))
    assert [request.body["max_tokens"] for request in server.received] == [2, 1]
    assert server.received[1].body["prompt"] == "x a b"


def test_a_lowered_limit_ends_the_run(server: OpenAIServer, build: Build) -> None:
    server.reply(silent(completion_event(" one", 1)))
    engine = build()
    job = engine.admit(CONTINUE)
    first_token(engine, job)
    engine.steer(job, TextSteer(max_tokens=1))
    assert engine.step([job]) == [[Done("length")]]
    server.abandoned.acquire()
    assert engine.step([job]) == [[]]


def test_an_end_at_the_servers_own_context_is_length(server: OpenAIServer, build: Build) -> None:
    server.reply(answer(" a", finish="length"))
    [result] = run(build(), CONTINUE)
    assert (result.text, result.end) == (" a", Done("length"))
    assert len(server.received) == 1


def test_bad_requests_are_refused_before_anything_is_sent(server: OpenAIServer, build: Build) -> None:
    engine = build()
    with pytest.raises(InvalidRequest, match="instruction"):
        engine.admit(TextRequest(task="instruct", before="x"))
    job = engine.admit(INSTRUCT)
    with pytest.raises(InvalidRequest, match="instruction"):
        engine.steer(job, TextSteer(instruction=" ", max_tokens=3))
    assert job.request == INSTRUCT
    for _ in range(3):
        engine.admit(CONTINUE)
    with pytest.raises(QueueFull, match="4 places"):
        engine.admit(CONTINUE)
    assert server.received == []
