"""Where a scene plays: sky, ground and trees outside, a wall, a window and a table inside."""

from __future__ import annotations

import re
from typing import Any, Final

from antiphon_server.film.chance import hash_of, mix, rounded, shade
from antiphon_server.film.effects import BEFORE, BEHIND, WIDTH
from antiphon_server.film.reel import Clip

Op = list[Any]
_NIGHT: Final = re.compile(r"NIGHT|НОЧ|MIDNIGHT|ПОЛНОЧ", re.IGNORECASE)
_DUSK: Final = re.compile(r"DUSK|EVENING|SUNSET|ВЕЧЕР|ЗАКАТ|СУМЕР", re.IGNORECASE)
_DAWN: Final = re.compile(r"DAWN|MORNING|SUNRISE|УТРО|РАССВЕТ", re.IGNORECASE)
_WATER: Final = re.compile(
    r"SEA|OCEAN|HARBOU?R|PIER|BEACH|SHORE|LAKE|RIVER|BOAT|SHIP|FERRY|LIGHTHOUSE|МОР[ЕЯ]|ОКЕАН|ПРИСТАН|ПРИЧАЛ|БЕРЕГ|"
    r"ПЛЯЖ|ОЗЕР|РЕК[АИ]|ЛОДК|КОРАБЛ|ПАРОМ|МАЯК|НАБЕРЕЖН",
    re.IGNORECASE,
)
_TOWN: Final = re.compile(
    r"STREET|CITY|TOWN|SQUARE|ROOF|AVENUE|COURTYARD|УЛИЦ|ГОРОД|ПЛОЩАД|КРЫШ|ПРОСПЕКТ|ДВОР|ПЕРЕУЛ",
    re.IGNORECASE,
)
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
_ZOOM: Final = {
    "extreme_wide": 1.0, "wide": 1.0, "full": 1.05, "medium": 1.15, "close": 1.3, "extreme_close": 1.5,
}  # fmt: skip


def light_of(time: str) -> str:
    """night, dusk, dawn or day."""
    for name, form in (("night", _NIGHT), ("dusk", _DUSK), ("dawn", _DAWN)):
        if form.search(time):
            return name
    return "day"


def far(ops: list[Op], depth: float, zoom: float, x: float, y: float) -> None:
    """A layer that moves less the farther it is: depth 0 is far, 1 is near."""
    ops.append(["camera", rounded(1 + (zoom - 1) * depth), rounded(x * depth), rounded(y * depth)])


def outdoors(ops: list[Op], clip: Clip, number: int, zoom: float, x: float, y: float) -> None:
    """Under the sky; `number` is the frame of the film."""
    top, bottom, ground, lamp = _SKIES[light_of(clip.time)]
    seed = hash_of(clip.place)
    near = _ZOOM[clip.size]
    ops.append(["gradient", top, bottom])
    far(ops, 0.1, zoom, x, y)
    left = 220 + seed % 840
    ops.append(["glow", left, 150, 150, lamp + "66"])
    ops.append(["ellipse", left, 150, 46, 46, lamp])
    ops.append(["end"])
    far(ops, 0.3, zoom * near, x, y)
    town = _TOWN.search(clip.place) is not None
    if town:
        _houses(ops, seed, shade(bottom, 0.5), lamp)
    else:
        for part in range(3):
            one = mix(seed + part)
            ops.append(["ellipse", part * 560 + one % 200, 560, 420, 110 + one % 90, shade(ground, 0.72)])
    if "beam" in clip.effects:
        BEHIND["beam"](ops, seed, number)
    ops.append(["end"])
    far(ops, 0.6, zoom * near, x, y)
    if _WATER.search(clip.place):
        _water(ops, seed, number, top, ground)
    else:
        ops.append(["rect", -400, 545, WIDTH + 800, 800, ground])
        if not town:
            _trees(ops, seed, ground)
    if "fire" in clip.effects:
        BEHIND["fire"](ops, seed, number)
    ops.append(["end"])


def indoors(ops: list[Op], clip: Clip, number: int, zoom: float, x: float, y: float) -> None:
    """In a room; the weather is seen through its window."""
    top, bottom, floor, window = _ROOMS[light_of(clip.time)]
    seed = hash_of(clip.place)
    near = _ZOOM[clip.size]
    ops.append(["gradient", top, bottom])
    far(ops, 0.35, zoom * near, x, y)
    left = 130 + seed % 420
    ops.append(["rect", left - 14, 96, 308, 268, shade(floor, 0.8)])
    ops.append(["rect", left, 110, 280, 240, window])
    ops.append(["clip", left, 110, 280, 240])
    if "beam" in clip.effects:
        BEHIND["beam"](ops, seed, number)
    for name, draw in BEFORE.items():
        if name in clip.effects:
            draw(ops, seed, number)
    ops.append(["end"])
    ops.append(["rect", left + 134, 110, 12, 240, shade(floor, 0.8)])
    ops.append(["rect", left, 224, 280, 12, shade(floor, 0.8)])
    ops.append(["rect", left + 480, 150 + seed % 60, 150, 190, shade(bottom, 0.85)])
    ops.append(["rect", left + 494, 164 + seed % 60, 122, 162, shade(bottom, 0.7)])
    ops.append(["end"])
    far(ops, 0.6, zoom * near, x, y)
    ops.append(["rect", -400, 560, WIDTH + 800, 800, floor])
    table = 760 + seed % 240
    ops.append(["rect", table, 500, 300, 18, shade(floor, 1.35)])
    ops.append(["rect", table + 20, 518, 16, 110, shade(floor, 1.2)])
    ops.append(["rect", table + 264, 518, 16, 110, shade(floor, 1.2)])
    if "fire" in clip.effects:
        BEHIND["fire"](ops, seed, number)
    ops.append(["end"])


def _trees(ops: list[Op], seed: int, ground: str) -> None:
    for part in range(5):
        one = mix(seed + 10 + part)
        left = part * 290 + one % 150 - 60
        ops.append(["rect", left + 22, 470, 14, 90, shade(ground, 0.45)])
        ops.append(["ellipse", left + 29, 440, 46, 62, shade(ground, 0.6)])


def _houses(ops: list[Op], seed: int, wall: str, lamp: str) -> None:
    for part in range(8):
        one = mix(seed + 50 + part)
        left, high = part * 190 - 130, 170 + one % 170
        ops.append(["rect", left, 560 - high, 176, high + 40, shade(wall, 0.8 + (one >> 9) % 40 / 100)])
        for pane in range(6):
            if (one >> pane) % 3 == 0:
                across, down = pane % 2 * 74, pane // 2 * 52
                ops.append(["rect", left + 36 + across, 586 - high + down, 30, 32, lamp + "b0"])


def _water(ops: list[Op], seed: int, number: int, sky: str, ground: str) -> None:
    ops.append(["rect", -400, 500, WIDTH + 800, 800, shade(sky, 0.8)])
    for part in range(14):
        one = mix(seed + 70 + part)
        left = (one % 1700 + number * (1 + part % 3) * 0.6) % 1700 - 200
        down = 510 + part * 11
        ops.append(["line", rounded(left), down, rounded(left + 60 + one % 90), down, 2.5, shade(sky, 1.25)])
    ops.append(["rect", -400, 655, WIDTH + 800, 800, shade(ground, 0.8)])
