"""Stage ``judge``: a small classifier of nouns that shares nothing with the model but the training pictures.

    python -m training.image.judge --work build/image --minutes 3

It learns from the pixels of the training split and is measured on four icon sets that neither it nor the denoiser has
seen, drawn by other hands: what it gets right there says how far to trust it.
"""

import argparse
import json
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from .data import Picture, load_pictures, nouns_of
from .latents import by_noun, choose
from .runtime import CurveLog, Deadline, device_of, images_to_tensor, learning_rate, set_threads
from .scenes import Composer, draw_scene

__all__ = ["Judge", "load_judge"]

SIDE = 64
"""Pixels: the judge looks at pictures of half the size."""


class Judge(nn.Module):
    """A five-layer convolutional classifier: ``[N, 3, 128, 128]`` in -1..1 to ``[N, nouns]`` logits."""

    def __init__(self, nouns: list[str]) -> None:
        """Make an untrained judge of these nouns."""
        super().__init__()
        self.nouns = nouns
        widths = (3, 32, 64, 128, 192)
        layers: list[nn.Module] = []
        for before, after in zip(widths, widths[1:], strict=False):
            layers += [nn.Conv2d(before, after, 3, stride=2, padding=1), nn.BatchNorm2d(after), nn.ReLU()]
        self.features = nn.Sequential(
            *layers, nn.Conv2d(192, 192, 3, padding=1), nn.BatchNorm2d(192), nn.ReLU()
        )
        self.head = nn.Sequential(
            nn.Flatten(), nn.Dropout(0.3), nn.Linear(192 * (SIDE // 16) ** 2, len(nouns))
        )

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits."""
        answer: Tensor = self.head(self.features(functional.interpolate(images, SIDE, mode="area")))
        return answer


def load_judge(work: Path) -> Judge:
    """Read the trained judge."""
    state = torch.load(work / "judge.pt", map_location="cpu", weights_only=True)
    judge = Judge(state["nouns"])
    judge.load_state_dict(state["model"])
    return judge.eval()


def disturb(images: Tensor) -> Tensor:
    """Shift, scale, stretch and blur a batch at random, so that the judge looks at shapes and not at single pixels."""
    count = len(images)
    scale = 1 + 0.25 * torch.rand(count, device=images.device)
    stretch = 1 + 0.16 * (torch.rand(count, device=images.device) - 0.5)
    turn = 0.35 * (torch.rand(count, device=images.device) - 0.5)
    shift = 0.24 * (torch.rand(count, 2, device=images.device) - 0.5)
    rows = [
        torch.stack([scale * stretch * turn.cos(), -scale * turn.sin(), shift[:, 0]], 1),
        torch.stack([scale * turn.sin(), scale / stretch * turn.cos(), shift[:, 1]], 1),
    ]
    grid = functional.affine_grid(torch.stack(rows, 1), list(images.shape), align_corners=False)
    moved = functional.grid_sample(images, grid, padding_mode="border", align_corners=False)
    blurred = functional.avg_pool2d(moved, 5, stride=1, padding=2, count_include_pad=False)
    chosen = torch.rand(count, 1, 1, 1, device=images.device) < 0.35
    return torch.where(chosen, blurred, moved)


@torch.no_grad()
def accuracy(judge: Judge, pictures: list[Picture]) -> dict[str, float]:
    """Return the share of pictures on white that the judge names right, at once and within five guesses."""
    composer, names = Composer(), judge.nouns
    rng = Random(0)
    images = []
    for picture in pictures:
        scene = draw_scene(picture, rng)
        while scene.background != "white" or (scene.repainted and not picture.shape_only):
            scene = draw_scene(picture, rng)
        images.append(composer.compose(picture, scene))
    wanted = torch.tensor([names.index(picture.noun) for picture in pictures])
    ranked = judge(images_to_tensor(np.stack(images))).topk(5).indices
    return {
        "pictures": len(pictures),
        "top1": (ranked[:, 0] == wanted).float().mean().item(),
        "top5": (ranked == wanted[:, None]).any(1).float().mean().item(),
    }


def train(arguments: argparse.Namespace) -> dict[str, Any]:
    """Train the judge, measure it and store both."""
    device = device_of(arguments.device)
    known = load_pictures(arguments.work, "train", "shapes")
    pictures, names = by_noun(known), nouns_of(known)
    rng, composer = Random(7), Composer()
    images, labels = [], []
    for _ in range(arguments.pool):
        picture = choose(pictures, rng)
        images.append(composer.compose(picture, draw_scene(picture, rng, held_out=False)))
        labels.append(names.index(picture.noun))
    pool, wanted = np.stack(images), torch.tensor(labels)
    judge = Judge(names).to(device)
    optimizer = torch.optim.AdamW(judge.parameters(), lr=arguments.lr, weight_decay=0.05)
    log = CurveLog(arguments.work / "judge.csv", "step", "loss", "accuracy")
    deadline, step = Deadline(arguments.minutes, arguments.steps), 0
    while not deadline.passed(step):
        for group in optimizer.param_groups:
            group["lr"] = arguments.lr * learning_rate(step, deadline.fraction(step), warmup=50, hold=0.2)
        index = torch.randint(0, len(pool), (arguments.batch,))
        logits = judge(disturb(images_to_tensor(pool[index.numpy()]).to(device)))
        target = wanted[index].to(device)
        loss = functional.cross_entropy(logits, target, label_smoothing=0.05)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        step += 1
        if step % 50 == 0 or step == 1:
            log.write(step, loss.item(), (logits.argmax(-1) == target).float().mean().item())
    judge.cpu().eval()
    torch.save({"nouns": names, "model": judge.state_dict()}, arguments.work / "judge.pt")
    report: dict[str, Any] = {
        "seconds": deadline.spent(),
        "steps": step,
        "training_sets": {},
        "unseen_sets": {},
    }
    report["training_sets"] = accuracy(judge, load_pictures(arguments.work, "train"))
    others = load_pictures(arguments.work, "test", "autoencoder")
    for source in dict.fromkeys(picture.source for picture in others):
        unseen = [p for p in others if p.source == source and p.noun in pictures]
        if unseen:
            report["unseen_sets"][source] = accuracy(judge, unseen)
    (arguments.work / "judge.json").write_text(json.dumps(report, indent=1))
    return report


def main() -> None:
    """Run the stage from the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--steps", type=int, default=10**9)
    parser.add_argument("--batch", type=int, default=64)
    parser.add_argument("--pool", type=int, default=8000)
    parser.add_argument("--lr", type=float, default=2e-3)
    parser.add_argument("--device", default="auto")
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    set_threads(arguments.threads)
    torch.manual_seed(0)
    print(train(arguments))


if __name__ == "__main__":
    main()
