"""Naming the colours of a picture and repainting an object in a named colour; all arrays are sRGB in 0..1."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from .vocabulary import PALETTE

__all__ = ["Array", "Paintable", "colour_index", "colour_shares", "dominant_colour", "natural_colour"]

Array = npt.NDArray[np.floating[Any]]

_NAMES = tuple(PALETTE)
_RED, _ORANGE, _YELLOW, _GREEN, _BLUE, _PURPLE, _PINK, _BROWN, _BLACK, _GRAY, _WHITE = range(len(_NAMES))


def hue_saturation_value(rgb: Array) -> tuple[Array, Array, Array]:
    """Split ``[..., 3]`` sRGB into hue in degrees, saturation and value in 0..1, each ``[...]``."""
    high, low = rgb.max(-1), rgb.min(-1)
    chroma = high - low
    safe = np.where(chroma > 0, chroma, 1)
    r, g, b = rgb[..., 0], rgb[..., 1], rgb[..., 2]
    sector = np.where(
        high == r, (g - b) / safe % 6, np.where(high == g, (b - r) / safe + 2, (r - g) / safe + 4)
    )
    return (
        (sector * 60).astype(np.float32),
        (chroma / np.maximum(high, 1e-6)).astype(np.float32),
        high.astype(np.float32),
    )


def colour_index(rgb: Array) -> npt.NDArray[np.int64]:
    """Return the index in :data:`PALETTE` of the word that names each colour of ``[..., 3]``.

    Fixed regions of hue, saturation and value: people's colour words are not the nearest neighbours of any set of
    reference points (dark orange is brown, pale red is pink).
    """
    hue, saturation, value = hue_saturation_value(rgb)
    regions = [
        ((value < 0.22), _BLACK),
        ((saturation < 0.17) & (value >= 0.87), _WHITE),
        ((saturation < 0.17) & (value < 0.36), _BLACK),
        ((saturation < 0.17), _GRAY),
        ((hue >= 10) & (hue < 48) & (value < 0.66), _BROWN),
        (((hue < 16) | (hue >= 342)) & (saturation < 0.52) & (value > 0.75), _PINK),
        ((hue < 16) | (hue >= 346), _RED),
        ((hue < 39), _ORANGE),
        ((hue < 67), _YELLOW),
        ((hue < 172), _GREEN),
        ((hue < 254), _BLUE),
        ((hue < 300), _PURPLE),
        ((hue < 346), _PINK),
    ]
    return np.select([mask for mask, _ in regions], [index for _, index in regions], default=_GRAY)


def colour_shares(rgb: Array, weight: Array) -> npt.NDArray[np.float64]:
    """Return the share of ``weight`` (``[H, W]``) that each palette colour covers in ``rgb`` (``[H, W, 3]``)."""
    counts = np.bincount(colour_index(rgb).ravel(), weights=weight.ravel(), minlength=len(_NAMES))
    return counts / max(float(counts.sum()), 1e-6)


def dominant_colour(rgb: Array, weight: Array) -> tuple[str, float]:
    """Return the colour word that covers most of the object, and its share."""
    shares = colour_shares(rgb, weight)
    index = int(shares.argmax())
    return _NAMES[index], float(shares[index])


@dataclass(frozen=True, slots=True)
class Paintable:
    """An object that can be repainted: ``rgb [H, W, 3]``, how much of each pixel takes the new colour, its shading.

    The pixels of the object's main colour move to the new one and keep their shading; the others (eyes, leaves,
    windows) stay. When the main colour covers little of the object, everything but its darkest and lightest parts is
    repainted, so that the word is true of the result.
    """

    rgb: Array
    mask: Array
    shade: Array

    @classmethod
    def of(cls, rgb: Array, alpha: Array) -> "Paintable":
        """Analyse an object: ``rgb [H, W, 3]``, ``alpha [H, W]``."""
        hue, saturation, _ = hue_saturation_value(rgb)
        ink = alpha > 0.5
        index = colour_index(rgb)
        shares = np.bincount(index[ink], minlength=len(_NAMES)) / max(int(ink.sum()), 1)
        luminance = rgb @ np.array([0.299, 0.587, 0.114], np.float32)
        main = int(shares.argmax())
        if main >= _BLACK and shares[:_BLACK].sum() > 0.45:
            main = int(shares[:_BLACK].argmax())
        if main < _BLACK:
            angle = np.deg2rad(hue[ink & (index == main)])
            centre = np.rad2deg(np.arctan2(np.sin(angle).mean(), np.cos(angle).mean()))
            distance = np.abs((hue - centre + 180) % 360 - 180)
            mask = np.clip((52 - distance) / 18, 0, 1) * np.clip((saturation - 0.1) / 0.12, 0, 1)
        elif main == _BLACK:
            mask = np.clip((0.55 - luminance) / 0.15, 0, 1)
        else:
            mask = np.clip((0.3 - saturation) / 0.12, 0, 1) * np.clip((luminance - 0.3) / 0.12, 0, 1)
        if mask[ink].mean() < 0.5 and main != _BLACK:
            midtones = np.clip((luminance - 0.2) / 0.1, 0, 1) * np.clip((0.96 - luminance) / 0.05, 0, 1)
            mask = np.maximum(mask, midtones)
        covered = mask[ink] > 0.5
        reference = float(np.median(luminance[ink][covered])) if covered.any() else 0.5
        if main == _BLACK:
            shade = 1 + (luminance - reference) * 0.5
        else:
            shade = np.clip(luminance / max(reference, 0.1), 0.5, 1.6)
        return cls(rgb, mask[..., None].astype(np.float32), shade[..., None].astype(np.float32))

    def repaint(self, colour: str) -> Array:
        """Return the object in a named colour, ``[H, W, 3]``."""
        target = np.array(PALETTE[colour], np.float32) / 255
        darker = target * np.minimum(self.shade, 1)
        painted = darker + (1 - target) * np.maximum(self.shade - 1, 0) * 0.8
        return self.rgb + self.mask * (np.clip(painted, 0, 1) - self.rgb)


def natural_colour(rgba: npt.NDArray[np.uint8]) -> str | None:
    """Return the colour word of an unpainted picture if one covers half of it."""
    straight = rgba.astype(np.float32) / 255
    colour, share = dominant_colour(straight[..., :3], (straight[..., 3] > 0.5).astype(np.float32))
    return colour if share >= 0.5 else None
