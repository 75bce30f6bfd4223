"""Nearest neighbours doubled and then convolved, as one convolution of the small picture."""

from __future__ import annotations

from typing import Any

import torch


def doubles(layer: Any) -> bool:
    """Whether a diffusers Upsample2D is of that kind."""
    conv = getattr(layer, "conv", None)
    return (
        layer.interpolate
        and layer.norm is None
        and type(conv) is torch.nn.Conv2d
        and (conv.kernel_size, conv.padding, conv.stride, conv.dilation, conv.groups)
        == ((3, 3), (1, 1), (1, 1), (1, 1), 1)
    )


class Doubling(torch.nn.Module):
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
