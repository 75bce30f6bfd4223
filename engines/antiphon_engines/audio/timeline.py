"""Where the music is at each sample of a band's stream: the transport's segments, and the bars that follow from
them."""

from __future__ import annotations

import bisect
import math
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from antiphon_engines.api import InvalidRequest, Segment
from antiphon_proto.document.jam import SAMPLE_RATE, Transport

MAX_SEGMENTS: Final = 64
"""Of one request or change."""
_KEPT: Final = 60 * SAMPLE_RATE
"""Samples of the past that are remembered, for notes of people that come late."""
_MODEL_BARS: Final[dict[int, tuple[int, ...]]] = {2: (2,), 3: (3,), 4: (4,), 5: (3, 2), 6: (3, 3), 7: (4, 3)}
"""The bars of the model (3 or 4 beats, or half a bar of 4) that make a bar of so many beats."""
EPSILON: Final = 0.02
"""Beats that count as none: a quarter of a model tick."""


class Span(NamedTuple):
    """From sample `start` on, `transport` counts from sample `origin`."""

    start: int
    origin: int
    transport: Transport

    def beat(self, sample: float) -> float:
        """The beat at `sample`; where it stands still, the one it stands at."""
        transport = self.transport
        gone = (sample - self.origin) / SAMPLE_RATE * transport.tempo / 60 if transport.playing else 0.0
        return transport.beat + gone

    def sample(self, beat: float) -> float:
        """The sample at which `beat` sounds; only while playing."""
        return self.origin + (beat - self.transport.beat) * 60 / self.transport.tempo * SAMPLE_RATE


class ModelBar(NamedTuple):
    """A bar as the model counts it: its first beat in the jam and how many beats it has, 2 to 4."""

    start: float
    beats: int

    @property
    def end(self) -> float:
        return self.start + self.beats


def model_bar(transport: Transport, beat: float) -> ModelBar:
    """The model's bar that `beat` lies in; a beat just short of a line lies behind it."""
    number = math.floor((beat - transport.bar_beat + EPSILON) / transport.beats)
    start = transport.bar_beat + number * transport.beats
    for beats in _MODEL_BARS[transport.beats]:
        if beat < start + beats - EPSILON:
            return ModelBar(start, beats)
        start += beats
    raise AssertionError("the parts of a bar make the bar")


class Timeline:
    """The spans of one stream, in order; the first covers sample 0."""

    def __init__(self, segments: Sequence[Segment]) -> None:
        """Raises InvalidRequest."""
        checked(segments)
        if segments[0].sample != 0:
            raise InvalidRequest("the first segment must begin at sample 0")
        self._spans = [Span(each.sample, each.sample, each.transport) for each in segments]

    def replace(self, segments: Sequence[Segment], committed: int) -> None:
        """The segments from sample `committed` on; those before it are final. Raises InvalidRequest."""
        checked(segments)
        first = max(segments[0].sample, committed)
        kept = [span for span in self._spans if span.start < first]
        fresh: list[Span] = []
        for each in segments:
            span = Span(max(each.sample, committed), each.sample, each.transport)
            if fresh and fresh[-1].start == span.start:
                fresh.pop()
            fresh.append(span)
        oldest = bisect.bisect_right([span.start for span in kept], committed - _KEPT) - 1
        self._spans = [*kept[max(0, oldest) :], *fresh]

    def at(self, sample: float) -> Span:
        """The span that `sample` lies in; the first one's before that."""
        return self._spans[max(0, bisect.bisect_right(self._spans, sample, key=lambda span: span.start) - 1)]

    def pieces(self, start: int, stop: int) -> Iterator[tuple[int, int, Span]]:
        """[start, stop) cut where the transport changes."""
        cuts = [span.start for span in self._spans if start < span.start < stop]
        for low, high in zip([start, *cuts], [*cuts, stop], strict=True):
            yield low, high, self.at(low)

    def playing_from(self, sample: int) -> int | None:
        """The first sample from `sample` on at which the transport plays; None when it does not, as far as known."""
        ends = [span.start for span in self._spans[1:]]
        for span, end in zip(self._spans, [*ends, math.inf], strict=True):
            if span.transport.playing and end > sample:
                return max(span.start, sample)
        return None

    def played_until(self, sample: int) -> int | None:
        """The last sample up to `sample` at which the transport played; None if it has not yet."""
        last = None
        ends = [span.start for span in self._spans[1:]]
        for span, end in zip(self._spans, [*ends, math.inf], strict=True):
            if span.transport.playing and span.start <= sample:
                last = int(min(sample, end))
        return last


def checked(segments: Sequence[Segment]) -> None:
    """Raises InvalidRequest for segments that nothing can be played by."""
    if not 1 <= len(segments) <= MAX_SEGMENTS:
        raise InvalidRequest(f"a band needs 1 to {MAX_SEGMENTS} segments of transport")
    samples = [each.sample for each in segments]
    if samples[0] < 0 or samples != sorted(samples):
        raise InvalidRequest("segments must be in order and not before the stream")
    for transport in (each.transport for each in segments):
        finite = all(map(math.isfinite, (transport.tempo, transport.beat, transport.bar_beat)))
        if not (finite and 30 <= transport.tempo <= 300 and transport.beats in _MODEL_BARS):
            raise InvalidRequest("the transport's tempo, meter or beat is out of range")
        if not 0 <= transport.tonic <= 11:
            raise InvalidRequest("the transport's key is out of range")
