"""Whose turn it is in call and response."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from antiphon_engines.audio.symbolic.call_response import LONGEST, Answering


def turns(notes: list[float], bars: int, late: float = 0.5) -> list[bool]:
    """Bars of four beats, each asked for when notes up to `late` beats before it are known."""
    answering, todo, out = Answering(), sorted(notes), []
    for bar in range(bars):
        while todo and todo[0] <= 4 * bar - late:
            answering.heard(todo.pop(0))
        out.append(answering.turn(4.0 * bar, 4, 4 * bar - late))
    return out


def test_nobody_is_answered_who_has_not_played() -> None:
    assert turns([], 8) == [False] * 8


def test_an_answer_is_as_long_as_the_phrase() -> None:
    assert turns([0, 1, 2], 4) == [False, True, False, False]
    assert turns([0, 1, 2, 3, 4, 5, 6], 6) == [False, False, True, True, False, False]


def test_who_plays_up_to_the_bar_line_is_let_finish() -> None:
    assert turns([0, 1, 2, 3.4, 4.5], 5) == [False, False, True, True, False]


@pytest.mark.parametrize("bars", range(1, 14))
def test_a_call_of_any_length_is_answered_at_the_next_bar_line_and_not_before(bars: int) -> None:
    notes = [beat / 2 for beat in range(8 * bars - 4)]
    told = turns(notes, 2 * bars + 10)
    answer = min(bars, LONGEST)
    assert told == [False] * bars + [True] * answer + [False] * (bars + 10 - answer)


def test_who_plays_on_is_not_talked_over() -> None:
    answering = Answering()
    for beat in (0.0, 1.0, 2.0):
        answering.heard(beat)
    assert answering.turn(4.0, 4, 3.5)
    answering.heard(4.1, pressed=False)
    assert answering.answers, "a note that is let go breaks into nothing"
    answering.heard(4.5)
    assert not answering.answers
    answering.heard(7.4)
    assert not answering.turn(8.0, 4, 7.5)


def test_a_phrase_that_begins_late_in_a_bar_takes_that_bar() -> None:
    assert turns([3.0, 4.0, 5.0], 5) == [False, False, True, True, False]


def test_a_jump_forgets_the_phrase() -> None:
    answering = Answering()
    answering.heard(1.0)
    answering.forget()
    assert not answering.turn(4.0, 4, 3.5)


@given(st.lists(st.floats(0, 60), max_size=60))
def test_people_always_get_their_turn_again(notes: list[float]) -> None:
    told = turns(notes, 20)
    assert all(not all(told[start : start + LONGEST + 1]) for start in range(len(told) - LONGEST))
    assert not told[0]
