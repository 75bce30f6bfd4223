"""`bench text --model` on a random model of 100 KB: the figures mean nothing, and are all there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from antiphon_engines.api import EngineUnavailable
from antiphon_server.bench import text_model_subjects, text_models
from antiphon_server.bench.children import measured
from support import tiny_gguf

pytest.importorskip("xllamacpp")
pytest.importorskip("gguf")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf.write(tmp_path_factory.mktemp("bench") / "tiny.gguf")


def test_ours_is_measured_at_both_batches_and_from_a_kept_prefix(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text_model_subjects.main([text_models.OURS, str(tiny), "1", "1", "2"])
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(figures["tokens_per_s"]) == {"batch 1", "batch 4"}
    assert set(figures["first_token_s"]["prompt 1000"]) == {"cold", "reused"}


def test_drafts_are_measured_for_both_tasks_and_write_the_same(
    tiny: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text_model_subjects.main([text_models.DRAFTS, str(tiny), "1", "1", "2"])
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert set(figures) == {"rewriting", "correcting"}
    assert all(kind["equal_texts"] == "2 of 2" for kind in figures.values())


def test_a_subject_that_fails_says_why(tmp_path: Path) -> None:
    arguments = [text_models.OURS, str(tmp_path / "none.gguf"), "1", "1", "2"]
    assert "cannot load" in measured("antiphon_server.bench.text_model_subjects", arguments, 60)["error"]


def test_only_gguf_models_are_measured(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="not a GGUF model"):
        text_models._file(tmp_path, "http://localhost:1/v1#model")


def test_what_could_not_be_measured_is_no_met_target() -> None:
    results = {
        text_models.OURS: {"tokens_per_s": {"batch 1": 30.0}},
        text_models.THEIRS: {"tokens_per_s": {"batch 1": 20.0, "batch 4": 50.0}, "error": "stopped"},
        text_models.DRAFTS: {},
    }
    targets = {target.name: target for target in text_models._targets(results)}
    assert targets["tokens/s at batch 1, against llama.cpp's server"].value == 1.5
    assert targets["tokens/s at batch 4, against llama.cpp's server"].value is None
    assert not targets["rewriting with drafts, against without"].met
