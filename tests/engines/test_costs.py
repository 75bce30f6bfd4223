"""Measured costs."""

from __future__ import annotations

import pytest

from antiphon_engines.costs import CostTable


def test_what_was_never_measured_is_unknown() -> None:
    costs = CostTable()
    assert costs.estimate("text", "decode", 1) is None
    costs.observe("text", "prefill", 1, 0.3, now=0.0)
    assert costs.estimate("text", "decode", 1) is None
    assert costs.estimate("image", "prefill", 1) is None


def test_measurements_are_averaged() -> None:
    costs = CostTable(smoothing=0.5)
    costs.observe("text", "decode", 2, 0.1, now=0.0)
    costs.observe("text", "decode", 2, 0.2, now=1.0)
    assert costs.estimate("text", "decode", 2) == pytest.approx(0.15)


def test_sizes_in_between_are_guessed_on_the_dear_side() -> None:
    costs = CostTable()
    costs.observe("text", "decode", 2, 0.10, now=0.0)
    costs.observe("text", "decode", 8, 0.16, now=0.0)
    assert costs.estimate("text", "decode", 1) == pytest.approx(0.10)
    assert costs.estimate("text", "decode", 3) == pytest.approx(0.15)
    assert costs.estimate("text", "decode", 6) == pytest.approx(0.16)
    assert costs.estimate("text", "decode", 16) == pytest.approx(0.32)


def test_an_old_measurement_is_replaced_and_counts_as_unknown_before() -> None:
    costs = CostTable(smoothing=0.1, stale=30.0)
    costs.observe("text", "decode", 1, 1.0, now=0.0)
    assert costs.is_fresh("text", "decode", 1, now=30.0)
    assert not costs.is_fresh("text", "decode", 1, now=30.1)
    assert not costs.is_fresh("text", "decode", 2, now=0.0)
    assert costs.estimate("text", "decode", 1) == 1.0
    costs.observe("text", "decode", 1, 0.2, now=100.0)
    assert costs.estimate("text", "decode", 1) == 0.2


def test_the_careful_estimate_shrinks_as_measurements_agree_and_grows_as_they_vary() -> None:
    costs = CostTable()
    assert costs.worst("text", "decode", 1) is None
    costs.observe("text", "decode", 1, 0.1, now=0.0)
    assert costs.worst("text", "decode", 1) == pytest.approx(0.3)
    for _ in range(40):
        costs.observe("text", "decode", 1, 0.1, now=0.0)
    steady = costs.worst("text", "decode", 1)
    assert steady == pytest.approx(0.1, rel=0.01)
    for turn in range(40):
        costs.observe("text", "decode", 1, 0.05 if turn % 2 else 0.15, now=0.0)
    varied = costs.worst("text", "decode", 1)
    assert varied is not None
    assert varied > 0.25
    assert costs.worst("text", "decode", 2) == pytest.approx(2 * varied)


def test_a_pause_of_the_machine_is_an_outlier() -> None:
    costs = CostTable()
    for seconds in (0.1, 0.1, 30.0):
        costs.observe("text", "decode", 1, seconds, now=0.0)
    assert costs.estimate("text", "decode", 1) == pytest.approx(0.16)


def test_a_peak_is_remembered_for_a_while() -> None:
    costs = CostTable()
    assert costs.peak("audio", "frame") is None
    for seconds in [0.001] * 50 + [0.01] + [0.001] * 20:
        costs.observe("audio", "frame", 1, seconds, now=0.0)
    peak = costs.peak("audio", "frame")
    assert peak is not None
    assert 0.008 < peak <= 0.01
    for _ in range(600):
        costs.observe("audio", "frame", 1, 0.001, now=0.0)
    assert costs.peak("audio", "frame") == pytest.approx(0.001, rel=0.05)


def test_another_model_is_measured_anew() -> None:
    costs = CostTable()
    costs.observe("text", "decode", 1, 0.1, now=0.0)
    costs.observe("image", "decode", 1, 0.2, now=0.0)
    costs.forget("text")
    assert costs.estimate("text", "decode", 1) is None
    assert costs.estimate("image", "decode", 1) == pytest.approx(0.2)
