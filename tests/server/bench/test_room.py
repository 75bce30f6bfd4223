"""The bench of the room: its figures from given observations; and all of it, briefly, in a real browser."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from antiphon_engines.api import EngineUnavailable
from antiphon_server.bench import room, room_pages


def test_each_press_is_timed_to_the_first_change_that_holds_it() -> None:
    seen = [(110.0, 6, 0), (118.0, 8, 0), (119.0, 8, 0)]  # the second and third came at once
    assert room.arrivals([100.0, 105.0, 111.0], seen, 5) == [10.0, 13.0, 7.0]


def test_only_new_words_of_the_model_count() -> None:
    seen = [(1.0, 9, 4), (2.0, 10, 4), (3.0, 12, 6), (4.0, 12, 5), (5.0, 13, 6), (6.0, 15, 8)]
    assert room.growth(seen, 4) == [3.0, 6.0]


def test_what_was_not_measured_is_no_figure() -> None:
    assert room.quantiles([], (0.5,)) == {"p50": None, "most": None}
    assert room.quantiles([3.0, 1.0, 2.0], (0.5,)) == {"p50": 2.0, "most": 3.0}


async def test_without_playwright_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "playwright.async_api", None)
    with pytest.raises(EngineUnavailable, match=r"pip install 'antiphon\[browser\]'"):
        async with room_pages.chromium():
            pass


async def test_without_a_chromium_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(EngineUnavailable, match="install chromium"):
        async with room_pages.chromium():
            pass


@pytest.mark.e2e
@pytest.mark.usefixtures("embedded_text_model")
async def test_it_measures_all_that_its_targets_are_about(cache_dir: Path) -> None:
    """The figures mean nothing here."""
    load = room.Load(visits=1, presses=5, runs=1, length="short", edits=100)
    report = await room.measure(load, cache_dir)
    assert {target.name for target in report.targets if target.value is None} == set()
    results = json.loads(report.to_json())["results"]
    assert results["key press to the other page ms"]["presses"] == 5
    assert results["key press to the other page ms"]["p50"] > 0
    # The beginning of an unfinished sentence is held back, and does not come to the page.
    assert 0 < results["tokens"]["counted in the page"] <= results["tokens"]["made by the engine"]
    assert results["first visit"]["transferred KiB"]["script"] > 0
    assert results["memory"]["page of who reads"]["nodes after"] > 0
