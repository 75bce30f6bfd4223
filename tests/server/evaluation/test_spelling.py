from __future__ import annotations

import pytest

from antiphon_server.evaluation.spelling.measure import clean, measure, planted
from antiphon_server.http.client_files import DICTIONARIES
from antiphon_server.spelling.checker import Checkers
from antiphon_server.spelling.findings import Finding, Language, Passage, words_in


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_measure_has_sixty_faults_and_two_thousand_clean_words(language: Language) -> None:
    faults = planted(language)
    assert len(faults) == 60
    assert all(fault.text[fault.start : fault.end] != fault.right for fault in faults)
    assert sum(len(words_in(text)) for text in clean(language)) >= 2000


def test_what_finds_nothing_and_what_finds_everything_are_told_apart() -> None:
    assert (measure("en", lambda text: ()).found, measure("en", lambda text: ()).false_alarms) == (0, 0)

    def everything(text: str) -> list[Finding]:
        return [Finding(word.start(), word.end(), "spelling") for word in words_in(text)]

    figures = measure("en", everything)
    assert (figures.found, figures.first) == (60, 0)
    assert figures.false_alarms == figures.clean_words >= 2000


@pytest.mark.parametrize("language", ["en", "ru"])
def test_the_checker_meets_its_aims(language: Language) -> None:
    if language == "ru" and not (DICTIONARIES / "ru.dic").is_file():
        pytest.skip("the web client, which brings the dictionary, is not built")
    checkers = Checkers(DICTIONARIES)

    def check(text: str) -> tuple[Finding, ...]:
        (found,) = checkers.check((Passage(text, language),))
        assert found is not None
        return found

    figures = measure(language, check)
    assert figures.found >= 0.6 * figures.planted
    assert figures.false_alarms <= 4
