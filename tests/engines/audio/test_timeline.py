"""The transport of a stream: the beat at a sample, and how bars are cut for the model."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.api import InvalidRequest, Segment
from antiphon_engines.audio.timeline import MAX_SEGMENTS, Timeline, model_bar
from antiphon_proto.document.jam import SAMPLE_RATE, Transport

PLAYING = Transport(playing=True, tempo=120.0)


def test_beats_and_samples_are_inverse() -> None:
    timeline = Timeline([Segment(0, PLAYING), Segment(48_000, Transport(playing=True, beat=2.0, tempo=60.0))])
    assert timeline.at(24_000).beat(24_000) == 1.0
    assert timeline.at(96_000).beat(96_000) == 3.0
    span = timeline.at(50_000)
    assert span.sample(span.beat(50_000)) == pytest.approx(50_000)


def test_the_past_stays_when_the_future_is_replaced() -> None:
    timeline = Timeline([Segment(0, PLAYING)])
    timeline.replace([Segment(24_000, Transport(playing=True, beat=1.0, tempo=60.0))], committed=48_000)
    assert timeline.at(47_999).transport.tempo == 120
    span = timeline.at(48_000)
    assert span.transport.tempo == 60
    assert span.beat(48_000) == 1.5, "beats go on from where the new transport says, not from the commitment"


def test_of_several_segments_in_the_past_the_last_one_counts() -> None:
    timeline = Timeline([Segment(0, PLAYING)])
    timeline.replace([Segment(0, PLAYING), Segment(100, Transport()), Segment(9000, PLAYING)], committed=4800)
    assert not timeline.at(4800).transport.playing
    assert timeline.playing_from(4800) == 9000


def test_a_stopped_transport_plays_nowhere() -> None:
    timeline = Timeline([Segment(0, Transport())])
    assert timeline.playing_from(0) is None
    assert timeline.played_until(10 * SAMPLE_RATE) is None
    timeline.replace([Segment(500, PLAYING), Segment(1500, Transport(beat=2.0))], committed=0)
    assert timeline.playing_from(0) == 500
    assert timeline.playing_from(2000) is None
    assert timeline.played_until(9000) == 1500


@given(
    st.integers(2, 7),
    st.floats(-8, 200, allow_nan=False),
    st.sampled_from([0.0, 3.0, 17.5]),
)
def test_the_bars_of_the_model_tile_those_of_the_jam(beats: int, beat: float, line: float) -> None:
    transport = Transport(playing=True, beats=beats, bar_beat=line)
    bar = model_bar(transport, beat)
    assert bar.beats in (2, 3, 4)
    assert bar.start - 0.021 <= beat < bar.end
    number = round((bar.start - line) // beats)
    start = line + number * beats
    assert start <= bar.start
    assert bar.end <= start + beats
    assert model_bar(transport, bar.end).start == pytest.approx(bar.end)


@pytest.mark.parametrize(
    "segments",
    [
        (),
        (Segment(5, PLAYING),),
        (Segment(0, PLAYING), Segment(9, PLAYING), Segment(8, PLAYING)),
        (Segment(0, Transport(tempo=float("nan"))),),
        (Segment(0, Transport(tempo=1e9)),),
        (Segment(0, Transport(beats=9)),),
        (Segment(0, Transport(beat=float("inf"))),),
        (Segment(0, PLAYING),) * (MAX_SEGMENTS + 1),
    ],
)
def test_bad_segments_are_refused(segments: tuple[Segment, ...]) -> None:
    with pytest.raises(InvalidRequest):
        Timeline(segments)
