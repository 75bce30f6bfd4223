"""The interface of a family of diffusion models: one adapter per family implements :class:`Family`.

Shapes: latents ``float32[n, channels, height / factor, width / factor]``, scaled as the denoiser sees them; pixels
``float[n, 3, height, width]`` in -1..1. All on the family's device.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol

import torch

from antiphon_engines.backends.plans.plan import Part
from antiphon_engines.backends.slot import Slot
from antiphon_engines.image.samplers import Samplers
from antiphon_proto.params import Adapter


class Text(NamedTuple):
    """A prompt, or a negative one: some families read the two differently."""

    words: str
    negative: bool = False


class Embedding(NamedTuple):
    """One text as the denoiser takes it: ``states[tokens, width]`` and, where the family has one, ``mask[tokens]``."""

    states: torch.Tensor
    mask: torch.Tensor | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One job's part of a denoiser call: its scaled latents ``[1, ...]``, timestep, texts and guidance scale."""

    latents: torch.Tensor
    timestep: torch.Tensor
    prompt: Embedding
    negative: Embedding | None
    guidance: float
    adapters: tuple[Adapter, ...] = ()
    """Rows of one call have the same."""


@dataclass(frozen=True, slots=True)
class Defaults:
    """The sizes and steps that the model was made for. Sizes are pixels."""

    width: int
    height: int
    steps: int
    guidance: float
    strength: float = 0.6
    """Of `image_to_image`."""


class Family(Protocol):
    name: str
    device: torch.device
    defaults: Defaults
    samplers: Samplers
    slots: Mapping[Part, Slot]
    """The networks that may be run by another backend than torch."""
    adapters: frozenset[str]
    """Names of the adapters that a job may ask for."""
    channels: int
    """Of the latents."""
    factor: int
    """Pixels per latent."""
    multiple: int
    """Pixels of which a picture's sides are multiples inside the model."""
    tiny: bool
    """Whether the autoencoder itself is a tiny one, cheap enough for previews."""

    def negates(self, guidance: float) -> bool:
        """Whether a job of this guidance scale needs the negative prompt's embedding."""
        ...

    def encode_texts(self, texts: Sequence[Text]) -> list[Embedding]: ...

    def encode_pictures(
        self, pixels: torch.Tensor, generators: Sequence[torch.Generator]
    ) -> torch.Tensor: ...

    def predict(self, rows: Sequence[Row]) -> torch.Tensor:
        """The denoiser's answer for every row, guidance applied, in one call: ``float32[n, ...]``."""
        ...

    def decode(self, latents: torch.Tensor) -> torch.Tensor: ...


def guided(
    rows: Sequence[Row], call: Callable[[torch.Tensor, torch.Tensor, list[Embedding]], torch.Tensor]
) -> torch.Tensor:
    """One call for all rows, with a second row for those jobs alone that have a negative embedding (classifier-free
    guidance, https://arxiv.org/abs/2207.12598). `call` takes latents, timesteps and embeddings."""
    second = [index for index, row in enumerate(rows) if row.negative is not None]
    texts = [row.prompt for row in rows] + [row.negative for row in rows if row.negative is not None]
    latents = torch.cat([row.latents for row in rows])
    timesteps = torch.stack([row.timestep for row in rows]).to(latents.device)
    if second:
        latents = torch.cat([latents, latents[second]])
        timesteps = torch.cat([timesteps, timesteps[second]])
    answer = call(latents, timesteps, texts).float()
    prompted = answer[: len(rows)]
    if not second:
        return prompted
    scale = torch.tensor([rows[index].guidance for index in second], device=answer.device)
    unprompted = answer[len(rows) :]
    result = prompted.clone()
    result[second] = unprompted + scale.view(-1, 1, 1, 1) * (prompted[second] - unprompted)
    return result


def draw_latents(distribution: Any, generators: Sequence[torch.Generator]) -> torch.Tensor:
    """The result of an autoencoder's `encode`, as latents: drawn with each job's own generator where it is a
    distribution."""
    if hasattr(distribution, "latent_dist"):
        dist = distribution.latent_dist
        noise = torch.cat([torch.randn(dist.mean[:1].shape, generator=generator) for generator in generators])
        drawn: torch.Tensor = dist.mean + dist.std * noise.to(dist.mean)
        return drawn
    latents: torch.Tensor = distribution.latents if hasattr(distribution, "latents") else distribution.latent
    return latents
