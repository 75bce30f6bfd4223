"""Opus packets of a band's frames, by libopus through PyAV: one frame in, one packet out, no delay but the codec's own.

libopus packs 20, 40, 60, 80 or 100 ms at a time; it has no packet of 50 ms.
"""

from __future__ import annotations

import struct
from collections.abc import Sequence
from fractions import Fraction
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from antiphon_proto.document.jam import CHANNELS, SAMPLE_RATE

FRAMES: Final = (960, 1920, 2880, 3840, 4800)
"""Samples that one packet can hold."""
BITS: Final = 96_000
"""Bits a second. Music in stereo is transparent to most ears from here on."""


class OpusEncoder:
    """One stream of 48 kHz stereo."""

    def __init__(self, frame: int, bits: int = BITS) -> None:
        """`frame` is in FRAMES."""
        import av

        self._av: Any = av
        context: Any = av.CodecContext.create("libopus", "w")
        context.sample_rate = SAMPLE_RATE
        context.layout = "stereo"
        context.format = "flt"
        context.bit_rate = bits
        context.time_base = Fraction(1, SAMPLE_RATE)
        # "lowdelay" looks ahead 2.5 ms instead of 6.5 and costs nothing that is heard at this rate.
        context.options = {"application": "lowdelay", "frame_duration": str(frame / 48), "vbr": "constrained"}
        context.open()
        self._context = context
        self._frame = frame
        self._pts = 0
        self.pre_skip = pre_skip(context.extradata)

    def encode(self, pcm: NDArray[np.float32]) -> bytes:
        """The packet of (frame, 2) float32 samples in -1..1."""
        frame = self._av.AudioFrame.from_ndarray(
            np.ascontiguousarray(pcm, np.float32).reshape(1, self._frame * CHANNELS),
            format="flt",
            layout="stereo",
        )
        frame.sample_rate = SAMPLE_RATE
        frame.pts = self._pts
        self._pts += self._frame
        [packet] = self._context.encode(frame)
        return bytes(packet)


def pre_skip(header: bytes) -> int:
    """Samples before the first that counts, as an `OpusHead` (RFC 7845, section 5.1) says."""
    return int(struct.unpack_from("<H", header, 10)[0])


def decoded(packets: Sequence[bytes]) -> NDArray[np.float32]:
    """(samples, 2) float32 of a stream's packets from its beginning, cut before the first sample."""
    import av

    context: Any = av.CodecContext.create("opus", "r")
    context.sample_rate = SAMPLE_RATE
    context.layout = "stereo"
    context.open()
    out: list[NDArray[np.float32]] = []
    for data in packets:
        for frame in context.decode(av.Packet(data)):
            samples = frame.to_ndarray()
            # planar formats come as (channels, samples), packed ones as (1, samples * channels)
            out.append(samples.T if samples.shape[0] == CHANNELS else samples.reshape(-1, CHANNELS))
    return np.concatenate(out).astype(np.float32) if out else np.zeros((0, CHANNELS), np.float32)
