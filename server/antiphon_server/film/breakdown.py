"""The breakdown of a script: people, props and places of each scene, as a table and as CSV."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final

from antiphon_proto.document.film import Scene, SceneNeeds
from antiphon_server.film.shots import cast, mentioned

_CAPITALS: Final = re.compile(r"(?<!\w)[A-ZА-ЯЁ][A-ZА-ЯЁ'’\-]{2,}(?:\s+[A-ZА-ЯЁ][A-ZА-ЯЁ'’\-]+)*(?!\w)")
_SOUNDS: Final = re.compile(
    r"\b(?:thunder|rain|wind|bell|knock|ring|crash|bang|scream|shout|music|song|footsteps|siren|gunshot|whistle|horn|"
    r"waves|engine|laughter|applause|гром|дожд|ветер|ветр|колокол|звон|стук|грохот|крик|музык|песн|шаги|шагов|сирен|выстрел|"
    r"свист|гудок|гудк|волн|мотор|смех|аплодисмент)\w*",
    re.IGNORECASE,
)
_PROPS: Final = re.compile(
    r"\b(?:letter|key|keys|knife|gun|pistol|phone|telephone|lamp|lantern|candle|umbrella|book|photograph|photo|ticket|bag|"
    r"suitcase|glass|bottle|cup|coat|hat|ring|watch|map|rope|boat|car|bicycle|camera|letter|flowers|table|chair|door|window|"
    r"письм[оа]|ключ\w*|нож\w*|пистолет\w*|телефон\w*|ламп\w*|фонар\w*|свеч\w*|зонт\w*|книг\w*|фотографи\w*|билет\w*|сумк\w*|"
    r"чемодан\w*|стакан\w*|бутылк\w*|чашк\w*|пальто|шляп\w*|кольц\w*|часы|карт[аыу]|вер[её]вк\w*|лодк\w*|машин\w*|камер\w*|"
    r"цвет[ыов]+|стол\w*|стул\w*|двер\w*|окн[оаеу])\b",
    re.IGNORECASE,
)
_COLUMNS: Final[dict[str, tuple[str, ...]]] = {
    "en": (
        "Scene", "Heading", "Place", "Inside/outside", "Time of day", "People", "Props", "Sounds", "Speeches", "Shots",
    ),
    "ru": (
        "Сцена", "Заголовок", "Место", "Интерьер/натура", "Время суток", "Люди", "Реквизит", "Звуки", "Реплики",
        "Кадры",
    ),
}  # fmt: skip
_SIDES: Final = {"en": ("inside", "outside"), "ru": ("интерьер", "натура")}
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


def breakdown(found: Sequence[Scene], shots: Iterable[int] = ()) -> list[SceneNeeds]:
    """The needs of each scene. `shots`: the scene of each shot."""
    counts = Counter(shots)
    everybody = list(dict.fromkeys(name for scene in found for name in cast(scene)))
    table: list[SceneNeeds] = []
    running = 0
    for place, scene in enumerate(found):
        if scene.heading:
            running += 1
        action = " ".join(beat.text for beat in scene.beats if beat.kind == "action")
        asides = " ".join(beat.aside for beat in scene.beats if beat.aside)
        people = list(dict.fromkeys((*cast(scene), *mentioned(action, everybody))))
        upper = {name.upper() for name in everybody}
        written = [word.lower() for word in _CAPITALS.findall(action) if word.upper() not in upper]
        sounds = _each((*_SOUNDS.findall(action), *_SOUNDS.findall(asides)))
        # A thing in capitals is meant to be noticed.
        props = _each((*_PROPS.findall(action), *written), but=sounds)
        table.append(
            SceneNeeds(
                scene.number or (str(running) if scene.heading else ""),
                scene.heading,
                scene.place,
                scene.time,
                scene.inside,
                scene.outside,
                tuple(people),
                props,
                sounds,
                sum(1 for beat in scene.beats if beat.kind == "speech"),
                counts[place],
            )
        )
    return table


def as_csv(table: Sequence[SceneNeeds], language: str = "en", made_by: Sequence[str] = ()) -> str:
    """With a heading in the language, and below a blank row who made the film; a byte order mark, so that spreadsheets
    read Cyrillic. A cell that a spreadsheet would take for a formula has an apostrophe before it."""
    out = io.StringIO()
    writer = csv.writer(out)
    inside, outside = _SIDES.get(language, _SIDES["en"])
    writer.writerow(_COLUMNS.get(language, _COLUMNS["en"]))
    for row in table:
        sides = [name for name, here in ((inside, row.inside), (outside, row.outside)) if here]
        cells = (
            row.number,
            row.heading,
            row.place,
            " / ".join(sides),
            row.time,
            ", ".join(row.people),
            ", ".join(row.props),
            ", ".join(row.sounds),
            str(row.speeches),
            str(row.shots),
        )
        writer.writerow(map(_safe, cells))
    if made_by:
        writer.writerow(())
        for line in made_by:
            writer.writerow((_safe(line),))
    return "\ufeff" + out.getvalue()


def _safe(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _each(words: Iterable[str], but: Sequence[str] = ()) -> tuple[str, ...]:
    """Each once, in lower case, the first 30."""
    found = dict.fromkeys(word.lower() for word in words)
    return tuple(word for word in found if word not in but)[:30]
