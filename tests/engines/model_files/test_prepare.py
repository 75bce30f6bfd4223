from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.model_files import manifest, prepare


def silent(stage: str, fraction: float) -> None:
    pass


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Fetching and converting write small files; the list says which."""
    done: list[str] = []

    def fetch(target: Path, progress: prepare.Progress) -> None:
        done.append("fetch")
        target.write_bytes(b"gguf")

    def convert(source: Path, target: Path, form: str, progress: prepare.Progress) -> None:
        assert source.read_bytes() == b"gguf"
        done.append(form)
        (target / "model.onnx").write_bytes(form.encode())

    monkeypatch.setattr(prepare, "_fetch", fetch)
    monkeypatch.setattr(prepare, "_convert", convert)
    return done


def test_it_is_done_once(tmp_path: Path, offline: list[str]) -> None:
    folder = prepare.prepare_embedded(tmp_path, "int8", silent)
    assert prepare.prepare_embedded(tmp_path, "int8", silent) == folder
    assert prepare.find_embedded(tmp_path, "int8") == folder
    assert offline == ["fetch", "int8"]


def test_forms_stand_side_by_side_and_share_the_source(tmp_path: Path, offline: list[str]) -> None:
    folders = {
        prepare.prepare_embedded(tmp_path, "int8", silent),
        prepare.prepare_embedded(tmp_path, "int4", silent),
    }
    folders.add(prepare.prepare_transformers(tmp_path, silent))
    assert len(folders) == 3
    assert offline == ["fetch", "int8", "int4", "hf"]


def test_what_is_damaged_is_refused_and_made_again(tmp_path: Path, offline: list[str]) -> None:
    folder = prepare.prepare_embedded(tmp_path, "int8", silent)
    (folder / "model.onnx").write_bytes(b"damage")
    with pytest.raises(EngineUnavailable, match="damaged"):
        prepare.find_embedded(tmp_path, "int8")
    prepare.prepare_embedded(tmp_path, "int8", silent)
    assert (folder / "model.onnx").read_bytes() == b"int8"
    assert offline == ["fetch", "int8", "int8"]


def test_what_is_not_prepared_names_the_command(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="run: antiphon models prepare"):
        prepare.find_embedded(tmp_path, "int4")


def test_a_failed_conversion_leaves_nothing(
    tmp_path: Path, offline: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(source: Path, target: Path, form: str, progress: prepare.Progress) -> None:
        (target / "half").write_bytes(b"half")
        raise EngineUnavailable("no")

    monkeypatch.setattr(prepare, "_convert", fail)
    with pytest.raises(EngineUnavailable, match="no"):
        prepare.prepare_embedded(tmp_path, "int8", silent)
    left = [
        path.name for path in (tmp_path / "text" / prepare.MODEL_NAME).iterdir() if path.suffix != ".lock"
    ]
    assert left == ["gguf"]


def test_what_is_missing_is_named_before_anything_is_fetched(
    tmp_path: Path, offline: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prepare, "NEEDED", ("json", "no_such_module"))
    with pytest.raises(
        EngineUnavailable, match=r"needs no_such_module; run: pip install 'antiphon\[prepare\]'"
    ):
        prepare.prepare_embedded(tmp_path, "int8", silent)
    assert offline == []


def test_a_converter_that_fails_gives_its_reason(tmp_path: Path) -> None:
    (tmp_path / "bad.gguf").write_bytes(b"GGUF but not really")
    (tmp_path / "out").mkdir()
    with pytest.raises(EngineUnavailable, match="converting the text model failed: .+"):
        prepare._convert(tmp_path / "bad.gguf", tmp_path / "out", "hf", silent)


def test_a_folder_that_cannot_be_written_is_one_line(tmp_path: Path, offline: list[str]) -> None:
    (tmp_path / "text").write_text("a file is in the way")
    with pytest.raises(EngineUnavailable, match="cannot write"):
        prepare.prepare_embedded(tmp_path, "int8", silent)


def test_the_real_one_is_quick_the_second_time(
    cache_dir: Path, embedded_text_model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(prepare, "_convert")
    stages: list[str] = []
    again = prepare.prepare_embedded(cache_dir, "int8", lambda stage, fraction: stages.append(stage))
    assert again == embedded_text_model == prepare.find_embedded(cache_dir, "int8")
    assert set(stages) == {"verify"}
    assert (embedded_text_model / manifest.NAME).is_file()


def test_preparing_imports_no_torch() -> None:
    heavy = "('torch', 'onnx', 'onnxruntime', 'gguf')"
    code = (
        f"import sys, antiphon_engines.model_files.prepare; print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )
    assert done.stdout.strip() == "[]"
