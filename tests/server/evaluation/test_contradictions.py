"""The figures that the project promises."""

from __future__ import annotations

import pytest

from antiphon_server.evaluation.contradictions import measured


@pytest.mark.parametrize("language", ["en", "ru"])
def test_planted_contradictions_are_found_and_few_others(language: str) -> None:
    score = measured((language,))
    assert score.planted == 30
    assert score.recall >= 0.7
    assert score.precision >= 0.85
