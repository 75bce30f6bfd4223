"""Stage ``judge``: a classifier of nouns that shares nothing with the model but the training pictures.

    python -m training.image.judge --work build/image

Features are histograms of oriented gradients (Dalal and Triggs, 2005) and a coarse map of the object's position. They
are mixed at random (Huang, Zhu and Siew, 2006), because one noun has several poses, which no linear rule separates, and
classified by a rule that is fitted in closed form within minutes. The classifier learns from the training split only.
It is measured on icon sets that neither it nor the denoiser has seen, drawn by other artists; its accuracy there says
how far to trust it.
"""

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from .data import Picture, load_pictures, nouns_of
from .latents import by_noun, choose
from .painter import Painter
from .runtime import set_threads
from .scenes import FILLED, Placement, Scene, draw_scene

__all__ = ["Judge", "load_judge"]

SIDE = 64
"""Pixels: the judge looks at pictures of half the size."""
CELL = 8
"""Side of the square over which orientations are counted."""
ORIENTATIONS = 9
MIXED = 3000
"""Number of random mixtures of features that the classifier sees in addition to the features."""
VISIBLE = 0.25
"""Root-mean-square distance from the ground, of 2, above which a pixel belongs to the object."""


def centred(images: Tensor) -> Tensor:
    """Cut ``[N, 3, H, W]`` pictures to their object and enlarge it to the size at which the recipe centres objects.

    The object is all that differs from the rim's colour. A picture without an object is returned unchanged.
    """
    count, _, height, width = images.shape
    ink = functional.avg_pool2d((images - ground_of(images)).square().mean(1, keepdim=True).sqrt(), 3, 1, 1)[
        :, 0
    ]
    boxes = []
    for axis, side in ((1, width), (2, height)):
        there = (ink > VISIBLE).any(axis)
        first = there.float().argmax(1)
        last = side - 1 - there.flip(1).float().argmax(1)
        boxes.append((torch.where(there.any(1), first, 0), torch.where(there.any(1), last, side - 1), side))
    (left, right, _), (top, bottom, _) = boxes
    half = torch.maximum((right - left + 1) / width, (bottom - top + 1) / height) / FILLED
    half = torch.where(ink.flatten(1).amax(1) > VISIBLE, half, torch.ones_like(half))
    zero = torch.zeros_like(half)
    rows = [
        torch.stack([half, zero, (left + right + 1) / width - 1], 1),
        torch.stack([zero, half, (top + bottom + 1) / height - 1], 1),
    ]
    grid = functional.affine_grid(torch.stack(rows, 1), [count, 3, height, width], align_corners=False)
    return functional.grid_sample(images, grid, padding_mode="border", align_corners=False)


def ground_of(images: Tensor) -> Tensor:
    """Return the background's colour, the median of the rim: ``[N, 3, 1, 1]``."""
    rim = torch.cat(
        [images[:, :, :2].flatten(2), images[:, :, -2:].flatten(2), images[..., 0], images[..., -1]], 2
    )
    return rim.median(2).values[..., None, None]


def features(images: Tensor) -> Tensor:
    """Describe ``[N, 3, 128, 128]`` pictures in -1..1 by ``[N, F]``: oriented gradients and the object's coarse map.

    The object is cut out and everything is measured as distance from the ground, so that neither place nor size, nor
    the colours of ground and object, matter much.
    """
    small = functional.interpolate(centred(images.float()), SIDE, mode="area")
    ink = (small - ground_of(small)).square().mean(1, keepdim=True).sqrt()
    grey = small.mean(1, keepdim=True)
    described = []
    for channel in (ink, grey):
        padded = functional.pad(channel, (1, 1, 1, 1), mode="replicate")
        across, down = (
            padded[:, :, 1:-1, 2:] - padded[:, :, 1:-1, :-2],
            padded[:, :, 2:, 1:-1] - padded[:, :, :-2, 1:-1],
        )
        strength = (across.square() + down.square() + 1e-12).sqrt()
        position = torch.atan2(down, across) % torch.pi / torch.pi * ORIENTATIONS
        bins = torch.arange(ORIENTATIONS, device=images.device).view(1, -1, 1, 1)
        distance = (position - bins).abs()
        distance = torch.minimum(distance, ORIENTATIONS - distance)
        votes = strength * (1 - distance).clamp_min(0)
        cells = functional.avg_pool2d(votes, CELL)
        energy = functional.avg_pool2d(cells.square().sum(1, keepdim=True), 3, 1, 1, count_include_pad=False)
        described.append((cells / (energy + 1e-3).sqrt()).flatten(1))
    presence = (ink / (ink.amax((2, 3), keepdim=True) + 1e-3)).clamp(0, 1)
    described.append(functional.avg_pool2d(presence, 4).flatten(1))
    return torch.cat(described, 1)


def disturb(images: Tensor, generator: torch.Generator) -> Tensor:
    """Shift, scale, turn and blur a batch a little at random, as drawings of the same thing differ."""
    count = len(images)

    def uniform(low: float, high: float) -> Tensor:
        return low + (high - low) * torch.rand(count, generator=generator)

    scale, turn = uniform(0.95, 1.2), uniform(-0.15, 0.15)
    rows = [
        torch.stack([scale * turn.cos(), -scale * turn.sin(), uniform(-0.08, 0.08)], 1),
        torch.stack([scale * turn.sin(), scale * turn.cos(), uniform(-0.08, 0.08)], 1),
    ]
    grid = functional.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    moved = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    blurred = functional.avg_pool2d(moved, 5, stride=1, padding=2, count_include_pad=False)
    return torch.where(uniform(0, 1).view(-1, 1, 1, 1) < 0.4, blurred, moved)


def mixed(standard: Tensor) -> Tensor:
    """Return standardised features ``[N, F]``, fixed random mixtures of them, and a one: ``[N, F + MIXED + 1]``."""
    generator = torch.Generator().manual_seed(0)
    mixing = torch.randn(standard.shape[1], MIXED, generator=generator) / standard.shape[1] ** 0.5
    return torch.cat([standard, (standard @ mixing).relu(), torch.ones(len(standard), 1)], 1)


class Judge:
    """Ridge regression from the standardised and mixed features to one score per noun."""

    def __init__(self, nouns: list[str], mean: Tensor, scale: Tensor, weights: Tensor) -> None:
        """Take the nouns, the features' mean and scale ``[F]``, and the weights."""
        self.nouns, self.mean, self.scale, self.weights = nouns, mean, scale, weights

    @classmethod
    def fit(cls, nouns: list[str], described: Tensor, labels: Tensor, ridge: float = 0.01) -> "Judge":
        """Fit features ``[N, F]`` to class indices ``[N]``; ``ridge`` is relative to the number of pictures."""
        mean, scale = described.mean(0), described.std(0) + 1e-3
        design = mixed((described - mean) / scale)
        wanted = functional.one_hot(labels, len(nouns)).float()
        gram = (design.T @ design).double()
        penalty = ridge * len(described) * torch.eye(len(gram), dtype=torch.float64)
        weights = torch.linalg.solve(gram + penalty, (design.T @ wanted).double())
        return cls(nouns, mean, scale, weights.float())

    def __call__(self, images: Tensor) -> Tensor:
        """Score ``[N, 3, 128, 128]`` pictures in -1..1 for every noun: ``[N, nouns]``."""
        return mixed((features(images) - self.mean) / self.scale) @ self.weights

    def save(self, path: Path) -> None:
        """Write the judge to a file."""
        torch.save(
            {"nouns": self.nouns, "mean": self.mean, "scale": self.scale, "weights": self.weights}, path
        )


def load_judge(work: Path) -> Judge:
    """Read the fitted judge."""
    return Judge(**torch.load(work / "judge.pt", map_location="cpu", weights_only=True))


def accuracy(judge: Judge, pictures: list[Picture]) -> dict[str, float]:
    """Return the share of pictures on white that the judge names right, at once and within five guesses."""
    painter, right1, right5 = Painter(pictures), 0, 0
    for start in range(0, len(pictures), 64):
        part = pictures[start : start + 64]
        images = painter.paint(part, [Scene(p.noun, None, False, "white", p.style) for p in part])
        wanted = torch.tensor([judge.nouns.index(picture.noun) for picture in part])
        ranked = judge(images).topk(min(5, len(judge.nouns))).indices
        right1 += int((ranked[:, 0] == wanted).sum())
        right5 += int((ranked == wanted[:, None]).any(1).sum())
    return {"pictures": len(pictures), "top1": right1 / len(pictures), "top5": right5 / len(pictures)}


def one_object(scene: Scene) -> Scene:
    """Return the scene with one copy in the middle: the judge names single objects."""
    return replace(scene, placements=(Placement(mirrored=scene.placements[0].mirrored),), where=())


def build(work: Path, pool: int, copies: int) -> dict[str, Any]:
    """Fit the judge, measure it and store both."""
    started = time.process_time()
    known = load_pictures(work, "train", "shapes")
    pictures, nouns = by_noun(known), nouns_of(known)
    rng, painter = Random(7), Painter(known)
    generator = torch.Generator().manual_seed(7)
    described, labels = [], []
    for start in range(0, pool, 64):
        chosen = [choose(pictures, rng) for _ in range(min(64, pool - start))]
        scenes = [one_object(draw_scene(picture, rng, held_out=False)) for picture in chosen]
        batch = painter.paint(chosen, scenes)
        described += [features(disturb(batch, generator)) for _ in range(copies)]
        labels += [nouns.index(picture.noun) for picture in chosen] * copies
    judge = Judge.fit(nouns, torch.cat(described), torch.tensor(labels))
    judge.save(work / "judge.pt")
    report: dict[str, Any] = {"training_sets": accuracy(judge, [p for p in known if p.role == "train"])}
    others = [picture for picture in load_pictures(work, "test") if picture.noun in nouns]
    report["unseen_sets"] = {
        source: accuracy(judge, [picture for picture in others if picture.source == source])
        for source in dict.fromkeys(picture.source for picture in others)
    }
    report["seconds"] = time.process_time() - started
    (work / "judge.json").write_text(json.dumps(report, indent=1))
    return report


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage with these arguments, or with the command line's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--pool", type=int, default=9000, help="scenes to learn from")
    parser.add_argument("--copies", type=int, default=2, help="disturbed copies of each scene")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args(argv)
    set_threads(arguments.threads)
    print(build(arguments.work, arguments.pool, arguments.copies))


if __name__ == "__main__":
    main()
