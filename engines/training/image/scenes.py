"""A scene (noun, count, colour, position, background, style) and the words people use for it."""

from dataclasses import dataclass
from random import Random

from .data import Picture
from .vocabulary import (
    BACKGROUNDS,
    COLOUR_SYNONYMS,
    CONCEPTS,
    ONE_WAY,
    PALETTE,
    PLAIN_STYLES,
    RUSSIAN_COLOURS,
    UNCOUNTED,
    is_held_out,
)

__all__ = ["COUNTS", "PLACES", "Placement", "Scene", "caption", "contrast", "draw_scene", "plural"]

_SYNONYMS = {concept.noun: concept.synonyms for concept in CONCEPTS}
_RUSSIAN = {concept.noun: concept.russian for concept in CONCEPTS}
_COLOUR_SYNONYMS = {
    colour: [word for word, meant in COLOUR_SYNONYMS.items() if meant == colour] for colour in PALETTE
}

COUNTS = {2: "two", 3: "three"}
"""Count words."""
PLACES = ("top left", "top", "top right", "left", "centre", "right", "bottom left", "bottom", "bottom right")
"""Place words, row by row."""
FILLED = 114 / 128
"""Share of the picture's side that the longer side of a centred object takes."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one copy of the object is: size relative to filling the picture, centre in -1..1, turn in radians."""

    size: float = 1.0
    x: float = 0.0
    y: float = 0.0
    turn: float = 0.0
    mirrored: bool = False


@dataclass(frozen=True, slots=True)
class Scene:
    """The content of one training picture; ``colour`` is None when the object keeps its own colours and none prevails.

    ``where`` holds the words of its captions about size and place; they are empty for most scenes.
    """

    noun: str
    colour: str | None
    repainted: bool
    background: str
    style: str
    placements: tuple[Placement, ...] = (Placement(),)
    where: tuple[str, ...] = ()


def contrast(first: tuple[int, int, int], second: tuple[int, int, int]) -> int:
    """Return the sum of the absolute differences of two colours, 0 to 765."""
    return sum(abs(a - b) for a, b in zip(first, second, strict=True))


def _centred(rng: Random, mirrored: bool) -> Placement:
    """Nearly fill the picture: the layout for a prompt without size and place."""
    size = rng.uniform(0.84, 1.0)
    slack = 1 - size * FILLED
    return Placement(
        size,
        rng.uniform(-slack, slack) * 0.7,
        rng.uniform(-slack, slack) * 0.7,
        rng.gauss(0, 0.06),
        mirrored,
    )


def _elsewhere(rng: Random, mirrored: bool) -> tuple[Placement, tuple[str, ...]]:
    """Put a smaller copy anywhere, as sketches are, and return the words for it."""
    size = rng.uniform(0.34, 0.8)
    slack = 1 - size * FILLED
    x, y = rng.uniform(-slack, slack), rng.uniform(-slack, slack)
    column, row = (0 if value < -0.22 else 2 if value > 0.22 else 1 for value in (x, y))
    words = ("small" if size < 0.55 else "", PLACES[3 * row + column] if size < 0.68 else "")
    return Placement(size, x, y, rng.gauss(0, 0.12), mirrored), words


def _several(rng: Random, mirrored: bool, count: int) -> tuple[Placement, ...]:
    """Put two or three equal copies side by side, three sometimes as a triangle."""
    turn = rng.gauss(0, 0.06)
    if count == 2:
        size, lift = rng.uniform(0.42, 0.52), rng.uniform(-0.3, 0.3)
        spots = [(-0.48, -lift), (0.48, lift)]
    elif rng.random() < 0.5:
        size, lift = rng.uniform(0.3, 0.35), rng.uniform(-0.2, 0.2)
        spots = [(-0.65, -lift), (0.0, lift), (0.65, -lift)]
    else:
        size, way = rng.uniform(0.4, 0.48), rng.choice((-1, 1))
        spots = [(-0.47, 0.47 * way), (0.47, 0.47 * way), (0.0, -0.47 * way)]
    return tuple(Placement(size, x, y, turn, mirrored) for x, y in spots)


def draw_scene(picture: Picture, rng: Random, held_out: bool = True) -> Scene:
    """Choose colour, background and placement for a picture; pairs that are held out are never chosen."""
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
    mirrored = picture.noun not in ONE_WAY and rng.random() < 0.4
    kind = rng.random()
    where: tuple[str, ...] = ()
    if kind < 0.1 and picture.noun not in UNCOUNTED:
        placements = _several(rng, mirrored, rng.choice(tuple(COUNTS)))
    elif kind < 0.32:
        placed, words = _elsewhere(rng, mirrored)
        placements, where = (placed,), words if rng.random() < 0.65 else ()
    else:
        placements = (_centred(rng, mirrored),)
    return Scene(picture.noun, colour, repainted, background, picture.style, placements, where)


def plural(noun: str) -> str:
    """Return the English plural of a noun of the vocabulary."""
    irregular = {
        "mouse": "mice", "wolf": "wolves", "leaf": "leaves", "knife": "knives", "snowman": "snowmen",
        "fish": "fish", "sheep": "sheep", "deer": "deer", "tomato": "tomatoes",
    }  # fmt: skip
    *before, last = noun.split()
    if last in irregular:
        last = irregular[last]
    elif last.endswith(("s", "x", "ch", "sh")):
        last += "es"
    elif last.endswith("y") and last[-2] not in "aeiou":
        last = last[:-1] + "ies"
    else:
        last += "s"
    return " ".join((*before, last))


def _russian(scene: Scene, rng: Random) -> str:
    """Say a scene of one plain object in Russian: agreement of endings is not the point, the words are."""

    def adjective(colour: str) -> str:
        stem, endings = RUSSIAN_COLOURS[colour]
        return stem + rng.choice(endings.split())

    words = [adjective(scene.colour)] if scene.colour and (scene.repainted or rng.random() < 0.4) else []
    words.append(rng.choice(_RUSSIAN[scene.noun]))
    if scene.background != "white" or rng.random() < 0.15:
        words.append(f"на {adjective(scene.background)} фоне")
    return " ".join(words)


def caption(scene: Scene, rng: Random) -> str:
    """Say a scene in words; the colour, the style and a white background are sometimes left unsaid.

    A style that is not a plain one is always said, so that a prompt without a style word asks for a plain drawing;
    so is a count.
    """
    noun, count = scene.noun, len(scene.placements)
    plain = scene.style in PLAIN_STYLES and count == 1 and not any(scene.where)
    if plain and _RUSSIAN[noun] and rng.random() < 0.1:
        return _russian(scene, rng)
    synonyms = _SYNONYMS[noun]
    if synonyms and rng.random() < 0.15:
        noun = rng.choice(synonyms)
    size, place = scene.where or ("", "")
    words = ["a"] if count == 1 and rng.random() < 0.3 else []
    if count > 1:
        words.append(COUNTS[count])
        noun = plural(noun)
    if size:
        words.append(size if rng.random() < 0.8 else "tiny")
    if scene.colour is not None and (scene.repainted or rng.random() < 0.4):
        others = _COLOUR_SYNONYMS[scene.colour]
        words.append(rng.choice(others) if others and rng.random() < 0.08 else scene.colour)
    words.append(noun)
    if scene.style not in PLAIN_STYLES or rng.random() < 0.3:
        words.append("logo" if scene.style == "logo" else f"{scene.style} sticker")
    if place:
        words.append(rng.choice((place, f"on the {place}", f"in the {place}", f"at the {place}")))
        if " " in place and rng.random() < 0.5:
            words.append("corner")
    if scene.background != "white" or rng.random() < 0.15:
        words.append(f"on {scene.background} background" if rng.random() < 0.7 else f"on {scene.background}")
    return " ".join(words)
