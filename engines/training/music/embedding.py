"""Embeddings that share features between tokens during training and are exported as a plain matrix.

The same pitch class in another octave or another voice, a chord and the notes in it, the same tick for people and for
the band: during training a token's vector is its own plus the vectors of its features, so training on one token helps
all tokens that share a feature. The sum is an ordinary embedding matrix for the stock transformers class.
"""

from __future__ import annotations

import torch
from torch import nn

from antiphon_engines.audio.symbolic.tokens import PADDED_SIZE, RANGES, VOCABULARY, chord_of

_MEMBER = 0.6


def features_of(name: str) -> dict[str, float]:
    """Feature -> weight of the token called ``name``."""
    head, _, tail = name.partition("_")
    if name.startswith("CHORD_"):
        chord = chord_of(name)
        if chord is None:
            return {"CHORD": 1.0}
        members = {f"class {pitch_class}": _MEMBER for pitch_class in chord.pitch_classes()}
        return {"CHORD": 1.0, f"root {chord.root}": 1.0, f"quality {chord.quality}": 1.0} | members
    if head == "KEY" and tail != "any":
        tonic, mode = tail.split("_")
        return {"KEY": 1.0, f"root {tonic}": 1.0, f"mode {mode}": 1.0}
    if head in ("AT", "HEARD"):
        return {head: 1.0, f"tick {tail}": 1.0}
    if not tail and head[0] in RANGES and head[1:].isdigit():
        pitch = int(head[1:])
        return {f"voice {head[0]}": 1.0, f"class {pitch % 12}": 1.0, f"octave {pitch // 12}": 1.0}
    return {head.rstrip("0123456789"): 1.0}


def feature_matrix() -> torch.Tensor:
    """(PADDED_SIZE, features) float32: each token's features, in the order in which they are first met."""
    rows = [features_of(name) for name in VOCABULARY]
    columns = {feature: None for row in rows for feature in row}
    places = {feature: place for place, feature in enumerate(columns)}
    matrix = torch.zeros(PADDED_SIZE, len(places))
    for index, row in enumerate(rows):
        for feature, weight in row.items():
            matrix[index, places[feature]] = weight
    return matrix


class SharedEmbedding(nn.Module):
    """Token vectors made of their own part and of shared parts; ``forward()`` gives the (PADDED_SIZE, width) matrix."""

    features: torch.Tensor

    def __init__(self, width: int) -> None:
        super().__init__()
        self.register_buffer("features", feature_matrix(), persistent=False)
        self.own = nn.Parameter(torch.randn(PADDED_SIZE, width) * 0.01)
        self.shared = nn.Parameter(torch.randn(self.features.shape[1], width) * 0.02)

    def forward(self) -> torch.Tensor:
        """The embedding matrix of this moment."""
        return self.own + self.features @ self.shared
