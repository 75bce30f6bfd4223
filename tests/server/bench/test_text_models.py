"""`bench text --model` on a random model of 100 KB: the figures mean nothing, and are all there."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from antiphon_engines.api import EngineUnavailable
from antiphon_server.bench import text_models
from antiphon_server.bench.children import AnsweringChild, ChildFailed
from support import tiny_gguf

pytest.importorskip("xllamacpp")
pytest.importorskip("gguf")
MODULE = "antiphon_server.bench.text_model_subjects"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tiny_gguf.write(tmp_path_factory.mktemp("bench") / "tiny.gguf")


def test_every_target_has_a_figure_and_every_figure_its_load(tiny: Path) -> None:
    report = text_models.measure(tiny, threads=1, rounds=2, tokens=12, seconds=600)
    assert [target.name for target in report.targets if target.value is None] == []
    decoding, drafts = report.results["decoding"], report.results[text_models.DRAFTS]
    for size in text_models.BATCHES:
        rounds = decoding[f"batch {size}"]
        assert [list(pair) for pair in rounds] == [
            [text_models.OURS, text_models.THEIRS],
            [text_models.THEIRS, text_models.OURS],
        ]
        assert all("load" in figures for pair in rounds for figures in pair.values())
    assert all(len(drafts[kind]) == 2 for kind in (text_models.REWRITING, text_models.CORRECTING))
    assert all(pair["equal"] for kind in drafts.values() for pair in kind)


def test_a_bench_without_time_ends_and_meets_nothing(tiny: Path) -> None:
    report = text_models.measure(tiny, threads=1, rounds=2, tokens=3, seconds=0)
    assert not any(target.met for target in report.targets)
    assert "stopped after 0 s" in report.results["decoding"]["error"]


def test_a_subject_that_fails_says_why(tmp_path: Path) -> None:
    with pytest.raises(ChildFailed, match="cannot load"):
        AnsweringChild(MODULE, [text_models.OURS, str(tmp_path / "none.gguf"), "1"], 60)


def test_a_child_that_ends_between_two_orders_is_a_failure(tiny: Path) -> None:
    child = AnsweringChild(MODULE, [text_models.OURS, str(tiny), "1"], 60)
    with pytest.raises(ChildFailed, match="KeyError"):
        child.ask({"seed": 1}, 60)
    with pytest.raises(ChildFailed):
        child.ask({"decode": 1, "tokens": 2, "seed": 1}, 60)


def test_only_gguf_models_are_measured(tmp_path: Path) -> None:
    with pytest.raises(EngineUnavailable, match="not a GGUF model"):
        text_models._file(tmp_path, "http://localhost:1/v1#model")


def test_ratios_are_of_rounds_and_time_is_by_token() -> None:
    def pair(ours: float, theirs: float) -> dict[str, Any]:
        return {
            name: {"tokens_per_s": rate, "tokens_per_cpu_s": rate}
            for name, rate in ((text_models.OURS, ours), (text_models.THEIRS, theirs))
        }

    written = {"tokens": 10, "seconds": 4.0, "cpu": 8.0}
    parts = {
        "decoding": {"batch 1": [pair(30, 20), pair(10, 20), pair(22, 20)], "batch 4": []},
        text_models.DRAFTS: {
            text_models.REWRITING: [
                {"without": written, "with": {"tokens": 20, "seconds": 4.0, "cpu": 8.0}},
            ],
            text_models.CORRECTING: [],
        },
        "prefix": {"first_token_s": [{"cold": 10.0, "reused": 0.5}]},
    }
    values = [target.value for target in text_models._targets(text_models._ratios(parts))]
    assert values == [1.1, None, 2.0, None, 0.05]
