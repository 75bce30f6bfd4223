from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from antiphon_engines.api import EngineUnavailable
from antiphon_engines.catalogue import CATALOGUE, EmbeddedCard, PackagedGgufCard, find
from antiphon_engines.config import DEFAULT_TEXT_MODEL, WorkerConfig
from antiphon_engines.text import spec as text_spec
from antiphon_engines.text.spec import GgufFile, RemoteModel, TransformersModel


@pytest.fixture
def gguf(tmp_path: Path) -> Path:
    path = tmp_path / "some model.gguf"
    path.write_bytes(b"GGUF\x03\0\0\0")
    return path


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoint"
    folder.mkdir()
    (folder / "config.json").write_text("{}")
    return folder


def test_names_of_the_catalogue() -> None:
    assert [text_spec.parse(card.name) for card in CATALOGUE] == list(CATALOGUE)
    assert isinstance(find(DEFAULT_TEXT_MODEL), EmbeddedCard)
    assert isinstance(find("gemma3-270m"), PackagedGgufCard)
    assert len({card.name for card in CATALOGUE}) == len(CATALOGUE)


def test_files_and_folders(gguf: Path, checkpoint: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert text_spec.parse(str(gguf)) == GgufFile(path=gguf)
    assert text_spec.parse(f"  {gguf} ") == GgufFile(path=gguf)
    assert text_spec.parse(str(checkpoint)) == TransformersModel(source=str(checkpoint), local=True)
    monkeypatch.chdir(checkpoint.parent)
    assert text_spec.parse("checkpoint") == TransformersModel(source="checkpoint", local=True)


def test_the_rest_of_the_world() -> None:
    assert text_spec.parse("HuggingFaceTB/SmolLM2-1.7B") == TransformersModel(
        "HuggingFaceTB/SmolLM2-1.7B", False
    )
    assert text_spec.parse("http://h:8000/v1/#m") == RemoteModel(url="http://h:8000/v1", model="m")
    assert text_spec.parse("https://h/v1#org/m#2") == RemoteModel(url="https://h/v1", model="org/m#2")


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("", "no model ''"),
        ("smollm2-153m", "did you mean smollm2-135m"),
        ("zzz", "known names: smollm2-135m"),
        ("/no/such/file.gguf", "cannot read /no/such/file.gguf"),
        ("/no/such/folder", "no model file or folder"),
        ("./also/not/here", "no model file or folder"),
        ("http://h/v1", "name the model after the address: http://h/v1#model-name"),
        ("http://#m", "must look like"),
        ("http://h:99999/v1#m", "must look like"),
        ("ftp://h/v1#m", "must look like"),
        ("http://user:secret@h/v1#m", "its own setting"),
        ("http://h/v1?key=secret#m", "its own setting"),
    ],
)
def test_wrong_specs_get_one_clear_line(spec: str, says: str) -> None:
    with pytest.raises(EngineUnavailable) as caught:
        text_spec.parse(spec)
    assert says in caught.value.message
    assert "\n" not in caught.value.message
    assert "secret" not in caught.value.message


def test_wrong_files_get_one_clear_line(tmp_path: Path) -> None:
    other = tmp_path / "other.gguf"
    other.write_text("not a model")
    text = tmp_path / "notes.txt"
    text.write_text("hello")
    for path, says in ((other, "not a GGUF file"), (text, "neither"), (tmp_path, "no config.json")):
        with pytest.raises(EngineUnavailable, match=says):
            text_spec.parse(str(path))


def test_descriptions_hold_no_secrets(gguf: Path, checkpoint: Path) -> None:
    assert text_spec.describe("smollm2-135m").backend == "onnxruntime"
    assert text_spec.describe(str(gguf)).name == "some model"
    assert text_spec.describe(str(checkpoint)).name == "checkpoint"
    assert text_spec.describe("org/name").name == "org/name"
    remote = text_spec.describe("https://h:1/v1#m")
    assert (remote.name, remote.backend, remote.note) == ("m", "remote", "served by h")


@pytest.mark.parametrize("extra", ["gguf", "torch"])
def test_a_missing_extra_is_named(
    gguf: Path, checkpoint: Path, extra: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(text_spec, "find_spec", lambda name: None)
    spec = str(gguf if extra == "gguf" else checkpoint)
    for attempt in (
        lambda: text_spec.check(tmp_path, spec),
        lambda: text_spec.build(WorkerConfig(cache_dir=str(tmp_path), text_model=spec)),
    ):
        with pytest.raises(EngineUnavailable, match=rf"pip install 'antiphon\[{extra}\]'"):
            attempt()


@pytest.mark.parametrize("card", CATALOGUE, ids=lambda card: card.name)
def test_an_unprepared_model_names_the_command(card: EmbeddedCard | PackagedGgufCard, tmp_path: Path) -> None:
    for attempt in (
        lambda: text_spec.locate(tmp_path, card),
        lambda: text_spec.check(tmp_path, card.name),
        lambda: text_spec.build(WorkerConfig(cache_dir=str(tmp_path), text_model=card.name)),
    ):
        with pytest.raises(EngineUnavailable, match="antiphon models prepare"):
            attempt()


def test_there_is_nothing_to_prepare_for_the_rest(gguf: Path, tmp_path: Path) -> None:
    for spec in (str(gguf), "org/name", "http://h/v1#m"):
        assert (
            text_spec.prepare(tmp_path, spec, accept_terms=False, progress=lambda stage, part: None) is None
        )


def test_a_remote_model_is_built_without_asking_anybody(tmp_path: Path) -> None:
    engine = text_spec.build(WorkerConfig(cache_dir=str(tmp_path), text_model="http://127.0.0.1:1/v1#m"))
    assert (engine.info.name, engine.info.backend) == ("m", "remote")
    engine.close()


def test_the_gateway_may_import_it() -> None:
    heavy = {"torch", "transformers", "onnxruntime", "xllamacpp", "aiohttp"}
    code = (
        "import sys; from antiphon_engines import catalogue, config, registry; registry.text.describe('org/name'); "
        f"print(sorted({heavy!r} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
