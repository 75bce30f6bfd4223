"""One run of the image engine, from request to finished picture, and a step over several runs that may pause."""

from __future__ import annotations

import itertools
import secrets
from collections.abc import Callable, Sequence
from typing import Final, cast

import numpy as np
import torch

from antiphon_engines.api import Deferred, Failed, Image, ImageRequest, InvalidRequest, Made, Piece, Window
from antiphon_engines.backends.pausing import Pausable, PieceCosts
from antiphon_engines.image import pictures
from antiphon_engines.image.family import Embedding, Family, Row, Text
from antiphon_engines.image.pictures import Mask, Pixels
from antiphon_engines.image.samplers import Stepped

_numbers = itertools.count(1)
_SEED_BITS: Final = 53
_NEEDS: Final = {"text_to_image": (False, False), "image_to_image": (True, False), "inpaint": (True, True)}


class Painting:
    """A job. `width` x `height` is the picture; inside the model it is `canvas` (width, height), rounded up to a size
    that the model takes. Units: `encode`, `denoise:WxH` (and the adapters), `decode:WxH`."""

    window: Window | None = None

    def __init__(
        self, request: ImageRequest, family: Family, max_pixels: int, pieces: PieceCosts | None
    ) -> None:
        """`pieces` are those of the engine's calls, where these can pause. Raises InvalidRequest."""
        self.request = request
        params = request.params
        _check_parts(request)
        _check_adapters(request, family)
        self.source, self.mask = _read(request, max_pixels)
        self.width, self.height = self._size(family, max_pixels)
        if self.source is not None and self.source.shape[:2] != (self.height, self.width):
            self.source = pictures.resize(self.source, self.width, self.height)
        self.canvas = _up(self.width, family.multiple), _up(self.height, family.multiple)
        self.guidance = family.defaults.guidance if params.guidance is None else params.guidance
        steps = params.steps or family.defaults.steps
        self.strength = _strength(request, family)
        self.sampler = family.samplers.make(params.sampler, steps, self.strength)
        self.seed = secrets.randbits(_SEED_BITS) if params.seed is None else params.seed
        self.generator = torch.Generator().manual_seed(self.seed)
        self.unit = "encode"
        self.call: Call | None = None
        """The step that it takes part in, while that pauses."""
        self._pieces = pieces
        self._outputs: list[Made] = []
        self.prompt: Embedding | None = None
        self.negative: Embedding | None = None
        self.latents: torch.Tensor | None = None
        self.finished: torch.Tensor | None = None
        """The finished picture's latents, as far as the latest step shows them."""
        self.previewed = False
        self._anchor: tuple[torch.Tensor, torch.Tensor, torch.Tensor] | None = None
        """Of an inpainting: the mask on the latents, the source's latents, and the noise that is put on them."""

    # Steps --------------------------------------------------------------------------------------------

    @property
    def kind(self) -> str:
        """Its next step, among those that take alike long."""
        encodes = self.unit == "encode" and self.source is not None and not self.begun
        return f"encode:{self.canvas[0]}x{self.canvas[1]}" if encodes else self.unit

    @property
    def piece(self) -> Piece | None:
        if self.call is not None:
            return self.call.piece
        if self._pieces is None:
            return None
        return Piece(self._pieces.first(self.kind))

    def gives(self, *outputs: Made) -> None:
        """To be handed over at the end of the step, or of the next one where this one goes on without it."""
        self._outputs += outputs

    def fails(self, failure: Failed) -> None:
        """Nothing else comes of it."""
        self._outputs = [failure]

    def drain(self) -> list[Made]:
        """The outputs since the last call."""
        taken, self._outputs = self._outputs, []
        return taken

    # Texts --------------------------------------------------------------------------------------------

    def texts(self, family: Family) -> tuple[Text, ...]:
        """The texts to encode: the prompt, and the negative one where guidance uses it."""
        prompt = Text(self.request.prompt)
        if not family.negates(self.guidance):
            return (prompt,)
        return prompt, Text(self.request.params.negative_prompt, negative=True)

    def condition(self, prompt: Embedding, negative: Embedding | None) -> None:
        self.prompt, self.negative = prompt, negative

    # Latents ------------------------------------------------------------------------------------------

    @property
    def begun(self) -> bool:
        return self.latents is not None

    def source_pixels(self) -> torch.Tensor:
        """``float32[1, 3, height, width]`` in -1..1, padded to the canvas."""
        assert self.source is not None
        padded = cast(Pixels, pictures.pad(self.source, *self.canvas))
        return torch.from_numpy(padded).permute(2, 0, 1)[None].float() / 127.5 - 1

    def begin(self, family: Family, source: torch.Tensor | None) -> None:
        """Make the first latents, of noise and of the `source`'s latents, where there is one."""
        width, height = (side // family.factor for side in self.canvas)
        noise = torch.randn((1, family.channels, height, width), generator=self.generator).to(family.device)
        if source is None:
            self.latents = self.sampler.begin(noise)
        elif self.mask is None:
            self.latents = self.sampler.noised(source, noise)
        else:
            whole = self.strength == 1.0
            self.latents = self.sampler.begin(noise) if whole else self.sampler.noised(source, noise)
            self._anchor = self._latent_mask(family), source, noise

    def resume(self) -> None:
        """Everything for the next step has been read."""
        chosen = ",".join(f"{each.name}={each.scale:g}" for each in self.request.params.adapters)
        self.unit = f"denoise:{self.canvas[0]}x{self.canvas[1]}" + (f"@{chosen}" if chosen else "")

    def drop_preview(self) -> None:
        """One that has not been handed over yet is not; the next step is shown instead, as the first one was."""
        self._outputs = [output for output in self._outputs if not isinstance(output, Deferred)]
        self.previewed = False

    def drop(self) -> None:
        """Free the large tensors; the job is over."""
        self._outputs = []
        self.latents = self.finished = self._anchor = None
        self.source = self.mask = None

    def row(self) -> Row:
        """This job's part of the next denoiser call."""
        assert self.latents is not None
        assert self.prompt is not None
        scaled = self.sampler.scaled(self.latents)
        adapters = self.request.params.adapters
        return Row(scaled, self.sampler.timestep.float(), self.prompt, self.negative, self.guidance, adapters)

    def advance(self, answer: torch.Tensor) -> None:
        """Take a step with the denoiser's answer. Outside the mask of an inpainting the latents are the source's."""
        assert self.latents is not None
        self.latents, self.finished = self._anchored(self.sampler.step(answer, self.latents, self.generator))
        if self.sampler.done == self.sampler.steps:
            self.unit = f"decode:{self.canvas[0]}x{self.canvas[1]}"

    def file(self, pixels: Pixels) -> Callable[[], Image]:
        """A function that writes the decoded picture: cut to its size, and outside the mask the source, to the bit."""
        picture, mask, source, seed = pixels[: self.height, : self.width], self.mask, self.source, self.seed

        def write() -> Image:
            kept = picture if mask is None or source is None else np.where(mask[..., None], picture, source)
            height, width = kept.shape[:2]
            return Image(pictures.encode_png(kept), width, height, seed)

        return write

    # Small parts --------------------------------------------------------------------------------------

    def _anchored(self, stepped: Stepped) -> Stepped:
        if self._anchor is None:
            return stepped
        mask, source, noise = self._anchor
        kept = self.sampler.noised(source, noise)
        return Stepped(
            (1 - mask) * kept + mask * stepped.latents, (1 - mask) * source + mask * stepped.finished
        )

    def _latent_mask(self, family: Family) -> torch.Tensor:
        """A latent may change when any of its pixels may: thin strokes would vanish otherwise."""
        assert self.mask is not None
        padded = cast(Mask, pictures.pad(self.mask, *self.canvas))
        pixels = torch.from_numpy(padded)[None, None].float().to(family.device)
        return torch.nn.functional.max_pool2d(pixels, family.factor)

    def _size(self, family: Family, max_pixels: int) -> tuple[int, int]:
        params, source = self.request.params, self.source
        wanted = family.defaults
        height, width = (wanted.height, wanted.width) if source is None else source.shape[:2]
        size = params.width or width, params.height or height
        if self.mask is not None and size != (width, height):
            raise InvalidRequest(f"an inpainting keeps the size of its source, {width} x {height}")
        if size[0] * size[1] > max_pixels:
            raise InvalidRequest(
                f"{size[0]} x {size[1]} pixels are too many; the bound is {max_pixels} in all"
            )
        return size


class Call:
    """`paintings` are those that still take part: one that is released or steered leaves, and its results in the call
    are not used. When the last one leaves, the call is dropped."""

    def __init__(
        self,
        paintings: Sequence[Painting],
        work: Callable[[Call], None],
        kind: str,
        costs: PieceCosts,
        clock: Callable[[], float],
    ) -> None:
        """`kind` says of which calls the `costs` are like this one's."""
        self.paintings = list(paintings)
        self._number = next(_numbers)
        self._computation = Pausable(lambda: work(self), costs.of(kind), len(paintings), clock)
        for painting in paintings:
            painting.call = self

    @property
    def piece(self) -> Piece:
        return Piece(self._computation.least, self._number)

    def go_on(self, budget: float) -> None:
        """For `budget` seconds. Raises the exceptions of the work; the call is over then, too."""
        over = True
        try:
            over = self._computation.go_on(budget)
        finally:
            if over:
                for painting in self.paintings:
                    painting.call = None

    def leave(self, painting: Painting) -> None:
        painting.call = None
        self.paintings.remove(painting)
        if not self.paintings:
            self._computation.drop()


def _strength(request: ImageRequest, family: Family) -> float:
    """How far from its source the picture may go: 1 where there is none, and under a mask by default."""
    if request.source is None:
        return 1.0
    if request.params.strength is not None:
        return request.params.strength
    return 1.0 if request.mask is not None else family.defaults.strength


def _check_parts(request: ImageRequest) -> None:
    source, mask = _NEEDS[request.task]
    for name, needed, given in (("source", source, request.source), ("mask", mask, request.mask)):
        if needed and given is None:
            raise InvalidRequest(f"{request.task} needs a {name}")
        if given is not None and not needed:
            raise InvalidRequest(f"{request.task} takes no {name}")


def _check_adapters(request: ImageRequest, family: Family) -> None:
    names = [each.name for each in request.params.adapters]
    if unknown := [name for name in names if name not in family.adapters]:
        offered = ", ".join(sorted(family.adapters)) or "none"
        raise InvalidRequest(f"there is no adapter {unknown[0]!r}; this model has {offered}")
    if len(set(names)) < len(names):
        raise InvalidRequest("an adapter is named twice")


def _read(request: ImageRequest, max_pixels: int) -> tuple[Pixels | None, Mask | None]:
    if request.source is None:
        return None, None
    source = pictures.read_source(request.source, max_pixels)
    if request.mask is None:
        return source, None
    return source, pictures.read_mask(request.mask, (source.shape[1], source.shape[0]), max_pixels)


def _up(side: int, multiple: int) -> int:
    return -(-side // multiple) * multiple
