"""What a model reads on both sides of a gap, and which words may be offered."""

from __future__ import annotations

import pytest

from antiphon_engines.text.fill.sides import BEFORE, fits, sides


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("The cat ", " on the mat.", ("The cat", " on the mat.", True)),
        ("The cat", "on", ("The cat", " on", True)),
        ("The cat ", ", he said", ("The cat", ", he said", True)),
        ("", " sat", ("", " sat", False)),
        ("One.\n", "two", ("One.\n", " two", False)),
        ('He said "', '" and left', ('He said "', '" and left', False)),
        ("Кот ", " спал", ("Кот", " спал", True)),
        ("猫が", "寝た", ("猫が", "寝た", None)),
        ("The cat", "", ("The cat", "", True)),
    ],
)
def test_sides_are_cut_at_the_gap(before: str, after: str, expected: tuple[str, str, bool | None]) -> None:
    found = sides(before, after)
    assert (found.before, found.after, found.spaced) == expected


def test_a_long_left_side_begins_at_a_boundary() -> None:
    text = "One sentence stands here. " * 100
    found = sides(text, "").before
    assert len(found) <= BEFORE
    assert found.startswith("One sentence")
    assert len(sides("x" * 5000, "").before) == BEFORE


@pytest.mark.parametrize(
    "words", ["", ".", "\n", "one\ntwo", "\ufffd", "<|im_end|>", "'s", 'say "yes', "The", "cat"]
)
def test_words_that_cannot_be_offered(words: str) -> None:
    # "cat" stands before the gap already, and "the" after it.
    assert not fits(words, "a black cat", " the mat", "slept on")


def test_words_that_are_replaced_are_not_offered_again() -> None:
    assert not fits("Slept  on", "cat", " the mat", "slept on")
    assert fits("sat on", "cat", " the mat", "slept on")
    assert fits('"No," she said', "cat", " the mat", "")
