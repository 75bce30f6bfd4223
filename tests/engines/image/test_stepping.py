"""Our stepping beside the stock pipelines' own: the same seed gives the same picture, alone and in any company."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from PIL import Image as Pillow

from antiphon_engines.image.engine import ImageEngine
from support import tiny_pipelines as tiny
from support.easel import Pixels, ask, distance, easel, encode, mask_of, paint, scene

# transformers and diffusers warn about optional packages that nothing here uses.
pytestmark = pytest.mark.filterwarnings("ignore")
TOLERANCE = 2
"""Of 255: the float32 error of summing in another order."""
SANA: dict[str, Any] = {"use_resolution_binning": False}

PIPELINES: dict[str, tuple[Callable[[], Any], dict[str, Any]]] = {
    "sd-euler": (tiny.stable_diffusion, {}),
    "sd-euler-trailing": (
        lambda: tiny.stable_diffusion(
            tiny.scheduler("EulerDiscreteScheduler", timestep_spacing="trailing"), vae="tiny"
        ),
        {},
    ),
    "sd-ddim": (
        lambda: tiny.stable_diffusion(tiny.scheduler("DDIMScheduler", clip_sample=False, steps_offset=1)),
        {},
    ),
    "sd-dpm": (
        lambda: tiny.stable_diffusion(
            tiny.scheduler("DPMSolverMultistepScheduler", prediction_type="v_prediction"), vae="tiny"
        ),
        {},
    ),
    "sd-lcm": (
        lambda: tiny.stable_diffusion(tiny.scheduler("LCMScheduler"), guidance_embedding=True),
        {},
    ),
    "sana-flow": (tiny.sana, SANA),
    "sana-dpm": (
        lambda: tiny.sana(
            tiny.scheduler(
                "DPMSolverMultistepScheduler", prediction_type="flow_prediction", use_flow_sigmas=True
            )
        ),
        SANA,
    ),
    "sana-sprint": (lambda: tiny.sana(sprint=True), SANA),
}


class Pair:
    """A stock pipeline, and our engine over the same components."""

    def __init__(self, name: str) -> None:
        make, self._given = PIPELINES[name]
        self.name = name
        self.pipeline = make()
        self.engine: ImageEngine = easel(self.pipeline)
        self.steps = 2 if name == "sana-sprint" else 4

    def stock(
        self, pipeline: Any = None, *, seed: int = 1, prompt: str = "a red house", **given: Any
    ) -> Pixels:
        generator = torch.Generator().manual_seed(seed)
        steps = {"num_inference_steps": self.steps} | self._given
        result = (pipeline or self.pipeline)(prompt, generator=generator, output_type="np", **steps | given)
        return np.round(result.images[0] * 255).astype(np.uint8)


@pytest.fixture(params=PIPELINES, scope="module")
def pair(request: pytest.FixtureRequest) -> Pair:
    return Pair(request.param)


@pytest.fixture(scope="module")
def stable() -> Pair:
    return Pair("sd-euler")


def test_a_batch_of_strangers_gives_what_each_gets_from_the_stock_pipeline(pair: Pair) -> None:
    size = {"width": 64, "height": 64}
    requests = [
        ask(guidance=4.0, seed=1, steps=pair.steps, **size),
        ask(prompt="a blue cat", guidance=1.0, seed=2, steps=pair.steps, **size),
        ask(prompt="the sea", guidance=9.0, seed=3, steps=pair.steps, previews=0, **size),
    ]
    together = paint(pair.engine, *requests)
    for request, picture in zip(requests, together, strict=True):
        [alone] = paint(pair.engine, request)
        params = request.params
        stock = pair.stock(seed=params.seed, prompt=request.prompt, guidance_scale=params.guidance, **size)
        assert distance(picture, stock) <= TOLERANCE
        assert distance(alone, stock) <= TOLERANCE
        assert picture.std() > 3, "a flat picture proves nothing"
    assert distance(together[0], together[1]) > 10


def test_jobs_of_different_lengths_and_ages_share_a_batch(stable: Pair) -> None:
    from support.drive import Result, run_to_end, step

    requests = [
        ask(seed=5, steps=6, guidance=3.0),
        ask(seed=6, steps=3),
        ask(seed=7, steps=2, sampler="ddim"),
    ]
    results = [Result(stable.engine.admit(requests[0]))]
    for late in requests[1:]:
        step(stable.engine, results)
        step(stable.engine, results)
        results.append(Result(stable.engine.admit(late)))
    run_to_end(stable.engine, results)
    for request, result in zip(requests, results, strict=True):
        assert result.image is not None
        [alone] = paint(stable.engine, request)
        from support.easel import pixels

        assert distance(alone, pixels(result)) <= TOLERANCE
        assert result.steps == list(range((request.params.steps or 0) + 1))


def test_every_sampler_is_the_stock_one(stable: Pair) -> None:
    """A request may name another sampler than the checkpoint's own."""
    import diffusers

    names = {"ddim": "DDIMScheduler", "dpmpp_2m": "DPMSolverMultistepScheduler", "lcm": "LCMScheduler"}
    requests = [ask(sampler=name, guidance=2.0, seed=8) for name in names]
    for picture, kind in zip(paint(stable.engine, *requests), names.values(), strict=True):
        extra = {"clip_sample": False, "set_alpha_to_one": False} if kind == "DDIMScheduler" else {}
        schedule = getattr(diffusers, kind).from_config(stable.pipeline.scheduler.config, **extra)
        stock = type(stable.pipeline)(**stable.pipeline.components | {"scheduler": schedule})
        stock.set_progress_bar_config(disable=True)
        assert distance(picture, stable.stock(stock, seed=8, guidance_scale=2.0)) <= TOLERANCE


def test_the_negative_prompt_is_the_stock_one(stable: Pair) -> None:
    [picture] = paint(stable.engine, ask(guidance=5.0, negative_prompt="blue sea"))
    assert distance(picture, stable.stock(guidance_scale=5.0, negative_prompt="blue sea")) <= TOLERANCE
    assert distance(picture, stable.stock(guidance_scale=5.0)) > TOLERANCE


@pytest.mark.parametrize("name", ["sd-euler", "sd-ddim", "sd-dpm", "sd-lcm", "sana-sprint"])
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_image_to_image_is_the_stock_one(name: str, strength: float) -> None:
    import diffusers

    pair = Pair(name)
    kind = diffusers.SanaSprintImg2ImgPipeline if "sana" in name else diffusers.StableDiffusionImg2ImgPipeline
    other = kind(**pair.pipeline.components, **({} if "sana" in name else {"requires_safety_checker": False}))
    other.set_progress_bar_config(disable=True)
    source = scene()
    size = {"width": 64, "height": 64} if "sana" in name else {}
    stock = pair.stock(other, image=Pillow.fromarray(source), strength=strength, guidance_scale=3.0, **size)
    request = ask("image_to_image", strength=strength, guidance=3.0, source=encode(source), steps=pair.steps)
    [picture], [alone, _] = paint(pair.engine, request), paint(pair.engine, request, ask(seed=4))
    assert distance(picture, stock) <= TOLERANCE
    assert distance(alone, stock) <= TOLERANCE
    assert picture.std() > 3


@pytest.mark.parametrize("name", ["sd-euler", "sd-dpm"])
@pytest.mark.parametrize("strength", [0.5, 1.0])
def test_inpainting_is_the_stock_one_and_keeps_the_rest_to_the_bit(name: str, strength: float) -> None:
    from diffusers import StableDiffusionInpaintPipeline

    pair = Pair(name)
    other = StableDiffusionInpaintPipeline(**pair.pipeline.components, requires_safety_checker=False)
    other.set_progress_bar_config(disable=True)
    source, mask = scene(), mask_of(64, 64, (16, 8, 56, 40))
    stock = pair.stock(
        other,
        image=Pillow.fromarray(source),
        mask_image=Pillow.fromarray(mask),
        strength=strength,
        guidance_scale=3.0,
        width=64,
        height=64,
    )
    request = ask(
        "inpaint", strength=strength, guidance=3.0, source=encode(source), mask=encode(mask), steps=pair.steps
    )
    for picture in paint(pair.engine, request, request):
        inside = mask == 255
        assert distance(picture[inside], stock[inside]) <= TOLERANCE
        assert np.array_equal(picture[~inside], source[~inside])
        assert distance(picture[inside], source[inside]) > 10
