"""The documented surface of the package `magenta-rt` (2.0.3), playing a tone for each pitch that it is told to play."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

KEYS = {"mulan_tokens_25hz", "pianoroll_with_onsets_tokens", "drum_pianoroll_tokens"}


@dataclass
class Waveform:
    """As `magenta_rt.audio.Waveform`: (samples, channels) float32."""

    samples: NDArray[np.float32]
    sample_rate: int


class MagentaRT2Jax:
    """As `magenta_rt.jax.system.MagentaRT2System`."""

    def __init__(self, size: str = "mrt2_base") -> None:
        if size not in ("mrt2_small", "mrt2_base"):
            raise ValueError(f"No default checkpoint for size '{size}'.")
        self.calls: list[dict[str, Any]] = []
        self.embedded: list[str] = []

    def embed_style(
        self, text: str, pool_across_time: bool = True, use_mapper: bool = False, seed: int = 0
    ) -> Any:
        self.embedded.append(text)
        return np.full(768, float(len(text)), np.float32)

    def generate(
        self,
        conditioning: dict[str, Any] | None = None,
        cfg_scales: dict[str, float] | None = None,
        temperature: float | None = None,
        top_k: int | None = None,
        frames: int = 25,
        state: int | None = None,
    ) -> tuple[Waveform, int]:
        given = conditioning or {}
        assert set(given) <= KEYS
        self.calls.append({**given, "temperature": temperature})
        begun = state or 0
        at = (begun + np.arange(frames * 1920)) / 48_000
        tone = 0.02 * np.sin(2 * np.pi * 110 * at)
        for pitch, told in enumerate(given.get("pianoroll_with_onsets_tokens", [])):
            if told > 0:
                tone += 0.3 * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * at)
        return Waveform(np.stack([tone, tone], axis=1).astype(np.float32), 48_000), begun + frames * 1920
