from __future__ import annotations

import io
import json
from pathlib import Path

import pytest
from rich.console import Console

from antiphon_server.bench import text
from antiphon_server.bench.report import Op, Report, Target

REPORT = Report(
    bench="example",
    load="ten clients",
    results={"ours": {"rate": 12.5, "parts": {"a": 1}}, "missing": None},
    targets=(Target("rate", 12.5, ">=", 10), Target("delay", None, "<=", 1)),
)


@pytest.mark.parametrize(
    ("value", "op", "met"),
    [(2.0, ">=", True), (2.0, "<=", True), (1.9, ">=", False), (2.1, "<=", False), (None, "<=", False)],
)
def test_a_target_says_whether_it_is_met(value: float | None, op: Op, met: bool) -> None:
    assert Target("x", value, op, 2.0).met is met


def test_the_json_object_has_the_agreed_shape() -> None:
    data = json.loads(REPORT.to_json())
    assert list(data) == ["bench", "machine", "load", "results", "targets"]
    assert data["targets"][0] == {"name": "rate", "value": 12.5, "op": ">=", "target": 10, "met": True}
    assert data["targets"][1]["met"] is False
    assert {"cpu", "cores", "python"} <= data["machine"].keys()
    assert "\n" not in REPORT.to_json()


def test_a_copy_can_be_kept(tmp_path: Path) -> None:
    path = REPORT.save(tmp_path / "results")
    assert path.name.startswith("example-")
    assert json.loads(path.read_text())["results"] == REPORT.results


def test_people_get_tables() -> None:
    out = io.StringIO()
    REPORT.show(Console(file=out, width=120))
    assert "ours / parts / a" in out.getvalue()
    assert "targets" in out.getvalue()


def test_text_ratios_and_targets_come_from_the_figures() -> None:
    def figures(*rates: float) -> dict[str, object]:
        return {
            "tokens_per_s": {f"batch {size}": rate for size, rate in zip(text.BATCHES, rates, strict=True)},
            "first_token_s": {"prompt 1000": {"cold": 4.0, "reused": 0.2}},
        }

    results = {
        "antiphon int8": figures(60, 120, 180),
        "transformers fp32": figures(15, 30, 60),
        "llama.cpp Q4_1": {"error": "stopped"},
    }
    assert text._ratios(results)["tokens per second, against transformers fp32"]["batch 8"] == 3.0
    targets = text._targets(results)
    assert [(target.value, target.met) for target in targets] == [(4.0, True), (None, False), (0.05, True)]
