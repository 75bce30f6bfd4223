"""Previews while a picture is painted."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from antiphon_engines.config import WorkerConfig
from antiphon_engines.image import building
from antiphon_engines.image.previews import ENLARGE, LatentColours
from support import tiny_pipelines as tiny
from support.drive import run
from support.easel import ask, easel

pytestmark = pytest.mark.filterwarnings("ignore")


class Averages:
    """An autoencoder whose latents are colours, mixed and moved: a fit must find the mixture again."""

    factor = 8
    device = torch.device("cpu")

    def encode_pictures(self, pixels: torch.Tensor, generators: Any) -> torch.Tensor:
        red, green, blue = torch.nn.functional.avg_pool2d(pixels, 8).unbind(1)
        return torch.stack([red + green, green - blue, 2 * blue + 0.5, red], 1)


def test_colours_are_found_by_least_squares() -> None:
    averages = Averages()
    colours = LatentColours.fit(averages)
    picture = torch.rand((2, 3, 32, 48), generator=torch.Generator().manual_seed(3)) * 2 - 1
    shown = colours(averages.encode_pictures(picture, None))
    assert shown.shape == (2, 3, 4, 6)
    assert torch.allclose(shown, torch.nn.functional.avg_pool2d(picture, 8), atol=0.02)


def test_a_tiny_autoencoder_decodes_some_previews_whole() -> None:
    engine = easel(tiny.stable_diffusion(vae="tiny"))
    [result] = run(engine, ask(steps=10))
    engine.close()
    sizes = {preview.step: preview.width for preview in result.previews}
    assert {step for step, width in sizes.items() if width == 64} == {4, 8}
    assert {width for step, width in sizes.items() if step not in (4, 8)} == {ENLARGE * 8}


def test_a_preview_model_beside_a_big_autoencoder(tmp_path: Any) -> None:
    tiny.stable_diffusion(vae="tiny").vae.save_pretrained(tmp_path / "small")
    tiny.stable_diffusion().save_pretrained(tmp_path / "model")
    config = WorkerConfig(
        "unused",
        image_model=str(tmp_path / "model"),
        image_preview_model=str(tmp_path / "small"),
        threads=1,
        device="cpu",
    )
    engine = building.build(config.image_model, config, local=True)
    [result] = run(engine, ask(steps=6))
    engine.close()
    assert [preview.step for preview in result.previews if preview.width == 64] == [4]
