"""A language model's decoder with a functional KV cache: the past goes in, the past and the new come out."""

from __future__ import annotations

from typing import Any

import torch
from transformers import DynamicCache

from antiphon_engines.backends.networks import Network
from antiphon_engines.backends.signature import Precision, Signature


class LanguageDecoder(torch.nn.Module):
    """Any transformers causal language model whose layers keep plain keys and values.

    `mask[rows, 1, new, past + new]` is true where a new token may look.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model

    def forward(
        self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor, *past: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        output = self.model(
            input_ids=ids,
            position_ids=positions,
            attention_mask=mask,
            past_key_values=filled(past),
            use_cache=True,
        )
        return output.logits, *states(output.past_key_values)


def filled(past: tuple[torch.Tensor, ...]) -> DynamicCache:
    """A cache of the keys and values of each layer, one after another."""
    cache = DynamicCache()
    for layer in range(len(past) // 2):
        cache.update(past[2 * layer], past[2 * layer + 1], layer)
    return cache


def states(cache: DynamicCache) -> list[torch.Tensor]:
    return [tensor for layer in cache.layers for tensor in (layer.keys, layer.values)]


def network(model: Any, signature: Signature, precision: Precision) -> Network:
    return Network("language_decoder", LanguageDecoder(model).eval(), signature, precision)
