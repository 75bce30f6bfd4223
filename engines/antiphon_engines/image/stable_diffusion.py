"""Stable Diffusion 1.x, 2.x and Turbo, latent consistency models, and the embedded model: a text encoder, a
UNet2DConditionModel and an AutoencoderKL or AutoencoderTiny (https://arxiv.org/abs/2112.10752)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import MappingProxyType
from typing import Any, Final

import torch

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends import pausing
from antiphon_engines.backends.plans.choices import BackendChoice
from antiphon_engines.backends.plans.plan import Part
from antiphon_engines.backends.slot import Slot
from antiphon_engines.image import adapters, slots
from antiphon_engines.image.family import Defaults, Embedding, Row, Text, draw_latents, guided
from antiphon_engines.image.samplers import Samplers
from antiphon_proto.params import Adapter

_TEXT: Final[Part] = "text_encoder"


class StableDiffusion:
    """Over the components of a `StableDiffusionPipeline`. Implements :class:`family.Family`."""

    def __init__(
        self,
        pipeline: Any,
        name: str,
        device: torch.device,
        defaults: Defaults | None = None,
        choices: Mapping[Part, BackendChoice] = MappingProxyType({}),
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
        self.adapters = adapters.offered(unet)
        self.factor = int(pipeline.vae_scale_factor)
        self.multiple = self.factor * 2 ** (len(unet.config.block_out_channels) - 1)
        self.tiny = type(vae).__name__ == "AutoencoderTiny"
        self._pipeline = pipeline
        self._unet = unet
        self._vae = vae
        self._scale = float(vae.config.scaling_factor)
        self._guidance_width: int | None = unet.config.time_cond_proj_dim
        # A text encoder that looks at a mask is the pipeline's to call.
        own = [] if getattr(pipeline.text_encoder.config, "use_attention_mask", False) else [_TEXT]
        parts: list[Part] = ["denoiser", slots.decoder_part(pipeline), *own]
        self.slots: Mapping[Part, Slot] = slots.make(pipeline, parts, choices)
        self._decoder = self.slots[slots.decoder_part(pipeline)]
        self.defaults = defaults or self._guess_defaults()

    def negates(self, guidance: float) -> bool:
        return guidance > 1 and self._guidance_width is None

    def encode_texts(self, texts: Sequence[Text]) -> list[Embedding]:
        words = [text.words for text in texts]
        if _TEXT in self.slots:
            states = self.slots[_TEXT]({"ids": self._read(words)})["states"]
        else:
            states, _ = self._pipeline.encode_prompt(words, self.device, 1, False)
        return [Embedding(each) for each in states]

    def encode_pictures(self, pixels: torch.Tensor, generators: Sequence[torch.Generator]) -> torch.Tensor:
        with self._decoder.brought():
            encoded = self._vae.encode(pixels.to(self.device, self._vae.dtype))
        return draw_latents(encoded, generators).float() * self._scale

    def predict(self, rows: Sequence[Row]) -> torch.Tensor:
        def call(latents: torch.Tensor, timesteps: torch.Tensor, texts: list[Embedding]) -> torch.Tensor:
            states = torch.stack([text.states for text in texts])
            given = {"latents": latents, "timesteps": timesteps, "states": states}
            if self._guidance_width is not None:
                given["guidance"] = self._embed_guidance(rows, self._guidance_width)
            denoiser, chosen = self.slots["denoiser"], rows[0].adapters
            if not chosen:
                return denoiser(given)["answer"]
            # A prepared plan holds the weights without the adapters.
            variant = tuple((each.name, each.scale) for each in chosen)
            with pausing.held(lambda: self._switched(chosen)), denoiser.brought() as torch_runner:
                return torch_runner(given, variant=variant)["answer"]

        return guided(rows, call)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return self._decoder({"latents": latents / self._scale})["pixels"]

    @contextmanager
    def _switched(self, chosen: Sequence[Adapter]) -> Iterator[None]:
        with self.slots["denoiser"].reference, adapters.applied(self._unet, chosen):
            yield

    def _read(self, words: list[str]) -> torch.Tensor:
        """Token ids, cut and padded to the one length that the model was trained with."""
        tokenizer = self._pipeline.tokenizer
        longest = tokenizer.model_max_length
        read = tokenizer(
            words, padding="max_length", max_length=longest, truncation=True, return_tensors="pt"
        )
        ids: torch.Tensor = read.input_ids.to(self.device)
        return ids

    def _embed_guidance(self, rows: Sequence[Row], width: int) -> torch.Tensor:
        """Latent consistency models take the guidance scale as an input (https://arxiv.org/abs/2310.04378)."""
        scales = torch.tensor([row.guidance - 1 for row in rows])
        embedded: torch.Tensor = self._pipeline.get_guidance_scale_embedding(scales, width)
        return embedded.to(self.device)

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
