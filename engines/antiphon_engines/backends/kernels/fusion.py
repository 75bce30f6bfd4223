"""A diffusion network with less work and less traffic to the same answers: for recording CUDA graphs.

- Residual blocks run on the fused kernels of `group_norm`.
- A picture that is doubled and then convolved is convolved small (`doubling`).
- An attention head wider than torch's fused kernels take is three plain products (`attention`).

`torch.compile` finds the first at a minute per shape, and none of the others.
"""

from __future__ import annotations

import copy
from typing import Any

import torch

from antiphon_engines.backends.kernels.attention import Attention, attends
from antiphon_engines.backends.kernels.doubling import Doubling, doubles
from antiphon_engines.backends.kernels.group_norm import group_norm, join


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
        elif type(child).__name__ == "Upsample2D" and doubles(child):
            setattr(parent, name, Doubling(child))
        elif isinstance(child, torch.nn.GroupNorm) and child.affine:
            setattr(parent, name, _GroupNorm(child))
        else:
            _replace(child)
            if type(child).__name__ == "Attention" and attends(child):
                child.processor = Attention(child.processor)  # type: ignore[assignment]


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


def _convolved(layer: Any, x: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
    """A convolution, and the bias that has not been added yet. One with an adapter on it is left as it is."""
    if type(layer) is not torch.nn.Conv2d or layer.padding_mode != "zeros":
        return layer(x), None
    made = torch.nn.functional.conv2d(
        x, layer.weight, None, layer.stride, layer.padding, layer.dilation, layer.groups
    )
    return made, layer.bias
