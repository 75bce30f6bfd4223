"""Prompts in words, as controls of the model: styles with weights, and a mood.

The model knows 29 styles by name and nothing of language, so this is a dictionary: names and near names of styles,
instruments and places that suggest one, and adjectives that say how dense and how bright it should be. A word that
nobody foresaw is compared by its letters; a prompt in which nothing is known asks for no style in particular.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from antiphon_engines.audio.symbolic.style_names import NEAR, RUSSIAN, RUSSIAN_BRIGHTNESS, RUSSIAN_DENSITY
from antiphon_engines.audio.symbolic.tokens import STYLES
from antiphon_proto.document.jam import Prompt

UNKNOWN: Final = "any"

_WORDS: Final[Mapping[str, str]] = {
    "pop": "pop poppy chart radio indie britpop kpop synthpop",
    "rock": "rock guitar rocky rocknroll surf grunge punk garage alternative",
    "hardrock": "hardrock hard heavy arena riff stadium",
    "ballad": "ballad romantic love slow tender piano sad melancholic melancholy emotional lullaby",
    "folk": "folk acoustic campfire songwriter singer fingerpicking",
    "country": "country western nashville bluegrass banjo cowboy honkytonk",
    "blues": "blues bluesy shuffle delta boogie slide harmonica",
    "jazz": "jazz jazzy swing bebop bop standard trio smoky combo",
    "bossa": "bossa bossanova nova brazilian ipanema lounge",
    "samba": "samba carnival rio batucada brazil",
    "reggae": "reggae dub jamaican jamaica rasta roots",
    "ska": "ska twotone skank",
    "funk": "funk funky groove groovy slap soul motown rnb",
    "disco": "disco seventies dancefloor glitter",
    "house": "house deep club edm dance garage",
    "techno": "techno trance rave electronic electro industrial acid synth",
    "hiphop": "hiphop hip hop rap trap boombap beat beats",
    "lofi": "lofi chill chillhop study relaxing mellow cozy",
    "ambient": "ambient drone space meditation atmospheric ethereal dreamy soundscape cinematic film",
    "waltz": "waltz vienna viennese ballroom musette",
    "jazzwaltz": "jazzwaltz",
    "march": "march military parade brass fanfare anthem",
    "celtic": "celtic irish scottish jig reel gaelic fiddle",
    "chorale": "chorale bach choir hymn church choral organ",
    "classical": "classical baroque mozart romantic orchestra orchestral symphonic strings quartet sonata harpsichord",
    "latin": "latin salsa cuban mambo montuno cumbia son bachata merengue rumba",
    "tango": "tango argentine argentina buenos milonga bandoneon",
    "metal": "metal thrash doom djent death",
    "gospel": "gospel worship hammond spiritual",
}  # fmt: skip
_PHRASES: Final[Mapping[str, str]] = {
    "hard rock": "hardrock",
    "heavy metal": "metal",
    "jazz waltz": "jazzwaltz",
    "bossa nova": "bossa",
    "hip hop": "hiphop",
    "hip-hop": "hiphop",
    "lo fi": "lofi",
    "lo-fi": "lofi",
    "drum and bass": "techno",
    "rock and roll": "rock",
    "r&b": "funk",
    "boom bap": "hiphop",
    "new age": "ambient",
    "хип-хоп": "hiphop",
    "хип хоп": "hiphop",
    "хард-рок": "hardrock",
    "хард рок": "hardrock",
    "тяжёлый рок": "hardrock",
    "рок-н-ролл": "rock",
    "лоу-фай": "lofi",
    "ло-фай": "lofi",
    "джазовый вальс": "jazzwaltz",
    "honky tonk": "country",
    "two tone": "ska",
}
_DENSITY: Final[Mapping[str, float]] = {
    "sparse": 0.1, "minimal": 0.1, "empty": 0.0, "calm": 0.25, "quiet": 0.2, "gentle": 0.25, "soft": 0.3, "slow": 0.3,
    "simple": 0.25, "laid": 0.35, "busy": 0.85, "dense": 0.9, "energetic": 0.8, "fast": 0.8, "wild": 1.0,
    "driving": 0.75, "frantic": 1.0, "intense": 0.85, "full": 0.7, "rich": 0.7, "upbeat": 0.7,
}  # fmt: skip
_BRIGHTNESS: Final[Mapping[str, float]] = {
    "dark": 0.1, "gloomy": 0.1, "mellow": 0.25, "warm": 0.3, "muffled": 0.05, "soft": 0.3, "smoky": 0.25, "lofi": 0.3,
    "bright": 0.85, "shiny": 0.9, "sparkling": 0.95, "crisp": 0.85, "brilliant": 0.95, "sunny": 0.8, "happy": 0.7,
    "cheerful": 0.75, "sharp": 0.9,
}  # fmt: skip
_STYLE_OF: Final[dict[str, list[str]]] = {}
for _style, _names in _WORDS.items():
    for _word in _names.split():
        _STYLE_OF.setdefault(_word, []).append(_style)
# A style's own name is never another's.
_STYLE_OF.update({style: [style] for style in STYLES if style != UNKNOWN})


@dataclass(frozen=True)
class Direction:
    """`styles` are weights that sum to 1; `density` and `brightness` are 0 to 1, None where no word spoke of them."""

    styles: Mapping[str, float]
    density: float | None = None
    brightness: float | None = None

    @property
    def main(self) -> str:
        """The style that weighs most; the first one asked for where several do."""
        return max(self.styles, key=lambda style: self.styles[style])


def direction(prompts: Iterable[Prompt]) -> Direction:
    """The combined effect of weighted prompts. Prompts without weight, and none at all, ask for no style."""
    styles: dict[str, float] = {}
    moods: dict[str, list[tuple[float, float]]] = {"density": [], "brightness": []}
    for prompt in prompts:
        if not prompt.weight > 0:
            continue
        found, density, brightness = _read(prompt.text)
        for style, share in found:
            styles[style] = styles.get(style, 0.0) + prompt.weight * share
        moods["density"] += [(value, prompt.weight) for value in density]
        moods["brightness"] += [(value, prompt.weight) for value in brightness]
    total = sum(styles.values())
    known = {style: weight / total for style, weight in styles.items()} if total > 0 else {UNKNOWN: 1.0}
    return Direction(known, _mean(moods["density"]), _mean(moods["brightness"]))


def _mean(weighted: list[tuple[float, float]]) -> float | None:
    total = sum(weight for _, weight in weighted)
    return sum(value * weight for value, weight in weighted) / total if total > 0 else None


@lru_cache(maxsize=512)
def _read(text: str) -> tuple[tuple[tuple[str, float], ...], tuple[float, ...], tuple[float, ...]]:
    """Styles with shares that sum to 1, and the densities and brightnesses that are named."""
    rest = text.lower()
    counts: dict[str, float] = {}
    for phrase, style in _PHRASES.items():
        if phrase in rest:
            rest = rest.replace(phrase, " ")
            counts[style] = counts.get(style, 0.0) + 2.0
    words = re.findall(r"[a-z0-9&\u0430-\u044f\u0451]+", rest)
    for word in words:
        names = _STYLE_OF.get(word) or _near(word)
        for style in names:
            # The style's own name says more than a word that only suggests it.
            counts[style] = counts.get(style, 0.0) + (2.0 if word == style else 1.0) / len(names)
    total = sum(counts.values())
    styles = tuple((style, count / total) for style, count in counts.items()) if total else ((UNKNOWN, 1.0),)
    density = [_DENSITY[word] for word in words if word in _DENSITY]
    brightness = [_BRIGHTNESS[word] for word in words if word in _BRIGHTNESS]
    density += [RUSSIAN_DENSITY[stem] for word in words if (stem := _stem(word, RUSSIAN_DENSITY))]
    brightness += [RUSSIAN_BRIGHTNESS[stem] for word in words if (stem := _stem(word, RUSSIAN_BRIGHTNESS))]
    return styles, tuple(density), tuple(brightness)


def _stem(word: str, stems: Mapping[str, object]) -> str:
    """The longest of the beginnings that a word has; empty for none."""
    return max((stem for stem in stems if word.startswith(stem)), key=len, default="")


def _near(word: str) -> list[str]:
    """Styles of a word that is none of their names: a near genre, a Russian word, or one that is spelt almost like a
    known one."""
    if word in NEAR:
        return [NEAR[word]]
    if stem := _stem(word, RUSSIAN):
        return [RUSSIAN[stem]]
    if len(word) < 5 or word in _DENSITY or word in _BRIGHTNESS:
        return []
    close = difflib.get_close_matches(word, _STYLE_OF, n=1, cutoff=0.84)
    return _STYLE_OF[close[0]] if close else []
