"""n-gram baselines for the likelihood, and how much of a stream is copied from the training set.

Counts are kept as sorted arrays of packed n-grams (10 bits a token), so five orders over tens of millions of tokens
fit in memory and are looked up by binary search.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from antiphon_engines.audio.symbolic.tokens import PADDED_SIZE

Ids = NDArray[np.int64]
_BITS: Final = 10
_BASE: Final = np.uint64(0x9E3779B97F4A7C15)
_INVERSE: Final = np.uint64(pow(0x9E3779B97F4A7C15, -1, 2**64))


def packed(ids: Ids, order: int, last: Ids | None = None) -> Ids:
    """(len(ids) - order + 1,) every run of ``order`` (at most 6) tokens as one number; its last one is of ``last``."""
    count = len(ids) - order + 1
    keys = np.zeros(count, np.int64)
    for place in range(order):
        source = ids if last is None or place < order - 1 else last
        keys = keys << _BITS | source[place : place + count]
    return keys


class NGrams:
    """Interpolated n-grams with Witten-Bell smoothing, orders 1 to ``order``."""

    def __init__(self, ids: Ids, order: int, asked: Ids | None = None) -> None:
        """``asked`` (of the length of ``ids``, its default) replaces each token where it is the last of a gram."""
        self.order = order
        self._grams: list[tuple[Ids, Ids]] = []
        self._contexts: list[tuple[Ids, Ids, Ids]] = []
        for size in range(1, order + 1):
            grams, counts = np.unique(packed(ids, size, asked), return_counts=True)
            contexts, first = np.unique(grams >> _BITS, return_index=True)
            totals = np.add.reduceat(counts, first)
            kinds = np.diff(np.append(first, len(grams)))
            self._grams.append((grams, counts))
            self._contexts.append((contexts, totals, kinds))

    @staticmethod
    def _find(keys: Ids, table: Ids, *values: Ids) -> list[Ids]:
        places = np.minimum(np.searchsorted(table, keys), len(table) - 1)
        found = table[places] == keys
        return [np.where(found, value[places], 0) for value in values]

    def probabilities(self, ids: Ids, asked: Ids | None = None) -> dict[int, NDArray[np.float64]]:
        """Order -> (len(ids) - self.order + 1,) probability of each token from place ``self.order`` - 1 on.

        With ``asked`` the probability is that of its tokens, after the ``ids`` before.
        """
        skipped = self.order - 1
        odds = np.full(len(ids) - skipped, 1.0 / PADDED_SIZE)
        out = {}
        for size in range(1, self.order + 1):
            keys = packed(ids, size, asked)[skipped - size + 1 :]
            (hits,) = self._find(keys, *self._grams[size - 1])
            totals, kinds = self._find(keys >> _BITS, *self._contexts[size - 1])
            odds = np.where(totals > 0, (hits + kinds * odds) / np.maximum(1, totals + kinds), odds)
            out[size] = odds
        return out


def hashes(ids: Ids, size: int) -> NDArray[np.uint64]:
    """(len(ids) - size + 1,) a 64-bit polynomial hash of every run of ``size`` tokens."""
    values = np.random.default_rng(0).integers(1, 2**63, PADDED_SIZE, np.uint64)[ids]
    powers = np.cumprod(np.full(len(ids), _BASE, np.uint64), dtype=np.uint64)
    inverses = np.cumprod(np.full(len(ids), _INVERSE, np.uint64), dtype=np.uint64)
    sums = np.concatenate([np.zeros(1, np.uint64), np.cumsum(values * powers, dtype=np.uint64)])
    runs: NDArray[np.uint64] = (sums[size:] - sums[:-size]) * inverses[: len(ids) - size + 1]
    return runs


def longest_shared(streams: Sequence[Ids], training: Ids, sizes: Sequence[int]) -> list[int]:
    """For each stream the greatest of ``sizes`` for which a run of that length is also in ``training``; else 0."""
    longest = [0] * len(streams)
    for size in sorted(sizes):
        ours = [hashes(stream, size) if len(stream) >= size else np.zeros(0, np.uint64) for stream in streams]
        wanted = np.unique(np.concatenate(ours))
        if not len(wanted):
            break
        known = hashes(training, size)
        places = np.minimum(np.searchsorted(wanted, known), len(wanted) - 1)
        shared = np.unique(known[wanted[places] == known])
        for index, keys in enumerate(ours):
            if np.isin(keys, shared).any():
                longest[index] = size
    return longest
