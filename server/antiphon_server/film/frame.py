"""`frame(clips, n)`: a film's picture at a frame, as a list of things to draw. Pure: the page and the export draw the
same list, and `proto/vectors/film.json` holds `clients/web/src/film/frame.ts` to this file.

The picture is 1280 x 720, y downwards. A list holds arrays; the first element names its kind:

- `rect` x y w h colour, `gradient` top bottom (colours of the whole picture), `ellipse` x y rx ry colour;
- `line` x1 y1 x2 y2 width colour (round ends), `poly` colour x1 y1 x2 y2 ... (filled), `glow` x y radius colour (fades
  out to its edge);
- `text` x y size align weight colour words (y is the baseline; align is `left` or `center`, weight 400 or 700);
- `picture` asset x y w h (cut to cover that);
- `figure` style seed skin hair coat eyes mouth x y size turn flip: a person as `looks.figure` draws it, a square whose
  lower edge has its middle at (x, y), turned about that point by degrees; `flip`: how wide it is, -1 is mirrored;
- `sprite` asset x y w h turn flip: a whole picture, placed in the same way;
- `camera` zoom x y: until `end`, everything is scaled about the middle and moved by x, y; `layer` opacity and `clip`
  x y w h hold until their `end` too.

Colours are `#rrggbb` or `#rrggbbaa`. Numbers have two decimals at most.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from antiphon_server.film.chance import hash_of, mix, rounded
from antiphon_server.film.effects import BEFORE, HEIGHT, WIDTH
from antiphon_server.film.figures import SCALE, eyes_of, mouth_of, person, pose_of
from antiphon_server.film.reel import Clip, captions, wrapped
from antiphon_server.film.scenery import far, indoors, outdoors

_TILT: Final = {"eye": 0.0, "low": 70.0, "high": -80.0, "over_shoulder": 0.0, "top": -140.0}

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
        ops.append(["layer", rounded(dark)])
        ops.append(["rect", 0, 0, WIDTH, HEIGHT, "#000000"])
    else:
        _picture(ops, before, before.frames + at)
        ops.append(
            ["layer", rounded(share)]
            if clip.transition == "dissolve"
            else ["clip", 0, 0, rounded(WIDTH * share), HEIGHT]
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
                    rounded(top + number * 72 + 18),
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
        ops.append(["camera", rounded(zoom), rounded(x), rounded(y)])
        ops.append(["picture", clip.picture, -160, -90, WIDTH + 320, HEIGHT + 180])
        ops.append(["end"])
        _weather(ops, clip, clip.start + at)
        return
    number = clip.start + at
    (indoors if clip.inside else outdoors)(ops, clip, number, zoom, x, y)
    _people(ops, clip, at, zoom, x, y)
    if not clip.inside:
        _weather(ops, clip, number)


def _camera(clip: Clip, at: int) -> tuple[float, float, float]:
    """Zoom and place of near things, at a frame of the clip."""
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
            x = (mix(at * 2 + 1) % 33 - 16) * (1 - share)
            y += (mix(at * 2 + 2) % 25 - 12) * (1 - share)
    return zoom, x, y


def _people(ops: list[Op], clip: Clip, at: int, zoom: float, x: float, y: float) -> None:
    cast = clip.cast
    if not cast:
        return
    scale = SCALE[clip.size] / (1 + 0.18 * (len(cast) - 1))
    far(ops, 1.0, zoom, x, y)
    step = WIDTH / (len(cast) + 1)
    for number, (name, look) in enumerate(zip(cast, clip.looks, strict=True)):
        middle = step * (number + 1)
        if len(cast) == 1 and clip.angle == "over_shoulder":
            middle = 760
        # People look at each other.
        side = -1 if middle > WIDTH / 2 else 1
        speaks = clip.kind == "speech" and name == clip.who and not clip.off
        mouth = mouth_of(clip, at) if speaks else "rest"
        person(ops, look, middle, scale, pose_of(clip, at, number, side), eyes_of(look, name, at), mouth)
    ops.append(["end"])
    if clip.angle == "over_shoulder":
        far(ops, 1.0, zoom, x * 1.6, y)
        ops.append(["ellipse", 170, 820, 330, 330, "#0c0d12"])
        ops.append(["ellipse", 200, 420, 150, 180, "#0c0d12"])
        ops.append(["end"])


def _weather(ops: list[Op], clip: Clip, number: int) -> None:
    for name, draw in BEFORE.items():
        if name in clip.effects:
            draw(ops, hash_of(clip.place), number)


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
            bar = top - (84 if caption.who else 46)
            ops.append(["rect", 0, bar, WIDTH, HEIGHT - bar, "#00000080"])
            if caption.who:
                ops.append(["text", WIDTH // 2, top - 52, 24, "center", 700, "#ffe9a8", caption.who])
            for number, line in enumerate(caption.lines):
                ops.append(["text", WIDTH // 2, top + number * 44, 34, "center", 400, "#ffffff", line])
