"""Makes `proto/vectors/film.json`, which the evaluators of films in Python and TypeScript are held to: run
`python tests/support/film_vectors.py` after a change of the drawing."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from antiphon_server.film.frame import frame
from antiphon_server.film.looks import EYES, MOUTHS, figure, look_of
from antiphon_server.film.reel import captions, length, reel

PATH = Path(__file__).parents[2] / "proto" / "vectors" / "film.json"

FILMS: dict[str, list[dict[str, Any]]] = {
    "a scene": [
        {"id": "t", "kind": "title", "seconds": 1, "text": "The Last Ferry\nAda"},
        {
            "id": "e", "kind": "establish", "seconds": 2, "size": "extreme_wide", "move": "pan_right", "place": "PIER",
            "time": "NIGHT", "transition": "fade", "over": 1,
        },
        {
            "id": "a", "kind": "action", "seconds": 1.5, "size": "full", "move": "pan_left", "text": "Anna walks in.",
            "cast": ["ANNA", "KEEPER"], "place": "PIER", "time": "ВЕЧЕР", "transition": "dissolve", "over": 0.5,
        },
        {
            "id": "s", "kind": "speech", "seconds": 4, "size": "close", "angle": "over_shoulder", "move": "push",
            "who": "ANNA", "cast": ["ANNA"], "place": "ДОМ", "time": "УТРО", "inside": True, "transition": "wipe",
            "text": "The last ferry has already left, hasn't it? " * 4,
        },
        {
            "id": "o", "kind": "speech", "seconds": 2, "size": "wide", "who": "ПЁТР", "off": True, "cast": ["ПЁТР"],
            "text": "Никто не ходит по воде ночью 😀 漢字漢字", "move": "shake", "angle": "low", "inside": True,
        },
        {"id": "p", "kind": "action", "seconds": 1, "move": "pull", "picture": "0" * 64, "angle": "high"},
        {"id": "u", "kind": "action", "seconds": 1, "move": "tilt_up", "size": "extreme_close", "angle": "top",
         "cast": ["😀", "b", "c"]},
    ],
    "faulty shots": [
        {"id": "none"},
        {"id": "nothing", "seconds": 0, "transition": "dissolve", "over": 10},
        {"id": "wrong", "seconds": "3", "size": 3, "kind": "cat", "cast": "Anna", "off": 1, "text": None},
        {"id": "short", "seconds": 0.1, "transition": "dissolve", "over": 9},
        {"id": "after", "seconds": 0.2, "transition": "wipe", "over": 9},
        {"id": "long", "kind": "speech", "seconds": 3, "text": "x" * 1000, "who": ""},
        {"id": "much", "seconds": 1e9, "transition": "fade", "over": -1},
    ],
    "weather": [
        {"seconds": 1.5, "effects": ["rain", "beam", "beam", 3], "act": "walk", "place": "PIER", "time": "NIGHT",
         "size": "full", "cast": ["ANNA", "ПЕЧНИК"], "move": "pan_left"},
        {"seconds": 1.5, "effects": ["snow", "lightning"], "act": "run", "place": "УЛИЦА", "cast": ["DRAWN"]},
        {"seconds": 1.5, "effects": ["fog", "fire"], "act": "turn", "place": "WOOD", "cast": ["NOTI", "PEEP"]},
        {"seconds": 1.5, "effects": ["rain", "fire", "beam", "lightning"], "act": "gesture", "place": "HALL",
         "inside": True, "cast": ["PEEP"], "size": "close"},
        {"seconds": 1.5, "kind": "speech", "act": "nod", "cast": ["ANNA"], "who": "ANNA", "text": "Бм, фью!",
         "mouth": "700o 0r 80c 140 300w x 420u 560t", "effects": "rain"},
    ],
    "nothing": [],
}  # fmt: skip
CAST: dict[str, dict[str, Any]] = {
    "NOTI": {"style": "notionists", "coat": "#102030"},
    "PEEP": {"style": "open_peeps", "seed": "another", "skin": "#8d5a3a", "hair": "red"},
    "DRAWN": {"style": "drawing", "picture": "1" * 64},
    "ПЕЧНИК": {"style": "drawing"},
    "b": {"style": "cat", "seed": 3, "skin": None},
}


def made() -> dict[str, Any]:
    """All vectors."""
    return {"cast": CAST, "films": _films(), "figures": _figures()}


def _figures() -> list[list[str]]:
    """Faces: what each is drawn from, and the SHA-256 of its SVG."""
    found = []
    for name in ("ANNA", "PEEP", "NOTI"):
        look = look_of(name, CAST.get(name, {}))
        for mouth in MOUTHS:
            for eyes in EYES:
                one = [look.style, look.seed, look.skin, look.hair, look.coat, eyes, mouth]
                found.append([*one, hashlib.sha256(figure(*one).encode()).hexdigest()])
    return found


def _films() -> list[dict[str, Any]]:
    vectors = []
    for name, shots in FILMS.items():
        clips = reel(shots, CAST)
        last = min(length(clips), 400)
        numbers = sorted({-1, *range(0, last, 11), *(clip.start for clip in clips), length(clips)})
        vectors.append(
            {
                "film": name,
                "shots": shots,
                "clips": [[clip.start, clip.frames, clip.lead, clip.transition] for clip in clips],
                "captions": [
                    [one.start, one.end, one.who, list(one.lines)] for clip in clips for one in captions(clip)
                ],
                "frames": {str(number): frame(clips, number) for number in numbers},
            }
        )
    return vectors


def written() -> str:
    """The file."""
    return json.dumps(made(), ensure_ascii=False, separators=(",", ":")) + "\n"


if __name__ == "__main__":
    PATH.write_text(written())
