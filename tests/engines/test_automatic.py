from __future__ import annotations

import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest

from antiphon_engines import automatic
from antiphon_engines.automatic import AUTO, LADDER, LEAST_SPEED
from antiphon_engines.catalogue import find
from antiphon_engines.config import DEFAULT_TEXT_MODEL
from antiphon_engines.model_files import machine, manifest

[BEST] = LADDER
GB = 1_000_000_000


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """With a best model that counts as prepared, and memory for it."""
    pytest.importorskip("xllamacpp")
    card = find(BEST)
    folder = tmp_path / "text" / BEST / "gguf"
    folder.mkdir(parents=True)
    (folder / card.file_name).write_bytes(b"GGUF")
    manifest.write(folder, card.sha256)
    monkeypatch.setattr(automatic, "free_memory", lambda: 8 * GB)
    return tmp_path


def test_a_spec_is_what_it_is(tmp_path: Path) -> None:
    assert automatic.resolved(tmp_path, "some/model", 2) == "some/model"
    assert automatic.resolved(tmp_path, AUTO, 2) == DEFAULT_TEXT_MODEL


def test_a_model_that_has_shown_its_speed_serves_at_once_where_there_is_no_small_one(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert automatic.resolved(cache, AUTO, 2) == DEFAULT_TEXT_MODEL
    assert automatic.note_speed(cache, BEST, 2, LEAST_SPEED) is None
    assert automatic.resolved(cache, AUTO, 2) == BEST
    with monkeypatch.context() as patched:
        patched.setattr(automatic, "is_prepared", lambda cache_dir, name: True)
        assert automatic.resolved(cache, AUTO, 2) == DEFAULT_TEXT_MODEL, "then both serve side by side"
    # Measured with other threads it says nothing about these.
    assert automatic.resolved(cache, AUTO, 1) == DEFAULT_TEXT_MODEL


def test_a_slow_one_is_told_and_not_kept(cache: Path) -> None:
    obstacle = automatic.note_speed(cache, BEST, 2, LEAST_SPEED - 0.1)
    assert obstacle is not None
    assert (obstacle.key, obstacle.values) == ("slow", ("7.9", "8"))
    assert automatic.resolved(cache, AUTO, 2) == DEFAULT_TEXT_MODEL


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"machine": 3, "tokens_per_second": "fast"}', "\xff"])
def test_nonsense_in_its_place_is_no_speed(cache: Path, text: str) -> None:
    (cache / "text" / BEST / "speed.json").write_text(text, encoding="latin-1")
    assert not automatic.is_fast(cache, BEST, 2)


def test_it_stays_with_the_small_one_where_memory_is_short(
    cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert automatic.note_speed(cache, BEST, 2, 20.0) is None
    monkeypatch.setattr(automatic, "free_memory", lambda: 2 * GB)
    assert automatic.resolved(cache, AUTO, 2) == DEFAULT_TEXT_MODEL
    obstacle = automatic.memory_obstacle()
    assert obstacle is not None
    assert (obstacle.key, obstacle.values) == ("memory", ("2.0", "3"))


def test_a_disk_that_is_nearly_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=2 * GB))
    obstacle = automatic.disk_obstacle(tmp_path / "not" / "there" / "yet")
    assert obstacle is not None
    assert obstacle.key == "disk"
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=4 * GB))
    assert automatic.disk_obstacle(tmp_path) is None


def test_which_models_are_fetched_by_their_name(cache: Path) -> None:
    assert not automatic.is_fetched_by_name(cache, BEST)  # it is there
    assert automatic.is_fetched_by_name(cache, "qwen2.5-0.5b")
    assert not automatic.is_fetched_by_name(cache, "gemma3-270m")  # terms
    assert not automatic.is_fetched_by_name(cache, DEFAULT_TEXT_MODEL)
    assert not automatic.is_fetched_by_name(cache, "http://h/v1#m")


def test_free_memory_is_a_number_or_unknown() -> None:
    free = machine.free_memory()
    assert free is None or free > 0
