"""The figures of `bench typing`, without a browser."""

from __future__ import annotations

from antiphon_server.bench.typing import delays, novel


def test_the_delay_of_a_press_ends_with_the_first_frame_that_has_its_letter() -> None:
    seen = [(1010.0, 6, 4.0), (1050.0, 8, 5.0), (1090.0, 9, 5.0)]
    assert delays([1000.0, 1020.0, 1030.0, 1060.0], seen, 5) == [10.0, 30.0, 20.0, 30.0]
    # A letter that never came is no figure; the bench waits for the last before it counts.
    assert delays([1000.0, 1020.0], seen[:1], 5) == [10.0]


def test_a_novel_has_the_length_that_was_asked_for_and_is_the_same_each_time() -> None:
    assert novel(0) == ""
    text = novel(50_000)
    assert 50_000 <= len(text) < 50_700
    assert text == novel(50_000)
    assert text.startswith("Chapter 1\n")
    assert 100 < text.count("\n") < 250
