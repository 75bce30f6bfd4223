"""The bench of the band runs, on two seconds of music; its figures here mean nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from antiphon_server.bench import audio


@pytest.mark.slow
async def test_the_bench_of_the_band_measures_all_that_its_targets_are_about(
    cache_dir: Path, embedded_text_model: Path
) -> None:
    report = await audio._measure(cache_dir, 2.0)
    assert {target.name for target in report.targets if target.value is None} == set()
    data = json.loads(report.to_json())
    assert data["bench"] == "audio"
    assert data["results"]["live, alone"]["frames"] > 0
    beside = data["results"]["live, beside a text and pictures"]
    assert beside["frames"] > 0
    assert data["results"]["opus"]["bytes per second"] > 1000
    assert 0 < data["results"]["reaction"]["chord to answer s, most"] <= 2.2
