"""Load the embedded music model: checked against its manifest, offline, heavy libraries only when they are needed.

The folder ``weights/music`` is an ordinary ``save_pretrained`` folder plus ``tokens.json``, the SoundFont, and
``manifest.sha256`` in the format of ``sha256sum``.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.audio.symbolic import tokens

if TYPE_CHECKING:
    from transformers import LlamaForCausalLM

    from antiphon_engines.audio.symbolic.decoder import Decoder

FOLDER: Final = Path(__file__).resolve().parents[2] / "weights" / "music"
MANIFEST: Final = "manifest.sha256"
SOUNDFONT: Final = "band.sf3"
CONTEXT: Final = 1024
"""Tokens of the window that the model was trained on; streams restart on whole bars before they pass it."""


class WeightsRefused(EngineUnavailable):
    """A file of the embedded model is missing, is not the file that was packed, or belongs to other code."""


def digest(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(folder: Path = FOLDER) -> None:
    """Check every file of the manifest and the vocabulary. Raises WeightsRefused."""
    try:
        lines = (folder / MANIFEST).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise WeightsRefused(f"the music model has no manifest in {folder.name}: {error.strerror}") from error
    for line in lines:
        wanted, _, name = line.partition("  ")
        try:
            found = digest(folder / name)
        except OSError as error:
            raise WeightsRefused(f"the music model's {name} cannot be read: {error.strerror}") from error
        if found != wanted:
            raise WeightsRefused(f"the music model's {name} is damaged: its SHA-256 is not the manifest's")
    stored = json.loads((folder / "tokens.json").read_text(encoding="utf-8"))
    if stored["sha256"] != tokens.fingerprint():
        raise WeightsRefused("the music model was trained with another vocabulary than this code's")


def load_model(folder: Path = FOLDER) -> LlamaForCausalLM:
    """The verified model in transformers' own class, float32, on the CPU. Raises WeightsRefused."""
    verify(folder)
    import torch
    from transformers import LlamaForCausalLM

    return LlamaForCausalLM.from_pretrained(folder, local_files_only=True, dtype=torch.float32).eval()


def load_decoder(folder: Path = FOLDER, context: int = CONTEXT) -> Decoder:
    """The verified model as a numpy decoder with one stream. Raises WeightsRefused."""
    verify(folder)
    from safetensors.numpy import load_file

    from antiphon_engines.audio.symbolic.decoder import Decoder

    config: dict[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    return Decoder(load_file(folder / "model.safetensors"), config, context)


def soundfont(folder: Path = FOLDER) -> Path:
    """The SoundFont that goes with the model. Raises WeightsRefused."""
    path = folder / SOUNDFONT
    if not path.is_file():
        raise WeightsRefused(f"the music model's {SOUNDFONT} is missing")
    return path
