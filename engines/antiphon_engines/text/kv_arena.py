"""The keys and values of all rows of a transformers model in torch, as the cache that its layers write to.

A pair of tensors per layer, shape (rows, KV heads, context + 1, head size); the last place takes the padding of shorter
rows and is never read. Rows that lie side by side are read in place, others are gathered.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import torch
from transformers.cache_utils import Cache

Tensor: TypeAlias = torch.Tensor


class Arena(Cache):  # type: ignore[misc]
    """The keys and values of all rows, aimed at the rows and places of one forward pass at a time."""

    def __init__(self, rows: int, context: int) -> None:
        super().__init__(layers=[])
        self._rows = rows
        self._places = context + 1
        self._kept: dict[int, tuple[Tensor, Tensor]] = {}

    def aim(self, rows: list[int], places: Tensor, span: int) -> None:
        """The next pass writes its tokens to `places` (rows, queries) of `rows` and reads the first `span`."""
        self._index = torch.tensor(rows, device=places.device)
        self._run: slice | None = None
        if rows[-1] - rows[0] + 1 == len(rows):
            self._run = slice(rows[0], rows[-1] + 1)
        self._at = places
        self._span = span

    def gather(self, index: Tensor, places: Tensor, span: int) -> None:
        """As `aim`, from tensors of the device alone, so that it can be recorded."""
        self._index, self._run, self._at, self._span = index, None, places, span

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        if layer_idx not in self._kept:
            self._kept[layer_idx] = (self._like(key_states), self._like(value_states))
        keys, values = self._kept[layer_idx]
        return self._exchange(keys, key_states), self._exchange(values, value_states)

    @property
    def names(self) -> list[str]:
        """Of the keys and values of all layers, as a plan calls them."""
        return [f"{kind}_{layer}" for layer in sorted(self._kept) for kind in ("keys", "values")]

    def past(self, rows: list[int], span: int) -> dict[str, Tensor]:
        """The first `span` places of the rows, by name."""
        self.aim(rows, torch.empty(0, dtype=torch.long), span)
        return {name: self._read(self._named(name)) for name in self.names}

    def write(self, rows: list[int], places: Tensor, states: Mapping[str, Tensor]) -> None:
        """Put the states of new tokens, (rows, heads, tokens, size), to their places."""
        self.aim(rows, places, 0)
        for name, new in states.items():
            self._put(self._named(name), new)

    def _named(self, name: str) -> Tensor:
        kind, _, layer = name.partition("_")
        keys, values = self._kept[int(layer)]
        return keys if kind == "keys" else values

    def get_seq_length(self, layer_idx: int = 0, *args: Any) -> int:
        """Positions and masks are always given, so that nothing depends on this."""
        return 0

    @torch.inference_mode()
    def copy(self, source: int, target: int, length: int) -> None:
        for pair in self._kept.values():
            for kept in pair:
                kept[target, :, :length] = kept[source, :, :length]

    def clear(self) -> None:
        self._kept.clear()

    @property
    def nbytes(self) -> int:
        return sum(each.nbytes for pair in self._kept.values() for each in pair)

    def _like(self, states: Tensor) -> Tensor:
        _, heads, _, size = states.shape
        return torch.zeros((self._rows, heads, self._places, size), dtype=states.dtype, device=states.device)

    def _exchange(self, kept: Tensor, new: Tensor) -> Tensor:
        self._put(kept, new)
        return self._read(kept)

    def _put(self, kept: Tensor, new: Tensor) -> None:
        kept[self._index[:, None].to(kept.device), :, self._at] = new.transpose(1, 2).to(kept.dtype)

    def _read(self, kept: Tensor) -> Tensor:
        read = kept[:, :, : self._span]
        return read[self._run] if self._run is not None else read.index_select(0, self._index.to(read.device))
