"""Sound files that grow block by block."""

from __future__ import annotations

from typing import Any, BinaryIO, Final, Literal

import numpy as np

from antiphon_engines.audio.performer_api import Pcm
from antiphon_proto.document.jam import CHANNELS, SAMPLE_RATE

SoundFormat = Literal["wav", "flac", "pcm"]
"""`pcm` is bare float32, interleaved, little-endian."""
_FORMATS: Final = {"wav": ("wav", "pcm_f32le", "flt"), "flac": ("flac", "flac", "s32")}
"""Container, codec and sample format of each kind of file."""


class SoundFile:
    """48 kHz stereo, written to `file`; a context that ends the file well."""

    def __init__(self, file: BinaryIO, form: SoundFormat) -> None:
        self._file = file
        self._container: Any = None
        if form == "pcm":
            return
        import av

        container, codec, samples = _FORMATS[form]
        self._av: Any = av
        self._container = av.open(file, "w", format=container)
        self._stream = self._container.add_stream(codec, rate=SAMPLE_RATE)
        self._stream.layout = "stereo"
        self._stream.format = samples
        self._samples = samples
        self._pts = 0

    def __enter__(self) -> SoundFile:
        return self

    def __exit__(self, *_: object) -> None:
        if self._container is not None:
            self._container.mux(self._stream.encode(None))
            self._container.close()

    def write(self, pcm: Pcm) -> None:
        """(samples, 2) float32 in -1..1."""
        if self._container is None:
            self._file.write(pcm.astype("<f4").tobytes())
            return
        packed = pcm
        if self._samples == "s32":
            packed = (np.clip(pcm.astype(np.float64), -1, 1) * (2**31 - 1)).astype(np.int32)
        frame = self._av.AudioFrame.from_ndarray(
            np.ascontiguousarray(packed).reshape(1, len(pcm) * CHANNELS),
            format=self._samples,
            layout="stereo",
        )
        frame.sample_rate, frame.pts = SAMPLE_RATE, self._pts
        self._pts += len(pcm)
        self._container.mux(self._stream.encode(frame))
