"""`frame(clips, n)`: what a film shows at a frame, as a list of things to draw. Pure: the page and the export draw the
same list, and `proto/vectors/film.json` holds `clients/web/src/film/frame.ts` to this file.

The picture is 1280 x 720, y downwards. A list holds arrays; the first element says what it is:

- `rect` x y w h colour, `gradient` top bottom (colours of the whole picture), `ellipse` x y rx ry colour;
- `text` x y size align weight colour words (y is the baseline; align is `left` or `center`, weight 400 or 700);
- `picture` asset x y w h (cut to cover that);
- `camera` zoom x y: until `end`, everything is scaled about the middle and moved by x, y; `layer` opacity and `clip`
  x y w h hold until their `end` too.

Colours are `#rrggbb` or `#rrggbbaa`. Numbers have two decimals at most.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import Any, Final

from antiphon_server.film.reel import Clip, captions, wrapped

WIDTH: Final = 1280
HEIGHT: Final = 720
_SCALE: Final = {
    "extreme_wide": 0.3, "wide": 0.45, "full": 0.8, "medium": 1.35, "close": 2.1, "extreme_close": 3.2,
}  # fmt: skip
_ZOOM: Final = {
    "extreme_wide": 1.0, "wide": 1.0, "full": 1.05, "medium": 1.15, "close": 1.3, "extreme_close": 1.5,
}  # fmt: skip
_TILT: Final = {"eye": 0.0, "low": 70.0, "high": -80.0, "over_shoulder": 0.0, "top": -140.0}
_NIGHT: Final = re.compile(r"NIGHT|НОЧ|MIDNIGHT|ПОЛНОЧ", re.IGNORECASE)
_DUSK: Final = re.compile(r"DUSK|EVENING|SUNSET|ВЕЧЕР|ЗАКАТ|СУМЕР", re.IGNORECASE)
_DAWN: Final = re.compile(r"DAWN|MORNING|SUNRISE|УТРО|РАССВЕТ", re.IGNORECASE)
_SKIES: Final = {
    "night": ("#0b1230", "#33436b", "#101a2b", "#e8ecff"),
    "dusk": ("#3a2a5c", "#e08a5a", "#3a2a33", "#ffd9a0"),
    "dawn": ("#7fa6d6", "#ffd9b0", "#5a6b4a", "#fff0c8"),
    "day": ("#5fa3e0", "#cfe8f7", "#5f8a4f", "#fff6d8"),
}
"""Top and bottom of the sky, the ground, sun or moon."""
_ROOMS: Final = {
    "night": ("#2a2330", "#4a3a38", "#1c1517", "#0d1730"),
    "dusk": ("#4a3440", "#8a5a48", "#2c1c1c", "#d08a5a"),
    "dawn": ("#6a5a58", "#c0a890", "#4a3a30", "#ffe0c0"),
    "day": ("#8a7f78", "#d8cfc4", "#6a5544", "#cfe8f7"),
}
"""Top and bottom of the wall, the floor, the window."""
_COATS: Final = ("#b3202a", "#2a6fb3", "#2f8a55", "#c08a1f", "#7a4aa8", "#c05a8a", "#3a8a94", "#6b6f78")
_SKINS: Final = ("#f2d0b0", "#e0ac86", "#c68a5e", "#8d5a3a", "#f7dcc8")
_HAIRS: Final = ("#2a1c14", "#5a3a1e", "#c9a25a", "#8a8a8f", "#a23a1e")

Op = list[Any]


def frame(clips: Sequence[Clip], number: int) -> list[Op]:
    """The list for a frame; a black picture before the first and after the last."""
    place = _at(clips, number)
    if place is None:
        return [["rect", 0, 0, WIDTH, HEIGHT, "#000000"]]
    clip = clips[place]
    at = number - clip.start
    ops: list[Op] = []
    if at < clip.lead:
        share = (at + 1) / (clip.lead + 1)
        before = clips[place - 1] if place else None
        _come_in(ops, clip, before, at, share)
    else:
        _picture(ops, clip, at)
    _words(ops, clip, at)
    return ops


def _at(clips: Sequence[Clip], number: int) -> int | None:
    low, high = 0, len(clips)
    while low < high:
        middle = (low + high) // 2
        if clips[middle].start <= number:
            low = middle + 1
        else:
            high = middle
    if low == 0 or number >= clips[low - 1].start + clips[low - 1].frames:
        return None
    return low - 1


def _come_in(ops: list[Op], clip: Clip, before: Clip | None, at: int, share: float) -> None:
    """A transition: the shot before goes on under the one that comes."""
    if clip.transition == "fade" or before is None:
        # Out to black in the first half, in from black in the second.
        if share < 0.5 and before is not None:
            _picture(ops, before, before.frames + at)
            dark = 2 * share
        else:
            _picture(ops, clip, at)
            dark = 2 - 2 * share if before is not None else 1 - share
        ops.append(["layer", _r(dark)])
        ops.append(["rect", 0, 0, WIDTH, HEIGHT, "#000000"])
    else:
        _picture(ops, before, before.frames + at)
        ops.append(
            ["layer", _r(share)]
            if clip.transition == "dissolve"
            else ["clip", 0, 0, _r(WIDTH * share), HEIGHT]
        )
        _picture(ops, clip, at)
    ops.append(["end"])


def _picture(ops: list[Op], clip: Clip, at: int) -> None:
    if clip.kind == "title":
        ops.append(["rect", 0, 0, WIDTH, HEIGHT, "#000000"])
        lines = [line for part in clip.text.split("\n")[:6] for line in wrapped(part, 32)][:8]
        top = HEIGHT / 2 - (len(lines) - 1) * 36
        for number, line in enumerate(lines):
            large = number == 0
            ops.append(
                [
                    "text",
                    WIDTH // 2,
                    _r(top + number * 72 + 18),
                    56 if large else 36,
                    "center",
                    700 if large else 400,
                    "#ffffff",
                    line,
                ]
            )
        return
    zoom, x, y = _camera(clip, at)
    if clip.picture:
        ops.append(["rect", 0, 0, WIDTH, HEIGHT, "#000000"])
        ops.append(["camera", _r(zoom), _r(x), _r(y)])
        ops.append(["picture", clip.picture, -160, -90, WIDTH + 320, HEIGHT + 180])
        ops.append(["end"])
        return
    light = _light(clip.time)
    (_room if clip.inside else _outdoors)(ops, clip, light, zoom, x, y)
    _people(ops, clip, at, zoom, x, y)


def _camera(clip: Clip, at: int) -> tuple[float, float, float]:
    """Zoom and place of what is near, at a frame of the clip."""
    share = min(1.0, at / max(1, clip.frames - 1))
    ease = share * share * (3 - 2 * share)
    zoom, x, y = 1.0, 0.0, _TILT[clip.angle]
    match clip.move:
        case "push":
            zoom = 1 + 0.14 * ease
        case "pull":
            zoom = 1.14 - 0.14 * ease
        case "pan_left":
            x = -90 + 180 * ease
        case "pan_right":
            x = 90 - 180 * ease
        case "tilt_up":
            y += -60 + 120 * ease
        case "tilt_down":
            y += 60 - 120 * ease
        case "shake":
            x = (_mix(at * 2 + 1) % 33 - 16) * (1 - share)
            y += (_mix(at * 2 + 2) % 25 - 12) * (1 - share)
    return zoom, x, y


def _far(ops: list[Op], depth: float, zoom: float, x: float, y: float) -> None:
    """A layer that moves less the farther it is: depth 0 is far, 1 is near."""
    ops.append(["camera", _r(1 + (zoom - 1) * depth), _r(x * depth), _r(y * depth)])


def _light(time: str) -> str:
    for name, form in (("night", _NIGHT), ("dusk", _DUSK), ("dawn", _DAWN)):
        if form.search(time):
            return name
    return "day"


def _outdoors(ops: list[Op], clip: Clip, light: str, zoom: float, x: float, y: float) -> None:
    top, bottom, ground, lamp = _SKIES[light]
    seed = _hash(clip.place)
    near = _ZOOM[clip.size]
    ops.append(["gradient", top, bottom])
    _far(ops, 0.1, zoom, x, y)
    ops.append(["ellipse", 220 + seed % 840, 150, 46, 46, lamp])
    ops.append(["end"])
    _far(ops, 0.3, zoom * near, x, y)
    for number in range(3):
        part = _mix(seed + number)
        ops.append(["ellipse", number * 560 + part % 200, 560, 420, 110 + part % 90, _shade(ground, 0.72)])
    ops.append(["end"])
    _far(ops, 0.6, zoom * near, x, y)
    ops.append(["rect", -400, 545, WIDTH + 800, 800, ground])
    for number in range(5):
        part = _mix(seed + 10 + number)
        left = number * 290 + part % 150 - 60
        ops.append(["rect", left + 22, 470, 14, 90, _shade(ground, 0.45)])
        ops.append(["ellipse", left + 29, 440, 46, 62, _shade(ground, 0.6)])
    ops.append(["end"])


def _room(ops: list[Op], clip: Clip, light: str, zoom: float, x: float, y: float) -> None:
    top, bottom, floor, window = _ROOMS[light]
    seed = _hash(clip.place)
    near = _ZOOM[clip.size]
    ops.append(["gradient", top, bottom])
    _far(ops, 0.35, zoom * near, x, y)
    left = 130 + seed % 420
    ops.append(["rect", left - 14, 96, 308, 268, _shade(floor, 0.8)])
    ops.append(["rect", left, 110, 280, 240, window])
    ops.append(["rect", left + 134, 110, 12, 240, _shade(floor, 0.8)])
    ops.append(["rect", left, 224, 280, 12, _shade(floor, 0.8)])
    ops.append(["rect", left + 480, 150 + seed % 60, 150, 190, _shade(bottom, 0.85)])
    ops.append(["end"])
    _far(ops, 0.6, zoom * near, x, y)
    ops.append(["rect", -400, 560, WIDTH + 800, 800, floor])
    table = 760 + seed % 240
    ops.append(["rect", table, 500, 300, 18, _shade(floor, 1.35)])
    ops.append(["rect", table + 20, 518, 16, 110, _shade(floor, 1.2)])
    ops.append(["rect", table + 264, 518, 16, 110, _shade(floor, 1.2)])
    ops.append(["end"])


def _people(ops: list[Op], clip: Clip, at: int, zoom: float, x: float, y: float) -> None:
    cast = clip.cast
    if not cast:
        return
    scale = _SCALE[clip.size] / (1 + 0.18 * (len(cast) - 1))
    _far(ops, 1.0, zoom, x, y)
    step = WIDTH / (len(cast) + 1)
    ground = 640 if scale < 1 else 470 + 190 * scale
    for number, name in enumerate(cast):
        middle = step * (number + 1)
        if len(cast) == 1 and clip.angle == "over_shoulder":
            middle = 760
        speaks = clip.kind == "speech" and name == clip.who and not clip.off
        _figure(ops, name, middle, ground, scale, at, _mouth(clip, at) if speaks else 0)
    ops.append(["end"])
    if clip.angle == "over_shoulder":
        _far(ops, 1.0, zoom, x * 1.6, y)
        ops.append(["ellipse", 170, 820, 330, 330, "#0c0d12"])
        ops.append(["ellipse", 200, 420, 150, 180, "#0c0d12"])
        ops.append(["end"])


def _figure(ops: list[Op], name: str, x: float, ground: float, scale: float, at: int, mouth: float) -> None:
    """Somebody who stands at (x, ground): always the same for a name. `mouth`: how far it is open, 0 to 1."""
    seed = _hash(name)
    coat = _COATS[seed % len(_COATS)]
    skin = _SKINS[(seed >> 4) % len(_SKINS)]
    hair = _HAIRS[(seed >> 8) % len(_HAIRS)]
    sway = (_triangle(at + seed % 60, 60) - 0.5) * 4

    def oval(dx: float, dy: float, rx: float, ry: float, colour: str) -> None:
        ops.append(
            ["ellipse", _r(x + dx * scale), _r(ground + dy * scale), _r(rx * scale), _r(ry * scale), colour]
        )

    oval(-26, -8, 18, 60, _shade(coat, 0.35))
    oval(26, -8, 18, 60, _shade(coat, 0.35))
    oval(0, -120, 74, 110, coat)
    oval(-72, -130, 20, 74, _shade(coat, 0.8))
    oval(72, -130, 20, 74, _shade(coat, 0.8))
    oval(0, -222 + sway, 24, 30, _shade(skin, 0.85))
    if (seed >> 12) % 2:
        oval(0, -285 + sway, 74, 86, hair)
    oval(0, -290 + sway, 62, 72, skin)
    oval(0, -342 + sway, 60, 30, hair)
    closed = (at + seed % 97) % 97 < 4
    for side in (-1, 1):
        oval(side * 24, -296 + sway, 7, 1.5 if closed else 8, "#20242c")
    oval(0, -252 + sway, 14 + 4 * mouth, 2.5 + 11 * mouth, "#6b2028")


def _mouth(clip: Clip, at: int) -> float:
    """Open with the vowels of what is said, which are spread over the clip."""
    if not clip.text:
        return 0.0
    letters = clip.text.lower()
    index = min(len(letters) - 1, at * len(letters) // clip.frames)
    if letters[index] in "aoáàаояё":
        return 1.0
    if letters[index] in "eiuyéèеиуюэыі":
        return 0.6
    return 0.25 if letters[index].isalpha() else 0.0


def _words(ops: list[Op], clip: Clip, at: int) -> None:
    if clip.kind == "establish":
        words = f"{clip.place} — {clip.time}" if clip.place and clip.time else clip.place or clip.text
        for number, line in enumerate(wrapped(words, 48)[:2]):
            ops.append(["text", 64, 640 + number * 40, 30, "left", 700, "#ffffff", line])
    if clip.kind == "action" and clip.text:
        for number, line in enumerate(wrapped(clip.text, 72)[:2]):
            ops.append(["text", 64, 60 + number * 32, 24, "left", 400, "#ffffffcc", line])
    frame_number = clip.start + at
    for caption in captions(clip):
        if caption.start <= frame_number < caption.end:
            top = 664 - 44 * (len(caption.lines) - 1)
            ops.append(["rect", 0, top - 46, WIDTH, HEIGHT - top + 46, "#00000080"])
            if caption.who:
                ops.append(["text", WIDTH // 2, top - 52, 24, "center", 700, "#ffe9a8", caption.who])
            for number, line in enumerate(caption.lines):
                ops.append(["text", WIDTH // 2, top + number * 44, 34, "center", 400, "#ffffff", line])


def _hash(text: str) -> int:
    """FNV-1a of the code points, 32 bits."""
    found = 2166136261
    for letter in text:
        found = ((found ^ ord(letter)) * 16777619) & 0xFFFFFFFF
    return _mix(found)


def _mix(value: int) -> int:
    """A number of 31 bits that looks like chance, the same in JavaScript."""
    value &= 0xFFFFFFFF
    value = ((value ^ (value >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    value = ((value ^ (value >> 16)) * 0x45D9F3B) & 0xFFFFFFFF
    return (value ^ (value >> 16)) & 0x7FFFFFFF


def _triangle(at: int, period: int) -> float:
    """From 0 to 1 and back in each period."""
    place = at % (2 * period)
    return (place if place < period else 2 * period - place) / period


def _shade(colour: str, factor: float) -> str:
    parts = (int(colour[first : first + 2], 16) for first in (1, 3, 5))
    return "#" + "".join(f"{min(255, math.floor(part * factor + 0.5)):02x}" for part in parts)


def _r(value: float) -> float:
    return math.floor(value * 100 + 0.5) / 100
