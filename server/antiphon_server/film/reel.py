"""A film as clips on a line of frames: the input of the evaluator, the exports and the page. Pure.

`clients/web/src/film/reel.ts` is the same; `proto/vectors/film.json` holds both to each other. Faulty values (missing,
NaN, of another type) count as their defaults, so that a film with a fault plays.
"""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from msgspec import Struct

from antiphon_proto.document.film import (
    ACTS,
    ANGLES,
    EFFECTS,
    FPS,
    KINDS,
    LEAD_FRAMES,
    MAX_SECONDS,
    MOVES,
    SIZES,
    TAIL_FRAMES,
    TRANSITIONS,
    SheetShot,
)
from antiphon_server.film.looks import Look, look_of

COLUMNS: Final = 42
"""Of a line of subtitles; a wide letter takes two."""
LINES: Final = 2
"""Of one subtitle."""
_MOST_CAST: Final = 6

_BLANKS: Final = re.compile(r"[ \t\r\n]+")
_MOUTH: Final = re.compile(r"(\d{1,7})([rcowut])")
_SHAPES: Final = {"r": "rest", "c": "closed", "o": "open", "w": "wide", "u": "round", "t": "teeth"}


class Clip(Struct, frozen=True, kw_only=True):
    """A shot in its place: frames [start, start + frames). In its first `lead` frames it comes in over the shot before
    it, which goes on for as long. `looks` are those of `cast`, in its order; `mouth`: from which thousandth of a second
    of the shot the mouth of who speaks has which shape; `sound`: an asset that is heard from
    `LEAD_FRAMES` after its start."""

    id: str
    start: int
    frames: int
    lead: int
    kind: str
    size: str
    angle: str
    move: str
    transition: str
    text: str
    who: str
    cast: tuple[str, ...]
    looks: tuple[Look, ...]
    act: str
    effects: tuple[str, ...]
    mouth: tuple[tuple[int, str], ...]
    sound: str
    off: bool
    place: str
    time: str
    inside: bool
    picture: str
    spoken: float
    """Seconds of a line that a machine speaks, which is the `sound`; 0: it is none."""


class Caption(Struct, frozen=True):
    """The words to read at frames [start, end)."""

    start: int
    end: int
    who: str
    lines: tuple[str, ...]


def fields_of(shot: SheetShot) -> dict[str, Any]:
    """A shot of the sheet as `reel` takes it."""
    more = {
        "id": shot.id, "text": shot.text, "who": shot.who, "place": shot.place, "time": shot.time,
        "inside": shot.inside,
    }  # fmt: skip
    return {**shot.fields, **more, **_heard(shot.line or {})}


def reel(
    shots: Sequence[Mapping[str, Any]], cast: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[Clip, ...]:
    """The clips of a film; `cast`: name -> fields of a look that people chose. A shot lasts a frame at least;
    transitions take half of either shot at most, so that they never overlap."""
    clips: list[Clip] = []
    start = 0
    looks: dict[str, Look] = {}
    for shot in shots:
        frames = max(1, math.floor(_number(shot.get("seconds"), 3.0, MAX_SECONDS) * FPS + 0.5))
        sound, spoken = _text(shot.get("sound")), _number(shot.get("spoken"), 0.0, MAX_SECONDS)
        if sound and shot.get("auto") == shot.get("seconds"):  # nobody has chosen a length
            frames = LEAD_FRAMES + math.ceil(spoken * FPS) + TAIL_FRAMES
        transition = _choice(shot.get("transition"), TRANSITIONS, "cut")
        lead = 0
        if transition != "cut":
            wanted = math.floor(_number(shot.get("over"), 1.0, 10.0) * FPS + 0.5)
            before = clips[-1].frames if clips else frames
            lead = min(wanted, frames // 2, before // 2)
        names = _each(shot.get("cast"))[:_MOST_CAST]
        for name in names:
            if name not in looks:
                looks[name] = look_of(name, (cast or {}).get(name) or {})
        clips.append(
            Clip(
                id=_text(shot.get("id")),
                start=start,
                frames=frames,
                lead=lead,
                kind=_choice(shot.get("kind"), KINDS, "action"),
                size=_choice(shot.get("size"), SIZES, "medium"),
                angle=_choice(shot.get("angle"), ANGLES, "eye"),
                move=_choice(shot.get("move"), MOVES, "static"),
                transition=transition if lead else "cut",
                text=_text(shot.get("text")),
                who=_text(shot.get("who")),
                cast=names,
                looks=tuple(looks[name] for name in names),
                act=_choice(shot.get("act"), ACTS, "idle"),
                effects=tuple(one for one in EFFECTS if one in _each(shot.get("effects"))),
                sound=sound,
                mouth=_shapes(_text(shot.get("mouth"))),
                off=shot.get("off") is True,
                place=_text(shot.get("place")),
                time=_text(shot.get("time")),
                inside=shot.get("inside") is True,
                picture=_text(shot.get("picture")),
                spoken=spoken if sound else 0.0,
            )
        )
        start += frames
    return tuple(clips)


def _heard(line: Mapping[str, Any]) -> dict[str, Any]:
    """What a shot has of its line: the mouth's times count from the shot's beginning."""
    if not line.get("asset"):
        return {}
    lead = round(1000 * LEAD_FRAMES / FPS)
    mouth = _MOUTH.sub(lambda one: f"{int(one[1]) + lead}{one[2]}", line["mouth"])
    return {"sound": line["asset"], "spoken": line["seconds"], "mouth": mouth, "voice_model": line["model"]}


def length(clips: Sequence[Clip]) -> int:
    """Frames of the whole film."""
    return clips[-1].start + clips[-1].frames if clips else 0


def captions(clip: Clip) -> list[Caption]:
    """The subtitles of a clip: its words in pages of two lines, each for as long as its share of the letters."""
    if clip.kind != "speech" or not clip.text:
        return []
    lines = wrapped(clip.text, COLUMNS)
    pages = [lines[first : first + LINES] for first in range(0, len(lines), LINES)]
    weights = [sum(map(len, page)) for page in pages]
    total, done, at = sum(weights), 0, 0
    found: list[Caption] = []
    for page, weight in zip(pages, weights, strict=True):
        done += weight
        end = clip.frames * done // total
        if end > at:
            found.append(Caption(clip.start + at, clip.start + end, clip.who, tuple(page)))
            at = end
    return found


def wrapped(text: str, columns: int) -> list[str]:
    """Lines of at most so many columns; words that are longer are cut."""
    lines: list[str] = []
    line, used = "", 0
    for word in filter(None, _BLANKS.split(text)):
        wide = _width(word)
        if line and used + 1 + wide <= columns:
            line, used = f"{line} {word}", used + 1 + wide
            continue
        if line:
            lines.append(line)
        line, used = "", 0
        for letter in word:
            step = _width(letter)
            if used + step > columns:
                lines.append(line)
                line, used = "", 0
            line, used = line + letter, used + step
    return [*lines, line] if line else lines


def _width(text: str) -> int:
    return sum(2 if _wide(ord(letter)) else 1 for letter in text)


def _wide(letter: int) -> bool:
    return 0x1100 <= letter <= 0x115F or 0x2E80 <= letter <= 0xFFDC or letter > 0xFFFF


def _shapes(text: str) -> tuple[tuple[int, str], ...]:
    """`0r 80c ...`: thousandths of a second and the first letters of shapes, in their order."""
    found = [(int(at), _SHAPES[shape]) for at, shape in _MOUTH.findall(text)]
    return tuple(sorted(found, key=lambda one: one[0]))


def _each(value: object) -> tuple[str, ...]:
    return tuple(one for one in value if isinstance(one, str)) if isinstance(value, list | tuple) else ()


def _number(value: object, default: float, most: float) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return default
    return min(max(float(value), 0.0), most)


def _choice(value: object, choices: Sequence[str], default: str) -> str:
    return value if isinstance(value, str) and value in choices else default


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""
