"""A scene (noun, colour, background, style), the picture it stands for, and the words people might use for it."""

from dataclasses import dataclass
from random import Random

import numpy as np
import numpy.typing as npt

from .colours import Array, Paintable
from .data import Picture
from .vocabulary import BACKGROUNDS, COLOUR_SYNONYMS, CONCEPTS, PALETTE, PLAIN_STYLES, is_held_out

__all__ = ["Composer", "Scene", "caption", "contrast", "draw_scene"]

_SYNONYMS = {concept.noun: concept.synonyms for concept in CONCEPTS}
_COLOUR_SYNONYMS = {
    colour: [word for word, meant in COLOUR_SYNONYMS.items() if meant == colour] for colour in PALETTE
}


@dataclass(frozen=True, slots=True)
class Scene:
    """What one training picture shows; ``colour`` is None when the object keeps its own colours and none prevails."""

    noun: str
    colour: str | None
    repainted: bool
    background: str
    style: str


def contrast(first: tuple[int, int, int], second: tuple[int, int, int]) -> int:
    """Return the sum of the absolute differences of two colours, 0 to 765."""
    return sum(abs(a - b) for a, b in zip(first, second, strict=True))


def draw_scene(picture: Picture, rng: Random, held_out: bool = True) -> Scene:
    """Choose a colour and a background for a picture; pairs that are held out are never chosen."""
    colour, repainted = picture.colour, False
    if picture.shape_only or rng.random() < 0.5:
        choices = [c for c in PALETTE if not (held_out and is_held_out(picture.noun, c))]
        colour, repainted = rng.choice(choices), True
    background = "white"
    if rng.random() < 0.33 or colour == "white":
        ink = PALETTE[colour] if colour else (128, 128, 128)
        background = rng.choice(
            [
                name
                for name, value in BACKGROUNDS.items()
                if contrast(value, ink) > 120 and not (held_out and is_held_out(picture.noun, f"on {name}"))
            ]
        )
    return Scene(picture.noun, colour, repainted, background, picture.style)


class Composer:
    """Paints scenes; the analysis of each picture is done once and kept."""

    def __init__(self) -> None:
        """Start with no picture analysed."""
        self._known: dict[int, tuple[Picture, Paintable]] = {}

    def compose(self, picture: Picture, scene: Scene) -> npt.NDArray[np.uint8]:
        """Paint a scene: ``[128, 128, 3]`` sRGB."""
        rgba = picture.rgba.astype(np.float32) / 255
        rgb: Array = rgba[..., :3]
        alpha = rgba[..., 3:]
        if scene.repainted and scene.colour is not None:
            # The picture is kept beside its analysis, so that its id cannot pass to another object.
            if id(picture) not in self._known:
                self._known[id(picture)] = picture, Paintable.of(rgb, alpha[..., 0])
            rgb = self._known[id(picture)][1].repaint(scene.colour)
        ground = np.array(BACKGROUNDS[scene.background], np.float32) / 255
        painted = ground + alpha * (rgb - ground)
        image: npt.NDArray[np.uint8] = (painted * 255 + 0.5).astype(np.uint8)
        return image


def caption(scene: Scene, rng: Random) -> str:
    """Say a scene in words; the colour, the style and a white background are sometimes left unsaid.

    A style that is not a plain one is always said, so that a prompt without a style word asks for a plain drawing.
    """
    noun = scene.noun
    synonyms = _SYNONYMS[noun]
    if synonyms and rng.random() < 0.15:
        noun = rng.choice(synonyms)
    words = ["a"] if rng.random() < 0.3 else []
    if scene.colour is not None and (scene.repainted or rng.random() < 0.4):
        others = _COLOUR_SYNONYMS[scene.colour]
        words.append(rng.choice(others) if others and rng.random() < 0.08 else scene.colour)
    words.append(noun)
    if scene.style not in PLAIN_STYLES or rng.random() < 0.3:
        words.append("logo" if scene.style == "logo" else f"{scene.style} sticker")
    if scene.background != "white" or rng.random() < 0.15:
        words.append(f"on {scene.background} background" if rng.random() < 0.7 else f"on {scene.background}")
    return " ".join(words)
