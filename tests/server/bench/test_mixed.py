"""The mixed bench: its figures from given observations; and all of it, briefly, where the models are."""

from __future__ import annotations

from typing import Any

import pytest

from antiphon_server.bench import mixed

SEEN: dict[str, Any] = {
    "token_gaps_ms": [float(value) for value in range(100)],
    "first_tokens_ms": [500.0],
    "first_previews_ms": [100.0, 300.0],
    "preview_gaps_ms": [50.0],
    "pictures_ms": [900.0],
    "tokens": 1000,
    "texts": 9,
    "refused": [],
    "heard": {"frames": 100, "missing_ms": 40.0, "late": 1, "gaps": 2, "margins_ms": [300.0, -5.0, 200.0]},
}
WORKER = {
    "busy_seconds": 10.0,
    "overhead_seconds": 0.5,
    "busy_cpu_seconds": 8.0,
    "overhead_cpu_seconds": 0.2,
    "steps": 100.0,
    "advanced_runs": 250.0,
}


def test_figures_are_taken_from_what_people_saw() -> None:
    summary = mixed._summary(SEEN, WORKER)
    assert summary["token gap ms"] == {"p50": 50.0, "p95": 95.0, "p99": 99.0, "mean": 49.5, "most": 99.0}
    assert summary["audio"]["gaps"] == 2
    assert summary["audio"]["came before it sounded, ms"]["least"] == -5.0
    assert summary["worker"]["overhead by busy"] == 0.05
    assert summary["worker"]["overhead by busy, CPU of the loop"] == 0.025
    assert summary["worker"]["mean batch"] == 2.5


def test_what_was_not_measured_is_no_figure() -> None:
    silent = {
        **SEEN,
        "token_gaps_ms": [],
        "heard": {**SEEN["heard"], "frames": 0, "gaps": 0, "margins_ms": []},
    }
    summary = mixed._summary(silent, {**WORKER, "busy_cpu_seconds": 0.0})
    assert summary["token gap ms"]["p95"] is None
    assert summary["audio"]["gaps"] is None, "a band that was never heard had no gap, but it is no success"
    assert summary["worker"]["overhead by busy, CPU of the loop"] is None


def test_the_workers_account_is_read_off_the_metrics_page() -> None:
    page = (
        "# HELP antiphon_engine_busy_seconds_total x\n# TYPE antiphon_engine_busy_seconds_total counter\n"
        "antiphon_engine_busy_seconds_total 12.5\nantiphon_rooms 3.0\nantiphon_engine_steps_total 7.0\n"
    )
    assert mixed._worker(page) == {"busy_seconds": 12.5, "steps": 7.0}


def test_ratios_are_theirs_by_ours() -> None:
    ours = mixed._summary(SEEN, WORKER)
    slower = mixed._summary({**SEEN, "token_gaps_ms": [2 * gap for gap in SEEN["token_gaps_ms"]]}, WORKER)
    assert mixed._ratios(slower, ours)["token gap ms, p95"] == 2.0


@pytest.mark.usefixtures("embedded_text_model")
async def test_it_runs_on_a_real_server(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two seconds beyond the band's start-up; the figures mean nothing here."""
    monkeypatch.setattr(mixed, "WRITERS", 1)
    monkeypatch.setattr(mixed, "PAINTERS", 1)
    summary = await mixed._under("deadline", 7.0)
    assert summary["audio"]["frames"] > 0
    assert summary["worker"]["units"] > 0
    assert summary["reasons"] == []
