"""The GPU script runs; its figures of a CPU mean nothing and are not checked."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path

import pytest

pytestmark = pytest.mark.filterwarnings("ignore")


def test_it_runs_on_a_cpu_in_a_tiny_configuration(tmp_path: Path) -> None:
    path = Path(__file__).with_name("gpu_image.py")
    spec = importlib.util.spec_from_file_location("gpu_image", path)
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    options = ["--small", "--users", "1", "3", "--size", "64", "--seconds", "0.1", "--rounds", "1", "--save"]
    report = script.main([*options, str(tmp_path)])
    assert set(report["results"]) == {"1 users", "3 users"}
    for figures in report["results"].values():
        assert min(figures[name]["fps"] for name in ("ours", "stock", "stock_batch")) > 0
    assert json.loads((tmp_path / "gpu_image.json").read_text()) == report
