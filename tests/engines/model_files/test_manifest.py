from __future__ import annotations

import os
from pathlib import Path

import pytest

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.model_files import manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "weights").write_bytes(b"weights")
    (tmp_path / "config.json").write_text("{}")
    manifest.write(tmp_path, "recipe")
    return tmp_path


@pytest.mark.parametrize("full", [False, True])
def test_an_untouched_folder_is_good(folder: Path, full: bool) -> None:
    assert manifest.check(folder, "recipe", full=full)


def test_another_recipe_or_no_manifest_is_not_there(folder: Path, tmp_path: Path) -> None:
    assert not manifest.check(folder, "other", full=True)
    assert not manifest.check(tmp_path / "nowhere", "recipe", full=True)


def test_a_copied_folder_proves_itself_by_content(folder: Path) -> None:
    os.utime(folder / "weights", ns=(1, 1))
    assert manifest.check(folder, "recipe", full=False)


@pytest.mark.parametrize("damage", [b"Weights", b"weight"])
@pytest.mark.parametrize("full", [False, True])
def test_changed_content_is_damage(folder: Path, damage: bytes, full: bool) -> None:
    (folder / "weights").write_bytes(damage)
    os.utime(folder / "weights", ns=(1, 1))
    with pytest.raises(EngineUnavailable, match="damaged"):
        manifest.check(folder, "recipe", full=full)


def test_silent_damage_is_found_by_the_full_check(folder: Path) -> None:
    status = (folder / "weights").stat()
    (folder / "weights").write_bytes(b"Weights")
    os.utime(folder / "weights", ns=(status.st_atime_ns, status.st_mtime_ns))
    assert manifest.check(folder, "recipe", full=False)
    with pytest.raises(EngineUnavailable, match="damaged"):
        manifest.check(folder, "recipe", full=True)


def test_a_missing_file_is_damage(folder: Path) -> None:
    (folder / "weights").unlink()
    with pytest.raises(EngineUnavailable, match="lacks a file"):
        manifest.check(folder, "recipe", full=False)


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"recipe": "recipe", "files": {"weights": 3}}', "\x00"])
def test_a_damaged_manifest_is_one_clear_line(folder: Path, text: str) -> None:
    (folder / manifest.NAME).write_text(text)
    with pytest.raises(EngineUnavailable, match="manifest"):
        manifest.check(folder, "recipe", full=False)
