"""The line between sampling and the network: the interface of a causal language model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int64]
Logits = NDArray[np.float32]


class TokenModel(Protocol):
    """A causal language model with one KV arena: a row per stream, rows of different lengths.

    Implementations are not thread-safe and keep all streaming state in the arena's rows.
    """

    vocab_size: int
    rows: int
    """How many streams the arena holds."""
    context: int
    """Tokens a row can hold."""
    name: str
    device: str
    grain: int
    """A prompt's numbers do not depend on how it is cut into chunks while all but the last have a multiple of so many
    tokens, and all have at least `least`."""
    least: int

    @property
    def backend(self) -> str:
        """The current backend; a faster one may take over."""
        ...

    def length(self, row: int) -> int:
        """Tokens now held by `row`."""
        ...

    def step(self, rows: Sequence[int], ids: Ids, lengths: Sequence[int]) -> Logits:
        """Append `lengths[i]` tokens of `ids[i]` (int64, shape (len(rows), max(lengths)), right-padded) to each row.

        Returns float32 logits of shape (len(rows), vocab_size): those after each row's last appended token.
        Rows are distinct; no row may pass `context`. A row's result must not depend on which rows share the call.
        """
        ...

    def truncate(self, row: int, length: int) -> None:
        """Forget the row's tokens from position `length` on."""
        ...

    def copy_prefix(self, source: int, target: int, length: int) -> None:
        """Make the first `length` tokens of `target` those of `source`; `target` then holds `length` tokens."""
        ...

    def close(self) -> None: ...


@runtime_checkable
class ScoringModel(TokenModel, Protocol):
    """A model that says how likely given tokens are."""

    def step_all(self, row: int, ids: Sequence[int]) -> Logits:
        """Append `ids` to the row; float32 logits after each of them, shape (len(ids), vocab_size)."""
        ...


@runtime_checkable
class DraftModel(ScoringModel, Protocol):
    """A model that checks several guessed tokens in one call."""

    drafts: tuple[int, int]
    """How many drafted tokens are checked in one call, beside the one that is sure: at least and at most. Checking pays
    where the first number of them is right."""
