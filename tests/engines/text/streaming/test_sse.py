from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.text.streaming.sse import BadStream, EventParser

STREAM = (
    b": hello\r\nevent: x\ndata: one\n\ndata:two\r\ndata: lines\r\n\r\nid: 3\n\n"
    b"\xef\xbb\xbfdata: \xd1\x8f\n\ndata: unfinished"
)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.integers(0, len(STREAM)), max_size=12))
def test_events_do_not_depend_on_the_chunks(cuts: list[int]) -> None:
    parser = EventParser()
    edges = [0, *sorted(cuts), len(STREAM)]
    found = [event for a, b in zip(edges, edges[1:], strict=False) for event in parser.feed(STREAM[a:b])]
    assert found == [b"one", b"two\nlines", "я".encode()]


@settings(deadline=None, derandomize=True, max_examples=60)
@given(st.lists(st.binary(max_size=40), max_size=10))
def test_garbage_raises_nothing_else(chunks: list[bytes]) -> None:
    parser = EventParser(max_event=64)
    try:
        for chunk in chunks:
            assert all(len(event) <= 64 + len(chunks) * 40 for event in parser.feed(chunk))
    except BadStream:
        pass


@pytest.mark.parametrize(
    "line", [b"data: " + b"x" * 200, b"data: " + b"x" * 200 + b"\n", b"data: xxxxxxxx\n" * 20]
)
def test_an_event_has_a_bound(line: bytes) -> None:
    with pytest.raises(BadStream, match="longer than 100 bytes"):
        EventParser(max_event=100).feed(line)
