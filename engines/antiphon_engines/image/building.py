"""A checkpoint -> an image engine that has painted once. Imports torch and diffusers; call in the worker only."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

import torch

from antiphon_engines.api import NO_REMARK, Done, EngineUnavailable, Failed, ImageRequest, Made, Remark
from antiphon_engines.backends import devices, pausing
from antiphon_engines.backends.acceleration import Acceleration
from antiphon_engines.backends.networks import DTYPES, loading
from antiphon_engines.backends.plans import choices, planning
from antiphon_engines.backends.plans.plan import Part
from antiphon_engines.backends.residency import Residency
from antiphon_engines.config import WorkerConfig
from antiphon_engines.image import adapters
from antiphon_engines.image.engine import ImageEngine
from antiphon_engines.image.family import Defaults, Family
from antiphon_engines.image.previews import LatentColours, Previews
from antiphon_engines.image.sana import Sana
from antiphon_engines.image.stable_diffusion import StableDiffusion
from antiphon_proto.params import ImageParams

logger = logging.getLogger(__name__)
_DECODERS: Final[tuple[Part, ...]] = ("decoder", "tiny_decoder")
_SUGGESTED = 6
"""Prompts that the note names."""


def build_embedded(config: WorkerConfig, residency: Residency | None = None) -> ImageEngine:
    """The project's own model, in the memory that it shares with other engines. Raises EngineUnavailable."""
    from antiphon_engines.image import embedded

    device = devices.device(config.device)
    pipeline: Any = embedded.load_pipeline(dtype=_dtypes(config, device)).to(device)
    loading.merge(pipeline, planning.loras(config))
    adapters.offer(pipeline, config.image_adapters)
    stored = embedded.load_preview()
    colours = LatentColours(
        torch.tensor(stored.matrix, device=device), torch.tensor(stored.bias, device=device)
    )
    side = int(pipeline.unet.config.sample_size * pipeline.vae_scale_factor)
    defaults = Defaults(side, side, embedded.STEPS, embedded.GUIDANCE, embedded.STRENGTH)
    family = StableDiffusion(
        pipeline, "antiphon-image", device, defaults, choices.backends("image", config.image_backend)
    )
    # The interface offers the text after "try:" as prompts.
    known = embedded.load_vocabulary()
    prompts = ", ".join(known.prompts[:_SUGGESTED])
    text = f"simple objects, scenes and emoji from its own vocabulary; try: {prompts}"
    note = Remark(text, "embedded_image", (prompts,))
    acceleration = _accelerate(family, embedded.FOLDER, config, residency)
    return finish(family, config, colours, note=note, styles=known.styles, acceleration=acceleration)


def build(
    source: str, config: WorkerConfig, residency: Residency | None = None, *, local: bool
) -> ImageEngine:
    """A diffusers folder, or a hub repository, which may be downloaded. Raises EngineUnavailable."""
    device = devices.device(config.device)
    folder = Path(source) if local else _fetch(source)
    try:
        pipeline = loading.load_pipeline(folder, _dtypes(config, device), planning.loras(config)).to(device)
        adapters.offer(pipeline, config.image_adapters)
    except EngineUnavailable:
        raise
    except Exception as error:
        raise EngineUnavailable(f"{source} cannot be loaded by diffusers: {_line(error)}") from error
    name = folder.name if local else source
    family = adapt(pipeline, name, device, choices.backends("image", config.image_backend))
    with torch.inference_mode():
        try:
            colours = LatentColours.fit(family)
        except RuntimeError as error:
            raise EngineUnavailable(f"the autoencoder of {source} does not work: {_line(error)}") from error
    tiny = _load_tiny(config.image_preview_model, device) if config.image_preview_model else None
    acceleration = _accelerate(family, folder, config, residency)
    return finish(family, config, colours, tiny, acceleration=acceleration)


def adapt(
    pipeline: Any,
    name: str,
    device: torch.device,
    chosen: Mapping[Part, choices.BackendChoice] = MappingProxyType({}),
) -> Family:
    """The adapter for a pipeline's family, known by its denoiser. Raises EngineUnavailable."""
    parts = pipeline.components
    denoiser = type(parts.get("unet") or parts.get("transformer")).__name__
    if denoiser == "UNet2DConditionModel" and "text_encoder_2" not in parts and parts.get("text_encoder"):
        return StableDiffusion(pipeline, name, device, choices=chosen)
    if denoiser == "SanaTransformer2DModel":
        return Sana(pipeline, name, device, choices=chosen)
    raise EngineUnavailable(
        f"{name} is a {type(pipeline).__name__}; the families served are Stable Diffusion 1, 2 and Turbo, latent "
        "consistency models, SANA and SANA-Sprint"
    )


def finish(
    family: Family,
    config: WorkerConfig,
    colours: LatentColours,
    tiny: Any | None = None,
    note: Remark = NO_REMARK,
    styles: tuple[str, ...] = (),
    acceleration: Acceleration | None = None,
    clock: Callable[[], float] = time.monotonic,
) -> ImageEngine:
    """The engine over a family, tried out: a checkpoint that cannot paint is refused here. Raises EngineUnavailable."""
    engine = ImageEngine(
        family,
        Previews(family, colours, tiny),
        max_jobs=config.max_jobs,
        max_batch=config.max_batch,
        max_pixels=config.image_pixels,
        threads=config.threads,
        note=note,
        styles=styles,
        acceleration=acceleration,
        clock=clock,
    )
    size = min(family.defaults.width, family.defaults.height, 4 * family.multiple)
    job = engine.admit(
        ImageRequest("text_to_image", "a house", ImageParams(steps=2, width=size, height=size))
    )
    outputs: Sequence[Made] = ()
    while not any(isinstance(output, Done) for output in outputs):
        [outputs] = engine.step([job])
        for output in outputs:
            if isinstance(output, Failed):
                engine.close()
                raise EngineUnavailable(f"{family.name} cannot paint: {output.message}")
    engine.release(job)
    if acceleration is not None:
        acceleration.start()
    return engine


def _accelerate(
    family: Family, folder: Path, config: WorkerConfig, residency: Residency | None
) -> Acceleration:
    """The faster runners that the settings ask for; those that are ready sit already."""
    residency = residency or Residency(config.device_memory * 2**20)
    for slot in family.slots.values():
        slot.share(residency)
    wishes = planning.wishes(config, folder, devices.architecture(family.device))
    plans = Path(config.cache_dir) / planning.PLANS
    return Acceleration(plans, wishes, family.slots, threads=config.threads)


def _fetch(source: str) -> Path:
    """A hub repository's folder on disk, downloaded when it is not there. Raises EngineUnavailable."""
    from diffusers import DiffusionPipeline

    try:
        return Path(DiffusionPipeline.download(source, use_safetensors=True))
    except Exception as error:
        raise EngineUnavailable(f"{source} cannot be fetched: {_line(error)}") from error


def _load_tiny(source: str, device: torch.device) -> Any:
    from diffusers import AutoencoderTiny

    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    try:
        tiny = AutoencoderTiny.from_pretrained(source, dtype=dtype, use_safetensors=True).to(device)
    except Exception as error:
        raise EngineUnavailable(f"the preview model {source} cannot be loaded: {_line(error)}") from error
    pausing.prepare(tiny)
    return tiny


def _dtypes(config: WorkerConfig, device: torch.device) -> dict[str, torch.dtype]:
    """Of each component, by the name that diffusers gives it. Raises EngineUnavailable."""
    chosen = choices.precisions("image", config.image_precision)
    cuda = device.type == "cuda"
    own = {part: DTYPES[choices.precise(choice, cuda=cuda)] for part, choice in chosen.items()}
    # A pipeline has one autoencoder: whichever kind it is, both names mean it, and the one that was given wins.
    decoder = next((own[part] for part in _DECODERS if chosen[part] != "auto"), own["decoder"])
    return {
        "unet": own["denoiser"],
        "transformer": own["denoiser"],
        "vae": decoder,
        "text_encoder": own["text_encoder"],
        "default": own["denoiser"],
    }


def _line(error: Exception) -> str:
    return f"{type(error).__name__}: {error}".splitlines()[0][:300]
