"""Bands for tests: the embedded engine on a clock that the test owns, and their output."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from antiphon_engines.api import (
    Audio,
    AudioRequest,
    Deferred,
    Failed,
    Listening,
    Output,
    Performed,
    PlayedNote,
    Segment,
)
from antiphon_engines.audio import opus
from antiphon_engines.audio.engine import AudioEngine, Session
from antiphon_engines.audio.performer_api import Musician, Pcm
from antiphon_engines.audio.symbolic import loader
from antiphon_engines.audio.symbolic.band import EmbeddedMusician
from antiphon_engines.audio.synthesiser import SoundFont
from antiphon_proto.document.jam import SAMPLE_RATE, BandChord, BandControls, BandNote, BandSound, Transport

START = 1000.0
"""Seconds on the clock at which sample 0 sounds."""


@cache
def musician() -> EmbeddedMusician:
    """The embedded model and its SoundFont, loaded once for all tests."""
    cache_dir = Path(os.environ.get("ANTIPHON_CACHE_DIR", "~/.cache/antiphon")).expanduser()
    return EmbeddedMusician(loader.load_decoder(), SoundFont(loader.soundfont(), cache_dir))


def asking(
    controls: BandControls | None = None, *segments: Segment, seed: int = 7, **options: Any
) -> AudioRequest:
    """A request; without segments the transport plays from sample 0 at 120."""
    playing = (Segment(0, Transport(playing=True, tempo=120.0)),)
    return AudioRequest(controls or BandControls(), segments or playing, seed, START, **options)


@dataclass
class Take:
    """One band as its room hears it. `now` is the clock's time."""

    engine: Listening
    session: Session
    clock: list[float]
    frames: list[Audio] = field(default_factory=list)
    notes: list[BandNote] = field(default_factory=list)
    chords: list[BandChord] = field(default_factory=list)
    sounds: list[BandSound] = field(default_factory=list)
    failure: Failed | None = None

    def step(self) -> list[Output]:
        """One frame, at the moment at which its window opens."""
        opens = self.session.window.opens
        assert opens < float("inf"), "the band has nothing to do"
        self.clock[0] = max(self.clock[0], opens)
        [made] = self.engine.step([self.session])
        outputs = [output for output in made if not isinstance(output, Deferred)]
        for output in outputs:
            match output:
                case Audio():
                    self.frames.append(output)
                case Performed(notes, chords, sound):
                    self.notes += notes
                    self.chords += chords
                    self.sounds += [] if sound is None else [sound]
                case Failed():
                    self.failure = output
        return outputs

    def until(self, seconds: float) -> Take:
        """Frames up to that time of the stream."""
        while self.session.pts < seconds * SAMPLE_RATE and self.session.window.opens < float("inf"):
            self.step()
        return self

    def play(self, notes: Iterable[tuple[float, int]], participant: str = "ada") -> None:
        """People press keys at seconds of the stream."""
        self.engine.push(
            self.session,
            [PlayedNote(round(at * SAMPLE_RATE), participant, pitch, 90) for at, pitch in notes],
        )

    def pcm(self) -> Pcm:
        """A listener's decoded sound of the frames so far, (samples, 2)."""
        return opus.decoded([frame.opus for frame in self.frames])

    def tick_notes(self, role: str) -> list[tuple[int, int]]:
        return [(note.tick, note.pitch) for note in self.notes if note.role == role]


def band(request: AudioRequest | None = None, player: Musician | None = None) -> Take:
    """A band that is about to play its first frame."""
    clock = [START - 10]
    engine = AudioEngine(player or musician(), 4, lambda: clock[0])
    session = engine.admit(request or asking())
    assert isinstance(session, Session)
    return Take(engine, session, clock)


def loudness(pcm: Pcm) -> float:
    """Root mean square."""
    return float(np.sqrt(np.mean(np.square(pcm)))) if len(pcm) else 0.0


def partials(pcm: Pcm, pitch: int) -> float:
    """How far the energy at a MIDI pitch stands out of its surroundings (a fourth down to a fourth up), as a ratio."""
    mono = pcm.mean(axis=1) * np.hanning(len(pcm))
    spectrum = np.abs(np.fft.rfft(mono, 1 << 17)) ** 2
    hertz = np.fft.rfftfreq(1 << 17, 1 / SAMPLE_RATE)
    wanted = 440 * 2 ** ((pitch - 69) / 12)
    near = (hertz > wanted * 2 ** (-0.4 / 12)) & (hertz < wanted * 2 ** (0.4 / 12))
    around = (hertz > wanted * 2 ** (-5 / 12)) & (hertz < wanted * 2 ** (5 / 12)) & ~near
    return float(spectrum[near].max() / np.median(spectrum[around]))
