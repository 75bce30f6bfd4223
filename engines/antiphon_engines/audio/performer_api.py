"""The interface of a source of music: the embedded band, MusicGen, Magenta RealTime."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from antiphon_engines.api import AudioFacts, AudioRequest, PlayedNote, Remark
from antiphon_engines.audio.timeline import Timeline
from antiphon_proto.document.jam import BandChord, BandControls, BandNote, BandSound

Pcm = NDArray[np.float32]
"""(samples, 2) float32 in -1..1, 48 kHz."""


class Chunk(NamedTuple):
    """One frame, the notes and chords that it commits to, and how the band sounds from it on, where that changes."""

    pcm: Pcm
    notes: tuple[BandNote, ...] = ()
    chords: tuple[BandChord, ...] = ()
    sound: BandSound | None = None


class Player(Protocol):
    """The band of one room."""

    def play(self, start: int, samples: int) -> Chunk:
        """The samples from `start` on. Calls come in order; a gap means that nothing in it is heard."""
        ...

    def reach(self, sample: int) -> float:
        """Seconds before it sounds from which on a frame at `sample` may be made: earlier, people could still play
        notes that it has to follow."""
        ...

    def steer(self, controls: BandControls, heard: float) -> None:
        """New wishes, while people hear sample `heard`. The transport changes in the timeline."""
        ...

    def on_notes(self, notes: Sequence[PlayedNote]) -> None:
        """Notes that people played; never raises."""
        ...

    def close(self) -> None:
        """Free its resources; idempotent."""
        ...


class Musician(Protocol):
    """A loaded model."""

    name: str
    device: str
    note: Remark
    facts: AudioFacts
    """Without `pre_skip`, which is the codec's."""

    @property
    def backend(self) -> str:
        """The current backend; a faster one may take over."""
        ...

    def open(self, request: AudioRequest, timeline: Timeline) -> Player:
        """A band that has not played yet. Raises InvalidRequest."""
        ...

    def close(self) -> None: ...
