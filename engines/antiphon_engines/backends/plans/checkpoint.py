"""The contents of a checkpoint folder, by its configuration files: parts, their signatures, their hash.

Imports no runtime, so that keys are cheap and `antiphon engines list` is quick.
"""

from __future__ import annotations

import hashlib
import json
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, TypeAlias

from msgspec import Struct

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.backends.plans import signatures
from antiphon_engines.backends.plans.plan import Part
from antiphon_engines.backends.plans.signature import Signature
from antiphon_engines.backends.plans.signatures import Bounds

Kind: TypeAlias = Literal["diffusers", "language", "musicgen", "music", "codec"]
_PARTS: dict[Kind, tuple[Part, ...]] = {
    "diffusers": ("denoiser", "decoder", "text_encoder"),
    "language": ("language_decoder",),
    "musicgen": ("music_decoder", "codec_decoder"),
    "music": ("music_decoder",),
    "codec": ("codec_decoder",),
}


class Checkpoint(Struct, frozen=True):
    """A diffusers pipeline's folder, or a transformers model's."""

    folder: Path
    kind: Kind

    @property
    def parts(self) -> tuple[Part, ...]:
        if self.kind == "diffusers" and self._index["vae"][1] == "AutoencoderTiny":
            return ("denoiser", "tiny_decoder", "text_encoder")
        # SANA stays on torch: torch.export cannot follow its transformer at free sizes, and ONNX Runtime divides by
        # zero in the linear attention of its autoencoder.
        return () if self.sana else _PARTS[self.kind]

    @property
    def sana(self) -> bool:
        return self.kind == "diffusers" and "transformer" in self._index

    @property
    def _index(self) -> dict[str, Any]:
        return _json(self.folder / "model_index.json")

    def place(self, part: Part) -> Path:
        """The folder with the part's configuration and weights. Raises EngineUnavailable."""
        if part not in self.parts:
            raise EngineUnavailable(
                f"{self.folder.name} has no {part}; it has {', '.join(self.parts) or 'none'}"
            )
        if self.kind != "diffusers":
            return self.folder
        names: dict[Part, str] = {
            "denoiser": "unet",
            "decoder": "vae",
            "tiny_decoder": "vae",
            "text_encoder": "text_encoder",
        }
        return self.folder / names[part]

    def weights(self, part: Part) -> str:
        """SHA-256 over names and contents of the part's configuration and safetensors files."""
        place = self.place(part)
        files = sorted([*place.glob("*.json"), *place.glob("*.safetensors")])
        if not any(path.suffix == ".safetensors" for path in files):
            raise EngineUnavailable(f"{place} holds no safetensors file")
        total = hashlib.sha256()
        for path in files:
            state = path.stat()
            total.update(f"{path.name} {_sha256(path, state.st_size, state.st_mtime_ns)}\n".encode())
        return total.hexdigest()

    def signature(self, part: Part, bounds: Bounds) -> Signature:
        """Raises EngineUnavailable for a part or a configuration that cannot be exported."""
        config = _json(self.place(part) / "config.json")
        try:
            if self.kind == "musicgen":
                config = config["decoder" if part == "music_decoder" else "audio_encoder"]
            match part:
                case "denoiser":
                    return signatures.unet(config, self._longest(), self._factor(), bounds)
                case "decoder" | "tiny_decoder":
                    return signatures.decoder(config, self._factor(), bounds)
                case "text_encoder":
                    return signatures.text_encoder(self._longest(), bounds)
                case "language_decoder":
                    return signatures.language(config, bounds)
                case "music_decoder":
                    return signatures.music(config, bounds)
                case "codec_decoder":
                    return signatures.codec(config, bounds)
        except (KeyError, TypeError, ValueError) as error:
            raise EngineUnavailable(
                f"the configuration of {self.place(part)} is not understood: {error!r}"
            ) from error

    def _factor(self) -> int:
        return signatures.factor(_json(self.folder / "vae" / "config.json"))

    def _longest(self) -> int:
        """Tokens of a prompt."""
        return int(_json(self.folder / "tokenizer" / "tokenizer_config.json")["model_max_length"])


def recognise(folder: Path) -> Checkpoint:
    """Raises EngineUnavailable for a folder of no known kind."""
    if (folder / "model_index.json").is_file():
        return Checkpoint(folder, "diffusers")
    kinds: dict[str, Kind] = {"musicgen": "musicgen", "musicgen_decoder": "music", "encodec": "codec"}
    config = _json(folder / "config.json")
    return Checkpoint(folder, kinds.get(str(config.get("model_type")), "language"))


def _json(path: Path) -> dict[str, Any]:
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise EngineUnavailable(f"cannot read {path}: {error}") from error
    if not isinstance(found, dict):
        raise EngineUnavailable(f"{path} holds no object")
    return found


@lru_cache(maxsize=256)
def _sha256(path: Path, size: int, mtime_ns: int) -> str:
    """Of a file's content; a file of another size or time is read again."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
