"""Crops of pieces as training batches: transposed, some controls hidden, targets weighed.

During training the loader can replace old arrangements by new ones (``fresh`` a batch): a GPU reads the token file many
times, and the model would memorise its arrangements.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import IterableDataset, get_worker_info

from antiphon_engines.audio.symbolic.tokens import (
    BOS,
    IDS,
    KIND_INDEX,
    KINDS,
    PADDED_SIZE,
    VOCABULARY,
    fingerprint,
    transposition,
)

from .build_tokens import SOURCES, encode_tune, held_out
from .pieces import Tune
from .variants import varied

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


_IS_BAR: Final = np.array([name.startswith("BAR") for name in VOCABULARY])


def _bars_of(piece: NDArray[np.uint16]) -> Ids:
    """Where the bars of a piece, (2, length), begin."""
    return np.flatnonzero(_IS_BAR[piece[0]])


class Corpus:
    """The training or the held-out pieces of a token file. Raises ValueError for a file of another vocabulary."""

    def __init__(self, path: Path, *, held_out: bool) -> None:
        with np.load(path) as file:
            if str(file["vocabulary"]) != fingerprint():
                raise ValueError(f"{path} was written with another vocabulary: run the tokens stage again")
            tokens, offsets, source = file["tokens"], file["offsets"], file["source"]
            both = np.stack([tokens, tokens ^ file["mended"]])
            chosen = np.flatnonzero(file["held_out"] == held_out)
        self.pieces: list[NDArray[np.uint16]] = [both[:, offsets[i] : offsets[i + 1]] for i in chosen]
        """(2, length) of each piece: as played, and as the model is asked for."""
        self.sources = [SOURCES[source[i]] for i in chosen]
        self._bars = [_bars_of(piece) for piece in self.pieces]
        weights = np.array(
            [p.shape[1] * _BOOST.get(s, 1.0) for p, s in zip(self.pieces, self.sources, strict=True)]
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
        return sum(piece.shape[1] for piece in self.pieces)

    def renew(self, rng: np.random.Generator, tunes: Sequence[Tune]) -> None:
        """Put a new arrangement of one of ``tunes``, or a new riff, in the place of a piece of that kind."""
        index = int(rng.integers(len(self.pieces)))
        source, seed = self.sources[index], int(rng.integers(2**31, 2**62))
        if source not in ("bach", "classical"):
            tune = None if source == "riff" else varied(tunes, random.Random(seed))
            (piece,) = encode_tune((tune, seed))
            self.pieces[index] = np.array([piece.ids, piece.asked], np.uint16)
            self._bars[index] = _bars_of(self.pieces[index])

    def crop(self, rng: np.random.Generator, length: int, *, augment: bool = True) -> Ids:
        """(2, length) token ids, as played and as asked for: random pieces from a bar line on, one after another."""
        rows: list[Ids] = []
        missing = length
        while missing > 0:
            index = min(int(np.searchsorted(self._cumulated, rng.random())), len(self.pieces) - 1)
            piece, bars = self.pieces[index], self._bars[index]
            start = 0 if rng.random() < 0.3 else int(bars[rng.integers(0, max(1, len(bars) - 3))])
            ids = piece[:, start : start + missing].astype(np.int64)
            if start:
                ids = np.concatenate([np.full((2, 1), BOS), ids], 1)[:, :missing]
            if augment:
                ids = self._transposed[int(rng.integers(-5, 7))][ids]
                for prefix, share in _HIDDEN.items():
                    if rng.random() < share:
                        ids = self._hidden[prefix][ids]
            rows.append(ids)
            missing -= ids.shape[1]
        return np.concatenate(rows, 1)


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
    crops = np.stack([corpus.crop(rng, context + 1, augment=augment) for _ in range(rows)], 1)
    inputs, targets = crops[0, :, :-1], crops[1, :, 1:]
    weights = WEIGHT[targets].astype(np.float32)
    return Batch(torch.from_numpy(inputs.copy()), torch.from_numpy(targets.copy()), torch.from_numpy(weights))


class Batches(IterableDataset[Batch]):
    """Endless batches; each loader process has its own stream of random numbers and its own new arrangements.

    ``fresh`` is how many of ``tunes`` (or riffs) are arranged anew for each batch, on the average.
    """

    def __init__(
        self,
        corpus: Corpus,
        rows: int,
        context: int,
        seed: int,
        fresh: float = 0.0,
        tunes: Sequence[Tune] = (),
    ) -> None:
        super().__init__()
        self._corpus, self._rows, self._context, self._seed = corpus, rows, context, seed
        self._fresh, self._tunes = fresh, [tune for tune in tunes if not held_out(tune.melody)]

    def __iter__(self) -> Iterator[Batch]:
        worker = get_worker_info()
        rng = np.random.default_rng([self._seed, 0 if worker is None else worker.id])
        while True:
            for _ in range(int(rng.poisson(self._fresh))):
                self._corpus.renew(rng, self._tunes)
            yield make_batch(self._corpus, rng, self._rows, self._context)
