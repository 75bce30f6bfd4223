"""Magenta RealTime 2 as a band: an adapter for the optional package `magenta-rt`, whose frames are ours.

One frame is 40 ms, 1,920 samples of 48 kHz stereo. The jam's controls that it follows: prompts, as a weighted mean of
their style embeddings; the keys that people hold, as its piano roll (an unplayed pitch is left to the model, not
forbidden); whether there are drums; temperature. Its weights are fetched by the package's own commands, `mrt models
init` and `mrt models download`. The package says that it runs in real time on Apple Silicon."""

from __future__ import annotations

import importlib
import importlib.util
from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from antiphon_engines.api import AudioFacts, AudioRequest, EngineUnavailable, PlayedNote, Remark
from antiphon_engines.audio.performer_api import Pcm
from antiphon_engines.audio.streamed import StreamedPlayer
from antiphon_engines.audio.timeline import Timeline
from antiphon_proto.document.jam import CHANNELS, SAMPLE_RATE, BandControls, Prompt, Transport

MODULE: Final = "magenta_rt"
_STYLE: Final = "mulan_tokens_25hz"
_NOTES: Final = "pianoroll_with_onsets_tokens"
_DRUMS: Final = "drum_pianoroll_tokens"
_OPEN, _HELD, _ONSET = -1, 1, 2
"""States of a pitch: the model's choice; sounding on; beginning now."""
_PITCHES: Final = 128
_CACHED: Final = 64
"""Style embeddings that are kept."""


class MagentaMusician:
    """A loaded system of the package, in its JAX or MLX form."""

    facts = AudioFacts(
        hears="notes", controls=("prompts", "roles", "mode", "temperature"), roles=("drums",), lead=0.25
    )

    def __init__(self, system: Any, name: str, backend: str) -> None:
        self.name, self.backend, self.device = name, backend, "auto"
        self.note = Remark("makes sound from words and from the keys that people hold", "words_and_keys")
        self._system = system

    def open(self, request: AudioRequest, timeline: Timeline) -> StreamedPlayer:
        return StreamedPlayer(MagentaSource(self._system), request.controls, timeline)

    def close(self) -> None:
        del self._system


class MagentaSource:
    """One stream: the package's streaming state and the conditions of the next frame."""

    def __init__(self, system: Any) -> None:
        self._system = system
        self._state: Any = None
        self._styles: dict[str, NDArray[np.float32]] = {}
        self._prompts: tuple[Prompt, ...] | None = None
        self._style: NDArray[np.float32] | None = None
        self._held: dict[int, set[str]] = {}  # pitch -> who holds it
        self._struck: set[int] = set()  # since the last frame
        self._temperature = 1.0
        self._drums = _OPEN
        self._listens = True

    def direct(self, controls: BandControls, transport: Transport) -> None:
        self._temperature = controls.temperature
        self._drums = _OPEN if "drums" in controls.roles else 0
        self._listens = controls.mode != "free"
        if controls.prompts != self._prompts:
            self._prompts = controls.prompts
            self._style = self._mean(controls.prompts)

    def on_note(self, note: PlayedNote) -> None:
        if note.velocity > 0:
            self._held.setdefault(note.pitch, set()).add(note.participant)
            self._struck.add(note.pitch)
            return
        holders = self._held.get(note.pitch, set())
        holders.discard(note.participant)
        if not holders:
            self._held.pop(note.pitch, None)

    def more(self) -> Pcm:
        """One frame of 40 ms."""
        conditioning: dict[str, Any] = {_DRUMS: [self._drums]}
        if self._style is not None:
            conditioning[_STYLE] = self._style
        if self._listens:
            conditioning[_NOTES] = self._roll()
        self._struck.clear()
        waveform, self._state = self._system.generate(
            conditioning=conditioning, temperature=self._temperature, frames=1, state=self._state
        )
        if waveform.sample_rate != SAMPLE_RATE or waveform.samples.shape[1] != CHANNELS:
            raise ValueError("this system does not give 48 kHz stereo")
        return np.asarray(waveform.samples, np.float32)

    def close(self) -> None:
        self._state = None

    def _roll(self) -> list[int]:
        """The state of every pitch. A key that was pressed and let go within a frame is heard all the same."""
        roll = [_OPEN] * _PITCHES
        for pitch in self._held:
            roll[pitch] = _HELD
        for pitch in self._struck:
            roll[pitch] = _ONSET
        return roll

    def _mean(self, prompts: Sequence[Prompt]) -> NDArray[np.float32] | None:
        """The weighted mean of the prompts' embeddings; None leaves the style open."""
        known = [prompt for prompt in prompts if prompt.weight > 0]
        if not known:
            return None
        weights = np.array([prompt.weight for prompt in known], np.float32)
        embedded = np.stack([self._embed(prompt.text) for prompt in known])
        mean: NDArray[np.float32] = ((weights / weights.sum()) @ embedded).astype(np.float32)
        return mean

    def _embed(self, text: str) -> NDArray[np.float32]:
        if text not in self._styles:
            while len(self._styles) >= _CACHED:
                self._styles.pop(next(iter(self._styles)))
            self._styles[text] = np.asarray(self._system.embed_style(text, use_mapper=True), np.float32)
        return self._styles[text]


def load(size: str) -> MagentaMusician:
    """The package's system of that size, on MLX where that is installed, else on JAX. Raises EngineUnavailable."""
    form, backend = ("MagentaRT2Mlx", "mlx") if importlib.util.find_spec("mlx") else ("MagentaRT2Jax", "jax")
    try:
        system = getattr(importlib.import_module(MODULE), form)(size=size)
    except Exception as error:
        reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
        raise EngineUnavailable(f"Magenta RealTime cannot be loaded: {reason}") from error
    return MagentaMusician(system, size, backend)
