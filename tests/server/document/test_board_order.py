"""The order of a board through a hundred thousand insertions of several people, each with a copy of their own."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest
from pycrdt import Doc, Map

from antiphon_proto.document.order import LONG, key_between
from antiphon_server.document.board_order import BoardOrder
from antiphon_server.document.canvas import Canvas

BOARD = 24
"""Objects; one goes at random for each that comes beyond."""
WHERE: dict[str, Callable[[random.Random, int], int]] = {
    "middle": lambda _, length: length // 2,
    "behind one": lambda _, length: max(0, length - 5),
    "ends": lambda draw, length: draw.choice((0, length)),
}


@pytest.mark.parametrize("where", WHERE)
def test_a_hundred_thousand_insertions_of_three_people(where: str) -> None:
    """Three place at the same moment, by the order that all saw last; the order of the rest stays."""
    draw = random.Random(where)
    board = BoardOrder(dict)
    board.top()
    stands: dict[str, str] = {}
    longest = 0
    for round in range(33_334 if where == "middle" else 5_000):
        seen = sorted((z, key) for key, z in stands.items())
        placed = {}
        for person in range(3):
            at = WHERE[where](draw, len(seen))
            low, high = seen[at - 1][0] if at else "", seen[at][0] if at < len(seen) else ""
            placed[f"{draw.randrange(10**6)}-{round}-{person}"] = key_between(low, high)
        for key, z in placed.items():
            board.note(key, z)
            stands[key] = z
            if wrong := board.unsound([key]):
                before = sorted((z, key) for key, z in stands.items())
                stands |= board.spread(wrong)
                after = [stands[key] for _, key in before]
                assert after == sorted(after)
        keys = list(stands)
        for _ in range(len(keys) - BOARD):
            key = keys.pop(draw.randrange(len(keys)))
            del stands[key]
            board.note(key, None)
        longest = max(longest, *(len(stands.get(key, "")) for key in placed))
    assert longest <= LONG
    assert len(set(stands.values())) == len(stands)


def test_what_others_placed_beside_keys_that_were_spread_lies_there() -> None:
    """Somebody who has not seen yet that keys were spread places between two of the objects around them."""
    board = BoardOrder(lambda: {"a": "B", "b": "B" + "V" * 50, "c": "B" + "V" * 51, "d": "C"})
    moved = board.spread(board.unsound())
    assert "B" < moved["b"] < moved["c"] < "C"
    assert set(moved) == {"b", "c"}
    assert board.unsound() == []


def test_the_canvas_keeps_it_through_every_kind_of_change() -> None:
    doc: Doc[Map[str]] = Doc()
    canvas = Canvas(doc)
    with doc.transaction():
        for index in range(50):
            canvas.put(f"o{index}", {"type": "shape", "z": "V" * (index + 1), "x": 0.0, "y": 0.0})
    canvas.changes()
    with doc.transaction():
        list(canvas.survey())
        canvas.modernise()
    canvas.changes()
    with doc.transaction():
        canvas.remove("o7")
        canvas.set("o3", {"z": "zzz"})
    canvas.changes()
    found = sorted(canvas.objects().items(), key=lambda one: one[1]["z"])
    assert [key for key, _ in found] == [f"o{index}" for index in range(50) if index not in (3, 7)] + ["o3"]
    assert canvas.sound((), 5000, 4000)
