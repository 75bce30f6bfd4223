"""The bench of pictures runs, on one round of short work; its figures here mean nothing."""

from __future__ import annotations

import json

import pytest

from antiphon_server.bench import image


async def test_the_bench_of_pictures_measures_all_that_its_targets_are_about(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(image, "USERS", (1, 4))
    monkeypatch.setattr(image, "LONG", 16)
    report = await image._measure(1)
    assert {target.name for target in report.targets if target.value is None} == set()
    data = json.loads(report.to_json())
    assert data["bench"] == "image"
    newcomer = data["results"]["second person while a long picture is painted"]
    assert newcomer["steps of the running picture meanwhile, most"] >= 1
    for users in ("1 users", "4 users"):
        assert data["results"][users]["ours by stock"] > 0
    assert 0 < data["results"]["previews"]["bytes at 256 px, most"] <= 12 * 1024
