"""Where the three clocks of a band's stream meet: server time, CLOCK_MONOTONIC, and the samples of the stream."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct
from msgspec.structs import replace

from antiphon_engines.api import Segment
from antiphon_proto.document.jam import SAMPLE_RATE, Transport


class Timebase(Struct, frozen=True):
    """Sample 0 sounds at server time `start_ms`, which is `start` seconds of CLOCK_MONOTONIC."""

    start_ms: float
    start: float

    def sample_at(self, ms: float) -> int:
        """The sample that sounds at server time `ms`; negative before the stream."""
        return round((ms - self.start_ms) * SAMPLE_RATE / 1000)

    def ms_at(self, sample: float) -> float:
        """Server time, in milliseconds, at which a sample sounds."""
        return self.start_ms + sample * 1000 / SAMPLE_RATE

    def seconds_at(self, sample: float) -> float:
        """CLOCK_MONOTONIC, in seconds, at which a sample sounds."""
        return self.start + sample / SAMPLE_RATE

    def segments(self, course: Sequence[Transport]) -> tuple[Segment, ...]:
        """The transport in samples, from sample 0 on. `course` are the current and the promised transports, in order;
        before the first, in a stream that began earlier, the transport stands still."""
        segments: list[Segment] = []
        for transport in course:
            sample = self.sample_at(transport.at_ms)
            if sample <= 0:
                beat = transport.beat_at(self.start_ms)
                segments = [Segment(0, replace(transport, at_ms=self.start_ms, beat=beat))]
                continue
            if not segments:
                still = replace(transport, at_ms=self.start_ms, playing=False)
                segments.append(Segment(0, still))
            if segments[-1].sample == sample:
                segments.pop()
            segments.append(Segment(sample, transport))
        return tuple(segments)
