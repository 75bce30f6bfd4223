"""Which chord people mean by the keys that they hold or strike."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_engines.audio.symbolic.hands import Asked, Hands

BEAT = 12
C_MAJOR = frozenset({0, 4, 7})


def hands(strokes: list[tuple[int, int]], releases: list[tuple[int, int]] | None = None) -> Hands:
    out = Hands()
    for tick, pitch in strokes:
        out.press(tick, pitch)
    for tick, pitch in releases or []:
        out.release(tick, pitch)
    return out


def test_a_held_chord_is_asked_for_from_its_last_key_until_it_is_let_go() -> None:
    held = hands([(10, 60), (30, 64), (50, 67)], [(200, 60), (200, 64), (200, 67)])
    assert held.asked(49) is None
    assert held.asked(50) == Asked(C_MAJOR, 0)
    assert held.asked(199) == Asked(C_MAJOR, 0)
    assert held.asked(200) is None


def test_a_chord_that_was_struck_and_let_go_counts_for_three_beats() -> None:
    struck = hands([(10, 64), (11, 67), (12, 72)], [(14, 64), (14, 67), (14, 72), (30, 62)])
    assert struck.asked(12 + 3 * BEAT - 1) == Asked(C_MAJOR, 4)
    assert struck.asked(12 + 3 * BEAT) is None


def test_the_later_of_two_chords_counts() -> None:
    both = hands([(0, 60), (0, 64), (0, 67), (24, 62), (24, 65), (24, 69)])
    both.release(20, 60), both.release(20, 64), both.release(20, 67)
    assert both.asked(23) == Asked(C_MAJOR, 0)
    assert both.asked(24) == Asked(frozenset({2, 5, 9}), 2)


@pytest.mark.parametrize(
    "strokes",
    [
        [],
        [(0, 60), (0, 72), (0, 48)],
        [(0, 60), (0, 64)],
        [(0, pitch) for pitch in range(60, 66)],
    ],
)
def test_octaves_two_notes_and_clusters_ask_for_nothing(strokes: list[tuple[int, int]]) -> None:
    assert hands(strokes).asked(0) is None


def test_a_melody_asks_for_nothing() -> None:
    tune = [(tick, 60 + tick) for tick in range(0, 60, 3)]
    legato = hands(tune, [(tick + 6, pitch) for tick, pitch in tune])
    assert all(legato.asked(tick) is None for tick in range(100))


def test_a_key_whose_release_was_lost_is_not_held_for_ever() -> None:
    lost = hands([(0, 60), (0, 64), (0, 67)])
    assert lost.asked(16 * BEAT) == Asked(C_MAJOR, 0)
    assert lost.asked(32 * BEAT) is None
    lost.let_go(17 * BEAT)
    assert lost.asked(17 * BEAT) is None


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(st.integers(0, 150), st.integers(55, 68), st.integers(1, 60)), max_size=20),
    st.integers(0, 150),
)
def test_what_is_not_known_yet_is_not_used_and_what_is_forgotten_not_missed(
    notes: list[tuple[int, int, int]], known: int
) -> None:
    full, blind = Hands(), Hands()
    for tick, pitch, _ in notes:
        full.press(tick, pitch)
        if tick <= known:
            blind.press(tick, pitch)
    for tick, pitch, length in sorted(notes, key=lambda note: note[0] + note[2]):
        full.release(tick + length, pitch)
        if tick + length <= known:
            blind.release(tick + length, pitch)
    expected = blind.asked(known)
    assert full.asked(known) == expected
    full.forget(known)
    assert full.asked(known) == expected
