"""Loops sound at their bars, whatever the transport does, and only those that people hear."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_proto.document.jam import Transport
from antiphon_server.jam.loop_schedule import LoopBook, LoopNote

PLAYING = Transport(1, True, 0.0, 0.0, tempo=120.0)  # a beat is 500 ms, a bar 2,000


def loop(notes: list[list[int]], bars: int = 1, **more: Any) -> dict[str, Any]:
    return {"program": 0, "bars": bars, "beats": 4, "notes": notes, "by": "ann", **more}


def times(notes: list[LoopNote]) -> list[tuple[float, int]]:
    return [(round(note.at_ms, 6), note.pitch) for note in notes]


def test_a_loop_comes_round_every_so_many_bars() -> None:
    book = LoopBook({"a": loop([[480, 240, 64, 90], [0, 480, 60, 100]], bars=2)})
    assert times(book.between([PLAYING], 0, 8001)) == [
        (0.0, 60), (500.0, 64), (4000.0, 60), (4500.0, 64), (8000.0, 60),
    ]  # fmt: skip
    [note] = book.between([PLAYING], 400, 600)
    assert (note.by, note.loop, note.duration_ms, note.velocity) == ("ann", "a", 250.0, 90)


def test_mute_and_solo() -> None:
    book = LoopBook(
        {
            "a": loop([[0, 1, 60, 1]]),
            "b": loop([[0, 1, 61, 1]], solo=True),
            "c": loop([[0, 1, 62, 1]], solo=True, muted=True),
        }
    )
    assert times(book.between([PLAYING], 0, 100)) == [(0.0, 61)]
    book.replace("b", None)
    assert times(book.between([PLAYING], 0, 100)) == [(0.0, 60)]
    book.replace("a", {"notes": "none"})
    assert book.between([PLAYING], 0, 100) == []


def test_changes_of_the_transport_on_the_way() -> None:
    book = LoopBook({"a": loop([[0, 240, 60, 90], [960, 240, 61, 90]])})
    slow = Transport(2, True, 2000.0, 4.0, tempo=60.0, bar=1, bar_beat=4.0)
    stopped = Transport(3, False, 5000.0, 7.0, tempo=60.0, bar=1, bar_beat=4.0)
    waltz = Transport(4, True, 6000.0, 9.0, tempo=120.0, beats=3, bar=3, bar_beat=9.0)
    course = [PLAYING, slow, stopped, waltz]
    assert times(book.between(course, 0, 9000)) == [
        (0.0, 60), (1000.0, 61), (2000.0, 60), (4000.0, 61), (6000.0, 60), (7000.0, 61), (7500.0, 60), (8500.0, 61),
    ]  # fmt: skip


def test_what_lies_beyond_shorter_bars_does_not_sound() -> None:
    book = LoopBook({"a": loop([[0, 240, 60, 90], [1680, 240, 61, 90]])})
    waltz = Transport(1, True, 0.0, 0.0, tempo=60.0, beats=3)
    assert times(book.between([waltz], 0, 6000)) == [(0.0, 60), (3000.0, 60)]


@settings(deadline=None, max_examples=60)
@given(
    st.lists(st.tuples(st.integers(0, 8 * 480 - 1), st.integers(1, 960)), max_size=20),
    st.integers(1, 4),
    st.lists(st.floats(0, 20_000), min_size=1, max_size=6),
    st.floats(30, 300),
)
def test_pieces_of_time_together_hold_every_note_once(
    notes: list[tuple[int, int]], bars: int, cuts: list[float], tempo: float
) -> None:
    book = LoopBook({"a": loop([[tick, duration, 60, 1] for tick, duration in notes], bars)})
    course = [Transport(1, True, 0.0, 0.0, tempo=tempo)]
    whole = book.between(course, 0, 20_000)
    edges = [0.0, *sorted(cuts), 20_000.0]
    parts = [
        note for low, high in zip(edges, edges[1:], strict=False) for note in book.between(course, low, high)
    ]
    # A note within a rounding error of a cut may fall on either side of it, or on both.
    sure = [note for note in whole if all(abs(note.at_ms - cut) > 0.01 for cut in edges)]
    assert [note for note in parts if all(abs(note.at_ms - cut) > 0.01 for cut in edges)] == sure
    assert len(parts) == pytest.approx(len(whole), abs=2 * len(notes) * len(edges))
