"""Whose a thing is: not everybody's who stands near it."""

from __future__ import annotations

import pytest

from antiphon_server.evaluation.contradictions import HELD_OUT, measured
from antiphon_server.reading.facts import read


def facts(text: str) -> set[tuple[str, str, str]]:
    return {(one.name, fact.attribute, fact.value) for one in read(text) for fact in one.facts}


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("Marta's door was red.", ("Marta", "door", "red")),
        ("Marta came to her own blue door.", ("Marta", "door", "blue")),
        ("The house of Edith was white. Edith slept.", ("Edith", "house", "white")),
        ("Then Simon rode his white horse.", ("Simon", "horse", "white")),
        ("Bella, the black mare, slept. Bella was old.", ("Bella", "horse", "black")),
        ("У Клары была серая кошка. Клара пела.", ("Клара", "cat", "grey")),
        ("Марта открыла свою красную дверь.", ("Марта", "door", "red")),
        ("Лодка Осипа была зелёная. Осип молчал.", ("Осип", "boat", "green")),
    ],
)
def test_a_thing_that_somebody_holds_is_theirs(text: str, fact: tuple[str, str, str]) -> None:
    assert fact in facts(text)


@pytest.mark.parametrize(
    "text",
    [
        "Marta opened the red door. Marta sighed.",
        "Simon saw a white horse and the black house behind it. Simon ran.",
        "A brown dog barked at Peter. Peter ran.",
        "Irene got into the black car of the doctor. Irene slept.",
        "Hugo looked into the brown eyes of the stranger. Hugo left.",
        "Hugo looked at the stranger's brown hair. Hugo left.",
        "Марта открыла красную дверь. Марта молчала.",
        "Она открыла зелёную дверь, и Марта вошла. Марта молчала.",
        "За Власом стоял жёлтый дом. Влас курил.",
        "Рыжая собака лаяла на Петра. Пётр бежал.",
        "Глеб заглянул в карие глаза незнакомца. Глеб ушёл.",
    ],
)
def test_a_thing_near_somebody_is_nobodys(text: str) -> None:
    assert facts(text) == set()


def test_the_figures_of_the_pairs_that_no_rule_was_written_after() -> None:
    score = measured(pairs_of=HELD_OUT)
    assert (score.recall >= 0.7, score.precision >= 0.85) == (True, True)
