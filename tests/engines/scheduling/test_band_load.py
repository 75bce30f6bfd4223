"""The needs of bands: slack before their deadlines, and their load."""

from __future__ import annotations

import math

import pytest

from antiphon_engines.scheduling.band_load import BandLoad, NextUnit, slack
from antiphon_engines.scheduling.ticket import Ticket
from support.fake_band import band_request

TICKET = Ticket(1, "band", 0, "ann", 1.0, "audio", band_request(0.0), 0.0)


def unit(due: float, worst: float) -> NextUnit:
    return NextUnit(TICKET, "frame", due - 0.1, due, worst)


def test_slack_is_what_is_left_when_each_still_makes_its_deadline() -> None:
    assert slack([], 5.0) == math.inf
    assert slack([unit(6.0, 0.25)], 5.0) == pytest.approx(0.75)
    assert slack([unit(6.1, 0.5), unit(6.0, 0.25)], 5.0) == pytest.approx(0.35)
    assert slack([unit(9.0, 0.5), unit(6.0, 0.25)], 5.0) == pytest.approx(0.75)
    assert slack([unit(4.9, 0.1)], 5.0) < 0


def test_the_load_is_engine_time_by_music() -> None:
    load = BandLoad(0.8)
    assert load.each == 0.0
    for turn in range(100):
        load.observe(0.002, 0.0, turn * 0.05)  # a unit that prepares
        load.observe(0.008, 0.05, turn * 0.05)
    assert load.each == pytest.approx(0.2, rel=0.01)
    assert load.fits(0, 5.0)
    assert load.fits(3, 5.0)
    assert not load.fits(4, 5.0)


def test_too_heavy_a_band_is_tried_again_after_a_while() -> None:
    load = BandLoad(0.8)
    for turn in range(40):
        load.observe(0.06, 0.05, turn * 0.06)
    assert load.hopeless(3.0)
    assert not load.fits(0, 3.0)
    assert not load.hopeless(70.0)
    assert load.fits(0, 70.0)
    load.observe(0.01, 0.05, 70.0)
    assert load.each == 0.0, "measured anew"
