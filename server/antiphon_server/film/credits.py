"""Who and what made a film, for its end and for each of its files: the cast, the writers with their shares of the text,
who made the shots, and the models."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from antiphon_proto.messages import Participant, RunInfo
from antiphon_server.document.authorship import Authorship

_WORDS: Final[dict[str, tuple[str, str, str, str, str]]] = {
    "en": ("Cast", "Text", "Shots", "Models", "Synthetic voices"),
    "ru": ("Роли", "Текст", "Планы", "Модели", "Синтетические голоса"),
}
_PAGE: Final = 5
"""Lines under a heading of a card."""
_CARD: Final = 3.0
_MOST: Final = 60


class CreditSources(Struct, frozen=True):
    """What credits are counted from: the packed authorship of the text, the people of the room, its runs that are not
    private, the author of each shot, and the model of each picture and
    sound that a model made."""

    spans: bytes
    people: tuple[Participant, ...]
    runs: dict[str, RunInfo]
    shots: dict[str, str]
    assets: dict[str, str]


class Credits(Struct, frozen=True):
    """Names, largest share first; `writers` and `makers` with their share of 100."""

    cast: tuple[str, ...]
    writers: tuple[tuple[str, int], ...]
    makers: tuple[tuple[str, int], ...]
    models: tuple[str, ...]
    voices: tuple[str, ...] = ()
    """Models that spoke."""

    def parts(self, language: str) -> list[tuple[str, tuple[str, ...]]]:
        """(heading, lines) of what there is."""
        cast, text, shots, models, voices = _WORDS.get(language, _WORDS["en"])
        found = (
            (cast, self.cast),
            (text, tuple(f"{name}, {share} %" for name, share in self.writers)),
            (shots, tuple(f"{name}, {share} %" for name, share in self.makers)),
            (models, self.models),
            (voices, self.voices),
        )
        return [part for part in found if part[1]]

    def lines(self, language: str) -> list[str]:
        """A line for each heading."""
        return [f"{heading}: {'; '.join(names)}" for heading, names in self.parts(language)]

    def cards(self, language: str) -> list[dict[str, Any]]:
        """Shots for the end of a film."""
        return [
            {"kind": "title", "seconds": _CARD, "text": "\n".join((heading, *names[first : first + _PAGE]))}
            for heading, names in self.parts(language)
            for first in range(0, len(names), _PAGE)
        ]


def credits_of(sources: CreditSources, shots: Sequence[Mapping[str, Any]]) -> Credits:
    """`shots` as `reel` takes them."""
    people = {one.id: one.name for one in sources.people}
    written: Counter[str] = Counter()
    models: dict[str, None] = {}
    for span in Authorship.restore(sources.spans).spans():
        written[span.owner.author] += span.length
        run = sources.runs.get(span.owner.run or "")
        if run is not None and run.model:
            models[run.model] = None
    made: Counter[str] = Counter(author for key, author in sources.shots.items() if author in people)
    cast: dict[str, None] = {}
    voices: dict[str, None] = {}
    for shot in shots:
        names = shot.get("cast")
        for name in (shot.get("who"), *(names if isinstance(names, list | tuple) else ())):
            if isinstance(name, str) and name:
                cast[name] = None
        if isinstance(voice := shot.get("voice_model"), str):
            voices[voice] = None
        for name in ("picture", "sound"):
            if model := sources.assets.get(str(shot.get(name))):
                models[model] = None
    return Credits(
        tuple(cast)[:_MOST],
        _shares(written, people),
        _shares(made, people),
        tuple(models)[:_MOST],
        tuple(voices)[:_MOST],
    )


def _shares(counts: Counter[str], people: Mapping[str, str]) -> tuple[tuple[str, int], ...]:
    total = sum(counts.values())
    found = [
        (people[who], round(100 * count / total)) for who, count in counts.most_common() if who in people
    ]
    return tuple(found[:_MOST])
