"""The mixed sound of a band that reports no notes: its Opus packets, mixed into sound that is made block by block."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, Any, Final

import numpy as np
from msgspec import Meta, Struct

from antiphon_engines.audio.performer_api import Pcm
from antiphon_proto.document.jam import CHANNELS, SAMPLE_RATE

MAX_PACKETS: Final = 500_000
_LOST: Final = 1920
"""Samples of silence for a packet that cannot be read."""


class Take(Struct, frozen=True, forbid_unknown_fields=True):
    """Packets that follow each other without a gap, the first at `start`, in seconds from the beginning of the file."""

    start: Annotated[float, Meta(ge=0.0, le=24 * 3600.0)]
    packets: Annotated[tuple[bytes, ...], Meta(max_length=MAX_PACKETS)]


class Takes:
    """Takes as they come to sound; blocks come in order."""

    def __init__(self, takes: Sequence[Take]) -> None:
        self._waiting = sorted(takes, key=lambda take: take.start, reverse=True)
        self._sounding: list[_Sounding] = []

    def mix(self, block: Pcm, start: int) -> Pcm:
        """`block`, which begins at sample `start` of the file, with the sound in it; full scale at most."""
        end = start + len(block)
        while self._waiting and self._waiting[-1].start * SAMPLE_RATE < end:
            self._sounding.append(_Sounding(self._waiting.pop()))
        if not self._sounding:
            return block
        mixed = block.copy()
        self._sounding = [one for one in self._sounding if one.add(mixed, start)]
        return np.clip(mixed, -1.0, 1.0)


class _Sounding:
    def __init__(self, take: Take) -> None:
        self._at = round(take.start * SAMPLE_RATE)
        self._pieces = _decoded(take.packets)
        self._rest: Pcm = np.zeros((0, CHANNELS), np.float32)

    def add(self, block: Pcm, start: int) -> bool:
        """Add the overlapping part to a block; whether there is more."""
        end = start + len(block)
        while self._at < end:
            if not len(self._rest):
                piece = next(self._pieces, None)
                if piece is None:
                    return False
                self._rest = piece
                continue
            low = self._at - start
            count = min(len(self._rest), end - self._at)
            block[low : low + count] += self._rest[:count]
            self._rest = self._rest[count:]
            self._at += count
        return True


def _decoded(packets: Sequence[bytes]) -> Iterator[Pcm]:
    import av

    context: Any = av.CodecContext.create("opus", "r")
    context.sample_rate = SAMPLE_RATE
    context.layout = "stereo"
    context.open()
    for data in packets:
        try:
            frames = context.decode(av.Packet(data))
        except av.FFmpegError:
            yield np.zeros((_LOST, CHANNELS), np.float32)
            continue
        for frame in frames:
            samples = frame.to_ndarray()
            # planar formats come as (channels, samples), packed ones as (1, samples * channels)
            pcm = samples.T if samples.shape[0] == CHANNELS else samples.reshape(-1, CHANNELS)
            yield pcm.astype(np.float32)
