"""From settings to orders: which part of a model runs on which backend. Imports no runtime."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.plans import choices, runtimes
from antiphon_engines.backends.plans.checkpoint import Checkpoint, Kind, recognise
from antiphon_engines.backends.plans.order import Order
from antiphon_engines.backends.plans.plan import BackendName, Lora, Part
from antiphon_engines.backends.plans.signature import Precision
from antiphon_engines.backends.plans.signatures import Bounds
from antiphon_engines.catalogue import IMAGE_WEIGHTS
from antiphon_engines.config import WorkerConfig

PLANS: Final = "plans"
"""Folder of the cache that holds all plans."""
HUB: Final = "hub"
"""Folder of the cache with the repositories of text models."""
_FAMILIES: Final[Mapping[Kind, choices.Family]] = {
    "diffusers": "image",
    "language": "text",
    "musicgen": "music",
    "music": "music",
    "codec": "music",
}
_WITHOUT_ADAPTERS: Final[tuple[Part, ...]] = ("decoder", "tiny_decoder")


class CannotRun(EngineUnavailable):
    """A backend cannot be had on this machine."""


class Wishes(Struct, frozen=True):
    """The settings for one model on one device."""

    checkpoint: Checkpoint
    backends: Mapping[Part, choices.BackendChoice]
    precisions: Mapping[Part, choices.PrecisionChoice]
    bounds: Bounds
    architecture: str
    """Of the GPU that the model lies on; empty on a CPU."""
    small: bool
    """As in :func:`choices.planned`."""
    loras: tuple[Lora, ...] = ()

    def backend(self, part: Part) -> BackendName:
        return choices.planned(self.backends[part], cuda=bool(self.architecture), small=self.small)

    def precision(self, part: Part) -> Precision:
        return choices.precise(self.precisions[part], cuda=bool(self.architecture))

    def order(self, part: Part, precision: Precision) -> Order | None:
        """The build order for a part; None where torch runs it. Raises CannotRun."""
        backend = self.backend(part)
        if backend == "torch" or part not in self.checkpoint.parts:
            return None
        found = runtimes.availability(backend, self.architecture)
        if not (found.runs and found.builds):
            raise CannotRun(f"{backend} {found.reason}" + (f"; {found.remedy}" if found.remedy else ""))
        return self.make(part, backend, precision, self.architecture)

    def make(self, part: Part, backend: BackendName, precision: Precision, architecture: str) -> Order:
        """An order for this model, whether or not the backend runs here."""
        engine = backend.startswith("tensorrt")
        return Order(
            checkpoint=self.checkpoint,
            part=part,
            backend=backend,
            precision=precision,
            device=architecture if engine else "any",
            bounds=self.bounds,
            # Adapters are of the denoiser and the text encoder.
            loras=() if part in _WITHOUT_ADAPTERS else self.loras,
            # A builder without a GPU cannot make weights that can be replaced.
            refittable=engine and bool(self.architecture),
        )


def wishes(config: WorkerConfig, folder: Path, architecture: str) -> Wishes:
    """For the model in `folder`. Raises EngineUnavailable for a setting that means nothing."""
    checkpoint = recognise(folder)
    family = _FAMILIES[checkpoint.kind]
    backend, precision = {
        "image": (config.image_backend, config.image_precision),
        "text": (config.text_backend, config.text_precision),
        "music": (config.music_backend, config.music_precision),
    }[family]
    return Wishes(
        checkpoint=checkpoint,
        backends=choices.backends(family, backend),
        precisions=choices.precisions(family, precision),
        bounds=Bounds(
            # Guidance takes two rows per picture; a band is stepped alone, with and without its words.
            rows={"image": 2 * config.max_batch, "text": config.max_batch, "music": 2}[family],
            pixels=config.image_pixels,
            tokens=config.context,
            chunk=config.prefill_chunk,
        ),
        architecture=architecture,
        small=folder == IMAGE_WEIGHTS,
        loras=loras(config) if family == "image" else (),
    )


def loras(config: WorkerConfig) -> tuple[Lora, ...]:
    """The adapters that are merged for every run. Raises EngineUnavailable for a scale that is no number."""
    found = []
    for text in config.image_loras:
        path, equals, scale = text.rpartition("=")
        try:
            found.append(Lora(path, float(scale)) if equals else Lora(text))
        except ValueError:
            raise EngineUnavailable(f"image_loras: {scale!r} in {text!r} is no number") from None
    return tuple(found)


def folder_of(spec: str, hub: Path | None = None) -> Path:
    """Where the model of a spec lies on this disk; `hub` is where its repository may be, beside the hub's own
    place. Raises EngineUnavailable when it does not."""
    if spec == "embedded":
        return IMAGE_WEIGHTS
    path = Path(spec).expanduser()
    if path.is_dir():
        return path
    unknown: Exception | None = None
    for place in (hub, None) if hub else (None,):
        try:
            from huggingface_hub import snapshot_download

            return Path(snapshot_download(spec, cache_dir=place, local_files_only=True))
        except Exception as error:  # its errors have no common base; all of them mean the same here
            unknown = error
    raise EngineUnavailable(
        f"{spec} is neither embedded nor a model folder nor a hub repository fetched before"
    ) from unknown
