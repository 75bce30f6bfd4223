"""Crops of pieces as training batches: transposed, some controls hidden, targets weighed."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset, get_worker_info

from antiphon_engines.audio.tokens import (
    BOS,
    IDS,
    KIND_INDEX,
    KINDS,
    PADDED_SIZE,
    VOCABULARY,
    fingerprint,
    transposition,
)

from .build_tokens import SOURCES
from .pieces import NOT_A_TARGET

CHORD_WEIGHT: Final = 4.0
"""How much more a chord's loss counts than another token's."""
_HIDDEN: Final = {"STYLE_": 0.05, "KEY_": 0.15, "TEMPO_": 0.15, "DENSITY_": 0.15}
_BOOST: Final = {"bach": 1.6, "classical": 1.3, "riff": 0.9}

Ids = NDArray[np.int64]


def _kinds() -> Ids:
    kinds = np.zeros(PADDED_SIZE, np.int64)
    kinds[: len(KIND_INDEX)] = KIND_INDEX
    return kinds


KIND: Final = _kinds()
"""(PADDED_SIZE,) index into tokens.KINDS of each token id."""
WEIGHT: Final = np.where(
    KINDS.index("given") == KIND, 0.0, np.where(KINDS.index("chord") == KIND, CHORD_WEIGHT, 1.0)
)
"""(PADDED_SIZE,) weight of each token id as a target; 0 for given tokens."""


class Corpus:
    """The training or the held-out pieces of a token file. Raises ValueError for a file of another vocabulary."""

    def __init__(self, path: Path, *, held_out: bool) -> None:
        with np.load(path) as file:
            if str(file["vocabulary"]) != fingerprint():
                raise ValueError(f"{path} was written with another vocabulary: run the tokens stage again")
            tokens, offsets, source = file["tokens"], file["offsets"], file["source"]
            chosen = np.flatnonzero(file["held_out"] == held_out)
        self.pieces: list[NDArray[np.uint16]] = [tokens[offsets[i] : offsets[i + 1]] for i in chosen]
        self.sources = [SOURCES[source[i]] for i in chosen]
        is_bar = np.array([name.startswith("BAR") for name in VOCABULARY])
        self._bars = [np.flatnonzero(is_bar[piece & 0x7FFF]) for piece in self.pieces]
        weights = np.array(
            [len(p) * _BOOST.get(s, 1.0) for p, s in zip(self.pieces, self.sources, strict=True)]
        )
        self._cumulated = np.cumsum(weights / weights.sum())
        self._transposed = {shift: np.array(transposition(shift), np.int64) for shift in range(-5, 7)}
        self._hidden: dict[str, Ids] = {}
        for prefix in _HIDDEN:
            table = np.arange(PADDED_SIZE)
            table[[i for name, i in IDS.items() if name.startswith(prefix)]] = IDS[prefix + "any"]
            self._hidden[prefix] = table

    @property
    def tokens(self) -> int:
        """How many tokens the pieces hold."""
        return sum(len(piece) for piece in self.pieces)

    def crop(
        self, rng: np.random.Generator, length: int, *, augment: bool = True
    ) -> tuple[Ids, NDArray[np.bool_]]:
        """``length`` token ids from whole-bar starts of random pieces, one after another, and which may be targets."""
        rows: list[Ids] = []
        targets: list[NDArray[np.bool_]] = []
        missing = length
        while missing > 0:
            index = min(int(np.searchsorted(self._cumulated, rng.random())), len(self.pieces) - 1)
            piece, bars = self.pieces[index], self._bars[index]
            start = 0 if rng.random() < 0.3 else int(bars[rng.integers(0, max(1, len(bars) - 3))])
            raw = piece[start : start + missing]
            if start:
                raw = np.concatenate([np.array([BOS], np.uint16), raw])[:missing]
            ids = (raw & 0x7FFF).astype(np.int64)
            if augment:
                ids = self._transposed[int(rng.integers(-5, 7))][ids]
                for prefix, share in _HIDDEN.items():
                    if rng.random() < share:
                        ids = self._hidden[prefix][ids]
            rows.append(ids)
            targets.append((raw & NOT_A_TARGET) == 0)
            missing -= len(ids)
        return np.concatenate(rows), np.concatenate(targets)


@dataclass(frozen=True)
class Batch:
    """``inputs`` and ``targets`` (rows, context) int64; ``weights`` (rows, context) float32, 0 where not asked."""

    inputs: torch.Tensor
    targets: torch.Tensor
    weights: torch.Tensor

    def to(self, device: str) -> Batch:
        """The same batch on ``device``."""
        inputs, targets, weights = (
            tensor.to(device, non_blocking=True) for tensor in (self.inputs, self.targets, self.weights)
        )
        return Batch(inputs, targets, weights)

    def pin_memory(self) -> Batch:
        """Called by the data loader when it pins batches."""
        return Batch(self.inputs.pin_memory(), self.targets.pin_memory(), self.weights.pin_memory())


def make_batch(
    corpus: Corpus, rng: np.random.Generator, rows: int, context: int, *, augment: bool = True
) -> Batch:
    """A batch of ``rows`` crops."""
    crops = [corpus.crop(rng, context + 1, augment=augment) for _ in range(rows)]
    ids = np.stack([crop[0] for crop in crops])
    asked = np.stack([crop[1] for crop in crops])[:, 1:]
    targets = ids[:, 1:]
    weights = (WEIGHT[targets] * asked).astype(np.float32)
    return Batch(torch.from_numpy(ids[:, :-1]), torch.from_numpy(targets), torch.from_numpy(weights))


class Batches(IterableDataset[Batch]):
    """Endless batches; each loader process has its own stream of random numbers."""

    def __init__(self, corpus: Corpus, rows: int, context: int, seed: int) -> None:
        super().__init__()
        self._corpus, self._rows, self._context, self._seed = corpus, rows, context, seed

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        rng = np.random.default_rng([self._seed, 0 if worker is None else worker.id])
        while True:
            yield make_batch(self._corpus, rng, self._rows, self._context)
