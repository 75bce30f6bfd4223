"""Previews of a picture that is being painted: latents as colours at every step, a tiny decoder every few steps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

import torch

from antiphon_engines.api import Deferred, Preview
from antiphon_engines.image import pictures
from antiphon_engines.image.family import Family
from antiphon_engines.image.painting import Painting
from antiphon_engines.image.pictures import Pixels

DECODE_EVERY: Final = 4
"""Every so many previews one is decoded, where there is a tiny decoder: it costs about half a step of a small model."""
ENLARGE: Final = 4
"""Latents shown as colours are enlarged at most so many times: more only adds bytes."""
_FIT_PICTURES: Final = 24
_FIT_PATCHES: Final = 8
"""Latents along each side of a picture that the colours are fitted on."""


class LatentColours:
    """The linear map from latents to colours: ``rgb = latents @ matrix + bias``, rgb in -1..1."""

    def __init__(self, matrix: torch.Tensor, bias: torch.Tensor) -> None:
        self._matrix = matrix
        self._bias = bias

    @classmethod
    def fit(cls, family: Family) -> LatentColours:
        """By least squares over soft random pictures and their latents by the family's autoencoder."""
        generator = torch.Generator().manual_seed(0)
        side = _FIT_PATCHES * family.factor
        coarse = (
            torch.rand((_FIT_PICTURES, 3, _FIT_PATCHES // 2, _FIT_PATCHES // 2), generator=generator) * 2 - 1
        )
        soft = torch.nn.functional.interpolate(coarse, (side, side), mode="bicubic").clamp(-1, 1)
        latents = family.encode_pictures(soft, [generator] * _FIT_PICTURES).cpu().double()
        colours = torch.nn.functional.avg_pool2d(soft, family.factor).double()
        given = torch.cat([latents, torch.ones_like(latents[:, :1])], 1).movedim(1, -1).flatten(0, 2)
        wanted = colours.movedim(1, -1).flatten(0, 2)
        # A little ridge: random-looking latents of a bad checkpoint must not give a singular system.
        square = given.T @ given + 1e-3 * torch.eye(given.shape[1], dtype=torch.float64)
        solved = torch.linalg.solve(square, given.T @ wanted).float()
        return cls(solved[:-1].to(family.device), solved[-1].to(family.device))

    def __call__(self, latents: torch.Tensor) -> torch.Tensor:
        """``float32[n, 3, h, w]`` of latents ``[n, channels, h, w]``."""
        return torch.einsum("nchw,cd->ndhw", latents, self._matrix) + self._bias.view(1, 3, 1, 1)


class Previews:
    """Makes previews: their pixels here, their JPEGs wherever the engine's outputs are written."""

    def __init__(self, family: Family, colours: LatentColours, tiny: Any | None) -> None:
        """`tiny` is an AutoencoderTiny for the family's latents, if there is one besides its own autoencoder."""
        self._family = family
        self._colours = colours
        self._tiny = tiny

    def due(self, job: Painting) -> bool:
        """Whether the step that `job` has just taken is shown. The last one is followed by the picture itself."""
        every, done = job.request.previews, job.sampler.done
        last = done == job.sampler.steps
        return every > 0 and (not job.previewed or (done % every == 0 and not last))

    def make(self, jobs: Sequence[Painting]) -> None:
        """A preview of each job; all have the same canvas. One that leaves their call meanwhile gets none."""
        call = jobs[0].call if jobs else None
        decoded = [job for job in jobs if self._decodes(job)]
        coloured = [job for job in jobs if not self._decodes(job)]
        shown: list[tuple[Painting, Pixels]] = []
        for group, render in ((coloured, self._colours), (decoded, self._decode)):
            if group:
                latents = torch.cat([job.finished for job in group if job.finished is not None])
                shown += zip(group, to_pixels(render(latents)), strict=True)
        for job, pixels in shown:  # not before all are there: where one fails, all are made again
            if job.call is call:
                job.previewed = True
                job.gives(Deferred(_file(job, pixels)))

    def _decodes(self, job: Painting) -> bool:
        every = job.request.previews * DECODE_EVERY
        return (self._tiny is not None or self._family.tiny) and job.sampler.done % every == 0

    def _decode(self, latents: torch.Tensor) -> torch.Tensor:
        if self._tiny is None:
            return self._family.decode(latents)
        scaled = latents.to(self._tiny.dtype) / self._tiny.config.scaling_factor
        pixels: torch.Tensor = self._tiny.decode(scaled, return_dict=False)[0]
        return pixels


def _file(job: Painting, pixels: Pixels) -> Callable[[], Preview]:
    step, of = job.sampler.done, job.sampler.steps
    scale = pixels.shape[1] / job.canvas[0]
    shown = pixels[: max(1, round(job.height * scale)), : max(1, round(job.width * scale))]
    most = (
        job.request.preview_side if scale == 1 else min(job.request.preview_side, ENLARGE * max(shown.shape))
    )
    size = pictures.preview_size(job.width, job.height, most)
    return lambda: Preview(step, of, *pictures.encode_preview(shown, *size))


def to_pixels(picture: torch.Tensor) -> Pixels:
    """``uint8[n, height, width, 3]`` of ``float[n, 3, height, width]`` in -1..1."""
    scaled = picture.float().div(2).add_(0.5).clamp_(0, 1).mul_(255).round_()
    # Turned over where the picture lies: a GPU does it in no time, and strided copies of the host are slow.
    pixels: Pixels = scaled.to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return pixels
