"""The parts of a diffusion pipeline."""

from __future__ import annotations

from typing import Any

import torch

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.networks import Network
from antiphon_engines.backends.plans.plan import Part
from antiphon_engines.backends.plans.signature import Precision, Signature


class Denoiser(torch.nn.Module):
    """A UNet2DConditionModel (https://arxiv.org/abs/2112.10752), guidance embedded where it has been distilled."""

    def __init__(self, unet: Any) -> None:
        super().__init__()
        self.unet = unet

    def forward(
        self,
        latents: torch.Tensor,
        timesteps: torch.Tensor,
        states: torch.Tensor,
        guidance: torch.Tensor | None = None,
    ) -> torch.Tensor:
        answer: torch.Tensor = self.unet(
            latents, timesteps, encoder_hidden_states=states, timestep_cond=guidance, return_dict=False
        )[0]
        return answer


class SanaDenoiser(torch.nn.Module):
    """A SanaTransformer2DModel; `guidance` is Sprint's."""

    def __init__(self, transformer: Any) -> None:
        super().__init__()
        self.transformer = transformer

    def forward(
        self,
        latents: torch.Tensor,
        timesteps: torch.Tensor,
        states: torch.Tensor,
        mask: torch.Tensor,
        guidance: torch.Tensor | None = None,
    ) -> torch.Tensor:
        answer: torch.Tensor = self.transformer(
            latents,
            encoder_hidden_states=states,
            encoder_attention_mask=mask,
            guidance=guidance,
            timestep=timesteps,
            return_dict=False,
        )[0]
        return answer


class Decoder(torch.nn.Module):
    """An autoencoder's way from latents to pixels in -1..1."""

    def __init__(self, vae: Any) -> None:
        super().__init__()
        # Encoding is torch's; its weights would double the file.
        self.vae = vae

    def forward(self, latents: torch.Tensor) -> torch.Tensor:
        pixels: torch.Tensor = self.vae.decode(latents, return_dict=False)[0]
        return pixels


class TextEncoder(torch.nn.Module):
    """A CLIP text model: ids to the states of its last layer."""

    def __init__(self, encoder: Any) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, ids: torch.Tensor) -> torch.Tensor:
        states: torch.Tensor = self.encoder(ids, attention_mask=None)[0]
        return states


def network(pipeline: Any, part: Part, signature: Signature, precision: Precision) -> Network:
    """A part of a loaded pipeline; shares its weights."""
    parts = pipeline.components
    module: torch.nn.Module
    match part:
        case "denoiser" if parts.get("transformer") is not None:
            module = SanaDenoiser(parts["transformer"])
        case "denoiser":
            module = Denoiser(parts["unet"])
        case "decoder" | "tiny_decoder":
            module = Decoder(parts["vae"])
        case "text_encoder":
            module = TextEncoder(parts["text_encoder"])
        case _:
            raise EngineUnavailable(f"a diffusion pipeline has no {part}")
    return Network(part, module.eval(), signature, precision)
