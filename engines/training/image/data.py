"""Stage ``data``: fetch the icon sets, draw the pictures of the vocabulary and store them with their attribution.

python -m training.image.data --work build/image
"""

import argparse
import io
import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from .colours import natural_colour
from .sources import SOURCES, fetch, icons_of, render
from .vocabulary import CONCEPTS, STYLES, Concept

__all__ = ["Picture", "load_pictures", "nouns_of", "store_pictures"]


@dataclass(frozen=True, slots=True)
class Picture:
    """One drawing of a noun: ``rgba`` is ``[128, 128, 4]`` uint8, straight alpha, sRGB."""

    noun: str
    source: str
    name: str
    style: str
    role: str
    colour: str | None
    rgba: npt.NDArray[np.uint8]

    @property
    def shape_only(self) -> bool:
        """Tell whether the drawing is a one-colour shape, which is always repainted."""
        return self.role == "shapes"


def load_pictures(work: Path, *roles: str) -> list[Picture]:
    """Read the pictures that the stage stored, of the given roles (all when none is given)."""
    index = json.loads((work / "pictures.json").read_text())
    with np.load(work / "pictures.npz") as stored:
        data, ends = stored["data"].tobytes(), stored["ends"]
    starts = [0, *ends[:-1]]
    return [
        Picture(**entry, rgba=np.asarray(Image.open(io.BytesIO(data[start:end])).convert("RGBA")))
        for entry, start, end in zip(index, starts, ends, strict=True)
        if not roles or entry["role"] in roles
    ]


def store_pictures(work: Path, index: list[dict[str, Any]], images: list[npt.NDArray[np.uint8]]) -> None:
    """Write pictures as lossless WebP in one file, and the description of each in another."""
    encoded = []
    for image in images:
        file = io.BytesIO()
        Image.fromarray(image).save(file, "WEBP", lossless=True, method=3)
        encoded.append(file.getvalue())
    data = np.frombuffer(b"".join(encoded), np.uint8)
    np.savez(work / "pictures.npz", data=data, ends=np.cumsum([len(part) for part in encoded]))
    (work / "pictures.json").write_text(json.dumps(index, indent=0))


def nouns_of(pictures: Iterable[Picture]) -> list[str]:
    """Return the nouns that the training shows, sorted: the position is the class index of every classifier."""
    return sorted({picture.noun for picture in pictures if picture.role == "train"})


def build(work: Path, sets: Path, concepts: Sequence[Concept]) -> Counter[str]:
    """Draw every icon of the concepts and return the count per set."""
    index, images, counts = [], [], Counter[str]()
    for source in SOURCES:
        for icon in icons_of(source, sets, concepts):
            image = render(icon.svg)
            if image is None:
                continue
            index.append(
                {
                    "noun": icon.noun,
                    "source": source.name,
                    "name": icon.name,
                    "style": STYLES.get(source.name, ""),
                    "role": source.role,
                    "colour": natural_colour(image),
                }
            )
            images.append(image)
            counts[source.name] += 1
    work.mkdir(parents=True, exist_ok=True)
    store_pictures(work, index, images)
    (work / "sources.json").write_text(json.dumps(counts, indent=1))
    return counts


def main(argv: Sequence[str] | None = None) -> None:
    """Run the stage with these arguments, or with the command line's."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--work", type=Path, required=True, help="folder for everything that the recipe makes"
    )
    parser.add_argument(
        "--sets", type=Path, help="folder that already holds the icon sets; fetched when left out"
    )
    parser.add_argument(
        "--limit", type=int, default=0, help="only the first so many nouns (for a quick check)"
    )
    arguments = parser.parse_args(argv)
    sets = arguments.sets or fetch(arguments.work / "npm")
    concepts = CONCEPTS[: arguments.limit or None]
    counts = build(arguments.work, sets, concepts)
    print(f"{sum(counts.values())} pictures of {len(concepts)} nouns: {dict(counts)}")


if __name__ == "__main__":
    main()
