"""Load the embedded image model: checked against its manifest, offline, by the stock diffusers classes.

The folder ``weights/image`` is an ordinary ``StableDiffusionPipeline`` folder plus ``preview.json`` (the latent-to-RGB
matrix), ``vocabulary.json`` (the words that the model can draw) and ``manifest.sha256`` in the format of ``sha256sum``.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from antiphon_engines.api import EngineUnavailable

if TYPE_CHECKING:
    import torch
    from diffusers import DiffusionPipeline

FOLDER: Final = Path(__file__).resolve().parent.parent / "weights" / "image"
MANIFEST: Final = "manifest.sha256"
PREVIEW: Final = "preview.json"
VOCABULARY: Final = "vocabulary.json"
STEPS: Final = 12
"""Denoising steps that the model was evaluated with."""
GUIDANCE: Final = 5.0
"""Guidance scale that the model was evaluated with."""
STRENGTH: Final = 0.6
"""Of `image_to_image`: a sketch keeps its place and gets the missing parts (MODEL_CARD.md)."""


class ImageWeightsRefused(EngineUnavailable):
    """A file of the embedded model is missing or is not the file that was packed."""


@dataclass(frozen=True, slots=True)
class LatentPreview:
    """The linear map from scaled latents to a small picture: ``rgb = latent @ matrix + bias``, rgb in -1..1.

    ``matrix`` has a row per latent channel and three columns; ``bias`` has three values.
    """

    matrix: tuple[tuple[float, float, float], ...]
    bias: tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Vocabulary:
    """The words that the model knows, for the interface's suggestions; other prompts give guesses."""

    nouns: tuple[str, ...]
    colours: tuple[str, ...]
    backgrounds: tuple[str, ...]
    styles: tuple[str, ...]
    prompts: tuple[str, ...]


def verify(folder: Path = FOLDER) -> None:
    """Check every file of the manifest. Raises ImageWeightsRefused."""
    try:
        lines = (folder / MANIFEST).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise ImageWeightsRefused(
            f"the image model has no manifest in {folder.name}: {error.strerror}"
        ) from error
    for line in lines:
        wanted, _, name = line.partition("  ")
        try:
            with (folder / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise ImageWeightsRefused(f"the image model's {name} cannot be read: {error.strerror}") from error
        if found != wanted:
            raise ImageWeightsRefused(
                f"the image model's {name} is damaged: its SHA-256 is not the manifest's"
            )


def load_pipeline(
    folder: Path = FOLDER, dtype: torch.dtype | dict[str, torch.dtype] | None = None
) -> DiffusionPipeline:
    """Return the verified model in diffusers' own pipeline class, on the CPU, float32 unless told otherwise.

    Never reaches the network and reads safetensors only. Raises ImageWeightsRefused.
    """
    verify(folder)
    import torch
    from diffusers import DiffusionPipeline

    return DiffusionPipeline.from_pretrained(
        folder, dtype=dtype or torch.float32, local_files_only=True, use_safetensors=True
    )


def load_preview(folder: Path = FOLDER) -> LatentPreview:
    """Return the latent-to-RGB matrix of the verified folder. Raises ImageWeightsRefused."""
    verify(folder)
    stored = json.loads((folder / PREVIEW).read_text(encoding="utf-8"))
    rows = tuple((row[0], row[1], row[2]) for row in stored["matrix"])
    return LatentPreview(rows, (stored["bias"][0], stored["bias"][1], stored["bias"][2]))


def load_vocabulary(folder: Path = FOLDER) -> Vocabulary:
    """Return the words that the verified folder's model knows. Raises ImageWeightsRefused."""
    verify(folder)
    stored = json.loads((folder / VOCABULARY).read_text(encoding="utf-8"))
    return Vocabulary(**{name: tuple(words) for name, words in stored.items()})
