"""The networks of a pipeline, each in its slot, with torch in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch

from antiphon_engines.backends import pausing
from antiphon_engines.backends.networks import image, precision_of
from antiphon_engines.backends.plans import signatures
from antiphon_engines.backends.plans.choices import BackendChoice
from antiphon_engines.backends.plans.plan import Part
from antiphon_engines.backends.plans.signature import Signature
from antiphon_engines.backends.plans.signatures import Bounds
from antiphon_engines.backends.runners.torch_runner import TorchRunner, torch_mode
from antiphon_engines.backends.slot import Slot


def decoder_part(pipeline: Any) -> Part:
    """An AutoencoderTiny is run more often, and so it is a part of its own."""
    return "tiny_decoder" if type(pipeline.vae).__name__ == "AutoencoderTiny" else "decoder"


def make(pipeline: Any, parts: Sequence[Part], choices: Mapping[Part, BackendChoice]) -> Mapping[Part, Slot]:
    """A slot for each part, with the pipeline's own module; a choice may name one of torch's modes. Networks that torch
    runs eagerly on a CPU can pause, also those outside slots."""
    networks = {
        part: image.network(
            pipeline, part, _signature(pipeline, part), precision_of(_module(pipeline, part).dtype)
        )
        for part in parts
    }
    modes = {part: torch_mode(choices.get(part, "auto"), network) for part, network in networks.items()}
    whole = [_module(pipeline, part) for part, mode in modes.items() if mode != "eager"]
    for component in pipeline.components.values():
        if isinstance(component, torch.nn.Module) and all(component is not other for other in whole):
            pausing.prepare(component)
    return {part: Slot(TorchRunner(network, modes[part])) for part, network in networks.items()}


def _module(pipeline: Any, part: Part) -> Any:
    parts = pipeline.components
    match part:
        case "denoiser":
            return parts.get("transformer") or parts["unet"]
        case "text_encoder":
            return parts["text_encoder"]
        case _:
            return parts["vae"]


def _signature(pipeline: Any, part: Part) -> Signature:
    bounds, config = Bounds(), _module(pipeline, part).config
    per_latent = int(pipeline.vae_scale_factor)
    match part:
        case "denoiser" if pipeline.components.get("transformer") is not None:
            return signatures.sana(config, per_latent, bounds)
        case "denoiser":
            return signatures.unet(config, pipeline.tokenizer.model_max_length, per_latent, bounds)
        case "text_encoder":
            return signatures.text_encoder(pipeline.tokenizer.model_max_length, bounds)
        case _:
            return signatures.decoder(config, per_latent, bounds)
