"""Bands that are models of sound: they know no bars and commit to no notes, they give samples."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final, Protocol

import numpy as np

from antiphon_engines.api import PlayedNote
from antiphon_engines.audio.performer_api import Chunk, Pcm
from antiphon_engines.audio.timeline import Timeline
from antiphon_proto.document.jam import CHANNELS, SAMPLE_RATE, BandControls, Transport

_FADE: Final = SAMPLE_RATE // 5
"""Samples over which the sound goes when the transport stops, and comes when it plays."""


class Source(Protocol):
    """Sound without end."""

    def direct(self, controls: BandControls, transport: Transport) -> None:
        """The wishes from the next `more` on; called before each, and cheap where nothing has changed."""
        ...

    def on_note(self, note: PlayedNote) -> None:
        """A key of people, with a pitch of 0 to 127; sources that hear nothing do nothing."""
        ...

    def more(self) -> Pcm:
        """The next samples, at least one."""
        ...

    def close(self) -> None: ...


class StreamedPlayer:
    """A source on a jam's timeline: silent while the transport stands still."""

    def __init__(self, source: Source, controls: BandControls, timeline: Timeline) -> None:
        self._source, self._controls, self._timeline = source, controls, timeline
        self._ready: Pcm = np.zeros((0, CHANNELS), np.float32)
        self._level = 0.0

    def play(self, start: int, samples: int) -> Chunk:
        out = np.zeros((samples, CHANNELS), np.float32)
        for low, high, span in self._timeline.pieces(start, start + samples):
            goal = 1.0 if span.transport.playing else 0.0
            if self._level == goal == 0.0:
                continue
            out[low - start : high - start] = self._take(high - low, span.transport) * self._glide(
                high - low, goal
            )
        return Chunk(np.clip(out, -1.0, 1.0))

    def _take(self, samples: int, transport: Transport) -> Pcm:
        while len(self._ready) < samples:
            self._source.direct(self._controls, transport)
            self._ready = np.concatenate([self._ready, self._source.more()])
        taken, self._ready = self._ready[:samples], self._ready[samples:]
        return np.nan_to_num(taken)

    def _glide(self, samples: int, goal: float) -> Pcm:
        """(samples, 1) levels on the way from the last one to `goal`."""
        way = self._level + np.sign(goal - self._level) * np.arange(1, samples + 1, dtype=np.float32) / _FADE
        levels: Pcm = np.clip(way, min(self._level, goal), max(self._level, goal)).astype(np.float32)[:, None]
        self._level = float(levels[-1, 0])
        return levels

    def reach(self, sample: int) -> float:
        """Nothing in it hangs on when it is made."""
        return math.inf

    def steer(self, controls: BandControls, heard: float) -> None:
        self._controls = controls

    def on_notes(self, notes: Sequence[PlayedNote]) -> None:
        for note in notes:
            if 0 <= note.pitch <= 127:
                self._source.on_note(note)

    def close(self) -> None:
        self._source.close()
