"""MusicGen's decoder (https://arxiv.org/abs/2306.05284) over keys and values that lie in one place.

transformers' own cache grows with every step, so that no two steps are the same call; here all steps of a stream are,
and on CUDA they are replayed as one recording.
"""

from __future__ import annotations

from typing import Any, Final

import torch
from torch.nn.functional import pad, scaled_dot_product_attention

from antiphon_engines.backends.kernels.cuda_graphs import CudaGraphs

WORDS: Final = 64
"""Tokens of a prompt, at most."""
_GROWTH: Final = 256
"""Columns by which a CPU's memory of them grows."""


class MusicSteps:
    """One stream of a `MusicgenForCausalLM`, in two rows: with the words, and without any, for guidance.

    A call appends columns of codes and gives the logits after the last one. For one thread at a time.
    """

    def __init__(self, decoder: Any, window: int) -> None:
        """`window` is the number of columns that fit."""
        inner = decoder.model.decoder
        config = decoder.config
        self._inner, self._heads_out = inner, decoder.lm_heads
        self._heads = int(config.num_attention_heads)
        self._size = int(config.hidden_size) // self._heads
        self._window = window
        self._positions: torch.Tensor = inner.embed_positions.weights
        self._device, self._dtype = decoder.device, decoder.dtype
        self._cross = [self._memory(WORDS) for _ in inner.layers]
        self._told = torch.zeros((1, 1, 1, WORDS), dtype=torch.bool, device=self._device)
        # A recording knows addresses, so that all the memory is taken at once where there are recordings.
        self._graphs = CudaGraphs(most=1, after=1) if self._device.type == "cuda" else None
        self._reach = window if self._graphs is not None else min(_GROWTH, window)
        self._kept = [self._memory(self._reach) for _ in inner.layers]

    @torch.inference_mode()
    def tell(self, words: torch.Tensor) -> None:
        """The conditioning of the stream from the next call on: ``words[2, length, width]``."""
        length = words.shape[1]
        if length > WORDS:
            raise ValueError(f"{length} words are more than {WORDS}")
        self._told[..., :] = torch.arange(WORDS, device=self._device) < length
        for layer, (keys, values) in zip(self._inner.layers, self._cross, strict=True):
            attention = layer.encoder_attn
            for kept, project in ((keys, attention.k_proj), (values, attention.v_proj)):
                kept.copy_(pad(self._split(project(words)), (0, 0, 0, WORDS - length)))

    @torch.inference_mode()
    def __call__(self, columns: torch.Tensor, place: int, moves: int = 0) -> torch.Tensor:
        """``logits[2, codebooks, codes]`` after ``columns[codebooks, n]``, whose first one stands at `place`. The
        weights have the same addresses as long as `moves` is the same number."""
        end = place + columns.shape[1]
        if end > self._window:
            raise ValueError(f"the window has {self._window} places, not {end}")
        if end > self._reach:
            self._grow(end)
        places = torch.arange(place, end, device=self._device)
        if self._graphs is None or columns.shape[1] > 1:
            return self._forward(columns, places)
        logits: torch.Tensor = self._graphs(self._forward, (columns, places), moves)
        return logits

    def _forward(self, columns: torch.Tensor, places: torch.Tensor) -> torch.Tensor:
        inner = self._inner
        embedded = sum(table(codes) for table, codes in zip(inner.embed_tokens, columns, strict=True))
        hidden = (embedded + self._positions.index_select(0, places)).expand(2, -1, -1)
        seen = torch.arange(self._reach, device=self._device) <= places[:, None]
        for layer, kept, cross in zip(inner.layers, self._kept, self._cross, strict=True):
            attention, normed = layer.self_attn, layer.self_attn_layer_norm(hidden)
            for memory, project in zip(kept, (attention.k_proj, attention.v_proj), strict=True):
                memory.index_copy_(2, places, self._split(project(normed)))
            hidden = hidden + self._attend(attention, normed, kept, seen)
            normed = layer.encoder_attn_layer_norm(hidden)
            hidden = hidden + self._attend(layer.encoder_attn, normed, cross, self._told)
            inside = layer.activation_fn(layer.fc1(layer.final_layer_norm(hidden)))
            hidden = hidden + layer.fc2(inside)
        last = inner.layer_norm(hidden[:, -1])
        return torch.stack([head(last) for head in self._heads_out], dim=1)

    def _attend(
        self,
        attention: Any,
        hidden: torch.Tensor,
        kept: tuple[torch.Tensor, torch.Tensor],
        seen: torch.Tensor,
    ) -> torch.Tensor:
        keys, values = kept
        asked = self._split(attention.q_proj(hidden))
        found = scaled_dot_product_attention(asked, keys, values, attn_mask=seen, scale=attention.scaling)
        answer: torch.Tensor = attention.out_proj(found.transpose(1, 2).flatten(2))
        return answer

    def _split(self, states: torch.Tensor) -> torch.Tensor:
        """``[rows, heads, n, size]`` of ``[rows, n, width]``."""
        return states.view(*states.shape[:-1], self._heads, self._size).transpose(1, 2)

    def _memory(self, places: int) -> tuple[torch.Tensor, torch.Tensor]:
        shape = (2, self._heads, places, self._size)
        made = [torch.zeros(shape, dtype=self._dtype, device=self._device) for _ in range(2)]
        return made[0], made[1]

    def _grow(self, wanted: int) -> None:
        reach = min(-(-wanted // _GROWTH) * _GROWTH, self._window)
        more = (0, 0, 0, reach - self._reach)
        self._kept = [(pad(keys, more), pad(values, more)) for keys, values in self._kept]
        self._reach = reach
