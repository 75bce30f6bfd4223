"""Stage 4, pack: a checkpoint -> the folder that ships (fp16 ``save_pretrained`` layout, tokens, manifest).

    python -m training.music.pack --run build/music/run

Files that are in the target folder already (the SoundFont, its licence) are kept and enter the manifest.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from antiphon_engines.audio.symbolic import tokens
from antiphon_engines.audio.symbolic.loader import FOLDER, MANIFEST, SOUNDFONT, digest

LARGEST: Final = 20_000_000
"""Bytes that the weights may take."""
_LISTED: Final = ("config.json", "generation_config.json", "model.safetensors", "tokens.json", SOUNDFONT)


def write_tokens(folder: Path) -> None:
    """Write tokens.json: the vocabulary in order and its SHA-256."""
    table = {
        "sha256": tokens.fingerprint(),
        "ticks_per_beat": tokens.TICKS_PER_BEAT,
        "tokens": tokens.VOCABULARY,
    }
    (folder / "tokens.json").write_text(json.dumps(table) + "\n", encoding="utf-8")


def write_manifest(folder: Path) -> None:
    """Write the SHA-256 of every listed file that is there; ``sha256sum -c`` reads the format."""
    present = [name for name in _LISTED if (folder / name).is_file()]
    lines = [f"{digest(folder / name)}  {name}" for name in present]
    (folder / MANIFEST).write_text("\n".join(lines) + "\n", encoding="utf-8")


def pack(run: Path, folder: Path) -> int:
    """Write the model of a training run to ``folder``; returns the bytes of its weights. ValueError if too big."""
    state = torch.load(run / "checkpoint.pt", map_location="cpu", weights_only=True)
    model = LlamaForCausalLM(LlamaConfig.from_pretrained(run))
    model.load_state_dict(state["model"])
    folder.mkdir(parents=True, exist_ok=True)
    model.half().save_pretrained(folder)
    size = (folder / "model.safetensors").stat().st_size
    if size > LARGEST:
        raise ValueError(f"the weights take {size} bytes, more than {LARGEST}")
    write_tokens(folder)
    write_manifest(folder)
    return size


def main(argv: Sequence[str] | None = None) -> None:
    """Run stage 4."""
    parser = argparse.ArgumentParser(description="checkpoint -> weights folder")
    parser.add_argument("--run", type=Path, default=Path("build/music/run"))
    parser.add_argument("--out", type=Path, default=FOLDER)
    options = parser.parse_args(argv)
    print(f"{pack(options.run, options.out)} bytes of weights in {options.out}")


if __name__ == "__main__":
    main()
