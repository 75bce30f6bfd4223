from __future__ import annotations

from pathlib import Path

import pytest

from antiphon_engines.api import Absent, EngineUnavailable, Later
from antiphon_engines.config import WorkerConfig
from antiphon_engines.speech import espeak, spec


def config(folder: Path, model: str) -> WorkerConfig:
    return WorkerConfig(cache_dir=str(folder), speech_model=model)


def test_none_is_no_engine(tmp_path: Path) -> None:
    assert spec.later(config(tmp_path, "none")) is None
    assert spec.describe("none") is None


@pytest.mark.parametrize("model", ["auto", "kokoro-82m"])
def test_voices_that_are_not_prepared_say_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, model: str
) -> None:
    monkeypatch.setenv("PATH", "")
    absent = spec.later(config(tmp_path, model))
    assert isinstance(absent, Absent)
    assert absent.reason == "no voices are prepared; run: antiphon models prepare kokoro-82m"


def test_the_program_speaks_where_it_is_installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / espeak.PROGRAM
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    later = spec.later(config(tmp_path, "auto"))
    assert isinstance(later, Later)
    engine = later.build()
    assert engine.info.speech is not None
    assert {voice.language for voice in engine.info.speech.voices} == {"ru"}
    engine.close()
    assert isinstance(spec.later(config(tmp_path, "kokoro-82m")), Absent)


def test_a_server_has_the_voices_that_its_spec_names(tmp_path: Path) -> None:
    later = spec.later(config(tmp_path, "http://localhost:9/v1#tiny, anna,ben"))
    assert isinstance(later, Later)
    engine = later.build()
    assert engine.info.name == "tiny"
    assert [voice.name for voice in engine.info.speech.voices] == ["anna", "ben"]
    engine.close()


@pytest.mark.parametrize(
    "model", ["http://localhost:9/v1", "../voices", "clone:me.wav", "file:///etc/passwd#x"]
)
def test_what_is_no_speech_model_is_refused(tmp_path: Path, model: str) -> None:
    with pytest.raises(EngineUnavailable):
        spec.parse(model)
    assert isinstance(spec.later(config(tmp_path, model)), Absent)
