"""A diffusion network with less work and less traffic to the same answers: for recording CUDA graphs.

- Residual blocks run on the fused kernels of `group_norm`.
- A picture that is doubled and then convolved is convolved small, by four kernels of four taps instead of one of nine.
- An attention head wider than the fused kernels' (an autoencoder's has 512 numbers) is three plain products.

`torch.compile` finds the first at a minute per shape, and none of the others.
"""

from __future__ import annotations

import copy
from typing import Any, Final

import torch

from antiphon_engines.backends.group_norm import group_norm, join

_WIDEST: Final = 256
"""Numbers of a head that the fused attention kernels take."""


def fused(module: torch.nn.Module) -> torch.nn.Module:
    """A twin of `module`; the weights are the original's own tensors, which come to lie channels-last."""
    shared: dict[int, Any] = {id(each): each for each in (*module.parameters(), *module.buffers())}
    twin = copy.deepcopy(module, shared)
    twin.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    _replace(twin)
    return twin


def _replace(parent: torch.nn.Module) -> None:
    for name, child in list(parent.named_children()):
        if type(child).__name__ == "ResnetBlock2D" and _plain(child):
            setattr(parent, name, _ResidualBlock(child))
        elif type(child).__name__ == "Upsample2D" and _doubles(child):
            setattr(parent, name, _Upsample(child))
        elif isinstance(child, torch.nn.GroupNorm) and child.affine:
            setattr(parent, name, _GroupNorm(child))
        else:
            _replace(child)
            if type(child).__name__ == "Attention" and _attends(child):
                child.processor = _Attention(child.processor)  # type: ignore[assignment]


def _plain(block: Any) -> bool:
    """Whether a block is of the kind that Stable Diffusion is made of."""
    return (
        isinstance(block.nonlinearity, torch.nn.SiLU)
        and block.time_embedding_norm == "default"
        and block.upsample is None
        and block.downsample is None
        and not block.skip_time_act
        and isinstance(block.norm1, torch.nn.GroupNorm)
        and isinstance(block.norm2, torch.nn.GroupNorm)
    )


def _doubles(layer: Any) -> bool:
    conv = getattr(layer, "conv", None)
    return (
        layer.interpolate
        and layer.norm is None
        and type(conv) is torch.nn.Conv2d
        and (conv.kernel_size, conv.padding, conv.stride, conv.dilation, conv.groups)
        == ((3, 3), (1, 1), (1, 1), (1, 1), 1)
    )


def _attends(layer: Any) -> bool:
    """Whether an attention does nothing beyond the paper."""
    extras = ("spatial_norm", "norm_q", "norm_k", "norm_cross", "add_k_proj")
    return (
        type(layer.processor).__name__ in ("AttnProcessor", "AttnProcessor2_0")
        and not any(getattr(layer, name, None) for name in extras)
        and not layer.only_cross_attention
    )


class _GroupNorm(torch.nn.Module):
    """In the place of a `torch.nn.GroupNorm`."""

    def __init__(self, norm: torch.nn.GroupNorm) -> None:
        super().__init__()
        self.norm = norm

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        if x.dim() == 4:
            return group_norm(x, self.norm, silu=False)
        # An attention block hands over rows, channels, tokens.
        return group_norm(x.unsqueeze(-1), self.norm, silu=False).squeeze(-1)


class _ResidualBlock(torch.nn.Module):
    """In the place of diffusers' ResnetBlock2D: eight passes over memory beside the convolutions instead of 20."""

    def __init__(self, block: Any) -> None:
        super().__init__()
        self.block = block

    def forward(self, x: torch.Tensor, temb: torch.Tensor | None = None) -> torch.Tensor:
        block = self.block
        hidden, shift = _convolved(block.conv1, group_norm(x, block.norm1, silu=True))
        if block.time_emb_proj is not None and temb is not None:
            times = block.time_emb_proj(torch.nn.functional.silu(temb))
            shift = times if shift is None else times + shift
        elif shift is not None:
            shift = shift.expand(len(x), -1)
        hidden = group_norm(hidden, block.norm2, silu=True, add=shift)
        hidden, bias = _convolved(block.conv2, hidden)
        if block.conv_shortcut is not None:
            x = block.conv_shortcut(x)
        answer = join(x, hidden, bias)
        return answer if block.output_scale_factor == 1.0 else answer / block.output_scale_factor


class _Upsample(torch.nn.Module):
    """In the place of diffusers' Upsample2D: nearest neighbours doubled, then a 3 x 3 convolution.

    Of the nine taps on the doubled picture those that meet the same pixel of the small one are summed: every pixel of
    the answer is a 2 x 2 convolution of the small picture, by one of four kernels for its place in a square. That is
    4/9 of the products.
    """

    def __init__(self, layer: Any) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, x: torch.Tensor, output_size: Any = None) -> torch.Tensor:
        if output_size is not None and tuple(output_size) != (2 * x.shape[2], 2 * x.shape[3]):
            answer: torch.Tensor = self.layer(x, output_size)
            return answer
        conv = self.layer.conv
        rows, _, height, width = x.shape
        out = conv.out_channels
        made = torch.nn.functional.conv2d(x, _squares(conv.weight), padding=1)
        doubled = torch.empty(
            (rows, out, 2 * height, 2 * width),
            dtype=x.dtype,
            device=x.device,
            memory_format=torch.channels_last,
        )
        bias = made.new_zeros(out) if conv.bias is None else conv.bias
        for at in range(4):
            down, right = divmod(at, 2)
            part = made[:, at * out : (at + 1) * out, down : down + height, right : right + width]
            torch.add(part, bias[:, None, None], out=doubled[:, :, down::2, right::2])
        return doubled


def _squares(weight: torch.Tensor) -> torch.Tensor:
    """``[4 * out, in, 2, 2]`` of ``[out, in, 3, 3]``: for the upper left, upper right, lower left and lower right pixel
    of every square."""
    exact = weight.float()
    upper, middle, lower = exact.unbind(2)
    lines = (torch.stack([upper, middle + lower], 2), torch.stack([upper + middle, lower], 2))
    kernels = []
    for each in lines:
        left, centre, right = each.unbind(3)
        kernels += [torch.stack([left, centre + right], 3), torch.stack([left + centre, right], 3)]
    return torch.cat(kernels).to(weight.dtype).contiguous(memory_format=torch.channels_last)


class _Attention:
    """In the place of diffusers' AttnProcessor2_0; wide heads go through plain products, with the scores in float32,
    and what has a mask goes the original way."""

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


def _convolved(layer: Any, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
    """A convolution, and the bias that has not been added yet. One with an adapter on it is left as it is."""
    if type(layer) is not torch.nn.Conv2d or layer.padding_mode != "zeros":
        return layer(x), None
    made = torch.nn.functional.conv2d(
        x, layer.weight, None, layer.stride, layer.padding, layer.dilation, layer.groups
    )
    return made, layer.bias
