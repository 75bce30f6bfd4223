"""Shared by the training stages: device, precision, time budget, learning-rate schedule, loss curves, grids."""

import contextlib
import csv
import math
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from PIL import Image
from torch import Tensor

__all__ = [
    "CurveLog",
    "Deadline",
    "autocast",
    "device_of",
    "images_to_tensor",
    "learning_rate",
    "save_grid",
    "set_threads",
]


def device_of(name: str) -> torch.device:
    """Resolve ``auto`` to CUDA where there is one, else to the CPU."""
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    torch.backends.cudnn.benchmark = True  # every stage computes one shape over and over
    return torch.device(name)


def set_threads(count: int) -> None:
    """Use ``count`` CPU threads for each operation."""
    torch.set_num_threads(count)


def autocast(device: torch.device, on_cpu: bool) -> contextlib.AbstractContextManager[object]:
    """Return a bfloat16 autocast: always on CUDA, on the CPU only where asked (it pays with AVX512-BF16 or AMX)."""
    return torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda" or on_cpu)


def learning_rate(step: int, fraction: float, warmup: int, hold: float = 0.5) -> float:
    """Return the factor of the peak rate: linear warm-up, a plateau, then a cosine to 2 % over the rest."""
    if fraction < hold:
        decay = 1.0
    else:
        decay = 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * min(1.0, (fraction - hold) / (1 - hold))))
    return min(1.0, (step + 1) / warmup) * decay


class Deadline:
    """A budget of processor minutes or of steps, whichever ends first.

    Processor time of this process, not wall-clock time: a run that is paused, or that shares its core, still gets its
    whole budget, and its learning-rate schedule with it.
    """

    def __init__(self, minutes: float, steps: int, spent: float = 0.0) -> None:
        """Start the budget; ``spent`` is the time used by earlier runs of a resumed training, in seconds."""
        self._seconds, self._steps = minutes * 60, steps
        self._started = self._now() - spent

    @staticmethod
    def _now() -> float:
        return time.perf_counter() if torch.cuda.is_available() else time.process_time()

    def spent(self) -> float:
        """Return the seconds used so far, those of earlier runs included."""
        return self._now() - self._started

    def fraction(self, step: int) -> float:
        """Return how much of the budget is used, in 0..1 and beyond."""
        return max(self.spent() / self._seconds, step / self._steps)

    def passed(self, step: int) -> bool:
        """Tell whether the budget is used up."""
        return self.fraction(step) >= 1


class CurveLog:
    """Appends rows of numbers, stamped with the time of day, to a CSV file and to the standard output."""

    def __init__(self, path: Path, *columns: str) -> None:
        """Open the file for appending and write the header if it is new."""
        self._path, self._columns = path, columns
        if not path.exists():
            path.write_text(",".join((*columns, "time")) + "\n")

    def write(self, *values: float) -> None:
        """Write one row."""
        row = [f"{value:.6g}" for value in values]
        with self._path.open("a", newline="") as file:
            csv.writer(file).writerow([*row, time.strftime("%H:%M:%S")])
        print(" ".join(f"{name} {value}" for name, value in zip(self._columns, row, strict=True)), flush=True)


def images_to_tensor(images: npt.NDArray[np.uint8]) -> Tensor:
    """Turn ``[N, H, W, 3]`` uint8 into ``[N, 3, H, W]`` float32 in -1..1."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def save_grid(path: Path, images: Tensor, columns: int) -> None:
    """Write ``[N, 3, H, W]`` pictures in -1..1 as one sheet, row by row; the file's suffix picks the format."""
    pixels = (
        ((images.detach().float().cpu().clamp(-1, 1) + 1) * 127.5).round().byte().permute(0, 2, 3, 1).numpy()
    )
    rows = -(-len(pixels) // columns)
    height, width = pixels.shape[1:3]
    sheet = Image.new("RGB", (columns * width, rows * height), "white")
    for index, image in enumerate(pixels):
        sheet.paste(Image.fromarray(image), (index % columns * width, index // columns * height))
    sheet.save(path, quality=88)
