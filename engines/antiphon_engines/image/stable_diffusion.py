"""Stable Diffusion 1.x, 2.x and Turbo, latent consistency models, and the embedded model: a text encoder, a
UNet2DConditionModel and an AutoencoderKL or AutoencoderTiny (https://arxiv.org/abs/2112.10752)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.image.family import Defaults, Embedding, Row, Text, draw_latents, guided
from antiphon_engines.image.samplers import Samplers


class StableDiffusion:
    """Over the components of a `StableDiffusionPipeline`. Implements :class:`family.Family`."""

    def __init__(
        self, pipeline: Any, name: str, device: torch.device, defaults: Defaults | None = None
    ) -> None:
        unet, vae = pipeline.unet, pipeline.vae
        self.name = name
        self.device = device
        self.channels = int(vae.config.latent_channels)
        if unet.config.in_channels != self.channels:
            raise EngineUnavailable(
                f"{name} takes {unet.config.in_channels} channels, not the {self.channels} of its latents: inpainting "
                "and depth checkpoints are not served (every other one can inpaint)"
            )
        self.samplers = Samplers(pipeline.scheduler)
        self.factor = int(pipeline.vae_scale_factor)
        self.multiple = self.factor * 2 ** (len(unet.config.block_out_channels) - 1)
        self.tiny = type(vae).__name__ == "AutoencoderTiny"
        self._pipeline = pipeline
        self._unet = unet
        self._vae = vae
        self._scale = float(vae.config.scaling_factor)
        self._guidance_width: int | None = unet.config.time_cond_proj_dim
        self.defaults = defaults or self._guess_defaults()

    def negates(self, guidance: float) -> bool:
        return guidance > 1 and self._guidance_width is None

    def encode_texts(self, texts: Sequence[Text]) -> list[Embedding]:
        states, _ = self._pipeline.encode_prompt([text.words for text in texts], self.device, 1, False)
        return [Embedding(each) for each in states]

    def encode_pictures(self, pixels: torch.Tensor, generators: Sequence[torch.Generator]) -> torch.Tensor:
        encoded = self._vae.encode(pixels.to(self.device, self._vae.dtype))
        return draw_latents(encoded, generators).float() * self._scale

    def predict(self, rows: Sequence[Row]) -> torch.Tensor:
        def call(latents: torch.Tensor, timesteps: torch.Tensor, texts: list[Embedding]) -> torch.Tensor:
            answer: torch.Tensor = self._unet(
                latents.to(self._unet.dtype),
                timesteps,
                encoder_hidden_states=torch.stack([text.states for text in texts]).to(self._unet.dtype),
                timestep_cond=self._embed_guidance(rows),
                return_dict=False,
            )[0]
            return answer

        return guided(rows, call)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        scaled = (latents / self._scale).to(self._vae.dtype)
        pixels: torch.Tensor = self._vae.decode(scaled, return_dict=False)[0]
        return pixels

    def _embed_guidance(self, rows: Sequence[Row]) -> torch.Tensor | None:
        """Latent consistency models take the guidance scale as an input (https://arxiv.org/abs/2310.04378)."""
        if self._guidance_width is None:
            return None
        scales = torch.tensor([row.guidance - 1 for row in rows])
        embedded: torch.Tensor = self._pipeline.get_guidance_scale_embedding(scales, self._guidance_width)
        return embedded.to(self.device, self._unet.dtype)

    def _guess_defaults(self) -> Defaults:
        """A checkpoint does not say how it wants to be sampled; its name and its scheduler hint at it."""
        size = self._unet.config.sample_size
        height, width = (size, size) if isinstance(size, int) else size
        if "turbo" in self.name.lower():
            steps, guidance = 2, 0.0
        elif self.samplers.names[0] == "lcm":
            steps, guidance = 4, 8.0 if self._guidance_width else 1.0
        else:
            steps, guidance = 20, 7.5
        return Defaults(width * self.factor, height * self.factor, steps, guidance)
