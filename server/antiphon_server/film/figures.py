"""The people of a frame: a body of limbs that moves, and the figure of the look on its shoulders.

A body is drawn in units of its own: 0 are the feet, y goes upwards below zero, a person is about 430 high.
"""

from __future__ import annotations

import math
from typing import Any, Final

from msgspec import Struct

from antiphon_proto.document.film import FPS
from antiphon_server.film.chance import hash_of, rounded, shade
from antiphon_server.film.looks import Look
from antiphon_server.film.reel import Clip

Op = list[Any]
SCALE: Final = {
    "extreme_wide": 0.3, "wide": 0.45, "full": 0.8, "medium": 1.35, "close": 2.1, "extreme_close": 3.2,
}  # fmt: skip
_HEADS: Final = {
    "lorelei": (250, -176, 46, -184),
    "open_peeps": (230, -116, 70, -140),
    "notionists": (310, -106, 62, -150),
}
"""Height of the figure, where it ends below, and its shoulders. The arms of those with a chest hang behind it."""
_CLOSED: Final = frozenset("bmpбмп")
_OPEN: Final = frozenset("aàáаоoяё")
_WIDE: Final = frozenset("eiyéèеиэыі")
_ROUND: Final = frozenset("uwуюv")
_TEETH: Final = frozenset("fszжзсфцчшщ")


class Pose(Struct, frozen=True):
    """`x` along the ground and `lift` above it, `lean` in degrees, `turn` from 1 (to the right) to -1; the angles of
    both legs, both knees and both arms, in radians from straight down; `nod` of the head in degrees."""

    x: float = 0.0
    lift: float = 0.0
    lean: float = 0.0
    turn: float = 1.0
    legs: tuple[float, float] = (0.06, -0.06)
    knees: tuple[float, float] = (0.0, 0.0)
    arms: tuple[float, float] = (0.14, -0.14)
    elbows: tuple[float, float] = (0.1, -0.1)
    nod: float = 0.0


def ground_of(scale: float) -> float:
    """Where the feet are: near people are seen by their faces."""
    return 640 if scale < 1 else 330 + 300 * scale


def pose_of(clip: Clip, at: int, number: int, side: int) -> Pose:
    """Of the person with this number at a frame of the clip, who looks to a side (1: right, -1: left)."""
    second = at / FPS
    share = min(1.0, at / max(1, clip.frames - 1))
    beat = math.sin(2 * math.pi * (second / 4 + number * 0.37))
    turn = float(side)
    match clip.act:
        case "walk" | "run":
            fast = clip.act == "run"
            way = -1 if clip.move == "pan_left" else 1
            phase = 2 * math.pi * second * (1.5 if fast else 0.9) + number
            swing = math.sin(phase) * (0.8 if fast else 0.45)
            return Pose(
                x=way * (share - 0.5) * (620 if fast else 380),
                lift=abs(math.cos(phase)) * (12 if fast else 5),
                lean=way * (9 if fast else 2),
                turn=way,
                legs=(way * swing, -way * swing),
                knees=(-way * max(0.0, math.cos(phase)) * 0.7, -way * max(0.0, -math.cos(phase)) * 0.7),
                arms=(-way * swing, way * swing),
                elbows=(way * (1.3 if fast else 0.4),) * 2,
            )
        case "turn":
            middle = min(1.0, max(0.0, (share - 0.3) / 0.4))
            return Pose(turn=turn * math.cos(math.pi * middle * middle * (3 - 2 * middle)), lift=beat)
        case "gesture":
            up = min(1.0, second * 2) * min(1.0, max(0.0, (clip.frames - at) / FPS * 2))
            wave = math.sin(2 * math.pi * second * 1.1) * 0.22
            return Pose(
                turn=turn,
                lift=beat,
                arms=(0.14 * turn, turn * (0.14 + up * (0.95 + wave))),
                elbows=(0.1 * turn, turn * (0.1 + up * (1.1 + wave))),
                nod=3 * beat,
            )
        case "nod":
            return Pose(turn=turn, lift=beat, nod=turn * 7 * max(0.0, math.sin(2 * math.pi * second * 1.2)))
    return Pose(turn=turn, lift=1.5 + 1.5 * beat, nod=1.2 * beat)


def person(ops: list[Op], look: Look, x: float, scale: float, pose: Pose, eyes: str, mouth: str) -> None:
    """Somebody who stands at x."""
    ground = ground_of(scale)
    middle = x + pose.x * scale

    def place(dx: float, dy: float) -> tuple[float, float]:
        # The body leans about the feet.
        angle = math.radians(pose.lean)
        left = dx * math.cos(angle) - dy * math.sin(angle)
        down = dx * math.sin(angle) + dy * math.cos(angle)
        return rounded(middle + left * scale), rounded(ground + (down - pose.lift) * scale)

    def limb(start: tuple[float, float], end: tuple[float, float], wide: float, colour: str) -> None:
        ops.append(["line", *place(*start), *place(*end), rounded(wide * scale), colour])

    def bent(
        root: tuple[float, float], angle: float, bend: float, long: float, wide: float, colour: str
    ) -> tuple[float, float]:
        joint = (root[0] + long * math.sin(angle), root[1] + long * math.cos(angle))
        end = (joint[0] + long * math.sin(angle + bend), joint[1] + long * math.cos(angle + bend))
        limb(root, joint, wide, colour)
        limb(joint, end, wide * 0.92, colour)
        return end

    if look.style == "drawing":
        # A drawing has no limbs: it sways as it goes, and stretches a little as it speaks.
        stretch = 1.0 + (0.0 if mouth in ("rest", "closed") else 0.03)
        wide, high = rounded(320 * scale), rounded(430 * scale * stretch)
        left, feet = place(0, 0)
        tilt = rounded(pose.lean + (math.degrees(pose.legs[0]) * 0.15) + pose.nod)
        ops.append(["sprite", look.picture, left, feet, wide, high, tilt, rounded(pose.turn)])
        return
    trousers, sleeve = shade(look.coat, 0.38), shade(look.coat, 0.8)
    side = 1 if pose.turn >= 0 else -1
    far, near = (0, 1) if side > 0 else (1, 0)
    size, below, shoulder, high = _HEADS.get(look.style, _HEADS["lorelei"])
    palm = rounded(12 * scale)

    def arm(which: int, dx: float) -> None:
        hand = bent((dx, high), pose.arms[which], pose.elbows[which], 48, 25, sleeve)
        ops.append(["ellipse", *place(*hand), palm, palm, look.skin])

    arm(far, -side * shoulder)
    if look.style != "lorelei":
        arm(near, side * shoulder)
    for number, dx in ((far, -side * 22), (near, side * 22)):
        foot = bent((dx, -112), pose.legs[number], pose.knees[number], 52, 32, trousers)
        limb(foot, (foot[0] + side * 20, foot[1] + 2), 20, shade(trousers, 0.5))
    limb((0, -160), (0, -118), 104, look.coat)
    left, bottom = place(0, below)
    figure = [look.style, look.seed, look.skin, look.hair, look.coat, eyes, mouth]
    ops.append(
        [
            "figure",
            *figure,
            left,
            bottom,
            rounded(size * scale),
            rounded(pose.lean + pose.nod),
            rounded(pose.turn),
        ]
    )
    if look.style == "lorelei":
        arm(near, side * shoulder)


def eyes_of(look: Look, name: str, at: int) -> str:
    """Everybody blinks for four frames, each in a time of their own."""
    period = 70 + hash_of(name + look.seed) % 50
    return "shut" if (at + hash_of(name)) % period < 4 else "open"


def mouth_of(clip: Clip, at: int) -> str:
    """The shape of the mouth of who speaks: from the voice where there is one, else from the letters, which are spread
    over the clip."""
    if clip.mouth:
        now = at * 1000 / FPS
        found = "rest"
        for begins, shape in clip.mouth:
            if begins > now:
                break
            found = shape
        return found
    if not clip.text:
        return "rest"
    letters = clip.text.lower()
    # A mouth that changed with each frame would tremble.
    index = min(len(letters) - 1, (at - at % 3) * len(letters) // clip.frames)
    letter = letters[index]
    for shape, some in (
        ("open", _OPEN),
        ("wide", _WIDE),
        ("round", _ROUND),
        ("closed", _CLOSED),
        ("teeth", _TEETH),
    ):
        if letter in some:
            return shape
    return "wide" if letter.isalpha() else "rest"
