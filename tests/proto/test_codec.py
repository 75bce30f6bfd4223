"""The codec raises nothing but ProtocolViolation, whatever arrives."""

from __future__ import annotations

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_proto.codec import client_decoder, encode
from antiphon_proto.errors import CloseCode, ProtocolViolation
from antiphon_proto.messages import MAX_FRAME, Edit
from antiphon_proto.sync import decode_y

values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats()
    | st.text(max_size=40)
    | st.binary(max_size=40),
    lambda inner: st.lists(inner, max_size=8) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=20,
)
tagged = st.tuples(
    st.sampled_from(["hello", "edit", "ask", "steer", "accept", "fragment", "ping", "nope"]),
    st.lists(values, max_size=10),
).map(lambda pair: [pair[0], *pair[1]])


@given(st.binary(max_size=200) | (values | tagged).map(msgpack.packb))
@settings(deadline=None, derandomize=True, max_examples=300)
def test_any_bytes_give_a_message_none_or_a_violation(data: bytes) -> None:
    try:
        message = client_decoder().decode(data)
    except ProtocolViolation as violation:
        assert violation.close_code is CloseCode.MALFORMED
        return
    assert message is None or client_decoder().decode(encode(message)) == message or message != message


@given(st.binary(max_size=120))
@settings(deadline=None, derandomize=True, max_examples=300)
def test_any_bytes_as_yjs_give_a_message_none_or_a_violation(data: bytes) -> None:
    try:
        decode_y(data, 1024)
    except ProtocolViolation as violation:
        assert violation.close_code in (CloseCode.MALFORMED, CloseCode.TOO_LARGE)


def test_a_frame_over_the_bound_is_too_large_before_it_is_read() -> None:
    with pytest.raises(ProtocolViolation) as caught:
        client_decoder().decode(encode(Edit(1, bytes(MAX_FRAME))))
    assert caught.value.close_code is CloseCode.TOO_LARGE


def test_deep_nesting_is_malformed_and_not_a_crash() -> None:
    with pytest.raises(ProtocolViolation):
        client_decoder().decode(b"\x91" * 100_000)
