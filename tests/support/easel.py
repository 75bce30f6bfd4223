"""An image engine over a pipeline, and pictures to give to it."""

from __future__ import annotations

import io
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image as Pillow

from antiphon_engines.api import ImageRequest
from antiphon_engines.config import WorkerConfig
from antiphon_engines.image import building
from antiphon_engines.image.engine import ImageEngine
from antiphon_engines.image.previews import LatentColours
from antiphon_proto.params import ImageParams
from support.drive import Result, run

Pixels = npt.NDArray[np.uint8]


def easel(
    pipeline: Any,
    *,
    max_jobs: int = 6,
    max_batch: int = 6,
    max_pixels: int = 128 * 128,
    clock: Callable[[], float] = time.monotonic,
) -> ImageEngine:
    """The engine over a pipeline that is already in memory."""
    config = WorkerConfig(
        "unused", max_jobs=max_jobs, max_batch=max_batch, image_pixels=max_pixels, threads=1
    )
    family = building.adapt(pipeline, "tiny", torch.device("cpu"))
    with torch.inference_mode():
        colours = LatentColours.fit(family)
    return building.finish(family, config, colours, clock=clock)


def ask(task: Any = "text_to_image", prompt: str = "a red house", **params: Any) -> ImageRequest:
    """`source`, `mask` and `previews` go into the request, everything else into its parameters."""
    own = {
        name: params.pop(name) for name in ("source", "mask", "previews", "preview_side") if name in params
    }
    return ImageRequest(task, prompt, ImageParams(**({"steps": 4, "seed": 1} | params)), **own)


def pixels(result: Result) -> Pixels:
    """The painted picture. Fails with the run's own message when it failed."""
    assert result.image is not None, result.end
    return decode(result.image.png)


def paint(engine: ImageEngine, *requests: ImageRequest) -> list[Pixels]:
    """All requests at once."""
    return [pixels(result) for result in run(engine, *requests)]


def decode(data: bytes) -> Pixels:
    return np.array(Pillow.open(io.BytesIO(data)).convert("RGB"))


def encode(picture: npt.NDArray[Any], format: str = "PNG") -> bytes:
    stream = io.BytesIO()
    Pillow.fromarray(picture).save(stream, format)
    return stream.getvalue()


def scene(width: int = 64, height: int = 64, seed: int = 0) -> Pixels:
    """Random soft colours."""
    coarse = np.random.default_rng(seed).integers(0, 255, (4, 4, 3), dtype=np.uint8)
    return np.array(Pillow.fromarray(coarse).resize((width, height), Pillow.Resampling.BICUBIC))


def mask_of(width: int, height: int, box: Sequence[int]) -> Pixels:
    """White in `box` (left, top, right, bottom), black elsewhere."""
    left, top, right, bottom = box
    mask = np.zeros((height, width), np.uint8)
    mask[top:bottom, left:right] = 255
    return mask


def distance(one: Pixels, other: Pixels) -> int:
    """The largest difference of any pixel's channel, of 255."""
    return int(np.abs(one.astype(int) - other.astype(int)).max())
