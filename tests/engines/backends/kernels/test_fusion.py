"""Layers that stand in for diffusers' own give the same; the kernels of Triton are held on CUDA
(test_torch_runner)."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from diffusers.models.attention_processor import Attention as Theirs
from diffusers.models.upsampling import Upsample2D

from antiphon_engines.backends.kernels.attention import Attention, attends
from antiphon_engines.backends.kernels.doubling import Doubling, doubles

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.mark.parametrize("size", [(1, 1), (1, 5), (4, 3), (8, 8)])
@pytest.mark.parametrize("bias", [True, False])
def test_a_doubled_picture_is_convolved_small(size: tuple[int, int], bias: bool) -> None:
    torch.manual_seed(0)
    layer = Upsample2D(6, use_conv=True, out_channels=4, bias=bias)
    assert doubles(layer)
    x = torch.randn(2, 6, *size)
    with torch.inference_mode():
        expected, found = layer(x), Doubling(layer)(x)
        # A picture whose half was cut is given its size.
        odd = (2 * size[0] + 1, 2 * size[1])
        assert torch.equal(Doubling(layer)(x, odd), layer(x, odd))
    assert found.shape == expected.shape
    assert torch.allclose(found, expected, atol=1e-6)


def test_other_upsampling_is_left_alone() -> None:
    assert not doubles(Upsample2D(6))
    assert not doubles(Upsample2D(6, use_conv_transpose=True))
    assert not doubles(Upsample2D(6, use_conv=True, norm_type="rms_norm"))


@pytest.mark.parametrize(("heads", "wide"), [(1, 320), (1, 32), (4, 16)])
@pytest.mark.parametrize("kind", ["picture", "tokens", "told", "masked"])
def test_attention_is_attention(heads: int, wide: int, kind: str) -> None:
    torch.manual_seed(0)
    settings: dict[str, Any] = {"residual_connection": True, "rescale_output_factor": 2.0}
    if kind == "picture":
        settings |= {"norm_num_groups": 4, "_from_deprecated_attn_block": True, "bias": True}
    layer = Theirs(32, heads=heads, dim_head=wide, **settings).eval()
    assert attends(layer)
    given: dict[str, Any] = {"hidden_states": torch.randn(2, 6, 32)}
    if kind == "picture":
        given = {"hidden_states": torch.randn(2, 32, 3, 4)}
    if kind in ("told", "masked"):
        given["encoder_hidden_states"] = torch.randn(2, 5, 32)
    if kind == "masked":
        given["attention_mask"] = torch.zeros(2, 1, 5)
        given["attention_mask"][:, :, 3:] = -1e4
    with torch.inference_mode():
        expected = layer(**given)
        layer.processor = Attention(layer.processor)
        found = layer(**given)
    assert torch.allclose(found, expected, atol=2e-6)
