"""The GPU script runs; its figures of a CPU mean nothing and are not checked."""

from __future__ import annotations

import importlib.util
import json
from pathlib import Path
from types import ModuleType

import pytest

pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(scope="module")
def script() -> ModuleType:
    path = Path(__file__).with_name("gpu_all.py")
    spec = importlib.util.spec_from_file_location("gpu_all", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_it_runs_on_a_cpu_with_tiny_models(script: ModuleType, tmp_path: Path) -> None:
    options = ["--small", "--only", "audio", "--seconds", "0.05", "--save", str(tmp_path)]
    report = script.main(options)
    assert report["problems"] == []
    assert report["results"].keys() == {"audio"}
    for part in ("music_decoder", "codec_decoder"):
        for figures in report["results"]["audio"][part].values():
            assert figures.keys() == {"torch eager", "onnxruntime"}
            assert figures["onnxruntime"]["error"] < 1e-4
            assert figures["onnxruntime"]["ms"] > 0
        assert report["seconds to build"][part]["onnxruntime"] > 0
    assert json.loads((tmp_path / "gpu_all.json").read_text()) == report


def test_a_deadline_leaves_out_and_says_so(script: ModuleType, tmp_path: Path) -> None:
    options = ["--small", "--only", "image", "text", "--seconds", "0.01", "--deadline", "0"]
    report = script.main([*options, "--save", str(tmp_path)])
    assert report["results"]["text"]["language_decoder"]["batch 2"].keys() == {"torch eager"}
    assert "denoiser, onnxruntime: left out, the time was up" in report["problems"]
    summary = report["summary"]
    for decoder in ("decoder", "tiny_decoder"):
        assert summary[f"images/s in one step, {decoder}"].keys() == {"1 users", "2 users"}
        assert summary[f"2 users by sequential, {decoder}"] > 0
