"""Weather and light of a frame, by a seed: the same in every home, and continuous over the cuts of a scene."""

from __future__ import annotations

import math
from typing import Any, Final

from antiphon_proto.document.film import FPS
from antiphon_server.film.chance import mix, rounded, veil

Op = list[Any]
WIDTH: Final = 1280
HEIGHT: Final = 720
_HORIZON: Final = 470
_TURN: Final = 5.0
"""Seconds of a turn of the lighthouse."""


def beam(ops: list[Op], seed: int, number: int) -> None:
    """A lighthouse at the horizon whose light goes round."""
    x = 300 + seed % 680
    top = _HORIZON - 150
    angle = 2 * math.pi * number / FPS / _TURN
    across, towards = math.cos(angle), math.sin(angle)
    ops.append(["poly", "#2b2f3a", x - 15, _HORIZON + 80, x - 9, top, x + 9, top, x + 15, _HORIZON + 80])
    ops.append(["rect", x - 12, top - 22, 24, 22, "#fff3c4"])
    ops.append(["rect", x - 14, top - 28, 28, 7, "#20242e"])
    wide = 60 + 130 * abs(across)
    reach = 1500 * across
    for part, opacity in ((1.0, 0.1), (0.55, 0.14), (0.25, 0.18)):
        half = rounded(wide * part)
        end = rounded(x + reach)
        ops.append(
            ["poly", veil("#fff3c4", opacity * (0.45 + 0.55 * abs(towards))), x, top - 11,
             end, rounded(top - 11 - half), end, rounded(top - 11 + half)]
        )  # fmt: skip
    if towards > 0:
        # It shines into the camera.
        glare = towards**6
        ops.append(["glow", x, top - 11, rounded(70 + 420 * glare), veil("#fff3c4", 0.25 + 0.65 * glare)])


def fire(ops: list[Op], seed: int, number: int) -> None:
    """Flames low in the picture, with their glow."""
    x = 180 + mix(seed + 40) % 260
    flicker = 0.8 + 0.2 * math.sin(number * 0.9) * math.sin(number * 0.37 + 1)
    ops.append(["glow", x, 590, rounded(420 * flicker), veil("#ff8a2a", 0.42 * flicker)])
    for part in range(9):
        speed = 34 + mix(seed + 60 + part) % 20
        age = (number + mix(seed + 80 + part) % speed) % speed / speed
        sway = math.sin(number * 0.21 + part) * 10
        size = (1 - age) * 34
        colour = "#ffd36a" if age < 0.35 else "#ff8a2a" if age < 0.7 else "#c8402a"
        left = x + (mix(seed + 90 + part) % 70 - 35) * (1 - age * 0.6) + sway * age
        ops.append(
            ["ellipse", rounded(left), rounded(610 - age * 150), rounded(size * 0.7 + 2), rounded(size + 3),
             veil(colour, 0.85 - 0.6 * age)]
        )  # fmt: skip
    ops.append(["line", x - 50, 622, x + 46, 632, 16, "#3a2216"])
    ops.append(["line", x - 44, 634, x + 52, 620, 16, "#4a2c1c"])


def rain(ops: list[Op], seed: int, number: int) -> None:
    """Slanting lines, near ones longer and faster."""
    for part in range(110):
        first, second = mix(seed + 2 * part), mix(seed + 2 * part + 1)
        near = 0.5 + (second % 100) / 100
        y = (first % 900 + number * 46 * near) % 900 - 90
        x = (second % 1500 - number * 9 * near) % 1500 - 90
        long = 34 * near
        colour = veil("#cfe0f5", 0.2 + 0.22 * near)
        ops.append(
            [
                "line",
                rounded(x),
                rounded(y),
                rounded(x - long * 0.2),
                rounded(y + long),
                rounded(1.6 * near),
                colour,
            ]
        )


def snow(ops: list[Op], seed: int, number: int) -> None:
    """Flakes that sway as they fall."""
    for part in range(120):
        first, second = mix(seed + 2 * part), mix(seed + 2 * part + 1)
        near = 0.4 + (second % 100) / 100
        y = (first % 800 + number * 3.2 * near) % 800 - 40
        x = (second % 1400 + math.sin(number * 0.05 + part) * 24 * near) % 1400 - 60
        radius = rounded(1.2 + 3.4 * near)
        ops.append(["ellipse", rounded(x), rounded(y), radius, radius, veil("#ffffff", 0.45 + 0.3 * near)])


def fog(ops: list[Op], seed: int, number: int) -> None:
    """Banks that drift."""
    ops.append(["rect", 0, 0, WIDTH, HEIGHT, "#c8d0d83c"])
    for part in range(7):
        first = mix(seed + 20 + part)
        speed = 0.5 + (first % 100) / 90
        x = (first % 2200 + number * speed) % 2200 - 450
        y = 360 + mix(seed + 30 + part) % 300
        ops.append(["glow", rounded(x), y, 420, veil("#dde3ea", 0.34)])


def lightning(ops: list[Op], seed: int, number: int) -> None:
    """A flash now and then, with its fork."""
    period = 110
    turn, at = divmod(number + seed % period, period)
    strength = (0.75, 0.2, 0.6, 0.4, 0.25, 0.12)[at] if at < 6 else 0.0
    if not strength:
        return
    ops.append(["rect", 0, 0, WIDTH, HEIGHT, veil("#eef2ff", strength)])
    x, y = 200 + mix(seed + turn) % 880, 0
    for part in range(6):
        step = mix(seed + turn * 7 + part)
        left, down = x + step % 130 - 65, y + 50 + step % 40
        ops.append(["line", x, y, left, down, 7 - part, veil("#ffffff", strength + 0.2)])
        x, y = left, down


BEHIND: Final = {"beam": beam, "fire": fire}
"""Behind the people, in this order."""
BEFORE: Final = {"lightning": lightning, "fog": fog, "snow": snow, "rain": rain}
"""Before them, in this order."""
