"""A checkpoint -> an image engine that has painted once. Imports torch and diffusers; call in the worker only."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import torch

from antiphon_engines.api import EngineUnavailable, Failed, ImageRequest
from antiphon_engines.config import WorkerConfig
from antiphon_engines.image.engine import ImageEngine
from antiphon_engines.image.family import Defaults, Family
from antiphon_engines.image.previews import LatentColours, Previews
from antiphon_engines.image.sana import Sana
from antiphon_engines.image.stable_diffusion import StableDiffusion
from antiphon_proto.params import ImageParams

logger = logging.getLogger(__name__)
_JPEG_THREADS = 2
_SUGGESTED = 6
"""Prompts that the note names."""


def build_embedded(config: WorkerConfig) -> ImageEngine:
    """The project's own model. Raises EngineUnavailable."""
    from antiphon_engines.image import embedded

    device = _device(config.device)
    pipeline: Any = embedded.load_pipeline().to(device)
    stored = embedded.load_preview()
    colours = LatentColours(
        torch.tensor(stored.matrix, device=device), torch.tensor(stored.bias, device=device)
    )
    side = int(pipeline.unet.config.sample_size * pipeline.vae_scale_factor)
    defaults = Defaults(side, side, embedded.STEPS, embedded.GUIDANCE, embedded.STRENGTH)
    family = StableDiffusion(pipeline, "antiphon-image", device, defaults)
    # The interface offers what stands after "try:" as prompts.
    prompts = ", ".join(embedded.load_vocabulary().prompts[:_SUGGESTED])
    note = f"simple objects, scenes and emoji from its own vocabulary; try: {prompts}"
    return finish(family, config, colours, note=note)


def build(source: str, config: WorkerConfig, *, local: bool) -> ImageEngine:
    """A diffusers folder, or a hub repository, which may be downloaded. Raises EngineUnavailable."""
    from diffusers import DiffusionPipeline

    device = _device(config.device)
    dtype = _dtype(device)
    try:
        pipeline = DiffusionPipeline.from_pretrained(
            source,
            torch_dtype=dtype,
            local_files_only=local,
            use_safetensors=True,
            # Hub repositories bring a filter model that costs a second decoder; rooms have their own moderation.
            safety_checker=None,
            feature_extractor=None,
            image_encoder=None,
        )
    except Exception as error:
        raise EngineUnavailable(f"{source} cannot be loaded by diffusers: {_line(error)}") from error
    name = Path(source).name if local else source
    family = adapt(pipeline.to(device), name, device)
    with torch.inference_mode():
        try:
            colours = LatentColours.fit(family)
        except RuntimeError as error:
            raise EngineUnavailable(f"the autoencoder of {source} does not work: {_line(error)}") from error
    tiny = _load_tiny(config.image_preview_model, device, dtype) if config.image_preview_model else None
    return finish(family, config, colours, tiny)


def adapt(pipeline: Any, name: str, device: torch.device) -> Family:
    """The adapter for a pipeline's family, known by its denoiser. Raises EngineUnavailable."""
    parts = pipeline.components
    denoiser = type(parts.get("unet") or parts.get("transformer")).__name__
    if denoiser == "UNet2DConditionModel" and "text_encoder_2" not in parts and parts.get("text_encoder"):
        return StableDiffusion(pipeline, name, device)
    if denoiser == "SanaTransformer2DModel":
        return Sana(pipeline, name, device)
    raise EngineUnavailable(
        f"{name} is a {type(pipeline).__name__}; the families served are Stable Diffusion 1, 2 and Turbo, latent "
        "consistency models, SANA and SANA-Sprint"
    )


def finish(
    family: Family, config: WorkerConfig, colours: LatentColours, tiny: Any | None = None, note: str = ""
) -> ImageEngine:
    """The engine over a family, tried out: a checkpoint that cannot paint is refused here. Raises EngineUnavailable."""
    engine = ImageEngine(
        family,
        Previews(family, colours, tiny, min(_JPEG_THREADS, config.threads)),
        max_jobs=config.max_jobs,
        max_batch=config.max_batch,
        max_pixels=config.image_pixels,
        threads=config.threads,
        note=note,
    )
    size = min(family.defaults.width, family.defaults.height, 4 * family.multiple)
    job = engine.admit(
        ImageRequest("text_to_image", "a house", ImageParams(steps=2, width=size, height=size))
    )
    while job.unit != "deliver":
        [outputs] = engine.step([job])
        for output in outputs:
            if isinstance(output, Failed):
                engine.close()
                raise EngineUnavailable(f"{family.name} cannot paint: {output.message}")
    engine.release(job)
    return engine


def _load_tiny(source: str, device: torch.device, dtype: torch.dtype) -> Any:
    from diffusers import AutoencoderTiny

    try:
        return AutoencoderTiny.from_pretrained(source, torch_dtype=dtype, use_safetensors=True).to(device)
    except Exception as error:
        raise EngineUnavailable(f"the preview model {source} cannot be loaded: {_line(error)}") from error


def _device(wanted: str) -> torch.device:
    if wanted == "cuda" and not torch.cuda.is_available():
        raise EngineUnavailable("device cuda was asked for, and torch finds no CUDA device")
    return torch.device("cuda" if wanted != "cpu" and torch.cuda.is_available() else "cpu")


def _dtype(device: torch.device) -> torch.dtype:
    return torch.bfloat16 if device.type == "cuda" else torch.float32


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]
