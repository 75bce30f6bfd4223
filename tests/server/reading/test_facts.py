"""The people whom a story names, their attributes, and the places: by rules, in English and Russian."""

from __future__ import annotations

import gc
import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_server.reading.contradictions import contradictions
from antiphon_server.reading.facts import Found, read


def facts(text: str) -> set[tuple[str, str, str]]:
    return {(one.name, fact.attribute, fact.value) for one in read(text) for fact in one.facts}


@pytest.mark.parametrize(
    ("text", "fact"),
    [
        ("Marta had green eyes.", ("Marta", "eyes", "green")),
        ("Marta came in. Her eyes were grey.", ("Marta", "eyes", "grey")),
        ("Mr Grey drove a red car.", ("Grey", "car", "red")),
        ("Ivo Brandt was sixty-two years old. Nobody believed Brandt.", ("Ivo Brandt", "age", "62")),
        ("Julia lived in Prague.", ("Julia", "home", "Prague")),
        ("Anna's sister Ruth kept the shop.", ("Anna", "sister", "Ruth")),
        ("David was a quiet carpenter.", ("David", "work", "carpenter")),
        ("У Фёдора были чёрные волосы. Фёдор молчал.", ("Фёдор", "hair", "black")),
        ("Карие глаза Марты устали. Марта спала.", ("Марта", "eyes", "brown")),
        ("Кларе было тридцать два года. Клара смеялась.", ("Клара", "age", "32")),
        ("Сестра Анны, Вера, держала лавку. Анна и Вера ушли.", ("Анна", "sister", "Вера")),
        ("Мартын жил на третьем этаже.", ("Мартын", "floor", "3")),
    ],
)
def test_a_fact_is_found_with_whose_it_is(text: str, fact: tuple[str, str, str]) -> None:
    assert fact in facts(text)


@pytest.mark.parametrize(
    "text",
    [
        "Marta had green eyes. Her brother had brown eyes.",
        "David was a carpenter. David's son was a teacher.",
        "Peter looked at Anna. Her eyes were blue. Peter's eyes were brown.",
        "Tom's hair was black. Years later Tom's hair was grey.",
        "Давид был плотником. Сын Давида был учителем.",
    ],
)
def test_what_two_people_are_is_no_contradiction(text: str) -> None:
    assert not list(contradictions(read(text)))


def test_a_contradiction_has_both_places() -> None:
    text = "Marta had green eyes.\nIt rained.\nMarta's brown eyes shone."
    (one,) = contradictions(read(text))
    assert (one.key, one.attribute) == ("marta", "eyes")
    assert text[one.first.start : one.first.end] == "Marta had green eyes."
    assert text[one.second.start : one.second.end] == "Marta's brown eyes shone."


PIECES = st.sampled_from(
    [
        "Marta",
        "Иван",
        " ",
        ". ",
        "\n",
        "'s ",
        "green eyes",
        "было 40 лет",
        "#1",
        ",",
        "her",
        "🌙",
        "был",
        "is",
        "-",
    ]
)


@settings(max_examples=150, deadline=None)
@given(st.lists(PIECES, max_size=40).map("".join))
def test_any_text_can_be_read(text: str) -> None:
    for one in read(text):
        assert isinstance(one, Found)
        for fact in one.facts:
            assert 0 <= fact.start <= fact.end <= len(text)


@pytest.mark.parametrize("piece", ["Marta " * 50, "was " * 200, "green, " * 80, "# ", "Анна, " * 40])
def test_a_long_line_takes_time_in_proportion(piece: str) -> None:
    def seconds(times: int) -> float:
        gc.collect()
        gc.disable()
        try:
            start = time.process_time()
            read(piece * times)
            return time.process_time() - start
        finally:
            gc.enable()

    seconds(1)
    small, large = min(seconds(4) for _ in range(3)), min(seconds(16) for _ in range(2))
    assert large < 64 * small + 0.5
