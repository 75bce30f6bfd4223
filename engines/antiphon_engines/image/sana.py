"""SANA and SANA-Sprint: a linear diffusion transformer over the latents of a deep-compression autoencoder, conditioned
by a decoder-only language model (https://arxiv.org/abs/2410.10629, https://arxiv.org/abs/2503.09641)."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import torch

from antiphon_engines.backends.plans.choices import BackendChoice
from antiphon_engines.backends.plans.plan import Part
from antiphon_engines.backends.slot import Slot
from antiphon_engines.image import slots
from antiphon_engines.image.family import Defaults, Embedding, Row, Text, draw_latents, guided
from antiphon_engines.image.samplers import Samplers


class Sana:
    """Over the components of a `SanaPipeline` or `SanaSprintPipeline`. Implements :class:`family.Family`.

    Sprint is the distilled one: its guidance scale is an input of the transformer, and its angles are those of
    TrigFlow.
    """

    def __init__(
        self,
        pipeline: Any,
        name: str,
        device: torch.device,
        defaults: Defaults | None = None,
        choices: Mapping[Part, BackendChoice] = MappingProxyType({}),
    ) -> None:
        self.name = name
        self.device = device
        self._pipeline = pipeline
        self._transformer = pipeline.transformer
        self._vae = pipeline.vae
        self.samplers = Samplers(pipeline.scheduler)
        self._sprint = self.samplers.names[0] == "scm"
        self._data = float(pipeline.scheduler.config.sigma_data) if self._sprint else 1.0
        self._scale = float(self._vae.config.scaling_factor) * self._data
        self.channels = int(self._transformer.config.in_channels)
        self.factor = int(pipeline.vae_scale_factor)
        self.multiple = self.factor * int(self._transformer.config.patch_size)
        self.tiny = False
        self.adapters: frozenset[str] = frozenset()
        parts: tuple[Part, ...] = ("denoiser", "decoder")
        self.slots: Mapping[Part, Slot] = slots.make(pipeline, parts, choices)
        side = int(self._transformer.config.sample_size) * self.factor
        self.defaults = defaults or Defaults(side, side, 2 if self._sprint else 20, 4.5)
        asked = inspect.signature(pipeline.__call__).parameters["complex_human_instruction"]
        self._instruction: list[str] = asked.default

    def negates(self, guidance: float) -> bool:
        return guidance > 1 and not self._sprint

    def encode_texts(self, texts: Sequence[Text]) -> list[Embedding]:
        embeddings: dict[Text, Embedding] = {}
        for negative in (False, True):
            group = [text for text in texts if text.negative is negative]
            if group:
                states, mask = self._encode(
                    [text.words for text in group], None if negative else self._instruction
                )
                embeddings |= {
                    text: Embedding(*pair) for text, *pair in zip(group, states, mask, strict=True)
                }
        return [embeddings[text] for text in texts]

    def encode_pictures(self, pixels: torch.Tensor, generators: Sequence[torch.Generator]) -> torch.Tensor:
        with self.slots["decoder"].brought():
            encoded = self._vae.encode(pixels.to(self.device, self._vae.dtype))
        return draw_latents(encoded, generators).float() * self._scale

    def predict(self, rows: Sequence[Row]) -> torch.Tensor:
        return self._predict_sprint(rows) if self._sprint else guided(rows, self._call)

    def decode(self, latents: torch.Tensor) -> torch.Tensor:
        return self.slots["decoder"]({"latents": latents / self._scale})["pixels"]

    def _encode(self, words: list[str], instruction: list[str] | None) -> tuple[torch.Tensor, torch.Tensor]:
        given: dict[str, Any] = {"device": self.device, "complex_human_instruction": instruction}
        if not self._sprint:
            given["do_classifier_free_guidance"] = False
        states, mask = self._pipeline.encode_prompt(words, **given)[:2]
        return states, mask

    def _call(
        self,
        latents: torch.Tensor,
        timesteps: torch.Tensor,
        texts: list[Embedding],
        guidance: torch.Tensor | None = None,
    ) -> torch.Tensor:
        given = {
            "latents": latents,
            "timesteps": timesteps if self._sprint else timesteps * self._transformer.config.timestep_scale,
            "states": torch.stack([text.states for text in texts]),
            "mask": torch.stack([text.mask for text in texts if text.mask is not None]),
        }
        if guidance is not None:
            given["guidance"] = guidance
        # A learned variance comes in further channels.
        return self.slots["denoiser"](given)["answer"][:, : self.channels]

    def _predict_sprint(self, rows: Sequence[Row]) -> torch.Tensor:
        """From TrigFlow's angle to the flow that the transformer was made for, and back (section 3 of the paper)."""
        latents = torch.cat([row.latents for row in rows]) / self._data
        angles = torch.stack([row.timestep for row in rows]).to(latents.device)
        times = torch.sin(angles) / (torch.cos(angles) + torch.sin(angles))
        t = times.view(-1, 1, 1, 1)
        norm = torch.sqrt(t**2 + (1 - t) ** 2)
        scale = self._transformer.config.guidance_embeds_scale
        guidance = torch.tensor([row.guidance for row in rows], device=latents.device) * scale
        given = latents * norm
        answer = self._call(given, times, [row.prompt for row in rows], guidance).float()
        return ((1 - 2 * t) * given + (1 - 2 * t + 2 * t**2) * answer) / norm * self._data
