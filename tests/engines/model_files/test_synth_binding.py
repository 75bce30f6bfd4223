"""Where the synthesiser's binding comes from: an installed package, else a wheel that is unpacked once."""

from __future__ import annotations

import importlib.util
import sys
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.audio import spec
from antiphon_engines.model_files import synth_binding


@pytest.fixture
def unknown(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A binding that nobody has installed, and the locks that were fetched for it."""
    fetched: list[str] = []

    @contextmanager
    def wheel(lock: Path, beside: Path) -> Iterator[zipfile.ZipFile]:
        fetched.append(lock.name)
        path = beside / "wheel.zip"
        with zipfile.ZipFile(path, "w") as out:
            out.writestr("antiphon_test_font/__init__.py", "NAME = 'font'\n")
        with zipfile.ZipFile(path) as made:
            yield made

    monkeypatch.setattr(synth_binding, "MODULE", "antiphon_test_font")
    monkeypatch.setattr(synth_binding, "locked_wheel", wheel)
    monkeypatch.setattr(sys, "path", list(sys.path))
    return fetched


def test_the_wheel_is_unpacked_once_and_imported_from_there(tmp_path: Path, unknown: list[str]) -> None:
    assert not synth_binding.available(tmp_path)
    with pytest.raises(EngineUnavailable, match="antiphon models prepare"):
        synth_binding.load(tmp_path)
    synth_binding.prepare(tmp_path, lambda stage, part: None)
    synth_binding.prepare(tmp_path, lambda stage, part: None)
    assert unknown == ["synthesiser.txt"]
    assert synth_binding.available(tmp_path)
    assert importlib.util.find_spec("antiphon_test_font") is None
    assert synth_binding.load(tmp_path).NAME == "font"
    sys.modules.pop("antiphon_test_font")


def test_a_band_without_a_synthesiser_is_absent_and_says_what_to_do(
    tmp_path: Path, unknown: list[str]
) -> None:
    with pytest.raises(EngineUnavailable, match="antiphon models prepare"):
        spec.check(tmp_path, "embedded")
    spec.prepare(tmp_path, "none", lambda stage, part: None)
    assert not unknown
    spec.prepare(tmp_path, "embedded", lambda stage, part: None)
    assert unknown == ["synthesiser.txt"]
    assert spec.check(tmp_path, "embedded") is not None


@pytest.mark.parametrize("wrong", ["", "embeded", "no/such/folder", "../no/such/folder"])
def test_a_wrong_spec_is_told_at_once(wrong: str) -> None:
    with pytest.raises(EngineUnavailable, match="no music model"):
        spec.parse(wrong)
    assert spec.parse("none") is None
    assert spec.parse("facebook/musicgen-small") == spec.MusicgenModel("facebook/musicgen-small", local=False)
