"""Attention of diffusers' networks without idle passes, and for heads that torch's fused kernels do not take."""

from __future__ import annotations

from typing import Any, Final

import torch

_WIDEST: Final = 256
"""Numbers of a head that the fused kernels take; an autoencoder's has 512."""


def attends(layer: Any) -> bool:
    """Whether an attention does nothing beyond the paper."""
    extras = ("spatial_norm", "norm_q", "norm_k", "norm_cross", "add_k_proj")
    return (
        type(layer.processor).__name__ in ("AttnProcessor", "AttnProcessor2_0")
        and not any(getattr(layer, name, None) for name in extras)
        and not layer.only_cross_attention
    )


class Attention:
    """In the place of diffusers' AttnProcessor2_0; wide heads go through plain products, with the scores in float32,
    and calls with a mask go the original way."""

    def __init__(self, original: Any) -> None:
        self.original = original

    def __call__(
        self,
        attn: Any,
        hidden_states: torch.Tensor,
        encoder_hidden_states: torch.Tensor | None = None,
        attention_mask: torch.Tensor | None = None,
        temb: torch.Tensor | None = None,
    ) -> torch.Tensor:
        if attention_mask is not None:
            answer: torch.Tensor = self.original(
                attn, hidden_states, encoder_hidden_states, attention_mask, temb
            )
            return answer
        x = hidden_states
        if attn.group_norm is not None:
            x = attn.group_norm(x) if x.dim() == 4 else attn.group_norm(x.transpose(1, 2)).transpose(1, 2)
        if x.dim() == 4:
            x = x.flatten(2).transpose(1, 2)
        told = x if encoder_hidden_states is None else encoder_hidden_states
        query, keys, values = (
            each.view(*each.shape[:-1], attn.heads, -1).transpose(1, 2)
            for each in (attn.to_q(x), attn.to_k(told), attn.to_v(told))
        )
        found = _attended(query, keys, values).transpose(1, 2).flatten(2)
        answer = attn.to_out[0](found)
        if hidden_states.dim() == 4:
            answer = answer.transpose(1, 2).view(hidden_states.shape)
        if attn.residual_connection:
            answer = answer + hidden_states
        return answer if attn.rescale_output_factor == 1.0 else answer / attn.rescale_output_factor


def _attended(query: torch.Tensor, keys: torch.Tensor, values: torch.Tensor) -> torch.Tensor:
    size = query.shape[-1]
    if size <= _WIDEST or query.shape[1] > 1:
        return torch.nn.functional.scaled_dot_product_attention(query, keys, values)
    asked, known = query[:, 0], keys[:, 0].transpose(1, 2)
    if query.is_cuda and query.dtype != torch.float32:
        scores = torch.bmm(asked, known, out_dtype=torch.float32)
    else:
        scores = torch.bmm(asked, known)
    weights = torch.softmax(scores * size**-0.5, -1).to(values.dtype)
    return torch.bmm(weights, values[:, 0])[:, None]
