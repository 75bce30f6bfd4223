from __future__ import annotations

import pytest

from antiphon_engines.speech.numbers import cardinal, ordinal, spoken_numbers


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("12 men", "twelve men"),
        ("1,250,003", "one million two hundred and fifty thousand and three"),
        ("in 1984", "in nineteen eighty-four".replace("-", " ")),
        ("in 1905 and 2004", "in nineteen oh five and two thousand and four"),
        ("the 3rd and the 21st", "the third and the twenty first"),
        ("3.14", "three point one four"),
        ("at 10:30, 7:05 and 9:00", "at ten thirty , seven oh five and nine o'clock"),
        ("$2.50, £1 and €0.01", "two dollars and fifty cents , one pound and one cent"),
        ("15%", "fifteen percent"),
        ("agent 007", "agent zero zero seven"),
        ("1234567890123", "one two three four five six seven eight nine zero one two three"),
        ("the 1990s", "the nineteen nineties"),
    ],
)
def test_numbers_become_words(written: str, said: str) -> None:
    assert " ".join(spoken_numbers(written).replace(",", " ,").split()) == said


def test_every_number_has_words() -> None:
    seen = {cardinal(value) for value in range(3000)}
    assert len(seen) == 3000
    assert ordinal(12) == "twelfth"
    assert ordinal(40) == "fortieth"
    assert ordinal(100) == "one hundredth"
