"""Server time, the monotonic clock and samples are one line, and the transport lies on it."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_proto.document.jam import Transport
from antiphon_server.jam.stream_clock import Timebase

BASE = Timebase(start_ms=1_790_000_000_000.0, start=500.0)


@settings(deadline=None, max_examples=100)
@given(st.integers(-10_000_000, 2**40))
def test_samples_and_times_are_each_others_inverse(sample: int) -> None:
    assert BASE.sample_at(BASE.ms_at(sample)) == sample
    seconds = BASE.seconds_at(sample) - BASE.start
    assert seconds * 1000 == pytest.approx(BASE.ms_at(sample) - BASE.start_ms, abs=1e-3)


def test_a_transport_that_plays_already_is_stated_at_sample_0() -> None:
    now = Transport(3, True, BASE.start_ms - 1000, 8.0, tempo=120.0)
    [segment] = BASE.segments([now])
    assert segment.sample == 0
    assert segment.transport.beat == 10.0
    assert segment.transport.at_ms == BASE.start_ms
    assert segment.transport.beat_at(BASE.start_ms + 500) == now.beat_at(BASE.start_ms + 500)


def test_what_is_promised_follows_at_its_sample() -> None:
    now = Transport(3, True, BASE.start_ms - 1000, 8.0, tempo=120.0)
    sooner = Transport(4, True, BASE.start_ms - 10, 9.98, tempo=100.0)
    later = Transport(5, False, BASE.start_ms + 250, 10.4)
    assert [(s.sample, s.transport.serial) for s in BASE.segments([now, sooner, later])] == [
        (0, 4),
        (12_000, 5),
    ]


def test_before_a_transport_that_came_later_all_stands_still() -> None:
    now = Transport(9, True, BASE.start_ms + 1000, 4.0, tempo=120.0)
    first, second = BASE.segments([now])
    assert (first.sample, first.transport.playing) == (0, False)
    assert (second.sample, second.transport) == (48_000, now)
