from __future__ import annotations

import time
from functools import cache
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from antiphon_server.http.client_files import DICTIONARIES
from antiphon_server.spelling.checker import Checkers
from antiphon_server.spelling.findings import MAX_TEXT, Language, Passage
from antiphon_server.spelling.frequencies import Frequencies, distance

needs_russian = pytest.mark.skipif(
    not (DICTIONARIES / "ru.dic").is_file(),
    reason="the web client, which brings the dictionary, is not built",
)


@pytest.fixture(scope="module")
def checkers() -> Checkers:
    return Checkers(DICTIONARIES)


def found(checkers: Checkers, language: Language, text: str) -> list[tuple[str, str]]:
    """The faulty words, and the first replacement."""
    (findings,) = checkers.check((Passage(text, language),))
    assert findings is not None
    units = text.encode("utf-16-le")
    return [
        (units[2 * one.start : 2 * one.end].decode("utf-16-le"), (*one.replacements, "")[0])
        for one in findings
    ]


def test_english_faults_have_replacements(checkers: Checkers) -> None:
    assert found(checkers, "en", "He sat down in the libary and she go home.") == [
        ("libary", "library"),
        ("go", "goes"),
    ]
    assert found(checkers, "en", "The colour of the grey harbour was lovely.") == []
    assert found(checkers, "en", "🌙 He fell into the watter.") == [("watter", "water")]


def test_a_long_sentence_hides_no_faults(checkers: Checkers) -> None:
    long = "She waited by the door" + " and then she was at the door" * 12
    assert found(checkers, "en", f"{long} of the libary.") == [("libary", "library")]


def test_names_code_and_addresses_are_left_alone(checkers: Checkers) -> None:
    assert found(checkers, "en", "Then Zorblatt ran. Zorblatt saw `fooo_bar()` on www.exmaple.org too.") == []
    assert (
        found(checkers, "en", "Write to joe@exmaple.com about the file raedme.txt and getValeu please.") == []
    )


def test_another_language_is_not_corrected(checkers: Checkers) -> None:
    assert found(checkers, "en", "Der alte Mann ging langsam durch den dunklen Wald nach Hause.") == []


@needs_russian
def test_russian_faults_have_replacements(checkers: Checkers) -> None:
    assert found(checkers, "ru", "Он пришел в магазын и сдесь остался.") == [
        ("магазын", "магазин"),
        ("сдесь", "здесь"),
    ]
    assert found(checkers, "ru", "Она хочет купатся в реке.") == [("купатся", "купаться")]
    assert found(checkers, "ru", "Он учиться в школе, и мне нравиться море.") == [
        ("учиться", "учится"),
        ("нравиться", "нравится"),
    ]
    assert found(checkers, "ru", "Он помог ей спуститься, и она может учиться.") == []
    assert found(checkers, "ru", "Мы вышли из из дома , потому что кто то пришёл из за тебя.") == [
        ("из из", "из"),
        (" ,", ","),
        ("кто то", "кто-то"),
        ("из за", "из-за"),
    ]


@needs_russian
def test_russian_names_abbreviations_and_mixed_words_are_left_alone(checkers: Checkers) -> None:
    right = (
        "Тогда Зорблатт вышел из ГУЛАГа с iPhone-ом, а чёрно-белый кот кое-как сел где-нибудь. Зорблатт ушёл."
    )
    assert found(checkers, "ru", right) == []
    assert found(checkers, "ru", "Він не знав, що робити з цією старою хатою вночі.") == []


@given(
    st.sampled_from(["en", "ru"]),
    st.text(
        st.one_of(st.sampled_from("аеиоубвгдтё abcdefg .,!?-–«»\"'`🌙́"), st.characters(codec="utf-8")),
        max_size=200,
    ),
)
@settings(max_examples=60, deadline=None)
def test_whatever_is_checked_findings_lie_inside_it_and_apart(language: Language, text: str) -> None:
    checkers = _shared()
    (findings,) = checkers.check((Passage(text, language),))
    units = len(text.encode("utf-16-le", "surrogatepass")) // 2
    for one in findings or ():
        assert 0 <= one.start < one.end <= units
    places = sorted((one.start, one.end) for one in findings or ())
    assert all(before[1] <= after[0] for before, after in zip(places, places[1:], strict=False))


@cache
def _shared() -> Checkers:
    return Checkers(DICTIONARIES)


@needs_russian
def test_a_passage_of_unknown_words_takes_no_longer_than_one_of_few(checkers: Checkers) -> None:
    # At most so many have replacements looked for; the rest of a long passage only costs look-ups.
    garbage = "бвгджз клмнпр стфхцч "
    text = ("Он сидел дома и смотрел в окно на старый сад у реки. " * 60 + garbage * 30)[:MAX_TEXT]
    begun = time.process_time()
    found(checkers, "ru", text)
    assert time.process_time() - begun < 5  # a guard against minutes, no measure


def test_a_language_without_its_dictionary_is_not_checked(tmp_path: Path) -> None:
    assert Checkers(tmp_path).check((Passage("Слово", "ru"),)) == (None,)


def test_likely_replacements_come_first() -> None:
    known = Frequencies({"every": 2e-4, "evert": 1e-9, "cat": 1e-4, "colour": 1e-5, "color": 3e-5})
    assert known.sorted("evry", ["evert", "every"]) == ["every", "evert"]
    assert known.knows("colour", ["color"])
    assert not known.knows("cta", ["cat"])
    assert Frequencies({}).sorted("x", ["b", "a"]) == ["b", "a"]
    assert distance("карова", "корова") < distance("карова", "дорога")
