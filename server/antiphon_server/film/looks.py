"""What the people of a film look like: a look for each name until somebody chooses another, and the figures of DiceBear
as SVG (extra `film`). `clients/web/src/film/looks.ts` is the same; `proto/vectors/film.json` holds both to each other.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.resources import files
from typing import Any, Final

from msgspec import Struct

from antiphon_proto.document.film import STYLES
from antiphon_server.film.chance import hash_of

COATS: Final = ("#b3202a", "#2a6fb3", "#2f8a55", "#c08a1f", "#7a4aa8", "#c05a8a", "#3a8a94", "#6b6f78")
SKINS: Final = ("#f2d0b0", "#e0ac86", "#c68a5e", "#8d5a3a", "#f7dcc8")
HAIRS: Final = ("#2a1c14", "#5a3a1e", "#c9a25a", "#8a8a8f", "#a23a1e")
_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")

MOUTHS: Final = ("rest", "closed", "open", "wide", "round", "teeth")
EYES: Final = ("open", "shut")
_LORELEI: Final = {
    "rest": ["happy01", "happy02", "happy13", "happy14", "sad09"],
    "closed": ["happy14"], "open": ["sad01"], "wide": ["happy06"], "round": ["happy08"], "teeth": ["happy16"],
}  # fmt: skip
_LORELEI_EYES: Final = {
    "open": [f"variant{number:02d}" for number in (2, 4, 6, 10, 16, 20, 21, 24)], "shut": ["variant19"],
}  # fmt: skip
_PEEPS: Final = {
    "rest": "smile", "closed": "smile", "open": "explaining", "wide": "smileTeethGap", "round": "blank",
    "teeth": "smileTeethGap",
}  # fmt: skip
_NOTIONISTS: Final = {
    "rest": ["variant17", "variant20", "variant22", "variant23"],
    "closed": ["variant13"], "open": ["variant15"], "wide": ["variant08"], "round": ["variant29"],
    "teeth": ["variant27"],
}  # fmt: skip
_NOTIONISTS_EYES: Final = {"open": ["variant04", "variant05"], "shut": ["variant01"]}


class Look(Struct, frozen=True):
    """`style` is one of `antiphon_proto.document.film.STYLES`; colours are `#rrggbb`; `picture` is an asset."""

    style: str
    seed: str
    skin: str
    hair: str
    coat: str
    picture: str


def look_of(name: str, chosen: Mapping[str, Any]) -> Look:
    """The look of a person: what people chose, and for the rest what the name gives."""
    number = hash_of(name)
    seed = chosen.get("seed")
    style = chosen.get("style")
    picture = chosen.get("picture")
    found = style if isinstance(style, str) and style in STYLES else STYLES[0]
    picture = picture if isinstance(picture, str) else ""
    return Look(
        STYLES[0] if found == "drawing" and not picture else found,
        seed if isinstance(seed, str) and seed else name,
        _colour(chosen.get("skin"), SKINS[(number >> 4) % len(SKINS)]),
        _colour(chosen.get("hair"), HAIRS[(number >> 8) % len(HAIRS)]),
        _colour(chosen.get("coat"), COATS[number % len(COATS)]),
        picture,
    )


def options(style: str, seed: str, skin: str, hair: str, coat: str, eyes: str, mouth: str) -> dict[str, Any]:
    """What DiceBear is asked for: the same seed with other eyes and another mouth is the same person."""
    match style:
        case "open_peeps":
            face = _PEEPS.get(mouth, "smile") if eyes != "shut" or mouth != "rest" else "eyesClosed"
            return {
                "seed": seed, "expressionVariant": [face], "skinColor": [skin], "headContrastColor": [hair],
                "clothingColor": [coat], "maskProbability": 0,
            }  # fmt: skip
        case "notionists":
            return {
                "seed": seed, "mouthVariant": _NOTIONISTS.get(mouth, _NOTIONISTS["rest"]),
                "eyesVariant": _NOTIONISTS_EYES.get(eyes, _NOTIONISTS_EYES["open"]), "gestureProbability": 0,
            }  # fmt: skip
    return {
        "seed": seed, "mouthVariant": _LORELEI.get(mouth, _LORELEI["rest"]),
        "eyesVariant": _LORELEI_EYES.get(eyes, _LORELEI_EYES["open"]), "skinColor": [skin], "hairColor": [hair],
    }  # fmt: skip


@cache
def _definition(style: str) -> Any:
    from dicebear import Style

    name = {"open_peeps": "open-peeps", "notionists": "notionists"}.get(style, "lorelei")
    return Style(json.loads((files("dicebear_styles") / f"{name}.json").read_text("utf-8")))


def figure(style: str, seed: str, skin: str, hair: str, coat: str, eyes: str, mouth: str) -> str:
    """A person as SVG. Raises ImportError without the extra `film`."""
    from dicebear import Avatar

    return Avatar(_definition(style), options(style, seed, skin, hair, coat, eyes, mouth)).to_string()


def _colour(value: object, default: str) -> str:
    return value if isinstance(value, str) and _COLOUR.fullmatch(value) else default
