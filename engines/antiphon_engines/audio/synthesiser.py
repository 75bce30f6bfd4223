"""The band's instruments: TinySoundFont over the embedded SoundFont, mixed, coloured and kept from clipping.

The samples are decoded once for a process (125 MB, one second); each session's synthesiser shares them.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.model_files import synth_binding
from antiphon_proto.document.jam import CHANNELS, SAMPLE_RATE

Pcm = NDArray[np.float32]
"""(samples, 2) float32, 48 kHz."""

_VOICES: Final = 128
_GAIN_DB: Final = -4.0
_KNEE: Final = 0.75
"""Level from which peaks are bent instead of cut."""
_TAPS: Final = 47
_CROSSOVER: Final = 1800.0
"""Crossover in hertz: brightness changes the sound above it only."""
_TILT: Final = 5.0
"""How much brightness 0 or 1 lowers or lifts the upper part, as a factor."""


class SoundFont:
    """The decoded samples."""

    def __init__(self, path: Path, cache_dir: Path) -> None:
        """Raises EngineUnavailable."""
        module = synth_binding.load(cache_dir)
        synth = module.Synth(gain=_GAIN_DB, samplerate=SAMPLE_RATE)
        try:
            font = synth.sfload(str(path), max_voices=_VOICES)
        except RuntimeError as error:
            raise EngineUnavailable(f"the SoundFont {path.name} cannot be read: {error}") from error
        self._font: Any = synth.soundfonts[font]

    def synthesiser(self) -> Synthesiser:
        """Silent instruments of one's own."""
        return Synthesiser(type(self._font)(self._font))


class Synthesiser:
    """Channels, each with an instrument or a drum kit."""

    def __init__(self, font: Any) -> None:
        self._font = font
        self._font.reset()
        self._font.set_max_voices(_VOICES)
        self._programs: dict[int, int] = {}
        self._tone = _Tone()

    def program(self, channel: int, program: int, *, drums: bool = False) -> None:
        """The instrument of the notes to come: a preset's number, for drums a kit's."""
        if self._programs.get(channel) == program:
            return
        self._font.channel_set_bank(channel, 128 if drums else 0)
        self._font.channel_set_preset_number(channel, program, drums)
        self._programs[channel] = program

    def volume(self, channel: int, volume: float) -> None:
        """0 to 1; sounding notes change too."""
        # Ears hear loudness about as the square of a fader's way.
        self._font.channel_set_volume(channel, float(volume) ** 2)

    def pan(self, channel: int, place: float) -> None:
        """0 is left, 1 right."""
        self._font.channel_set_pan(channel, place)

    def brightness(self, value: float) -> None:
        """0 to 1; 0.5 leaves the sound as it is."""
        self._tone.gain = _TILT ** (2 * value - 1)

    def on(self, channel: int, pitch: int, velocity: int) -> None:
        self._font.channel_note_on(channel, pitch, velocity / 127)

    def off(self, channel: int, pitch: int) -> None:
        self._font.channel_note_off(channel, pitch)

    def release(self) -> None:
        """Let go of every note; they ring out."""
        for channel in self._programs:
            self._font.channel_note_off(channel)

    def render(self, samples: int, events: Mapping[int, Any] | None = None) -> Pcm:
        """The next `samples` samples. `events` are callables by the sample, counted from here, before which they are
        to happen."""
        out = np.zeros((samples, CHANNELS), np.float32)
        edges = sorted({0, samples, *(events or ())})
        for start, stop in zip(edges, edges[1:], strict=False):
            if events and start in events:
                events[start]()
            self._font.render(out[start:stop].reshape(-1).view(np.uint8))
        return soft_clip(self._tone(out))


class _Tone:
    """A tilt: the sound above the crossover, times `gain`. The delay of its filter is half a millisecond."""

    def __init__(self) -> None:
        self.gain = 1.0
        n = np.arange(_TAPS) - _TAPS // 2
        kernel = np.sinc(2 * _CROSSOVER / SAMPLE_RATE * n) * np.hamming(_TAPS)
        self._kernel = (kernel / kernel.sum()).astype(np.float32)
        self._before = np.zeros((_TAPS - 1, CHANNELS), np.float32)
        self._applied = 1.0

    def __call__(self, pcm: Pcm) -> Pcm:
        window = np.concatenate([self._before, pcm])
        self._before = window[-(_TAPS - 1) :]
        straight = window[_TAPS // 2 : len(window) - _TAPS // 2]
        before, self._applied = self._applied, self.gain
        if before == self.gain == 1.0:
            return straight
        low = np.stack(
            [np.convolve(window[:, channel], self._kernel, "valid") for channel in range(CHANNELS)], axis=1
        )
        # A change glides over the piece, or it would click.
        gain = np.linspace(before, self.gain, len(pcm), dtype=np.float32)[:, None]
        tilted: Pcm = (low + gain * (straight - low)).astype(np.float32)
        return tilted


def soft_clip(pcm: Pcm) -> Pcm:
    """Peaks above the knee approach 1 and never reach it."""
    size = np.abs(pcm)
    if size.max(initial=0.0) <= _KNEE:
        return pcm
    room = 1 - _KNEE
    bent = np.sign(pcm) * (_KNEE + room * np.tanh((size - _KNEE) / room))
    out: Pcm = np.where(size > _KNEE, bent, pcm).astype(np.float32)
    return out
