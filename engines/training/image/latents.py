"""Stage ``latents``: paint many scenes once and store their latents, which the denoiser then trains on.

    python -m training.image.latents --work build/image --count 4000

A latent costs 2 kB against 48 kB for its picture, and neither painting nor encoding slows the training down.
"""

import argparse
import json
from collections.abc import Iterable, Sequence
from dataclasses import asdict, astuple
from pathlib import Path
from random import Random

import numpy as np
import torch
from diffusers import AutoencoderTiny
from torch import Tensor

from .data import Picture, load_pictures
from .painter import Painter
from .runtime import autocast, device_of, set_threads
from .scenes import Placement, Scene, draw_scene
from .vocabulary import CORE, PLAIN_STYLES

__all__ = ["by_noun", "choose", "load_latents", "trained_words"]

BATCH = 256


def load_latents(work: Path) -> tuple[Tensor, list[Scene]]:
    """Return the scaled latents, ``[N, 4, 16, 16]`` float16, and the scene of each."""
    with np.load(work / "latents.npz") as stored:
        latents = torch.from_numpy(stored["latents"])
    scenes = []
    for entry in json.loads((work / "scenes.json").read_text()):
        placements = tuple(Placement(*values) for values in entry.pop("placements"))
        scenes.append(Scene(**entry | {"placements": placements, "where": tuple(entry["where"])}))
    return latents, scenes


def trained_words(work: Path, field: str) -> list[str]:
    """Return the words of a field (``noun``, ``style``) that the stored latents show, sorted."""
    return sorted({entry[field] for entry in json.loads((work / "scenes.json").read_text())})


def by_noun(pictures: Iterable[Picture]) -> dict[str, list[Picture]]:
    """Group pictures by their noun."""
    groups: dict[str, list[Picture]] = {}
    for picture in pictures:
        groups.setdefault(picture.noun, []).append(picture)
    return groups


def choose(groups: dict[str, list[Picture]], rng: Random) -> Picture:
    """Pick a noun, then one of its pictures: every noun is seen equally often, plain styles twice as often."""
    pictures = groups[rng.choice(list(groups))]
    return rng.choices(pictures, [2 if picture.style in PLAIN_STYLES else 1 for picture in pictures])[0]


@torch.no_grad()
def build(work: Path, count: int, device: torch.device, bf16: bool, seed: int, every_noun: bool) -> None:
    """Paint and encode ``count`` scenes of the core nouns in the plain styles, or of every noun in every style."""
    vae = AutoencoderTiny.from_pretrained(work / "vae").eval().to(device, memory_format=torch.channels_last)
    pictures = load_pictures(work, "train", "shapes")
    core = [picture for picture in pictures if picture.noun in CORE and picture.style in PLAIN_STYLES]
    groups = by_noun(pictures if every_noun else core)
    known = [picture for group in groups.values() for picture in group]
    rng, painter = Random(seed), Painter(known, device)
    scenes: list[Scene] = []
    latents = []
    while len(scenes) < count:
        chosen = [choose(groups, rng) for _ in range(min(BATCH, count - len(scenes)))]
        drawn = [draw_scene(picture, rng) for picture in chosen]
        scenes += drawn
        batch = painter.paint(chosen, drawn).contiguous(memory_format=torch.channels_last)
        with autocast(device, bf16):
            encoded = vae.encode(batch).latents
        latents.append((encoded.float() * vae.config.scaling_factor).half().cpu().numpy())
        if len(latents) % 50 == 0:
            print(f"{len(scenes)} of {count}", flush=True)
    np.savez(work / "latents.npz", latents=np.concatenate(latents))
    stored = [
        asdict(scene) | {"placements": [astuple(placed) for placed in scene.placements]} for scene in scenes
    ]
    (work / "scenes.json").write_text(json.dumps(stored))


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage with these arguments, or with the command line's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--count", type=int, default=4000)
    parser.add_argument(
        "--every-noun", action="store_true", help="every noun and style, not only the core (for a GPU)"
    )
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--bf16", action="store_true")
    arguments = parser.parse_args(argv)
    set_threads(arguments.threads)
    device = device_of(arguments.device)
    build(arguments.work, arguments.count, device, arguments.bf16, arguments.seed, arguments.every_noun)


if __name__ == "__main__":
    main()
