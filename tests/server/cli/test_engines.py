"""`antiphon engines`, over a tiny model: real builds, by the real building process."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from antiphon_engines.backends.plans import runtimes
from antiphon_proto.errors import AntiphonError
from antiphon_server.cli.main import app
from support import plans

pytestmark = pytest.mark.filterwarnings("ignore")
CACHE = "cache"


def call(folder: Path, *arguments: str, status: int = 0) -> str:
    own: Sequence[str] = ("--cache-dir", str(folder / CACHE))
    result = CliRunner().invoke(app, ["engines", *arguments, *own])
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == status, result.output
    return result.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("engines")
    plans.tiny_checkpoint(folder / "model")
    return folder


def model(place: Path, *more: str) -> tuple[str, ...]:
    return ("--model", str(place / "model"), *more)


def encoder(place: Path, backend: str, *more: str) -> tuple[str, ...]:
    return model(place, "--part", "text_encoder", "--backend", backend, *more)


@pytest.fixture(scope="module")
def built(place: Path) -> str:
    """The text encoder's plan is there; returns the command's output."""
    return call(place, "build", *encoder(place, "onnxruntime"))


def test_nothing_is_built_at_first(place: Path, tmp_path: Path) -> None:
    assert json.loads(call(tmp_path, "list", "--json")) == {"plans": [], "under_way": []}
    [verdict] = json.loads(call(tmp_path, "verify", "--json", *encoder(place, "onnxruntime"), status=1))
    assert (verdict["error"], verdict["note"]) == (None, "not built yet")


def test_build_list_verify(place: Path, built: str) -> None:
    assert "text_encoder is ready for onnxruntime" in built
    [plan] = [each for each in _plans(place) if each["key"]["backend"] == "onnxruntime"]
    assert (plan["key"]["part"], plan["problem"]) == ("text_encoder", "")
    assert "text_encoder" in call(place, "list")

    one = encoder(place, "onnxruntime")
    [verdict] = json.loads(call(place, "verify", "--json", *one))
    assert 0 <= verdict["error"] <= verdict["allowed"]
    assert "good" in call(place, "verify", *one)


def test_an_engine_for_another_machine(place: Path) -> None:
    if not runtimes.version("tensorrt_rtx"):
        pytest.skip("tensorrt-rtx is not installed")
    one = encoder(place, "tensorrt_rtx", "--device", "sm89")
    assert "text_encoder is ready for tensorrt_rtx" in call(place, "build", *one)
    [verdict] = json.loads(call(place, "verify", "--json", *one))
    assert (verdict["backend"], verdict["ran"]) == ("tensorrt_rtx", "onnxruntime")
    assert verdict["error"] <= verdict["allowed"]


def test_a_damaged_plan_is_seen(place: Path, built: str, tmp_path: Path) -> None:
    shutil.copytree(place / CACHE, tmp_path / CACHE)
    plan = next(each for each in _plans(tmp_path) if each["key"]["backend"] == "onnxruntime")
    data = tmp_path / CACHE / "plans" / plan["name"] / "model.onnx"
    data.write_bytes(data.read_bytes()[:-8])
    [damaged] = [each for each in _plans(tmp_path) if each["name"] == plan["name"]]
    assert "damaged" in damaged["problem"]
    [verdict] = json.loads(call(tmp_path, "verify", "--json", *encoder(place, "onnxruntime"), status=1))
    assert "damaged" in verdict["note"]


def _plans(place: Path) -> Any:
    return json.loads(call(place, "list", "--json"))["plans"]


def test_torch_needs_no_plans(place: Path) -> None:
    assert "nothing to build" in call(place, "build", *model(place))
    assert "nothing to verify" in call(place, "verify", *model(place))


WRONG: list[tuple[Any, str]] = [
    (("--part", "nose"), "has no part nose; it has denoiser"),
    (("--backend", "abacus"), "'abacus' is not one of"),
    (("--precision", "fp7"), "'fp7' is not one of"),
    (("--backend", "tensorrt_rtx", "--device", "sm90"), "needs --device|not installed"),
    (("--model", "no/such"), "neither embedded nor a model folder"),
]


@pytest.mark.parametrize(("arguments", "message"), WRONG)
def test_what_makes_no_sense_is_one_line(place: Path, arguments: Any, message: str) -> None:
    given = arguments if "--model" in arguments else model(place, *arguments)
    with pytest.raises(AntiphonError, match=message) as caught:
        call(place, "build", *given)
    assert "\n" not in caught.value.message
