from __future__ import annotations

import json
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.text.streaming.openai_api import ServerError, arrivals, error_text
from antiphon_engines.text.streaming.sse import BadStream
from antiphon_engines.text.streaming.streamed import Finish
from antiphon_proto.messages import TokenInfo

KEYS = ["choices", "text", "delta", "content", "logprobs", "tokens", "finish_reason", "error", "index"]
JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=8) | st.integers(),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                [
                    "choices",
                    "text",
                    "delta",
                    "content",
                    "logprobs",
                    "tokens",
                    "finish_reason",
                    "error",
                    "index",
                ]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)


@settings(deadline=None, derandomize=True, max_examples=200)
@given(JSON)
def test_any_event_is_understood_or_refused(value: object) -> None:
    payload = json.dumps(value).encode()
    try:
        found = arrivals(payload, 4)
    except (BadStream, ServerError):
        return
    assert all(isinstance(arrival, TokenInfo | Finish) for arrival in found)


@pytest.mark.parametrize(
    "payload", [b"", b"null", b"[1]", b"[" * 100_000, b"\xff", b'{"choices":[{"index":"x"}]}']
)
def test_other_bytes_are_refused(payload: bytes) -> None:
    with pytest.raises(BadStream):
        arrivals(payload, 4)


def test_a_character_of_several_tokens_comes_with_the_last() -> None:
    entries = [{"token": "\ufffd", "logprob": -1.0, "id": 5}, {"token": "\ufffd", "logprob": -2.0, "id": 6}]
    event = {"choices": [{"text": "я", "logprobs": {"content": entries}}]}
    first, second = arrivals(json.dumps(event).encode(), 4)
    assert isinstance(first, TokenInfo)
    assert isinstance(second, TokenInfo)
    assert [(first.text, first.token_id), (second.text, second.token_id)] == [("", 5), ("я", 6)]


def test_several_tokens_in_one_event() -> None:
    logprobs = {
        "tokens": ["a", "b"],
        "token_logprobs": [None, -2.0],
        "top_logprobs": [None, {"b": -2.0, "c": None}],
    }
    found = arrivals(json.dumps({"choices": [{"text": "ab", "logprobs": logprobs}]}).encode(), 4)
    assert [token.text for token in found if isinstance(token, TokenInfo)] == ["a", "b"]
    assert isinstance(found[0], TokenInfo)
    assert math.isnan(found[0].logprob)


def test_long_texts_come_in_pieces_and_other_choices_not_at_all() -> None:
    event = {"choices": [{"text": "x" * 2500}, {"index": 1, "text": "other", "finish_reason": "stop"}]}
    found = arrivals(json.dumps(event).encode(), 4)
    assert [len(token.text) for token in found if isinstance(token, TokenInfo)] == [1024, 1024, 452]
    assert not any(isinstance(arrival, Finish) for arrival in found)


@pytest.mark.parametrize(
    ("body", "text"),
    [
        (b'{"error": {"message": "a\\nb"}}', "a b"),
        (b'{"error": "plain"}', "plain"),
        (b'{"detail": "fast"}', "fast"),
        (b'{"object": "error", "message": "vllm"}', "vllm"),
        (b'{"detail": [{"loc": 1}]}', ""),
        (b"<html>", ""),
        (b"", ""),
    ],
)
def test_error_bodies(body: bytes, text: str) -> None:
    assert error_text(body) == text
    assert len(error_text(b'{"error": "' + b"x" * 9000 + b'"}')) == 200
