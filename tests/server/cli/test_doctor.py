from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.audio import spec
from antiphon_engines.backends.plans import runtimes
from antiphon_engines.config import WorkerConfig
from antiphon_server.cli import backend_checks, installation
from antiphon_server.cli.installation import Check
from antiphon_server.cli.main import app

runner = CliRunner()


def examine(*arguments: str) -> tuple[int, dict[str, dict[str, Any]]]:
    result = runner.invoke(app, ["doctor", "--json", *arguments])
    report = json.loads(result.output)
    assert report["ok"] == (result.exit_code == 0)
    return result.exit_code, {check["name"]: check for check in report["checks"]}


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty PATH, to put programs on."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    return folder


def put(path: Path, name: str, output: str, status: int = 0) -> None:
    program = path / name
    program.write_text(f"#!/bin/sh\necho '{output}'\nexit {status}\n")
    program.chmod(0o755)


def test_an_unprepared_model_is_what_is_missing(tmp_path: Path) -> None:
    status, checks = examine("--cache-dir", str(tmp_path))
    assert status == 1
    assert [name for name, check in checks.items() if check["state"] == "missing"] == ["text model"]
    assert "antiphon models prepare" in checks["text model"]["detail"]
    assert checks["gemma3-270m"]["remedy"] == "antiphon models prepare gemma3-270m --accept-terms"
    assert {
        "python",
        "machine",
        "onnxruntime",
        "torch",
        "llama.cpp",
        "runs torch",
        "runs onnxruntime",
        "runs tensorrt",
        "runs tensorrt_rtx",
        "export",
        "remote",
        "node",
    } <= checks.keys()


def test_a_remote_model_needs_nothing_here(tmp_path: Path) -> None:
    status, checks = examine("--cache-dir", str(tmp_path), "--text-model", "http://h:1/v1#m")
    assert status == 0
    assert checks["text model"]["detail"] == "m on remote"


def test_a_wrong_name(tmp_path: Path) -> None:
    status, checks = examine("--cache-dir", str(tmp_path), "--text-model", "smollm")
    assert status == 1
    assert "there is no model 'smollm'" in checks["text model"]["detail"]


def test_the_driver_says_which_devices_there_are(tmp_path: Path, path: Path) -> None:
    put(path, "nvidia-smi", "NVIDIA H100, 81559 MiB, 580.1")
    put(path, "chromium", "")
    found = {check.name: check for check in installation.examine(tmp_path, "smollm2-135m", "cuda")}
    assert found["cuda"].state == "ok"
    assert found["cuda"].detail == "NVIDIA H100, 81559 MiB, 580.1"
    assert found["chromium"].detail.startswith(str(path / "chromium"))


@pytest.mark.parametrize("broken", [False, True])
def test_no_device(tmp_path: Path, path: Path, broken: bool) -> None:
    if broken:
        put(path, "nvidia-smi", "cannot talk to the driver", status=9)
    for device, state in (("auto", "absent"), ("cpu", "absent"), ("cuda", "missing")):
        found = {check.name: check for check in installation.examine(tmp_path, "http://h/v1#m", device)}
        assert found["cuda"].state == state
    assert found["chromium"].state == "absent"
    assert found["chromium"].remedy == "apt install chromium"


def test_the_cpu_build_of_torch_beside_a_gpu_is_named() -> None:
    assert "will not use the GPU" in installation._torch_device("2.13.0+cpu", gpu=True)
    assert installation._torch_device("2.13.0+cu130", gpu=True) == " (CUDA)"


def test_a_table_for_people(tmp_path: Path) -> None:
    result = runner.invoke(app, ["doctor", "--cache-dir", str(tmp_path)])
    assert result.exit_code == 1
    assert "missing" in result.output
    assert "python" in result.output


def test_the_band_says_what_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lacks(*_: object) -> None:
        raise EngineUnavailable("the band needs av; run: pip install 'antiphon[music]'")

    monkeypatch.setattr(spec, "check", lacks)
    _, checks = examine("--cache-dir", str(tmp_path))
    assert checks["band"]["state"] == "absent"
    assert checks["band"]["detail"].endswith("the band needs av")
    assert checks["band"]["remedy"] == "pip install 'antiphon[music]'"
    monkeypatch.setattr(spec, "check", lambda *_: None)
    _, checks = examine("--cache-dir", str(tmp_path))
    assert checks["band"]["state"] == "ok"


def paths(tmp_path: Path, **settings: Any) -> dict[str, Check]:
    config = WorkerConfig(str(tmp_path), image_model="embedded", **settings)
    return {check.name: check for check in backend_checks.examine(config)}


def test_every_path_says_whether_it_can_run_here(tmp_path: Path, path: Path) -> None:
    found = paths(tmp_path)
    assert found["runs torch"].state == "ok"
    assert found["runs tensorrt"].state == "absent"
    assert "NVIDIA GPU" in found["runs tensorrt"].detail
    assert found["runs tensorrt_rtx"].state == "absent"
    waiting = found["pictures: denoiser"]
    assert (waiting.state, waiting.remedy) == ("absent", "antiphon engines build")
    assert "until the plan for onnxruntime is built" in waiting.detail
    assert paths(tmp_path, image_backend="torch")["pictures: denoiser"].detail == "torch, fp32"
    refused = paths(tmp_path, image_backend="tensorrt")["pictures: denoiser"]
    assert "because tensorrt" in refused.detail
    assert "is not one of" in paths(tmp_path, image_backend="abacus")["pictures"].detail


def test_what_a_card_makes_possible(tmp_path: Path, path: Path) -> None:
    put(path, "nvidia-smi", "9.0")
    found = paths(tmp_path)
    if not runtimes.version("tensorrt"):
        assert found["runs tensorrt"].remedy == "pip install 'antiphon[tensorrt]'"
    assert "sm90" in found["runs tensorrt_rtx"].detail or found["runs tensorrt_rtx"].remedy
    assert found["pictures: denoiser"].detail == "torch as CUDA graphs, bf16"
