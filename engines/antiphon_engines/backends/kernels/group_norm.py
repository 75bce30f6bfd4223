"""Group normalisation with the addition before it and the SiLU behind it, in two passes over channels-last memory:
Triton.

Torch's kernel wants channels first, runs one block per group and leaves the sum and the SiLU to passes of their own;
around it every convolution turns the picture over and back, and adds its bias in one more pass. Statistics are summed
in float32, in a fixed order: the same call gives the same bits.

Reference: Group Normalization, https://arxiv.org/abs/1803.08494.
"""

from __future__ import annotations

from typing import Any, Final

import torch
import triton
import triton.language as tl

_TILE: Final = 4096
"""Numbers that a program holds at a time."""
_PROGRAMS: Final = 512
"""About four for each multiprocessor of a large card."""


@triton.jit
def _sums(
    x, add, partial, pixels, channels, span, adds: tl.constexpr, tile: tl.constexpr, wide: tl.constexpr
):
    """Sums and sums of squares of a stretch of pixels: ``partial[rows, stretches, 2, channels]``."""
    stretch = tl.program_id(0)
    row = tl.program_id(1)
    column = tl.arange(0, wide)
    inside = column < channels
    shift = tl.zeros((wide,), tl.float32)
    if adds:
        shift = tl.load(add + row * channels + column, mask=inside, other=0.0).to(tl.float32)
    total = tl.zeros((wide,), tl.float32)
    squares = tl.zeros((wide,), tl.float32)
    base = x + row.to(tl.int64) * pixels * channels
    for start in range(0, span, tile):
        line = stretch * span + start + tl.arange(0, tile)
        kept = (line < pixels)[:, None] & inside[None, :]
        value = tl.load(base + line[:, None] * channels + column[None, :], mask=kept, other=0.0)
        value = tl.where(kept, value.to(tl.float32) + shift[None, :], 0.0)
        total += tl.sum(value, 0)
        squares += tl.sum(value * value, 0)
    target = partial + (row * tl.num_programs(0) + stretch) * 2 * channels + column
    tl.store(target, total, mask=inside)
    tl.store(target + channels, squares, mask=inside)


@triton.jit
def _apply(
    x,
    add,
    y,
    sums,
    weight,
    bias,
    pixels,
    channels,
    epsilon,
    adds: tl.constexpr,
    silu: tl.constexpr,
    tile: tl.constexpr,
    wide: tl.constexpr,
    each: tl.constexpr,
    groups: tl.constexpr,
):
    row = tl.program_id(1)
    line = tl.program_id(0) * tile + tl.arange(0, tile)
    column = tl.arange(0, wide)
    inside = column < channels
    kept = (line < pixels)[:, None] & inside[None, :]
    count = (pixels * each).to(tl.float32)
    source = sums + row * 2 * groups + column // each
    mean = tl.load(source, mask=inside, other=0.0) / count
    square = tl.load(source + groups, mask=inside, other=1.0) / count
    scale = tl.rsqrt(tl.maximum(square - mean * mean, 0.0) + epsilon)
    scale = scale * tl.load(weight + column, mask=inside, other=0.0).to(tl.float32)
    if adds:
        mean = mean - tl.load(add + row * channels + column, mask=inside, other=0.0).to(tl.float32)
    shift = tl.load(bias + column, mask=inside, other=0.0).to(tl.float32) - mean * scale
    base = row.to(tl.int64) * pixels * channels
    at = line[:, None] * channels + column[None, :]
    value = tl.load(x + base + at, mask=kept, other=0.0).to(tl.float32) * scale[None, :] + shift[None, :]
    if silu:
        value = value / (1.0 + tl.exp(-value))
    tl.store(y + base + at, value.to(y.dtype.element_ty), mask=kept)


@triton.jit
def _join(x, y, bias, answer, size, channels, biased: tl.constexpr, tile: tl.constexpr):
    at = tl.program_id(0).to(tl.int64) * tile + tl.arange(0, tile)
    kept = at < size
    value = tl.load(x + at, mask=kept, other=0.0).to(tl.float32)
    value += tl.load(y + at, mask=kept, other=0.0).to(tl.float32)
    if biased:
        value += tl.load(bias + at % channels, mask=kept, other=0.0).to(tl.float32)
    tl.store(answer + at, value.to(answer.dtype.element_ty), mask=kept)


def group_norm(
    x: torch.Tensor, norm: torch.nn.GroupNorm, *, silu: bool, add: torch.Tensor | None = None
) -> torch.Tensor:
    """`norm` of ``x[rows, channels, height, width] + add[rows, channels]``, then SiLU where asked; channels-last."""
    x = x.contiguous(memory_format=torch.channels_last)
    rows, channels, height, width = x.shape
    groups, pixels = norm.num_groups, height * width
    wide = triton.next_power_of_2(channels)
    block = max(1, _TILE // wide)
    stretches = max(1, min(_PROGRAMS // rows, triton.cdiv(pixels, block)))
    span = triton.cdiv(triton.cdiv(pixels, stretches), block) * block
    stretches = triton.cdiv(pixels, span)
    partial = torch.empty((rows, stretches, 2, channels), dtype=torch.float32, device=x.device)
    answer = torch.empty_like(x)
    given = x if add is None else add.contiguous()
    shape: dict[str, Any] = {"adds": add is not None, "tile": block, "wide": wide, "num_warps": 8}
    _sums[(stretches, rows)](x, given, partial, pixels, channels, span, **shape)
    sums = partial.view(rows, stretches, 2, groups, channels // groups).sum((1, 4))
    of = {"silu": silu, "each": channels // groups, "groups": groups}
    _apply[(triton.cdiv(pixels, block), rows)](
        x, given, answer, sums, norm.weight, norm.bias, pixels, channels, norm.eps, **of, **shape
    )
    return answer


def join(x: torch.Tensor, y: torch.Tensor, bias: torch.Tensor | None) -> torch.Tensor:
    """``x + y + bias[channels]`` of two pictures, channels-last, in one pass."""
    x = x.contiguous(memory_format=torch.channels_last)
    y = y.contiguous(memory_format=torch.channels_last)
    answer = torch.empty_like(x)
    size = x.numel()
    _join[(triton.cdiv(size, _TILE),)](
        x,
        y,
        x if bias is None else bias,
        answer,
        size,
        x.shape[1],
        biased=bias is not None,
        tile=_TILE,
        num_warps=8,
    )
    return answer
