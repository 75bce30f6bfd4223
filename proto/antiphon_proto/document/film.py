"""The root `film` of the document: the fields of a shot and their bounds; and the reports about a film over HTTP.

The root is a Y.Map: shot id -> Y.Map of the fields below, all plain values. `z` orders the shots
(`antiphon_proto.document.order`). `anchor` and `end` name the first and the last character of a shot's words,
by their Yjs ids (`client:clock`): they follow all edits, and a deleted character still has its place. The key
`cast:NAME` holds the look of a person as a Y.Map; NAME is written as shots write it in `who` and `cast`. The key
`transport` holds a plain object, the shared state of playing: the film is at second `from` at server time `at` (ms),
and runs from there at `speed` while it is `playing`.

`voice:NAME` holds how a character speaks, and `line:KEY` a line as it was spoken, both plain objects (`VOICE`,
`SPOKEN`). The server alone writes lines: one for each speaker and text, under `line_key`. A shot of a speech is heard
where there is one for its words; while its `auto` equals its `seconds` it is as long as that.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping
from typing import Any, Final, Literal, TypeAlias

from msgspec import Struct

from antiphon_proto.document.order import MAX_KEY

Check = Callable[[object], bool]
TRANSPORT: Final = "transport"
CAST: Final = "cast:"
"""Begins the key of a person's look."""
VOICE_OF: Final = "voice:"
"""Begins the key of how a character speaks."""
LINE: Final = "line:"
"""Begins the key of a line that was spoken."""
MAX_LINES: Final = 3000
MAX_VOICES: Final = 500
LEAD_FRAMES: Final = 4
"""Frames of a shot before its line is heard, and `TAIL_FRAMES` after it where the shot is as long as its line."""
TAIL_FRAMES: Final = 8
ORDER: Final = "z"
MAX_SHOTS: Final = 5000
MAX_SECONDS: Final = 600.0
"""Of one shot."""
MAX_WORDS: Final = 4000
"""Characters of the words and of the note of a shot."""
MAX_CHARACTERS: Final = 200
"""People with a look of their own."""
MAX_NAME: Final = 64
FPS: Final = 24
"""Frames a second of every film."""

KINDS: Final = ("establish", "action", "speech", "title")
SIZES: Final = ("extreme_wide", "wide", "full", "medium", "close", "extreme_close")
ANGLES: Final = ("eye", "low", "high", "over_shoulder", "top")
MOVES: Final = ("static", "pan_left", "pan_right", "tilt_up", "tilt_down", "push", "pull", "shake")
TRANSITIONS: Final = ("cut", "dissolve", "fade", "wipe")
ACTS: Final = ("idle", "walk", "run", "turn", "gesture", "nod")
"""What the people of a shot do."""
EFFECTS: Final = ("rain", "snow", "fog", "beam", "fire", "lightning")
STYLES: Final = ("lorelei", "open_peeps", "notionists", "drawing")
"""Figures of DiceBear, and pictures of the room."""

_ID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
_ANCHOR: Final = re.compile(r"[0-9]{1,16}:[0-9]{1,16}")
_ASSET: Final = re.compile(r"[0-9a-f]{64}")
_ORDER: Final = re.compile(rf"[0-9A-Za-z]{{1,{MAX_KEY}}}")
_COLOUR: Final = re.compile(r"#[0-9a-f]{6}")
_MAX_CAST: Final = 32
_MAX_MS: Final = 1e15


def _number(low: float, high: float) -> Check:
    def holds(value: object) -> bool:
        # A comparison with NaN is false.
        return isinstance(value, int | float) and not isinstance(value, bool) and low <= value <= high

    return holds


def _text(longest: int, form: re.Pattern[str] | None = None) -> Check:
    def holds(value: object) -> bool:
        return (
            isinstance(value, str) and len(value) <= longest and (form is None or bool(form.fullmatch(value)))
        )

    return holds


def _one_of(*choices: str) -> Check:
    return lambda value: isinstance(value, str) and value in choices


def _each(most: int, fits: Check) -> Check:
    return lambda value: isinstance(value, list | tuple) and len(value) <= most and all(map(fits, value))


SHOT: Final[dict[str, Check]] = {
    ORDER: _text(MAX_KEY, _ORDER),
    "kind": _one_of(*KINDS),
    "anchor": _text(33, _ANCHOR),
    "end": _text(33, _ANCHOR),
    "size": _one_of(*SIZES),
    "angle": _one_of(*ANGLES),
    "move": _one_of(*MOVES),
    # A shot of no length is shown for one frame.
    "seconds": _number(0, MAX_SECONDS),
    # The length that rules gave it.
    "auto": _number(0, MAX_SECONDS),
    # How it comes in after the shot before it, and for how long.
    "transition": _one_of(*TRANSITIONS),
    "over": _number(0, 10),
    # Who speaks, and everybody who is seen.
    "who": _text(MAX_NAME),
    "cast": _each(_MAX_CAST, _text(MAX_NAME)),
    "act": _one_of(*ACTS),
    "effects": _each(len(EFFECTS), _one_of(*EFFECTS)),
    # Off the screen: a voice over the picture.
    "off": lambda value: isinstance(value, bool),
    # The scene's heading, when people give another one than the text's.
    "scene": _text(300),
    # Instead of the words of the text.
    "words": _text(MAX_WORDS),
    "note": _text(MAX_WORDS),
    # An asset of the room.
    "picture": _text(64, _ASSET),
}
REQUIRED: Final = (ORDER, "kind", "seconds")

CHARACTER: Final[dict[str, Check]] = {
    "style": _one_of(*STYLES),
    # Another seed is another face.
    "seed": _text(MAX_NAME),
    "skin": _text(7, _COLOUR),
    "hair": _text(7, _COLOUR),
    "coat": _text(7, _COLOUR),
    # The asset of a `drawing`.
    "picture": _text(64, _ASSET),
}
"""Fields of a person's look; each may be missing."""

_TRANSPORT: Final[dict[str, Check]] = {
    "playing": lambda value: isinstance(value, bool),
    # Server time, in ms, at which the film is, or was, at the second `from`.
    "at": _number(0, _MAX_MS),
    "from": _number(0, MAX_SECONDS * MAX_SHOTS),
    "speed": _number(-8, 8),
}


VOICE: Final[dict[str, Check]] = {
    # Of the speech model's voices; empty: this character is silent.
    "voice": _text(64),
    "speed": _number(0.5, 2),
}
SPOKEN: Final[dict[str, Check]] = {
    "who": _text(64),
    "text": _text(MAX_WORDS),
    "voice": _text(64),
    "speed": _number(0.5, 2),
    # The model's name, SHA-256 of its weights (or empty), and the run.
    "model": _text(200),
    "weights": _text(64),
    "run": _text(64),
    # A WAV file of the room; empty where the line cannot be spoken, and `problem` says why.
    "asset": _text(64, re.compile(r"[0-9a-f]{64}|")),
    "problem": _text(300),
    "seconds": _number(0, MAX_SECONDS),
    # `0r 80c ...`: thousandths of a second of the sound and the first letters of shapes of the mouth.
    "mouth": _text(60_000, re.compile(r"(?:[0-9]{1,6}[rctwou] ?)*")),
}


def line_key(who: str, text: str) -> str:
    """Where a line stands in the film."""
    return LINE + hashlib.sha256(f"{who}\0{text}".encode()).hexdigest()[:24]


def is_voice(key: str, value: object) -> bool:
    """Whether an entry says how a character speaks."""
    return _is_entry(key, VOICE_OF, value, VOICE)


def is_line(key: str, value: object) -> bool:
    """Whether an entry is a line that was spoken."""
    return _is_entry(key, LINE, value, SPOKEN)


def is_sound(key: str) -> bool:
    """Whether an entry is a voice or a line, and not a part of the picture."""
    return key.startswith((VOICE_OF, LINE))


def _is_entry(key: str, prefix: str, value: object, checks: Mapping[str, Check]) -> bool:
    return (
        key.startswith(prefix)
        and len(prefix) < len(key) <= len(prefix) + 64
        and isinstance(value, Mapping)
        and value.keys() == checks.keys()
        and all(check(value[name]) for name, check in checks.items())
    )


def is_shot_id(key: object) -> bool:
    """Whether a shot may have this key."""
    return isinstance(key, str) and key != TRANSPORT and _ID.fullmatch(key) is not None


def is_shot_key(key: str) -> bool:
    """Whether this entry of the root is meant as a shot."""
    return key != TRANSPORT and not key.startswith((CAST, VOICE_OF, LINE))


def character_of(key: str) -> str | None:
    """Whose look an entry holds; None: it is no look."""
    name = key.removeprefix(CAST)
    return name if key.startswith(CAST) and 0 < len(name) <= MAX_NAME else None


def faults(fields: Mapping[str, Any]) -> list[str]:
    """Names of the fields of a shot that may not stand so, or are missing."""
    wrong = [name for name, value in fields.items() if (check := SHOT.get(name)) is None or not check(value)]
    return wrong + [name for name in REQUIRED if name not in fields]


def is_transport(value: object) -> bool:
    """Whether this is a state of playing."""
    return (
        isinstance(value, Mapping)
        and value.keys() == _TRANSPORT.keys()
        and all(check(value[name]) for name, check in _TRANSPORT.items())
    )


BeatKind: TypeAlias = Literal["establish", "action", "speech", "title"]
Change: TypeAlias = Literal["cut", "dissolve", "fade", "wipe"]


class Beat(Struct, frozen=True):
    """[start, end) of the story, from the first printed character to the last. `text` is what is said or done, without
    marks; of a speech `who` says it, `aside` are its parentheticals, `off` that the speaker is not seen, `dual` that it
    is said together with the speech before. `change`: how the shot comes in."""

    kind: BeatKind
    start: int
    end: int
    text: str
    who: str = ""
    aside: str = ""
    off: bool = False
    dual: bool = False
    change: Change = "cut"


class Scene(Struct, frozen=True):
    """`heading` as it stands in the text; `inside` and `outside` say where it plays. What stands before the first
    heading is a scene without one. `number` is the one that the text gives it."""

    heading: str
    place: str
    time: str
    inside: bool
    outside: bool
    number: str
    start: int
    end: int
    beats: tuple[Beat, ...]


class SceneNeeds(Struct, frozen=True):
    """`people` speak or are named in it; `shots` are in the film."""

    number: str
    heading: str
    place: str
    time: str
    inside: bool
    outside: bool
    people: tuple[str, ...]
    props: tuple[str, ...]
    sounds: tuple[str, ...]
    speeches: int
    shots: int


class SheetShot(Struct, frozen=True, kw_only=True):
    """A shot as it stands. `text`: what is said or done in it now, `place` and `time`: where and when. `scene` is the
    number of its scene, -1 where its text is gone; [start, end) is its text, in code points."""

    id: str
    fields: dict[str, Any]
    scene: int
    start: int
    end: int
    text: str
    who: str
    place: str
    time: str
    inside: bool
    line: dict[str, Any] | None = None
    """Of a speech: its line, where that was spoken (`SPOKEN`)."""


class Sheet(Struct, frozen=True):
    """`shots` in the order of the film; `bare`: how many beats of the script no shot shows; `authors`: key of a shot or
    a look -> who made it (`creator`) and who changed it last (`editor`), each `{"author", "run"}`; `cast`: name -> the
    look that people chose."""

    scenes: tuple[Scene, ...]
    shots: tuple[SheetShot, ...]
    bare: int
    authors: dict[str, dict[str, Any]] = {}
    cast: dict[str, dict[str, Any]] = {}
