"""A language model's decoder with a functional KV cache: the past goes in, the past and the new come out."""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import torch
from transformers import DynamicCache
from transformers.cache_utils import DynamicLayer

from antiphon_engines.backends.networks import Network
from antiphon_engines.backends.networks.cache_name import cache_name
from antiphon_engines.backends.plans.signature import Precision, Signature


class LanguageDecoder(torch.nn.Module):
    """Any transformers causal language model whose layers keep plain keys and values.

    `mask[rows, 1, new, past + new]` is true where a new token may look. `logits[rows, 1, words]` are those after the
    last token: of rows that bring different numbers of tokens, the shorter ones are padded on the left.
    """

    def __init__(self, model: Any) -> None:
        super().__init__()
        self.model = model
        self._cache = cache_name(model)
        sparing = "logits_to_keep" in inspect.signature(model.forward).parameters
        self._kept = {"logits_to_keep": 1} if sparing else {}

    def forward(
        self, ids: torch.Tensor, positions: torch.Tensor, mask: torch.Tensor, *past: torch.Tensor
    ) -> tuple[torch.Tensor, ...]:
        output = self.model(
            input_ids=ids,
            position_ids=positions,
            attention_mask=mask,
            use_cache=True,
            **{self._cache: filled(past)},
            **self._kept,
        )
        return output.logits[:, -1:], *states(output[self._cache])


def filled(past: Sequence[torch.Tensor]) -> DynamicCache:
    """A cache of the keys and values of each layer, one after another, without a copy of them."""
    cache = DynamicCache()
    for keys, values in zip(past[::2], past[1::2], strict=True):
        layer = DynamicLayer()
        layer.lazy_initialization(keys, values)
        layer.keys, layer.values = keys, values
        cache.layers.append(layer)
    return cache


def states(cache: DynamicCache) -> list[torch.Tensor]:
    return [tensor for layer in cache.layers for tensor in (layer.keys, layer.values)]


def network(model: Any, signature: Signature, precision: Precision) -> Network:
    return Network("language_decoder", LanguageDecoder(model).eval(), signature, precision)
