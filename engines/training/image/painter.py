"""Painting scenes in batches: repaint the object, place its copies, put them on the ground. CPU or CUDA."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from .colours import Paintable
from .data import Picture
from .scenes import Scene
from .vocabulary import BACKGROUNDS, PALETTE

__all__ = ["Painter"]

_SHRUNK = 0.6
"""Copies smaller than this are drawn from a picture of half the size, so that nothing aliases."""
_SHADE_RANGE = 2.0


class Painter:
    """Paints scenes of a set of pictures; the analysis of each picture is done once, when it is first painted."""

    def __init__(self, pictures: Sequence[Picture], device: torch.device | None = None) -> None:
        """Take the pictures that scenes will be painted of, and where to paint."""
        self.device = device or torch.device("cpu")
        self._pictures = pictures
        self._rows = {id(picture): row for row, picture in enumerate(pictures)}
        side = pictures[0].rgba.shape[0]
        # Colour, alpha, how much of a pixel takes a new colour, and its shade: bytes, so that thousands fit.
        self._layers = torch.zeros(len(pictures), 6, side, side, dtype=torch.uint8, device=self.device)
        self._known = [False] * len(pictures)
        self._inks = torch.tensor(list(PALETTE.values()), device=self.device) / 255
        self._grounds = torch.tensor(list(BACKGROUNDS.values()), device=self.device) / 255
        self._ink_rows = {name: row for row, name in enumerate(PALETTE)}
        self._ground_rows = {name: row for row, name in enumerate(BACKGROUNDS)}

    def _analyse(self, row: int) -> None:
        rgba = self._pictures[row].rgba.astype(np.float32) / 255
        analysed = Paintable.of(rgba[..., :3], rgba[..., 3])
        layers = np.concatenate([rgba, analysed.mask, analysed.shade / _SHADE_RANGE], -1)
        rounded = torch.from_numpy((layers.clip(0, 1) * 255 + 0.5).astype(np.uint8))
        self._layers[row] = rounded.permute(2, 0, 1).to(self.device)
        self._known[row] = True

    @torch.no_grad()
    def paint(self, pictures: Sequence[Picture], scenes: Sequence[Scene]) -> Tensor:
        """Paint one scene of each picture: ``[N, 3, side, side]`` sRGB in -1..1 on the painter's device."""
        rows = [self._rows[id(picture)] for picture in pictures]
        for row in set(rows):
            if not self._known[row]:
                self._analyse(row)
        layers = self._layers[torch.tensor(rows, device=self.device)].float() / 255
        rgb, alpha, mask, shade = layers[:, :3], layers[:, 3:4], layers[:, 4:5], layers[:, 5:] * _SHADE_RANGE
        inks = [self._ink_rows[s.colour] if s.repainted and s.colour else 0 for s in scenes]
        repainted = torch.tensor([float(s.repainted and s.colour is not None) for s in scenes])
        ink = self._inks[torch.tensor(inks, device=self.device)][..., None, None]
        fresh = (ink * shade.clamp(max=1) + (1 - ink) * (shade - 1).clamp(min=0) * 0.8).clamp(0, 1)
        rgb = rgb + repainted.to(self.device).view(-1, 1, 1, 1) * mask * (fresh - rgb)
        objects = torch.cat([rgb * alpha, alpha], 1)
        grounds = torch.tensor([self._ground_rows[s.background] for s in scenes], device=self.device)
        image = self._grounds[grounds][..., None, None].expand(-1, -1, *objects.shape[2:]).contiguous()
        for copy in range(max(len(s.placements) for s in scenes)):
            for shrunk in (False, True):
                chosen = [
                    i
                    for i, s in enumerate(scenes)
                    if len(s.placements) > copy and (s.placements[copy].size < _SHRUNK) == shrunk
                ]
                if chosen:
                    index = torch.tensor(chosen, device=self.device)
                    part = objects[index]
                    if shrunk:
                        part = functional.avg_pool2d(part, 2)
                    moved = self._place(part, [scenes[i] for i in chosen], copy, image.shape[-1])
                    image[index] = moved[:, :3] + image[index] * (1 - moved[:, 3:])
        return image * 2 - 1

    def _place(self, objects: Tensor, scenes: Sequence[Scene], copy: int, side: int) -> Tensor:
        """Move ``[N, 4, h, h]`` premultiplied objects to their places: ``[N, 4, side, side]``."""
        values = [
            (p.size, p.x, p.y, p.turn, -1.0 if p.mirrored else 1.0)
            for p in (scene.placements[copy] for scene in scenes)
        ]
        size, x, y, turn, flip = torch.tensor(values).T
        cos, sin = turn.cos() / size, turn.sin() / size
        rows = [
            torch.stack([cos * flip, sin * flip, -(cos * x + sin * y) * flip], 1),
            torch.stack([-sin, cos, sin * x - cos * y], 1),
        ]
        count = len(scenes)
        grid = functional.affine_grid(
            torch.stack(rows, 1).to(self.device), [count, 4, side, side], align_corners=False
        )
        return functional.grid_sample(objects, grid, align_corners=False)
