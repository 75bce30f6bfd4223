"""Rules that choose size, angle, move and length of a shot from the form of the script. No model directs here: people
change them at will.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Any, Final

from msgspec import Struct

from antiphon_proto.document.film import Beat, Scene
from antiphon_server.film.screenplay import last_change

MAX_CAST: Final = 6
"""People that are drawn in one shot."""
_KNOWN: Final = 60
"""People of a script that are looked for in what is done."""
_OVER: Final[dict[str, float]] = {"cut": 0.0, "dissolve": 1.0, "fade": 1.0, "wipe": 0.75}
_WORD: Final = re.compile(r"\w+")


def _words(*stems: str) -> re.Pattern[str]:
    return re.compile(r"\b(?:" + "|".join(stems) + ")", re.IGNORECASE)


_LOOKS: Final = _words(
    "look", "stare", "watch", "gaze", "glance", "sees?\\b", "смотр", "глядит", "глядя", "видит", "взгляд",
)  # fmt: skip
_WALKS: Final = _words(
    "walk", "run", "enter", "leave", "comes?\\b", "goes\\b", "crosses", "arriv", "rush", "step", "climb", "ид[её]т",
    "бежит", "входит", "выходит", "подходит", "уходит", "шага", "приближ", "подним", "спуска",
)  # fmt: skip
_HOLDS: Final = _words(
    "picks? up", "holds?\\b", "takes?\\b", "opens?\\b", "hand", "letter", "key\\b", "knife", "photo", "бер[её]т",
    "держит", "открыва", "письмо", "ключ", "нож", "рук[аиоу]", "фотограф",
)  # fmt: skip
_SHOCKS: Final = _words(
    "suddenly", "crash", "explo", "bang", "thunder", "slam", "shatter", "вдруг", "внезапно", "взрыв", "гром\\b",
    "грохот", "удар", "разбив",
)  # fmt: skip
_FALLS: Final = _words(
    "falls?\\b", "collapse", "drops?\\b", "kneel", "lies\\b", "пада", "леж", "опуска", "рух"
)
_WAITS: Final = _words("beat\\b", "pause", "silence", "nothing moves", "пауза", "тишина", "молч")
_RUNS: Final = _words("run", "rush", "sprint", "hurr", "flee", "беж", "бег", "мчит", "спешит")
_TURNS: Final = _words("turns?\\b", "spins?\\b", "whirl", "поворач", "оборач", "обернул")
_GESTURES: Final = _words(
    "wave", "point", "gestur", "raise", "beckon", "shrug", "throw", "маш", "указыва", "показыва", "подним", "броса",
)  # fmt: skip
_NODS: Final = _words("nod", "кива", "кивн", "соглас")
_WEATHER: Final[dict[str, re.Pattern[str]]] = {
    "rain": _words("rain", "drizzl", "downpour", "storm", "дожд", "ливень", "ливн", "морос", "гроз"),
    "snow": _words("snow", "blizzard", "снег", "метел", "вьюг", "буран"),
    "fog": _words("fog", "mist\\b", "misty", "haze", "туман", "дымк", "мгл"),
    "beam": _words("lighthouse", "searchlight", "маяк", "прожектор"),
    "fire": _words(
        "fireplace", "bonfire", "campfire", "hearth", "flames?\\b", "fire (?:burns|crackles)", "кост[её]р", "камин",
        "очаг", "пламя", "пламен",
    ),
    "lightning": _words("lightning", "thunder", "молни", "гроз", "гром\\b", "грома"),
}  # fmt: skip
"""What the words of a scene bring into its pictures."""
_QUIET: Final = _words("whisper", "quiet", "soft", "under (?:his|her) breath", "ш[её]пот", "тихо")


class Plan(Struct, frozen=True):
    """A shot to be: the beat that it shows, its scene's number, and its fields but for order and anchors."""

    beat: Beat
    scene: int
    fields: dict[str, Any]


def plans(found: Sequence[Scene], text: str) -> Iterator[Plan]:
    """The shots of a script, one for each beat."""
    change = ""
    speaking = dict.fromkeys(name for scene in found for name in cast(scene))
    people = list(speaking)[:_KNOWN]
    for number, scene in enumerate(found):
        speakers: list[str] = []
        seen = " ".join((scene.heading, *(beat.text for beat in scene.beats if beat.kind == "action")))
        effects = [name for name, form in _WEATHER.items() if form.search(seen)]
        for place, beat in enumerate(scene.beats):
            fields = _fields(scene, beat, place, speakers, people)
            before = beat.change if beat.change != "cut" else change
            change = ""
            if before in _OVER and before != "cut":
                fields["transition"], fields["over"] = before, _OVER[before]
            if effects and beat.kind != "title":
                fields["effects"] = effects
            yield Plan(beat, number, fields)
            if beat.kind == "speech" and beat.who:
                speakers.append(beat.who)
        # A transition at the end of a scene is for the first shot of the next one.
        tail = text[scene.beats[-1].end : scene.end] if scene.beats else ""
        change = last_change(tail) if tail.strip() else ""


def cast(scene: Scene) -> list[str]:
    """Who speaks in a scene, each once, in the order in which they begin."""
    return list(dict.fromkeys(beat.who for beat in scene.beats if beat.kind == "speech" and beat.who))


def mentioned(text: str, people: Sequence[str]) -> list[str]:
    """The people whose names stand in a text."""
    upper = f" {' '.join(_WORD.findall(text.upper()))} "
    return [name for name in people if f" {' '.join(_WORD.findall(name.upper()))} " in upper]


def _fields(
    scene: Scene, beat: Beat, place: int, speakers: Sequence[str], people: Sequence[str]
) -> dict[str, Any]:
    match beat.kind:
        case "title":
            fields = _look("wide", "eye", "static", 3.0)
        case "establish":
            fields = (
                _look("extreme_wide", "eye", "pan_right", 3.5)
                if scene.outside and not scene.inside
                else _look("wide", "eye", "push", 3.0)
            )
        case "action":
            fields = _action(beat, place)
            fields["cast"] = mentioned(beat.text, people)[:MAX_CAST]
            if fields["cast"] and (act := _act(beat.text)):
                fields["act"] = act
        case "speech":
            fields = _speech(beat, speakers)
            fields["who"] = beat.who
            fields["cast"] = [] if beat.off else [beat.who]
            if beat.dual and speakers and not beat.off:
                fields["cast"] = [speakers[-1], beat.who]
            if beat.off:
                fields["off"] = True
            elif act := _act(beat.aside) or ("gesture" if beat.text.rstrip().endswith("!") else ""):
                fields["act"] = act
    return {"kind": beat.kind, **fields, "auto": fields["seconds"]}


def _look(size: str, angle: str, move: str, seconds: float) -> dict[str, Any]:
    return {"size": size, "angle": angle, "move": move, "seconds": round(seconds, 2)}


def _action(beat: Beat, place: int) -> dict[str, Any]:
    text = beat.text
    seconds = min(8.0, max(2.0, 1.5 + _count(text) / 3.0))
    if _SHOCKS.search(text):
        return _look("close", "low", "shake", min(seconds, 2.5))
    if _FALLS.search(text):
        return _look("full", "high", "static", seconds)
    if _LOOKS.search(text):
        return _look("close", "eye", "push", seconds)
    if _WALKS.search(text):
        return _look("full", "eye", "pan_right" if place % 2 else "pan_left", seconds)
    if _HOLDS.search(text):
        return _look("extreme_close", "high", "static", seconds)
    if _WAITS.search(text):
        return _look("close", "eye", "static", seconds + 1)
    return _look("medium", "eye", "pull" if place % 3 == 2 else "static", seconds)


def _speech(beat: Beat, speakers: Sequence[str]) -> dict[str, Any]:
    """The first words of a person are seen in a medium shot, an exchange over the shoulders, important things close."""
    words = _count(beat.text)
    # About 150 words a minute, and a breath; scripts without blanks are told by their letters.
    seconds = min(20.0, max(1.5, 0.8 + max(words / 2.5, len(beat.text) / 18)))
    if _WAITS.search(beat.aside):
        seconds += 1
    if not beat.text:
        return _look("close", "eye", "static", 2.0)
    if beat.off:
        return _look("wide", "eye", "pan_right", seconds)
    if beat.dual:
        return _look("medium", "eye", "static", seconds)
    if _QUIET.search(beat.aside):
        return _look("extreme_close", "eye", "push", seconds)
    if beat.text.rstrip().endswith("!"):
        return _look("close", "low", "push", seconds)
    if beat.who not in speakers:
        return _look("medium", "eye", "push" if words > 25 else "static", seconds)
    if len(speakers) > 1 and speakers[-1] != beat.who:
        return _look("close" if len(speakers) % 4 == 3 else "medium", "over_shoulder", "static", seconds)
    return _look("close", "eye", "push" if words > 12 else "static", seconds)


def _act(text: str) -> str:
    """What people do; nothing: they stand."""
    for name, form in (
        ("run", _RUNS),
        ("turn", _TURNS),
        ("walk", _WALKS),
        ("nod", _NODS),
        ("gesture", _GESTURES),
    ):
        if form.search(text):
            return name
    return ""


def _count(text: str) -> int:
    return len(_WORD.findall(text))
