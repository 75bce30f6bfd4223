"""How often and how large previews are made: levels, hysteresis, bounds."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_server.canvas.preview_rate import CALM, LEVELS, SIDES, PreviewPace, Show

WELL, BADLY = (8, 0), (8, 6)


def test_the_largest_picture_on_a_screen_decides() -> None:
    pace = PreviewPace()
    assert pace.show([100, None]) == Show(1, 256)
    assert pace.show([100, 300]) == Show(1, 384)
    assert pace.show([100, 65535]) == Show(1, 512)
    assert pace.show([1]) == Show(1, 64)


@pytest.mark.parametrize("sides", [[], [0], [0, 0]])
def test_nothing_is_made_while_nobody_looks(sides: list[int]) -> None:
    assert PreviewPace().show(sides).previews == 0


def test_one_slow_viewer_changes_nothing_for_the_others() -> None:
    pace = PreviewPace()
    for _ in range(20):
        pace.observe([BADLY, WELL])
    assert pace.show([256]) == Show(1, 256)


def test_most_of_them_slow_makes_less_step_by_step() -> None:
    pace = PreviewPace()
    seen = []
    for _ in range(len(LEVELS) + 2):
        pace.observe([BADLY, BADLY, WELL])
        seen.append(pace.show([256]))
    assert seen == [Show(2, 256), Show(2, 128), Show(4, 128), Show(4, 128), Show(4, 128), Show(4, 128)]


def test_more_is_made_again_only_after_a_calm_while() -> None:
    pace = PreviewPace()
    pace.observe([BADLY])
    pace.observe([BADLY])
    for _ in range(CALM - 1):
        pace.observe([WELL])
    pace.observe([BADLY, WELL])  # neither many nor few
    for _ in range(CALM - 1):
        pace.observe([WELL])
        pace.observe([])  # nothing was shown: it tells nothing
    assert pace.show([256]) == Show(2, 128)
    pace.observe([WELL])
    assert pace.show([256]) == Show(2, 256)


@given(
    st.lists(st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=6), max_size=60),
    st.lists(st.none() | st.integers(0, 65535), max_size=6),
    st.tuples(st.integers(0, 100), st.integers(32, 512)),
)
@settings(deadline=None, max_examples=50)
def test_what_is_made_stays_in_its_bounds(
    looks: list[list[tuple[int, int]]], sides: list[int | None], most: tuple[int, int]
) -> None:
    pace = PreviewPace()
    for look in looks:
        pace.observe(look)
    show = pace.show(sides)
    assert 0 <= show.previews <= 4
    assert SIDES[0] <= show.side <= SIDES[-1]
    inside = show.within(Show(*most))
    assert inside.side <= most[1]
    assert (inside.previews == 0) == (0 in (show.previews, most[0]))
    assert inside.previews >= show.previews or inside.previews == 0
